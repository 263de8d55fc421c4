"""What moves values: shapes, orders of axes, slices, padding, joining, repeating; constants and sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.ir import Operation, SSAValue

from neuralc.dialects.dims import Dim, as_dim
from neuralc.dialects.graph import (
    BinaryOp,
    ConcatOp,
    ConstantOp,
    ExpandOp,
    IotaOp,
    PadOp,
    ReshapeOp,
    SizeOp,
    SliceOp,
    TransposeOp,
    WhereOp,
)
from neuralc.dialects.graph.recurrent import RecurrentOp
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.types import Shape, element_of, is_float, shape_of
from neuralc.emit.keras.common import applied, dtype_name, is_functional, operands, shown_axis, static
from neuralc.emit.keras.lower_layers import layer_at, layer_call, lower_heads
from neuralc.emit.keras.lower_pads import pad_call, zero_padding
from neuralc.emit.keras.lower_recurrent import Flipped, pair_arguments
from neuralc.emit.keras.recurrent import pair_of
from neuralc.emit.keras.run_sizes import SIZE, Sizes, sizes_in
from neuralc.emit.layouts import natural
from neuralc.emit.python.expressions import Expression, Precedence, Value, call, literal, name, slice_text
from neuralc.emit.python.heads import heads_of
from neuralc.emit.python.nodes import Kind
from neuralc.emit.python.sizes import Sized, sized
from neuralc.emit.python.values import Values
from neuralc.emit.python.views import added_axes, taken_by, taking

# -- shapes and orders -------------------------------------------------------------------------------------------------


def _transpose(values: Values, op: TransposeOp) -> None:
    # Only the names of the axes change: the layouts hold the permutation.
    values.alias(op, values.operand(op, 0))


def _reshape(values: Values, op: ReshapeOp) -> None:
    x, shape = values.operand(op, 0), shape_of(op.result.type)
    if x.shape == shape:
        values.alias(op, x)
        return
    heads = heads_of(op)
    if heads is not None and (layer := layer_at(values, heads.op)) is not None:
        lower_heads(values, heads, layer)
        return
    if (taken := taken_by(op)) is not None:
        source = values.at(taken.source.x, natural(taken.source.x))
        places = taking(len(source.shape), taken.places)
        values.define(
            op, Kind.SUBSCRIPT, [source], lambda x: _subscripted(x[0], places, symbolic=is_functional(values))
        )
        return
    if not is_functional(values) and (added := added_axes(x.shape, shape)) is not None:
        values.define(op, Kind.SUBSCRIPT, [x], lambda x: _subscripted(x[0], added, symbolic=False))
        return
    if (axes := added_ones(x.shape, shape)) is not None:
        values.define(op, Kind.VIEW, [x], lambda x: call("ops.expand_dims", x[0], axis=axes))
        return
    if (axes := added_ones(shape, x.shape)) is not None:
        removed = {axes} if isinstance(axes, int) else {*axes}
        if removed & _cut_axes(op.x):
            first = ["0" if axis in removed else ":" for axis in range(len(x.shape))]
            values.define(op, Kind.SUBSCRIPT, [x], lambda x: _subscripted(x[0], first, symbolic=is_functional(values)))
            return
        values.define(op, Kind.VIEW, [x], lambda x: call("ops.squeeze", x[0], axis=axes))
        return
    if is_functional(values) and shape and x.shape and shape[0] == x.shape[0]:
        inner = [size if isinstance(size, int) else -1 for size in shape[1:]]
        if len(shape) == 2 and len(x.shape) > 2:
            values.define(op, Kind.VIEW, [x], lambda x: applied("Flatten", x[0]))
            return
        if inner.count(-1) <= 1:
            values.define(op, Kind.VIEW, [x], lambda x: applied("Reshape", x[0], tuple(inner)))
            return
    found = _sizes(x.shape, shape)
    if found is None:
        sizes = sizes_in(values, shape)
        if sizes is None:
            values.refuse(op, "a size of the result is symbolic and stands in no argument")
            return
        values.define(op, Kind.VIEW, [x, *sizes.nodes], lambda x: call("ops.reshape", x[0], sizes.tuple(x[1:])))
        return
    values.define(op, Kind.VIEW, [x], lambda x: call("ops.reshape", x[0], _written(x[0], found)))


def _cut_axes(x: SSAValue) -> set[int]:
    """The axes of a slice of which Keras does not know that they have the size 1: it was cut from an open one."""
    if not isinstance(x.owner, SliceOp):
        return set()
    return {axis for axis, size in enumerate(shape_of(x.owner.x.type)) if isinstance(size, Dim)}


def added_ones(before: Shape, after: Shape) -> int | tuple[int, ...] | None:
    """The axes of size 1 that are all that `after` has more; None where it differs in another way."""
    added, rest = list[int](), list(before)
    for axis, size in enumerate(after):
        if rest and rest[0] == size and (size != 1 or len(rest) == len(after) - axis):
            rest.pop(0)
        elif size == 1:
            added.append(axis)
        else:
            return None
    if rest or not added:
        return None
    return added[0] if len(added) == 1 else tuple(added)


def _sizes(before: Shape, after: Shape) -> list[int | str] | None:
    """Numbers, one -1 for a symbolic size, and places of the operand's shape for the others."""
    sizes: list[int | str] = []
    for size in after:
        if not isinstance(size, Dim):
            sizes.append(size)
        elif size in before:
            sizes.append(str(before.index(size)))
        elif -1 not in sizes:
            sizes.append(-1)
        else:
            return None
    # A single size taken from the operand reads better as -1.
    symbolic = [index for index, size in enumerate(sizes) if isinstance(size, str)]
    if len(symbolic) == 1 and -1 not in sizes and 0 not in sizes:
        sizes[symbolic[0]] = -1
    return sizes


