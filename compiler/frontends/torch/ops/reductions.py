"""Reductions, statistics, norms and running sums over dims."""

from __future__ import annotations

import math
from collections.abc import Sequence

from xdsl.dialects.builtin import i1, i64
from xdsl.ir import Attribute

from neuralc.dialects import graph
from neuralc.frontends.sizes import Size, total
from neuralc.frontends.torch.node import Node, Number
from neuralc.frontends.torch.registry import aten
from neuralc.frontends.values import Value

Dims = int | Sequence[int] | None

KINDS = {"sum": "sum", "mean": "mean", "amax": "maximum", "amin": "minimum"}


@aten("sum", "mean", "amax", "amin", makes=("graph.reduce", "graph.cast"))
def reduce(node: Node, x: Value, dim: Dims = None, keepdim: bool = False, *, dtype: Attribute | None = None) -> Value:
    return node.reduce(node.cast(x, node.element), KINDS[node.op], node.axes(dim, x.rank), keepdims=keepdim)


@aten("prod", makes=("graph.reduce", "graph.cast"))
def prod(node: Node, x: Value, dim: Dims = None, keepdim: bool = False, *, dtype: Attribute | None = None) -> Value:
    return node.reduce(node.cast(x, node.element), "prod", node.axes(dim, x.rank), keepdims=keepdim)


@aten("any", "all", makes=("graph.reduce", "graph.cast"))
def truth(node: Node, x: Value, dim: Dims = None, keepdim: bool = False) -> Value:
    y = node.reduce(node.cast(x, i1), node.op, node.axes(dim, x.rank), keepdims=keepdim)
    return node.cast(y, node.element)


@aten("max", "min", makes=("graph.reduce", "graph.arg_reduce"))
def extreme(node: Node, x: Value, dim: int | None = None, keepdim: bool = False) -> list[Value | None]:
    """With a dim the places too."""
    kind = "maximum" if node.op == "max" else "minimum"
    y = node.reduce(x, kind, node.axes(dim, x.rank), keepdims=keepdim)
    return [y, _place(node, x, dim, keepdim) if dim is not None and node.wants(1) else None]


@aten("argmax", "argmin", makes=("graph.arg_reduce", "graph.reshape"))
def arg_extreme(node: Node, x: Value, dim: int | None = None, keepdim: bool = False) -> Value:
    if dim is not None:
        return _place(node, x, dim, keepdim)
    flat = node.reshape(x, (total(x.shape),))
    return node.reshape(_place(node, flat, 0, False), (1,) * x.rank if keepdim else ())


def _place(node: Node, x: Value, dim: int, keepdim: bool) -> Value:
    kind = "max" if "max" in node.op else "min"
    if not x.rank:
        return node.scalar(0, node.constant(0, i64))
    return node.emit(graph.ArgReduceOp, x, kind=kind, axis=node.axis(dim, x.rank), keepdims=keepdim)


# --- statistics ------------------------------------------------------------------------------------------------------
@aten("var", "std", "var_mean", "std_mean", makes=("graph.reduce", "graph.sub", "graph.mul", "graph.div", "graph.sqrt"))
def statistics(
    node: Node,
    x: Value,
    dim: Dims | bool = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: Number | None = None,
) -> list[Value]:
    """The squares are divided by the count less the correction; without dims the second argument is `unbiased`."""
    axes = node.axes(None if isinstance(dim, bool) else dim, x.rank)
    plain = int(dim if isinstance(dim, bool) else unbiased)
    less = correction if correction is not None else plain
    mean = node.reduce(x, "mean", axes, keepdims=True)
    centered = node.sub(x, mean)
    squares = node.reduce(node.mul(centered, centered), "sum", axes, keepdims=keepdim)
    y = node.div(squares, count(node, x, axes, less))
    if node.op.startswith("std"):
        y = node.emit(graph.SqrtOp, y)
    shape = y.shape
    return [y, node.reshape(mean, shape)] if node.op.endswith("_mean") else [y]


def count(node: Node, x: Value, axes: Sequence[int], less: Number = 0) -> Value:
    """How many values are reduced, less a correction, but not less than 0."""
    sizes: list[Size] = [x.shape[axis] for axis in axes]
    number = total(sizes)
    if isinstance(number, int):
        return node.scalar(max(number - less, 0), x)
    return node.sub(node.cast(node.reshape(node.indices([number]), ()), x.element), node.scalar(less, x))


@aten("logsumexp", makes=("graph.reduce", "graph.sub", "graph.exp", "graph.log", "graph.add"))
def logsumexp(node: Node, x: Value, dim: Dims, keepdim: bool = False) -> Value:
    x = node.cast(x, node.element)
    axes = node.axes(dim, x.rank)
    largest = node.reduce(x, "maximum", axes, keepdims=True)
    summed = node.reduce(node.emit(graph.ExpOp, node.sub(x, largest)), "sum", axes, keepdims=True)
    y = node.add(node.emit(graph.LogOp, summed), largest)
    return node.reshape(y, node.shape)


@aten(
    "norm", "linalg_vector_norm", "frobenius_norm",
    makes=("graph.abs", "graph.mul", "graph.pow", "graph.reduce", "graph.sqrt"),
)  # fmt: skip
def norm(
    node: Node,
    x: Value,
    p: Number | Sequence[int] | None = 2,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: Attribute | None = None,
) -> Value:
    if not isinstance(p, int | float | None):  # frobenius_norm has no order
        p, dim, keepdim = 2, p, bool(dim)
    x, axes = node.cast(x, node.element), node.axes(dim, x.rank)
    order = 2.0 if p is None else float(p)
    if order == 2:
        return node.emit(graph.SqrtOp, node.reduce(node.mul(x, x), "sum", axes, keepdims=keepdim))
    size = node.emit(graph.AbsOp, x)
    if math.isinf(order):
        return node.reduce(size, "maximum" if order > 0 else "minimum", axes, keepdims=keepdim)
    if order == 1:
        return node.reduce(size, "sum", axes, keepdims=keepdim)
    if order == 0:
        there = node.cast(node.emit(graph.NotEqualOp, x, node.scalar(0, x)), x.element)
        return node.reduce(there, "sum", axes, keepdims=keepdim)
    powers = node.reduce(node.emit(graph.PowOp, size, node.scalar(order, x)), "sum", axes, keepdims=keepdim)
    return node.emit(graph.PowOp, powers, node.scalar(1 / order, x))


@aten("count_nonzero", makes=("graph.not_equal", "graph.cast", "graph.reduce"))
def count_nonzero(node: Node, x: Value, dim: Dims = None) -> Value:
    return node.reduce(node.cast(node.cast(x, i1), i64), "sum", node.axes(dim, x.rank))


@aten("cumsum", "cumprod", makes=("graph.cumulate", "graph.cast"))
def cumulate(node: Node, x: Value, dim: int, *, dtype: Attribute | None = None) -> Value:
    x = node.cast(x, node.element)
    if not x.rank:
        return node.emit(graph.IdentityOp, x)
    return node.emit(graph.CumulateOp, x, kind=node.op.removeprefix("cum"), axis=node.axis(dim, x.rank))
