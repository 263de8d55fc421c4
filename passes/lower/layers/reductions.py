"""Reductions over axes, positions of extremes, running values, order."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import bf16, f16, f32, i64
from xdsl.ir import Attribute, Operation, SSAValue

from neuralc.dialects import graph, tensor
from neuralc.dialects.dims import Dim, product
from neuralc.dialects.graph.reductions import COMBINATION
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.tensor.subscripts import identity
from neuralc.dialects.types import element_of, is_float, shape_of
from neuralc.passes.lower.lowering import Conversion, Lowering
from neuralc.passes.lower.scalar_functions import ScalarBuilder


def wider(element: Attribute) -> Attribute:
    """The type that sums and squares of values are held in: those of 16 bits overflow long before a mean does."""
    return f32 if element in (f16, bf16) else element


def divide_by_count(b: ScalarBuilder, total: SSAValue, count: Dim) -> SSAValue:
    """A mean from a sum: a product with the reciprocal where the count is known, a quotient otherwise."""
    if count.is_static and count.value:
        return b.call("mul", total, 1.0 / count.value)
    return b.call("div", total, b.size(count, total.type))


def _reduce(at: Lowering, op: graph.ReduceOp) -> SSAValue:
    shape, kind = shape_of(op.x.type), op.literal("kind")
    axes = tuple(sorted(normalize_axis(axis, len(shape)) for axis in op.literal("axes")))
    if not axes:
        return op.x
    if kind == "mean":
        y = _mean(at, op.x, axes)
    else:
        y = at.emit(tensor.ReduceOp.of(op.x, kind=COMBINATION[kind], dims=axes))
    return at.reshape(y, shape_of(op.result.type))


def _mean(at: Lowering, x: SSAValue, axes: Sequence[int]) -> SSAValue:
    shape, element = shape_of(x.type), element_of(x.type)
    total = at.emit(tensor.ReduceOp.of(at.cast(x, wider(element)), kind="add", dims=tuple(axes)))
    count, kept = product([shape[axis] for axis in axes]), shape_of(total.type)
    letters = identity(len(kept))
    spec = f"{letters}->{letters}"
    return at.map(spec, [total], kept, lambda b, value: b.convert(divide_by_count(b, value, count), element))


def _arg_reduce(at: Lowering, op: graph.ArgReduceOp) -> SSAValue:
    """The extreme along the axis, the places that hold it (NaN always does), the first or last of them."""
    shape, last = shape_of(op.x.type), op.literal("last")
    axis = normalize_axis(op.literal("axis"), len(shape))
    kind = {"max": "maximum", "min": "minimum"}[op.literal("kind")]
    extreme = at.emit(tensor.ReduceOp.of(op.x, kind=kind, dims=(axis,)))
    letters = identity(len(shape))
    loop = letters[axis]

    def place(b: ScalarBuilder, x: SSAValue, best: SSAValue) -> SSAValue:
        holds = b.call("eq", x, best)
        if is_float(x.type):
            holds = b.call("or", holds, b.call("ne", x, x))
        position = b.position(loop, i64)
        nowhere = b.number(-1, position) if last else b.size(shape[axis], i64)
        return b.call("select", holds, position, nowhere)

    places = at.map(f"{letters},{letters.replace(loop, '')}->{letters}", [op.x, extreme], shape, place)
    found = at.emit(tensor.ReduceOp.of(places, kind="maximum" if last else "minimum", dims=(axis,)))
    return at.reshape(found, shape_of(op.result.type))


def _cumulate(at: Lowering, op: graph.CumulateOp) -> SSAValue:
    axis = normalize_axis(op.literal("axis"), len(shape_of(op.x.type)))
    flags = {name: op.literal(name) for name in ("exclusive", "reverse")}
    return at.emit(tensor.CumulateOp.of(op.x, kind=COMBINATION[op.literal("kind")], dim=axis, **flags))


def _top_k(at: Lowering, op: graph.TopKOp) -> Sequence[SSAValue]:
    axis = normalize_axis(op.literal("axis"), len(shape_of(op.x.type)))
    first = tensor.TopKOp.of(op.x, k=op.k, dim=axis, largest=op.literal("largest"))
    at.insert(first)
    return first.results


CONVERSIONS: dict[type[Operation], Conversion] = {
    graph.ArgReduceOp: _arg_reduce,
    graph.CumulateOp: _cumulate,
    graph.ReduceOp: _reduce,
    graph.TopKOp: _top_k,
}