def _written(x: Expression, sizes: Sequence[int | str]) -> Value:
    return tuple(name(SIZE.format(x, size)) if isinstance(size, str) else size for size in sizes)


# -- parts -------------------------------------------------------------------------------------------------------------


def _slice(values: Values, op: SliceOp) -> None:
    order, steps = values.layouts.orders[op.result], op.literal("steps")
    sizes, counts = shape_of(op.x.type), shape_of(op.result.type)
    wanted = [_bounds(as_dim(sizes[i]), op.starts.data[i], steps[i], as_dim(counts[i])) for i in order]
    x = values.operand(op, 0)
    if isinstance(x, Flipped) and [bounds == (None, None, -1) for bounds in wanted] == [False, True, False]:
        values.alias(op, x.inputs[0])
        return
    symbolic = [bound for bounds in wanted for bound in bounds[:2] if isinstance(bound, Dim)]
    found = {bound: sized(bound, tuple(values.inputs)) for bound in symbolic}
    missing = next((bound for bound, where in found.items() if where is None), None)
    if missing is not None:
        values.refuse(op, f"no argument has the size {missing}")
        return
    nodes = [node for where in found.values() if where is not None for node in where.nodes]

    def render(x: Sequence[Expression]) -> Expression:
        rest, texts = iter(x[1:]), {}
        for bound, where in found.items():
            if where is not None:
                texts[bound] = where.expression(tuple(next(rest) for _ in where.nodes), SIZE).text
        return _subscripted(x[0], [_subscript(bounds, texts) for bounds in wanted], symbolic=is_functional(values))

    values.define(op, Kind.SUBSCRIPT, [x, *nodes], render)


Bound = int | Dim | None


def _bounds(size: Dim, start: Dim, step: int, count: Dim) -> tuple[Bound, Bound, int]:
    """Start, end and step as a subscript has them; None for an end that is left out."""
    last = start + (count - 1) * step
    if step > 0:
        behind = size - last - 1
        end: Bound = last + 1
        if behind.is_static:
            end = None if behind.value < step else -behind.value
        elif (last + 1).is_static:
            end = (last + 1).value
        first: Bound = start.value if start.is_static else start
        return (None if first == 0 else first), end, step
    behind = size - start - 1
    first = (None if behind.value == 0 else -behind.value - 1) if behind.is_static else _plain(start)
    if last.is_static:
        return first, (None if last.value < -step else last.value - 1), step
    return first, last - 1, step


def _plain(size: Dim) -> Bound:
    return size.value if size.is_static else size


def _subscript(bounds: tuple[Bound, Bound, int], texts: Mapping[Dim, str]) -> str:
    start, end, step = (texts[bound] if isinstance(bound, Dim) else bound for bound in bounds)
    low, high = ("" if bound is None else str(bound) for bound in (start, end))
    return slice_text(low, high, "" if step == 1 else str(step))


def _subscripted(x: Expression, subscripts: Sequence[str], *, symbolic: bool) -> Expression:
    """`x[:, 1:-1]`, without the whole axes at the end; a symbolic value takes no single slice."""
    last = max((i for i, text in enumerate(subscripts) if text != ":"), default=-1)
    if last < 0:
        return x
    shown = [subscripts[0], "..."] if symbolic and last == 0 else subscripts[: last + 1]
    return name(f"{x.within(Precedence.ATOM)}[{', '.join(shown)}]")


# -- more places -------------------------------------------------------------------------------------------------------


