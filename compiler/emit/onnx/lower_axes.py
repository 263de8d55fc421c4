"""Reductions, positions of extremes, running sums and the largest values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.dialects.builtin import i1, i64
from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim
from neuralc.dialects.scalar import is_integer
from neuralc.dialects.types import element_of
from neuralc.emit.onnx.element_types import u8
from neuralc.emit.onnx.values import Values

REDUCTIONS: Mapping[str, str] = {
    "sum": "ReduceSum",
    "mean": "ReduceMean",
    "prod": "ReduceProd",
    "maximum": "ReduceMax",
    "minimum": "ReduceMin",
    "all": "ReduceMin",
    "any": "ReduceMax",
}


def _reduce(values: Values, op: graph.ReduceOp) -> None:
    """Truth values are reduced as numbers: those of version 20 alone take them."""
    x, kind = values.operand(op, 0), op.literal("kind")
    axes = sorted(values.axis(op, axis) for axis in op.literal("axes"))
    if not axes:
        values.alias(op, x)
        return
    operator, keepdims = REDUCTIONS[kind], bool(op.literal("keepdims"))
    extra, attributes = values.reduction(operator, axes, keepdims=keepdims)
    own = element_of(op.x.type)
    if own == i1:
        found = values(operator, values.cast(x, u8), *extra, **attributes)
        values.define(op, "Cast", found, to=9)
    elif kind == "prod" and is_integer(own):
        _integer_product(values, op, x, axes, keepdims=keepdims)
    elif values.carrier(operator, x) == own:
        values.define(op, operator, x, *extra, **attributes)
    else:
        wide = values.widened(x, values.carrier(operator, x), operator)
        values.result(op, values.narrowed(values(operator, wide, *extra, **attributes), own, operator))


def _integer_product(values: Values, op: graph.ReduceOp, x: str, axes: Sequence[int], *, keepdims: bool) -> None:
    """Halves of what is left times one another, which wraps around: ReduceProd of onnxruntime saturates.

    Along a symbolic size it is the last one of the running products, which are of version 26.
    """
    shape = values.operand_shape(op)
    product = x
    for axis in axes:
        size = shape[axis]
        if not isinstance(size, int):
            running = values.carried("CumProd", product, values.number(axis, i64))
            product = values("Gather", running, values.integers([-1]), axis=axis)
            continue
        if size == 0:
            values.refuse(op, "of no integers")
            return
        while size > 1:
            half = size // 2
            first, second = values.slice(product, axis, 0, half), values.slice(product, axis, half, 2 * half)
            pairs = values("Mul", first, second)
            odd = [values.slice(product, axis, 2 * half, size)] if size % 2 else []
            product = values("Concat", pairs, *odd, axis=axis) if odd else pairs
            size = half + len(odd)
    if keepdims:
        values.define(op, "Identity", product)
    else:
        values.define(op, "Squeeze", product, values.integers(axes))


def _arg_reduce(values: Values, op: graph.ArgReduceOp) -> None:
    x, operator = values.operand(op, 0), {"max": "ArgMax", "min": "ArgMin"}[op.literal("kind")]
    attributes: dict[str, Any] = {} if op.literal("keepdims") else {"keepdims": 0}
    if op.literal("last"):
        attributes["select_last_index"] = 1
    wide = values.widened(x, values.carrier(operator, x), operator)
    values.define(op, operator, wide, axis=values.axis(op, op.literal("axis")), **attributes)


def _cumulate(values: Values, op: graph.CumulateOp) -> None:
    """A running product is of version 26; there is none in a carrier that ONNX has before."""
    x, operator = values.operand(op, 0), {"sum": "CumSum", "prod": "CumProd"}[op.literal("kind")]
    axis = values.number(values.axis(op, op.literal("axis")), i64)
    flags = {name: 1 for name in ("exclusive", "reverse") if op.literal(name)}
    wide, own = values.carrier(operator, x), element_of(op.x.type)
    if wide == own:
        values.define(op, operator, x, axis, **flags)
    else:
        values.result(op, values.cast(values(operator, values.cast(x, wide), axis, **flags), own))


def _top_k(values: Values, op: graph.TopKOp) -> None:
    """Equal values keep their order in onnxruntime and in the reference of ONNX, which leaves it open."""
    x, k = values.operand(op, 0), op.k.data[0]
    own, wide = element_of(op.x.type), values.carrier("TopK", x)
    names = [values.result_name(result) for result in op.results]
    if wide != own:
        names[0] = values.writer.claim(f"{names[0]}/TopK")
    attributes: dict[str, Any] = {"axis": values.axis(op, op.literal("axis"))}
    if not op.literal("largest"):
        attributes["largest"] = 0
    found = values.writer.node(
        "TopK", [values.widened(x, wide, "TopK"), values.sizes.one(as_dim(k))], [wide, i64], names, **attributes
    )
    values.names[op.results[1]] = found[1]
    if wide == own:
        values.names[op.results[0]] = found[0]
    else:
        values.result(op, values.narrowed(found[0], own, "TopK"))


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    graph.ArgReduceOp: _arg_reduce,
    graph.CumulateOp: _cumulate,
    graph.ReduceOp: _reduce,
    graph.TopKOp: _top_k,
}
