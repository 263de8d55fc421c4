"""Ops that move values without changing them: layers where the batch stays in front, formulas elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.dialects.dims import Dim, as_dim, product, simplest
from neuralc.dialects.types import Shape, element_of, is_float, shape_of
from neuralc.emit.nr.body import Body, Inexpressible
from neuralc.emit.nr.expressions import Expression, function, indexed, listed, method, number
from neuralc.emit.nr.sizes import bounds_at
from neuralc.emit.nr.values import Call, Formula, Held, Number, Value
from neuralc.emit.nr.weights import Move
from neuralc.frontends.sizes import Undecided, exact_quotient
from neuralc.frontends.slices import UNBOUNDED, extent


# --- reshape and transpose -------------------------------------------------------------------------------------------
def reshape(body: Body, op: graph.ReshapeOp) -> Value:
    x, shape = body[op.x], shape_of(op.result.type)
    if isinstance(x.source, Number):
        return body.number(x.source.value, shape, x.element)
    return reshaped(body, x, shape)


def reshaped(body: Body, x: Value, shape: Shape) -> Value:
    """A value under another shape."""
    if x.shape == shape:
        return x
    if isinstance(x.source, Held):
        plain = _reshape(body, x, shape)
        sizes = tuple(size for size in shape if isinstance(size, int))
        return body.moved(x, Move(shape=sizes), plain) if len(sizes) == len(shape) else plain
    before = x.source
    if isinstance(before, Formula) and before.view:
        return reshaped(body, before.inputs[0], shape)
    if isinstance(before, Formula) and before.cut is not None:
        starts, steps = before.cut
        dropped = _dropped(x.shape, shape, before.inputs[0].shape)
        if dropped:
            return _sliced(body, before.inputs[0], starts, x.shape, steps, dropped)
    return _reshape(body, x, shape)


def _reshape(body: Body, x: Value, shape: Shape) -> Value:
    layer = _reshape_layer(x, shape)
    open_size = _open_size(x.shape, shape)
    sized = body.sized(shape if open_size is None else _without(shape, open_size), x)

    def render(expressions: Sequence[Expression]) -> Expression:
        sizes = sized.texts(expressions)
        if open_size is not None:
            sizes.insert(open_size, "-1")
        return method(expressions[0], "reshape", *sizes) if sizes else function("reshape", expressions[0], "()")

    apart, inputs = layer is not None, [x, *sized.extra]
    return body.formula(inputs, render, shape, x.element, layer=layer, apart=apart, view=True, sized=sized)


def _without(shape: Shape, axis: int) -> Shape:
    return shape[:axis] + shape[axis + 1 :]


def _open_size(before: Shape, after: Shape) -> int | None:
    """The one size of a result that is not a number, where it is left by the others."""
    found = [axis for axis, size in enumerate(after) if isinstance(size, Dim)]
    if len(found) > 1:
        found = [axis for axis in found if after[axis] not in before]
    if len(found) != 1:
        return None
    (axis,) = found
    left = exact_quotient(product(before), product(_without(after, axis)))
    return axis if left is not None and as_dim(left) == after[axis] else None


def _reshape_layer(x: Value, shape: Shape) -> Call | None:
    if len(shape) < 2 or x.rank < 1 or not shape or shape[0] != x.shape[0]:
        return None
    if len(shape) == 2 and x.rank > 2 and as_dim(shape[1]) == product(x.shape[1:]):
        return Call("Flatten")
    open_sizes = [size for size in shape[1:] if isinstance(size, Dim)]
    if len(open_sizes) > 1:
        return None
    if open_sizes:
        rest = product(tuple(size for size in shape[1:] if not isinstance(size, Dim)))
        left = exact_quotient(product(x.shape[1:]), rest)
        if left is None or as_dim(left) != open_sizes[0]:
            return None
    if any(size == 0 for size in shape):
        return None
    return Call("Reshape", {"target_shape": tuple(-1 if isinstance(size, Dim) else size for size in shape[1:])})


def transpose(body: Body, op: graph.TransposeOp) -> Value:
    x, perm = body[op.operands[0]], tuple(op.literal("perm"))
    if isinstance(x.source, Number):
        return body.number(x.source.value, shape_of(op.results[0].type), x.element)
    return transposed(body, x, perm)


def transposed(body: Body, x: Value, perm: tuple[int, ...]) -> Value:
    """A value with its axes in another order; two orders after each other are one."""
    if perm == tuple(range(x.rank)):
        return x
    before = x.source
    if isinstance(before, Formula) and before.axes is not None:
        return transposed(body, before.inputs[0], tuple(before.axes[axis] for axis in perm))
    shape = tuple(x.shape[axis] for axis in perm)
    layer = Call("Permute", {"dims": perm[1:]}) if perm[0] == 0 else None
    swapped = [axis for axis, other in enumerate(perm) if axis != other]

    def render(expressions: Sequence[Expression]) -> Expression:
        (value,) = expressions
        if len(perm) == 2:
            return method(value, "transpose")
        if len(swapped) == 2:
            return method(value, "swapaxes", *map(str, swapped))
        return method(value, "transpose", *map(str, perm))

    plain = body.formula([x], render, shape, x.element, layer=layer, apart=layer is not None, axes=perm)
    return body.moved(x, Move(axes=perm), plain)


# --- slices, concatenation -------------------------------------------------------------------------------------------
def slice_(body: Body, op: graph.SliceOp) -> Value:
    x, shape = body[op.x], shape_of(op.result.type)
    if isinstance(x.source, Number):
        return body.number(x.source.value, shape, x.element)
    starts, steps = op.literal("starts").data, op.literal("steps")
    for size, start, count, step in zip(x.shape, starts, shape, steps, strict=True):
        if not all(isinstance(simplest(each), int) for each in (size, start, count)):
            _read_again(op, size, start, count, step)
    return _sliced(body, x, starts, shape, steps)


def _read_again(op: graph.SliceOp, size: int | Dim, start: Dim, count: int | Dim, step: int) -> None:
    """A formula cuts places off that there are not: in the language, every run has the same answer whether it does."""
    last = as_dim(start) + (as_dim(count) - 1) * step
    beyond, way = (as_dim(size), 1) if step > 0 else (Dim.constant(-1), -1)
    left = simplest((beyond - last) * way)
    end = UNBOUNDED * way if isinstance(left, int) and left <= abs(step) else simplest(last + way)
    try:
        extent(bounds_at(op), size, simplest(start), end, step)
    except Undecided as question:
        raise Inexpressible(f"`{question}` differs between runs") from None


def _dropped(before: Shape, after: Shape, whole: Shape) -> frozenset[int]:
    """The axes of one place, of more, that a reshape of a slice leaves out, where that is all it does."""
    single = [axis for axis, size in enumerate(before) if size == 1 != whole[axis]]
    left = tuple(size for axis, size in enumerate(before) if axis not in single)
    return frozenset(single) if left == after else frozenset()


def _sliced(
    body: Body,
    x: Value,
    starts: Sequence[Dim],
    shape: Shape,
    steps: Sequence[int],
    dropped: frozenset[int] = frozenset(),
) -> Value:
    """Every step-th place along each axis; along those that are dropped, one place."""
    sized = body.sized((*starts, *shape), x)
    result = tuple(size for axis, size in enumerate(shape) if axis not in dropped)

    def render(expressions: Sequence[Expression]) -> Expression:
        say = sized.reader(expressions)
        items = [
            say(starts[axis]) if axis in dropped else _range(size, starts[axis], shape[axis], steps[axis], say)
            for axis, size in enumerate(x.shape)
        ]
        while len(items) > 1 and items[-1] == ":":
            items.pop()
        return indexed(expressions[0], items)

    layer = None if dropped else _cropping(x, starts, shape, steps)
    cut = body.formula(
        [x, *sized.extra],
        render,
        result,
        x.element,
        layer=layer,
        sized=sized,
        cut=None if dropped else (starts, steps),
    )
    if dropped:
        return cut
    if not all(isinstance(simplest(size), int) for size in (*starts, *shape)):
        return cut
    places = tuple(
        range(start, start + step * int(str(count)), step)
        for start, count, step in zip((each.value for each in starts), shape, steps, strict=True)
    )
    return body.moved(x, Move(places=places), cut)


def _range(size: int | Dim, start: Dim, count: int | Dim, step: int, say: Callable[[int | Dim], str]) -> str:
    """The index of one axis."""
    last = as_dim(start) + (as_dim(count) - 1) * step
    if step > 0:
        low = "" if start == as_dim(0) else say(start)
        left = simplest(as_dim(size) - last)
        high = "" if isinstance(left, int) and left <= step else say(last + 1)
        return f"{low}:{high}" + (f":{step}" if step > 1 else "")
    low = "" if as_dim(size) - 1 == start else say(start)
    before = simplest(last + step)
    return f"{low}:{'' if isinstance(before, int) and before < 0 else say(last - 1)}:{step}"


def _cropping(x: Value, starts: Sequence[Dim], shape: Shape, steps: Sequence[int]) -> Call | None:
    """Places taken away at the borders of the spatial axes, which are between batch and channels."""
    rank = x.rank - 2
    if rank not in (1, 2, 3) or set(steps) != {1} or shape[0] != x.shape[0] or shape[-1] != x.shape[-1]:
        return None
    cuts = []
    for size, start, count in zip(x.shape[1:-1], starts[1:-1], shape[1:-1], strict=True):
        low, high = simplest(as_dim(start)), simplest(as_dim(size) - start - count)
        if not isinstance(low, int) or not isinstance(high, int):
            return None
        cuts.append((low, high))
    both = all(low and high for low, high in cuts)
    return Call(f"Cropping{rank}D", {"cropping": tuple(cuts)}) if both else None


def concat(body: Body, op: graph.ConcatOp) -> Value:
    inputs, axis, shape = body.operands(op), op.literal("axis"), shape_of(op.result.type)
    if len(inputs) == 1:
        return inputs[0]
    axis = axis % len(shape)
    shown = -1 if axis == len(shape) - 1 else axis

    def render(expressions: Sequence[Expression]) -> Expression:
        return function("concatenate", f"({', '.join(map(str, expressions))})", f"axis={shown}")

    layer = Call("Concatenate", {"axis": shown})
    whole = body.formula(inputs, render, shape, element_of(op.result.type), layer=layer, apart=True)
    return body.joined(inputs, axis, whole)


def expand(body: Body, op: graph.ExpandOp) -> Value:
    x, shape = body[op.x], shape_of(op.result.type)
    if isinstance(x.source, Number):
        return body.number(x.source.value, shape, x.element)
    if x.shape == shape:
        return x
    sized = body.sized(shape, x)

    def render(expressions: Sequence[Expression]) -> Expression:
        return function("broadcast_to", expressions[0], listed(sized.texts(expressions)))

    return body.formula([x, *sized.extra], render, shape, x.element, sized=sized)


def pad(body: Body, op: graph.PadOp) -> Value:
    x, shape = body[op.x], shape_of(op.result.type)
    low, high, mode, value = (op.literal(name) for name in ("low", "high", "mode", "value"))
    return padded(body, x, low, high, shape, mode, value)


def padded(
    body: Body, x: Value, low: Sequence[int], high: Sequence[int], shape: Shape, mode: str = "constant",
    value: float | int = 0,
) -> Value:  # fmt: skip
    """Places around a value."""
    if not any((*low, *high)):
        return x
    pairs = list(zip(low, high, strict=True))
    layer = None
    if mode == "constant" and value == 0 and x.rank in (3, 4, 5) and pairs[0] == pairs[-1] == (0, 0):
        layer = Call(f"ZeroPadding{x.rank - 2}D", {"padding": tuple(pairs[1:-1])})
    options = [] if mode == "constant" else [f'"{mode}"']
    if mode == "constant" and value != 0:
        options = [f"constant_values={number(value if not is_float(x.element) else float(value))}"]
    widths = f"({', '.join(f'({a}, {b})' for a, b in pairs)}{',' if len(pairs) == 1 else ''})"
    return body.formula(
        [x], lambda e: function("pad", e[0], widths, *(each.replace('"', "'") for each in options)), shape, x.element,
        layer=layer, apart=layer is not None,
    )  # fmt: skip


# --- numbers ---------------------------------------------------------------------------------------------------------
def constant(body: Body, op: graph.ConstantOp) -> Value:
    element, value = element_of(op.result.type), op.literal("value")
    return body.number(float(value) if is_float(element) else value, shape_of(op.result.type), element)


def iota(body: Body, op: graph.IotaOp) -> Value:
    shape = shape_of(op.result.type)
    sized = body.sized(shape)
    return body.formula(sized.extra, lambda e: function("arange", sized.texts(e)[0]), shape, element_of(op.result.type))


def size(body: Body, op: graph.SizeOp) -> Value:
    dim = op.literal("dim").data
    if dim.is_static:
        return body.number(dim.value, (), element_of(op.result.type))
    sized = body.sized((dim,))
    return body.formula(
        sized.extra, lambda e: function("full", "()", sized.texts(e)[0], "int64"), (), element_of(op.result.type)
    )


LOWERINGS: Mapping[type[Operation], Callable[..., Any]] = {
    graph.ReshapeOp: reshape,
    graph.TransposeOp: transpose,
    graph.SliceOp: slice_,
    graph.ConcatOp: concat,
    graph.ExpandOp: expand,
    graph.PadOp: pad,
    graph.ConstantOp: constant,
    graph.IotaOp: iota,
    graph.SizeOp: size,
}

__all__ = ["LOWERINGS", "Inexpressible", "padded", "reshaped", "transposed"]