def _pad(values: Values, op: PadOp) -> None:
    order, mode, x = values.layouts.orders[op.result], op.literal("mode"), values.operand(op, 0)
    around = tuple((op.literal("low")[axis], op.literal("high")[axis]) for axis in order)
    fill: Value = op.literal("value")
    rank = len(around)
    spatial = rank in (3, 4, 5) and not any((*around[0], *around[-1]))
    if is_functional(values) and mode == "constant" and fill == 0 and spatial and is_float(element_of(op.x.type)):
        where = zero_padding(around[1:-1])
        values.define(op, Kind.PAD, [x], lambda x: applied(f"ZeroPadding{rank - 2}D", x[0], where))
    elif mode == "constant" or (mode == "reflect" and _is_within(x.shape, around)):
        values.define(op, Kind.PAD, [x], lambda x: pad_call(x[0], around, fill, mode))
    else:
        values.helpers.add("pad_around")
        values.define(op, Kind.PAD, [x], lambda x: call("pad_around", x[0], around, mode))


def _is_within(shape: Shape, around: Sequence[tuple[int, int]]) -> bool:
    """True where no dim is padded by more than it can mirror."""
    return all(
        not any(pads) or (isinstance(size, int) and max(pads) < size) for size, pads in zip(shape, around, strict=True)
    )


def _concat(values: Values, op: ConcatOp) -> None:
    pair, order = pair_of(op), values.layouts.orders[op.result]
    layer = layer_at(values, pair.forward) if pair is not None else None
    if pair is not None and layer is not None and layer is layer_at(values, pair.backward):
        nodes, render = pair_arguments(values, pair)
        values.define(op, Kind.LAYER, nodes, lambda x: layer_call(values, layer, render(x)))
        return
    parts = [values.at(operand, order) for operand in op.operands]
    axis = shown_axis(order.index(normalize_axis(op.literal("axis"), len(order))), len(order))
    values.define(
        op,
        Kind.OTHER,
        parts,
        lambda x: call("ops.concatenate", name(f"[{', '.join(map(str, x))}]"), axis=axis),
    )


def _expand(values: Values, op: ExpandOp) -> None:
    sizes = sizes_in(values, shape_of(op.result.type))
    if sizes is None:
        values.refuse(op, "a size of the result is symbolic and stands in no argument")
        return
    nodes = [values.operand(op, 0), *sizes.nodes]
    values.define(op, Kind.VIEW, nodes, lambda x: call("ops.broadcast_to", x[0], sizes.tuple(x[1:])))


# -- constants and sizes -----------------------------------------------------------------------------------------------


def _constant(values: Values, op: ConstantOp) -> None:
    """Most users write the number themselves; others get a tensor."""
    shape, number = shape_of(op.result.type), op.literal("value")
    dtype = dtype_name(element_of(op.result.type))
    own = static(shape)
    if own is not None:
        values.define_inline(op, call("ops.full", own, number, dtype=dtype))
        return
    if all(isinstance(use.operation, BinaryOp | WhereOp | RecurrentOp) for use in op.result.uses) and _are_zero(op):
        values.define_inline(op, name(literal(number)))
        return
    sizes = sizes_in(values, shape)
    if sizes is None:
        values.refuse(op, "a constant of a shape that no argument has")
        return
    values.define(op, Kind.OTHER, sizes.nodes, lambda x: call("ops.full", sizes.tuple(x), number, dtype=dtype))


def _are_zero(op: ConstantOp) -> bool:
    """True where recurrent layers take it for the states that they begin with anyway."""
    return op.literal("value") == 0 or not any(isinstance(use.operation, RecurrentOp) for use in op.result.uses)


def _iota(values: Values, op: IotaOp) -> None:
    _counted(values, op, shape_of(op.result.type)[0], lambda size: call("ops.arange", size, dtype="int64"))


def _size(values: Values, op: SizeOp) -> None:
    _counted(values, op, op.dim.data, lambda size: call("ops.convert_to_tensor", size, dtype="int64"))


def _counted(values: Values, op: IotaOp | SizeOp, size: int | Dim, write: Callable[[Expression], Expression]) -> None:
    found: Sized | None = sized(size, tuple(values.inputs))
    if found is None:
        values.refuse(op, f"no argument has the size {size}")
        return
    values.define(op, Kind.OTHER, found.nodes, lambda x: write(found.expression(tuple(x), SIZE)))


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    ConcatOp: _concat,
    ConstantOp: _constant,
    ExpandOp: _expand,
    IotaOp: _iota,
    PadOp: _pad,
    ReshapeOp: _reshape,
    SizeOp: _size,
    SliceOp: _slice,
    TransposeOp: _transpose,
}
__all__ = ["LOWERINGS", "Sizes", "operands"]
