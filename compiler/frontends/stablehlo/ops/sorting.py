"""Sorts: by a comparator that is an order of numbers, along one dim; and the largest values."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import i1

from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim
from neuralc.dialects.types import DimsAttr, is_float
from neuralc.frontends.sizes import Size
from neuralc.frontends.stablehlo.comparisons import is_only_key, sorts_ascending
from neuralc.frontends.stablehlo.node import Node
from neuralc.frontends.stablehlo.registry import stablehlo_op
from neuralc.frontends.values import Value


@stablehlo_op("stablehlo.sort", makes=("graph.top_k", "graph.gather_elements", "graph.cast"), unread=("is_stable",))
def sort(node: Node) -> Sequence[Value]:
    """The first operand is what is compared; the others go where its values go. Equal values keep their order."""
    key, axis, block = node.input(0), node.integer("dimension"), node.region(0)
    if key.element == i1:
        node.refuse("of truth values")
    if not is_only_key(block, 0, node.session):
        node.refuse("by several operands")
    ascending = sorts_ascending(block, 0, node.session, floats=is_float(key.element))
    axis = node.axis(axis, key.rank)
    values, positions = _ordered(node, key, key.shape[axis], axis, largest=not ascending)
    return [values, *(_moved(node, other, positions, axis) for other in node.inputs[1:])]


def _ordered(node: Node, x: Value, count: Size, axis: int, *, largest: bool) -> tuple[Value, ...]:
    return node.emit_several(graph.TopKOp, x, k=DimsAttr((as_dim(count),)), axis=axis, largest=largest)


def _moved(node: Node, x: Value, positions: Value, axis: int) -> Value:
    """What goes along with the sorted values. Numbers that count along the dim become the positions themselves."""
    if node.session.iotas.get(x) == axis:
        return node.cast(positions, x.element)
    return node.emit(graph.GatherElementsOp, x, positions, axis=axis)


@stablehlo_op("chlo.top_k", makes=("graph.top_k", "graph.cast"))
def top_k(node: Node) -> Sequence[Value]:
    """The k largest values along the last dim, and their positions."""
    x = node.input(0)
    values, positions = _ordered(node, x, node.integer("k"), x.rank - 1, largest=True)
    return values, node.cast(positions, node.element(1))
