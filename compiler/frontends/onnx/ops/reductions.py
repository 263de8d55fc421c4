"""Operators that sum dims up, find places, and run along them."""

from __future__ import annotations

from collections.abc import Callable

from xdsl.dialects.builtin import f64, i1

from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim
from neuralc.dialects.types import DimsAttr, is_float
from neuralc.frontends.onnx.node import Node
from neuralc.frontends.onnx.registry import onnx_op
from neuralc.frontends.sizes import total
from neuralc.frontends.values import Value

Compute = Callable[[Node, Value, tuple[int, ...], bool], Value]

AXES_ARE_INPUT = {"ReduceSum": 13}
"""Operators whose axes are an input before version 18."""


def _kind(kind: str, of_flags: str | None = None) -> Compute:
    def compute(node: Node, x: Value, axes: tuple[int, ...], keep: bool) -> Value:
        if x.element == i1 and of_flags is not None:
            return node.reduce(x, of_flags, axes, keepdims=keep)
        return node.reduce(x, kind, axes, keepdims=keep)

    return compute


def _mean(node: Node, x: Value, axes: tuple[int, ...], keep: bool) -> Value:
    """Of integers: the sum divided by the count, toward zero."""
    if is_float(x.element):
        return node.reduce(x, "mean", axes, keepdims=keep)
    count = node.cast(node.reshape(node.indices([total(x.shape[axis] for axis in axes)]), ()), x.element)
    return node.div(node.reduce(x, "sum", axes, keepdims=keep), count)


def _in_floats(compute: Compute) -> Compute:
    """Roots and logarithms of integers are computed in float64 and truncated."""

    def converted(node: Node, x: Value, axes: tuple[int, ...], keep: bool) -> Value:
        if is_float(x.element):
            return compute(node, x, axes, keep)
        return node.cast(compute(node, node.cast(x, f64), axes, keep), x.element)

    return converted


def _l1(node: Node, x: Value, axes: tuple[int, ...], keep: bool) -> Value:
    return node.reduce(node.emit(graph.AbsOp, x), "sum", axes, keepdims=keep)


def _sum_of_squares(node: Node, x: Value, axes: tuple[int, ...], keep: bool) -> Value:
    return node.reduce(node.mul(x, x), "sum", axes, keepdims=keep)


def _l2(node: Node, x: Value, axes: tuple[int, ...], keep: bool) -> Value:
    return node.emit(graph.SqrtOp, _sum_of_squares(node, x, axes, keep))


def _log_sum(node: Node, x: Value, axes: tuple[int, ...], keep: bool) -> Value:
    return node.emit(graph.LogOp, node.reduce(x, "sum", axes, keepdims=keep))


def _log_sum_exp(node: Node, x: Value, axes: tuple[int, ...], keep: bool) -> Value:
    """m + log(sum(exp(x - m))) with the maximum m, or 0 where that is infinite."""
    largest = node.reduce(x, "maximum", axes, keepdims=True)
    finite = node.emit(graph.WhereOp, node.emit(graph.IsInfOp, largest), node.scalar(0, x), largest)
    powers = node.emit(graph.ExpOp, node.sub(x, finite))
    logs = node.emit(graph.LogOp, node.reduce(powers, "sum", axes, keepdims=keep))
    kept = logs.shape
    return node.add(logs, node.reshape(finite, kept))


REDUCTIONS: dict[str, Compute] = {
    "ReduceSum": _kind("sum"),
    "ReduceMean": _mean,
    "ReduceMax": _kind("maximum", "any"),
    "ReduceMin": _kind("minimum", "all"),
    "ReduceProd": _kind("prod"),
    "ReduceL1": _l1,
    "ReduceL2": _in_floats(_l2),
    "ReduceSumSquare": _sum_of_squares,
    "ReduceLogSum": _in_floats(_log_sum),
    "ReduceLogSumExp": _in_floats(_log_sum_exp),
}


@onnx_op(*REDUCTIONS, makes=("graph.reduce", "graph.abs", "graph.sqrt", "graph.log", "graph.exp", "graph.mul"))
def reduction(node: Node) -> Value:
    """Axes are an attribute, or an input since version 18 (ReduceSum: 13); without any, all dims."""
    x, keep = node.input(0), bool(node.integer("keepdims", 1))
    axes: list[int] = []
    if node.version >= AXES_ARE_INPUT.get(node.op, 18):
        if node.optional(1) is not None:
            axes = node.whole(1, "axes")
        if node.integer("noop_with_empty_axes", 0) and not axes:
            return REDUCTIONS[node.op](node, x, (), keep)
    elif node.has("axes"):
        axes = list(node.integers("axes"))
    places = tuple(sorted({node.axis(axis, x.rank) for axis in axes})) if axes else tuple(range(x.rank))
    return REDUCTIONS[node.op](node, x, places, keep)


@onnx_op("ArgMax", "ArgMin", makes=("graph.arg_reduce",))
def arg_reduce(node: Node) -> Value:
    x = node.input(0)
    return node.emit(
        graph.ArgReduceOp,
        x,
        kind="max" if node.op == "ArgMax" else "min",
        axis=node.axis(node.integer("axis", 0), x.rank),
        keepdims=bool(node.integer("keepdims", 1)),
        last=bool(node.integer("select_last_index", 0)),
    )


@onnx_op("CumSum", "CumProd", makes=("graph.cumulate",))
def cumulate(node: Node) -> Value:
    x, axes = node.input(0), node.whole(1, "axis")
    if len(axes) != 1:
        node.refuse(f"along {len(axes)} axes")
    return node.emit(
        graph.CumulateOp,
        x,
        kind="sum" if node.op == "CumSum" else "prod",
        axis=node.axis(axes[0], x.rank),
        exclusive=bool(node.integer("exclusive", 0)),
        reverse=bool(node.integer("reverse", 0)),
    )


@onnx_op("TopK", makes=("graph.top_k",), unread=("sorted",))
def top_k(node: Node) -> tuple[Value, ...]:
    """Sorted in any case: unsorted results may stand in any order. `k` is an input since version 10."""
    x = node.input(0)
    sizes = node.sizes(1, "k") if node.version >= 10 else [node.integer("k")]
    if len(sizes) != 1:
        node.refuse(f"with {len(sizes)} values of k")
    axis = node.axis(node.integer("axis", -1), x.rank)
    largest = bool(node.integer("largest", 1))
    return node.emit_several(graph.TopKOp, x, k=DimsAttr((as_dim(sizes[0]),)), axis=axis, largest=largest)
