"""Reductions, positions of extremes, running values and order, in numpy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.dialects.graph.reductions import COMBINATION
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.interp.evaluator import Evaluator, Semantics
from neuralc.dialects.interp.numerics import Array
from neuralc.dialects.interp.tensor import cumulate, first_in_order
from neuralc.dialects.scalar import identity
from neuralc.dialects.types import element_of

REDUCTIONS: dict[str, Callable[..., Any]] = {
    "sum": np.sum,
    "prod": np.prod,
    "maximum": np.max,
    "minimum": np.min,
    "all": np.logical_and.reduce,
    "any": np.logical_or.reduce,
}


def _reduce(evaluator: Evaluator, op: graph.ReduceOp, x: Array) -> Array:
    kind, axes, keepdims = (op.literal(name) for name in ("kind", "axes", "keepdims"))
    if not axes:
        return x
    if kind == "mean":
        count = np.prod([x.shape[axis] for axis in axes])
        with np.errstate(invalid="ignore"):
            return np.asarray(np.sum(x, axis=axes, keepdims=keepdims) / count)
    initial = identity(COMBINATION[kind], element_of(op.x.type))
    return np.asarray(REDUCTIONS[kind](x, axis=axes, keepdims=keepdims, initial=initial))


def _arg_reduce(evaluator: Evaluator, op: graph.ArgReduceOp, x: Array) -> Array:
    axis, keepdims = op.literal("axis"), op.literal("keepdims")
    find = np.argmax if op.literal("kind") == "max" else np.argmin
    if op.literal("last"):
        return np.asarray(x.shape[axis] - 1 - find(np.flip(x, axis), axis=axis, keepdims=keepdims))
    return np.asarray(find(x, axis=axis, keepdims=keepdims))


def _cumulate(evaluator: Evaluator, op: graph.CumulateOp, x: Array) -> Array:
    flags = {name: op.literal(name) for name in ("exclusive", "reverse")}
    axis = normalize_axis(op.literal("axis"), x.ndim)
    return cumulate(COMBINATION[op.literal("kind")], x, axis, element_of(op.x.type), **flags)


def _top_k(evaluator: Evaluator, op: graph.TopKOp, x: Array) -> list[Array]:
    axis = op.literal("axis")
    order = first_in_order(x, axis, largest=op.literal("largest"))
    order = np.take(order, range(evaluator.size(op.k.data[0])), axis=axis)
    return [np.take_along_axis(x, order, axis=axis), order]


SEMANTICS: dict[type[Operation], Semantics] = {
    graph.ArgReduceOp: _arg_reduce,
    graph.CumulateOp: _cumulate,
    graph.ReduceOp: _reduce,
    graph.TopKOp: _top_k,
}
