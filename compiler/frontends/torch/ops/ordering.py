"""Values in order."""

from __future__ import annotations

from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim
from neuralc.dialects.types import DimsAttr
from neuralc.frontends.sizes import Size
from neuralc.frontends.torch.node import Node
from neuralc.frontends.torch.registry import aten
from neuralc.frontends.values import Value


@aten("topk", makes=("graph.top_k",))
def topk(node: Node, x: Value, k: Size, dim: int = -1, largest: bool = True, sorted: bool = True) -> tuple[Value, ...]:
    return _first(node, x, k, dim, largest)


@aten("sort", "argsort", "msort", makes=("graph.top_k",))
def sort(
    node: Node, x: Value, dim: int = -1, descending: bool = False, *, stable: bool | None = None
) -> tuple[Value, ...]:
    """All of them; equal ones keep their order, whether they have to or not."""
    axis = 0 if node.op == "msort" else node.axis(dim, x.rank)
    if not x.rank:
        node.refuse("of a tensor without dims")
    values, positions = _first(node, x, x.shape[axis], axis, descending)
    return (positions,) if node.op == "argsort" else (values, positions)


@aten("sort.stable", "argsort.stable", makes=("graph.top_k",))
def stable_sort(
    node: Node, x: Value, stable: bool | None = None, dim: int = -1, descending: bool = False
) -> tuple[Value, ...]:
    return sort(node, x, dim, descending)


def _first(node: Node, x: Value, k: Size, dim: int, largest: bool) -> tuple[Value, ...]:
    places = DimsAttr((as_dim(k),))
    return node.emit_several(graph.TopKOp, x, k=places, axis=node.axis(dim, x.rank), largest=largest)
