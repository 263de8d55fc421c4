"""Values in other shapes and places: reshape, subscripts, padding, joining, repeating, counting, resizing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects.dims import Dim, as_dim
from neuralc.dialects.graph import (
    ConcatOp,
    ExpandOp,
    IotaOp,
    PadOp,
    ReshapeOp,
    SizeOp,
    SliceOp,
    TransposeOp,
)
from neuralc.dialects.types import Shape, shape_of
from neuralc.emit.jax.lower_functions import operands, ordered_axis
from neuralc.emit.jax.lower_layers import lower_heads
from neuralc.emit.layouts import natural
from neuralc.emit.python.expressions import Expression, Precedence, Value, call, method, name, slice_text
from neuralc.emit.python.heads import heads_of
from neuralc.emit.python.nodes import Kind
from neuralc.emit.python.plan import sizes_of
from neuralc.emit.python.sized_lists import sized_shape
from neuralc.emit.python.sizes import Sized, sized
from neuralc.emit.python.values import Values
from neuralc.emit.python.views import added_axes, listed_sizes, taken_by, taking


def _transpose(values: Values, op: TransposeOp) -> None:
    # Only the names of the axes change: the layouts hold the permutation.
    values.alias(op, values.operand(op, 0))


# -- reshape -----------------------------------------------------------------------------------------------------------


def _reshape(values: Values, op: ReshapeOp) -> None:
    x, shape = values.operand(op, 0), shape_of(op.result.type)
    if (heads := heads_of(op)) is not None:
        lower_heads(values, heads)
    elif (taken := taken_by(op)) is not None:
        source = values.at(taken.source.x, natural(taken.source.x))
        places = taking(len(source.shape), taken.places)
        values.define(op, Kind.SUBSCRIPT, [source], lambda x: subscripted(x[0], places))
    elif x.shape == shape:
        values.alias(op, x)
    elif (added := added_axes(x.shape, shape)) is not None:
        values.define(op, Kind.SUBSCRIPT, [x], lambda x: subscripted(x[0], added))
    elif (
        x.kind is Kind.INLINE and x.inputs == () and op.result.has_one_use() and all(isinstance(n, int) for n in shape)
    ):
        # A weight in another shape is written where it is read.
        values.define_inline(op, method(x.render([]), "reshape", *sizes_of(op.result)))
    elif (sizes := _sizes(x.shape, shape)) is not None:
        values.define(op, Kind.VIEW, [x], lambda x: _reshaped(x[0], sizes))
    else:
        found = sized_shape(values, op, shape)
        if found is not None:
            values.define(op, Kind.VIEW, [x, *found.nodes], lambda x: method(x[0], "reshape", *found.written(x[1:])))


def _sizes(before: Shape, after: Shape) -> list[int | str] | None:
    """The arguments of reshape: numbers, one -1 for a symbolic size, `shape[i]` of the operand for the others."""
    sizes: list[int | str] = []
    for size in after:
        if not isinstance(size, Dim):
            sizes.append(size)
        elif size in before:
            sizes.append(f"shape[{before.index(size)}]")
        elif -1 not in sizes:
            sizes.append(-1)
        else:
            return None
    # A single size taken from the operand reads better as -1.
    symbolic = [index for index, size in enumerate(sizes) if isinstance(size, str)]
    if len(symbolic) == 1 and -1 not in sizes and 0 not in sizes:
        sizes[symbolic[0]] = -1
    return None if -1 in sizes and 0 in sizes else sizes


def _reshaped(x: Expression, sizes: Sequence[int | str]) -> Expression:
    """Sizes of the operand are read from its own shape."""
    return method(x, "reshape", *listed_sizes(x, sizes))


# -- parts, and the whole of parts -------------------------------------------------------------------------------------


def _slice(values: Values, op: SliceOp) -> None:
    order, steps = values.layouts.needs[op][0], op.literal("steps")
    sizes, counts = shape_of(op.x.type), shape_of(op.result.type)
    entries = [_bounds(sizes[i], op.starts.data[i], steps[i], counts[i]) for i in order]
    if all(entry == ("", "", 1) for entry in entries):
        values.alias(op, values.operand(op, 0))
        return
    wanted = [size for entry in entries for size in entry[:2] if isinstance(size, Dim)]
    found = sized_shape(values, op, wanted)
    if found is None:
        return

    def render(x: Sequence[Expression]) -> Expression:
        computed = iter(found.written(x[1:]))
        texts = []
        for start, end, step in entries:
            bounds = [str(next(computed)) if isinstance(bound, Dim) else bound for bound in (start, end)]
            texts.append(slice_text(str(bounds[0]), str(bounds[1]), "" if step == 1 else str(step)))
        return subscripted(x[0], texts)

    values.define(op, Kind.SUBSCRIPT, [values.operand(op, 0), *found.nodes], render)


def _bounds(size: int | Dim, start: Dim, step: int, count: int | Dim) -> tuple[str | Dim, str | Dim, int]:
    """Start and end of a subscript as text, or as a symbolic size; the whole of an axis is without both."""
    if count == 0:
        return "", "0", 1
    last, behind = start + (as_dim(count) - 1) * step, as_dim(size) - start
    first: str | Dim = start
    if start.is_static:
        first = "" if (start.value == 0 if step > 0 else behind == as_dim(1)) else str(start.value)
    elif behind.is_static:
        first = str(-behind.value) if step > 0 or behind != as_dim(1) else ""
    rest = as_dim(size) - last - 1
    if step > 0:
        if rest.is_static and rest.value < step:
            return first, "", step
        if rest.is_static and (isinstance(size, Dim) or not last.is_static):
            return first, str(-rest.value), step
        return first, str(last.value + 1) if last.is_static else last + 1, step
    if not last.is_static:
        return first, last - 1, step
    return first, str(last.value - 1) if last.value > 0 else "", step


def subscripted(x: Expression, subscripts: Sequence[str]) -> Expression:
    """`x[:, 1:-1]`, without the whole axes at the end."""
    last = max((i for i, text in enumerate(subscripts) if text != ":"), default=-1)
    return x if last < 0 else Expression(f"{x.within(Precedence.ATOM)}[{', '.join(subscripts[: last + 1])}]")


def _concat(values: Values, op: ConcatOp) -> None:
    axis = ordered_axis(values, op, op.literal("axis"))
    options: dict[str, Value] = {} if axis == 0 else {"axis": axis}
    values.define(
        op,
        Kind.OTHER,
        operands(values, op),
        lambda x: call("jnp.concatenate", name(f"[{', '.join(map(str, x))}]"), **options),
    )


def _expand(values: Values, op: ExpandOp) -> None:
    x, after = values.operand(op, 0), shape_of(op.result.type)
    if x.shape == after:
        values.alias(op, x)
        return
    found = sized_shape(values, op, after)
    if found is not None:
        values.define(
            op, Kind.VIEW, [x, *found.nodes], lambda x: call("jnp.broadcast_to", x[0], tuple(found.written(x[1:])))
        )


def _pad(values: Values, op: PadOp) -> None:
    order, mode, value = values.layouts.needs[op][0], op.literal("mode"), op.literal("value")
    around = tuple((op.literal("low")[axis], op.literal("high")[axis]) for axis in order)
    options: dict[str, Value] = {}
    if mode != "constant":
        options["mode"] = mode
    elif value != 0:
        options["constant_values"] = value
    values.define(op, Kind.PAD, operands(values, op), lambda x: call("jnp.pad", x[0], around, **options))


# -- counting ----------------------------------------------------------------------------------------------------------


def _iota(values: Values, op: IotaOp) -> None:
    found = sized_shape(values, op, shape_of(op.result.type))
    if found is not None:
        values.define(op, Kind.OTHER, found.nodes, lambda x: call("jnp.arange", *found.written(x)))


def _size(values: Values, op: SizeOp) -> None:
    found: Sized | None = sized(op.dim.data, tuple(values.inputs))
    if found is None:
        values.refuse(op, f"no argument has the size {op.dim.data}")
        return
    values.define(op, Kind.OTHER, found.nodes, lambda x: call("jnp.array", found.expression(tuple(x))))


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    ConcatOp: _concat,
    ExpandOp: _expand,
    IotaOp: _iota,
    PadOp: _pad,
    ReshapeOp: _reshape,
    SizeOp: _size,
    SliceOp: _slice,
    TransposeOp: _transpose,
}
