"""Tensors that no operand gives the values of, and triangles of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
from xdsl.dialects.builtin import i1

from neuralc.dialects import graph
from neuralc.dialects.dims import Dim
from neuralc.frontends.builder import FOLDED
from neuralc.frontends.sizes import Size
from neuralc.frontends.torch.node import Node, Number, Operand
from neuralc.frontends.torch.registry import aten
from neuralc.frontends.values import Value

FILLED = {"zeros": 0, "zeros_like": 0, "new_zeros": 0, "ones": 1, "ones_like": 1, "new_ones": 1}


@aten(*FILLED, makes=("graph.constant",))
def filled(node: Node, *sizes: object, **types: object) -> Value:
    """Shape and type are those that torch has found."""
    return node.fill(FILLED[node.op], node.shape, node.element)


@aten(
    "empty",
    "empty_like",
    "new_empty",
    "empty_strided",
    "new_empty_strided",
    "empty_permuted",
    makes=("graph.constant",),
)
def empty(node: Node, *sizes: object, **types: object) -> Value:
    """Values that the program has to write before it reads them: 0."""
    return node.fill(0, node.shape, node.element)


@aten("full", makes=("graph.constant", "graph.expand"))
def full(node: Node, size: object, fill_value: Operand, **types: object) -> Value:
    return node.expand(node.value(fill_value, node.element), node.shape)


@aten("full_like", "new_full", makes=("graph.constant", "graph.expand"))
def full_like(node: Node, x: Value, *arguments: Any, fill_value: Operand | None = None, **types: object) -> Value:
    """new_full has the shape before the value."""
    value = arguments[-1] if fill_value is None else fill_value
    return node.expand(node.value(value, node.element), node.shape)


@aten("scalar_tensor", makes=("graph.constant",))
def scalar_tensor(node: Node, value: Operand, **types: object) -> Value:
    return node.value(value, node.element)


@aten("arange", makes=("graph.iota", "graph.cast", "graph.mul", "graph.add"))
def arange(
    node: Node, start: Size | float, end: Size | float | None = None, step: Size | float = 1, **types: object
) -> Value:
    """start, start + step, .. before the end; with one argument from 0."""
    if end is None:
        start, end = 0, start
    count = node.shape[0]
    if isinstance(count, int) and count <= FOLDED and not any(isinstance(each, Dim) for each in (start, step)):
        return node.constant(np.asarray(start) + np.asarray(step) * np.arange(count), node.element)
    line = node.cast(node.iota(count), node.element)
    scaled = line if step == 1 else node.mul(line, _number(node, step))
    return scaled if start == 0 else node.add(scaled, _number(node, start))


def _number(node: Node, number: Size | float) -> Value:
    if isinstance(number, Dim):
        return node.cast(node.reshape(node.indices([number]), ()), node.element)
    return node.value(number, node.element)


@aten("linspace", makes=("graph.constant",))
def linspace(node: Node, start: Number, end: Number, steps: int, **types: object) -> Value:
    return node.constant(np.linspace(start, end, steps), node.element)


@aten("eye", makes=("graph.constant", "graph.equal", "graph.iota", "graph.cast"))
def eye(node: Node, n: Size, m: Size | None = None, **types: object) -> Value:
    rows, columns = node.shape
    if isinstance(rows, int) and isinstance(columns, int):
        return node.constant(np.eye(rows, columns), node.element)
    down, across = _lines(node, rows, columns)
    return node.cast(node.emit(graph.EqualOp, down, across), node.element)


@aten("tril", "triu", makes=("graph.iota", "graph.less_equal", "graph.greater_equal", "graph.where"))
def triangle(node: Node, x: Value, diagonal: int = 0) -> Value:
    """Zero on the other side of a diagonal."""
    rows, columns = x.shape[-2:]
    if isinstance(rows, int) and isinstance(columns, int) and rows * columns <= FOLDED:
        kept = np.tri(rows, columns, diagonal if node.op == "tril" else diagonal - 1, dtype=bool)
        mask = node.constant(kept if node.op == "tril" else ~kept, i1)
    else:
        down, across = _lines(node, rows, columns)
        edge = node.add(down, node.scalar(diagonal, down))
        mask = node.emit(graph.LessEqualOp if node.op == "tril" else graph.GreaterEqualOp, across, edge)
    if x.element == i1:
        return node.emit(graph.LogicalAndOp, mask, x)
    return node.emit(graph.WhereOp, mask, x, node.scalar(0, x))


def _lines(node: Node, rows: Size, columns: Size) -> tuple[Value, Value]:
    """The numbers of rows and of columns, to be compared."""
    return node.reshape(node.iota(rows), (rows, 1)), node.reshape(node.iota(columns), (1, columns))
