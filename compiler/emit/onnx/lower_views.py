"""Values in another shape or order, padding, and constants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from xdsl.dialects.builtin import i64
from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.dialects.dims import Dim, as_dim, simplest
from neuralc.dialects.types import element_of, numpy_dtype, shape_of
from neuralc.emit.layouts import conversion
from neuralc.emit.onnx.values import Values

LIMIT = np.iinfo(np.int64)
"""Ends of a slice that reaches to the last, or backwards to the first place."""


def _reshape(values: Values, op: graph.ReshapeOp) -> None:
    x, before, after = values.operand(op, 0), values.operand_shape(op), values.shape(op)
    if before == after:
        values.alias(op, x)
    else:
        operator, second, attributes = values.reshaping(before, after)
        values.define(op, operator, x, second, **attributes)


def _transpose(values: Values, op: graph.TransposeOp) -> None:
    """Only the names of the axes change where users read the operand as it is."""
    have, want = values.layouts.orders[op.operands[0]], values.layouts.needs[op][0]
    if have == want or op.operands[0] in values.uniform:
        values.alias(op, values.operand(op, 0))
    else:
        values.define(op, "Transpose", values.names[op.operands[0]], perm=list(conversion(have, want)))


def _constant(values: Values, op: graph.ConstantOp) -> None:
    """One number where users broadcast it or its shape is known and small, else spread when the model runs."""
    shape, element = shape_of(op.result.type), element_of(op.result.type)
    sizes = [size for size in shape if isinstance(size, int)]
    number = np.asarray(op.literal("value")).astype(numpy_dtype(element))
    if len(sizes) == len(shape) and np.prod(sizes) <= 1:
        values.alias(op, values.constant(number.reshape(sizes), element))
    elif op.result in values.reserved or not _broadcast(op):
        values.define(op, "Expand", values.number(number, element), values.sizes.vector(shape))
    else:
        values.uniform.add(op.result)
        values.alias(op, values.number(number, element))


def _broadcast(op: graph.ConstantOp) -> bool:
    """Whether all users take one number in the place of many: another operand gives them their shape."""
    for use in op.result.uses:
        user = use.operation
        others = [value for value in user.operands if value is not op.result]
        shapes = [shape_of(value.type) for value in others if not isinstance(value.owner, graph.ConstantOp)]
        if not isinstance(user, graph.BinaryOp) or shape_of(user.results[0].type) not in shapes:
            return False
        if isinstance(user, graph.PowOp | graph.RemainderOp | graph.FmodOp):
            return False
    return True


def _slice(values: Values, op: graph.SliceOp) -> None:
    """Axes that are taken whole are left out."""
    order, steps = values.order(op), op.literal("steps")
    sizes, counts = shape_of(op.x.type), shape_of(op.result.type)
    picked: list[tuple[int, int | Dim, int | Dim, int]] = []
    for place, axis in enumerate(order):
        start, step = op.starts.data[axis], steps[axis]
        if counts[axis] == sizes[axis] and step == 1:
            continue
        picked.append((place, *_bounds(sizes[axis], start, counts[axis], step)))
    x = values.operand(op, 0)
    if not picked:
        values.alias(op, x)
        return
    starts, ends = (values.sizes.vector([row[i] for row in picked]) for i in (1, 2))
    inputs = [starts, ends, values.integers([row[0] for row in picked])]
    if any(row[3] != 1 for row in picked):
        inputs.append(values.integers([row[3] for row in picked]))
    values.define(op, "Slice", x, *inputs)


def _bounds(size: int | Dim, start: Dim, count: int | Dim, step: int) -> tuple[int | Dim, int | Dim, int]:
    """Start, end and step of a slice that takes `count` places of a dim of `size`."""
    if count == 0:
        return 0, 0, 1
    last = start + (as_dim(count) - 1) * step
    behind = simplest(as_dim(size) - last - 1)
    if isinstance(behind, int) and 0 <= behind < step:
        return simplest(start), int(LIMIT.max), step
    if step > 0:
        return simplest(start), simplest(last + 1), step
    # An end of -1 would be the last place: ends are counted from behind, where -size - 1 is before the first one.
    return simplest(start), simplest(last - 1 - size), step


def _concat(values: Values, op: graph.ConcatOp) -> None:
    values.define(op, "Concat", *values.operands(op), axis=values.axis(op, op.literal("axis")))


def _expand(values: Values, op: graph.ExpandOp) -> None:
    """Rows of ones keep a size: Expand broadcasts in both directions."""
    before, after = shape_of(op.x.type), shape_of(op.result.type)
    kept = (1,) * (len(after) - len(before)) + tuple(before)
    x = values.operand(op, 0)
    if before == after:
        values.alias(op, x)
        return
    entries = [1 if old == new else new for old, new in zip(kept, after, strict=True)]
    values.define(op, "Expand", x, values.sizes.vector(entries))


def _pad(values: Values, op: graph.PadOp) -> None:
    x, order, mode = values.operand(op, 0), values.order(op), op.literal("mode")
    around = [op.literal(side)[axis] for side in ("low", "high") for axis in order]
    if not any(around):
        values.alias(op, x)
        return
    if mode != "constant" and _wraps(op):
        _gathered(values, op, x)
        return
    if mode == "wrap":
        values.writer.scope.opset.need(19)
    wide, own = values.carrier("Pad", x), element_of(op.x.type)
    inputs = [values.cast(x, wide), values.integers(around)]
    if mode == "constant" and op.literal("value") != 0:
        inputs.append(values.number(np.asarray(op.literal("value")).astype(numpy_dtype(own)), wide))
    attributes = {} if mode == "constant" else {"mode": mode}
    if wide == own:
        values.define(op, "Pad", *inputs, **attributes)
    else:
        values.result(op, values.cast(values("Pad", *inputs, **attributes), own))


def _gathered(values: Values, op: graph.PadOp, x: str) -> None:
    """Each padded dim by the numbers of the places that stand in it."""
    sizes, order, mode = shape_of(op.x.type), values.order(op), op.literal("mode")
    for place, axis in enumerate(order):
        low, high, size = op.literal("low")[axis], op.literal("high")[axis], sizes[axis]
        if not (low or high):
            continue
        if not isinstance(size, int):
            values.refuse(op, f"mode {mode} along a symbolic size {size}, with others that are padded more than once")
            return
        places = np.pad(np.arange(size), (low, high), mode=mode)
        x = values("Gather", x, values.integers(places.tolist()), axis=place)
    values.result(op, x)


def _wraps(op: graph.PadOp) -> bool:
    """Whether a pad goes back and forth, or around, more than once."""
    most = {"reflect": 1, "wrap": 0, "edge": None}[op.literal("mode")]
    if most is None:
        return False
    sizes = shape_of(op.x.type)
    return any(
        isinstance(size, int) and max(low, high) > size - most
        for size, low, high in zip(sizes, op.literal("low"), op.literal("high"), strict=True)
    )


def _iota(values: Values, op: graph.IotaOp) -> None:
    (size,) = shape_of(op.result.type)
    if isinstance(size, int):
        values.alias(op, values.integers(range(size)))
        return
    count = values("Squeeze", values.sizes.one(size), values.integers([0]))
    values.define(op, "Range", values.number(0, i64), count, values.number(1, i64))


def _size(values: Values, op: graph.SizeOp) -> None:
    if op.dim.data.is_static:
        values.alias(op, values.number(op.dim.data.value, i64))
    else:
        values.define(op, "Squeeze", values.sizes.one(op.dim.data), values.integers([0]))


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    graph.ConcatOp: _concat,
    graph.ConstantOp: _constant,
    graph.ExpandOp: _expand,
    graph.IotaOp: _iota,
    graph.PadOp: _pad,
    graph.ReshapeOp: _reshape,
    graph.SizeOp: _size,
    graph.SliceOp: _slice,
    graph.TransposeOp: _transpose,
}
