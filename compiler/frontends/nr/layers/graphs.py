"""Graphs as layers take them: an adjacency matrix, or a list of edges.

Entry [i, j] of a matrix is the weight of the edge from j to i; an edge of a list is (source, target). Both are batches:
each member of the batch is a graph of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.builtin import i32, i64
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import ShapeError, element_of, shape_of, tensor_type
from neuralc.frontends.nr.layers.values import cast, expand, part, positions, same
from neuralc.frontends.nr.site import LayerError, Site, shown
from neuralc.frontends.sizes import Size


@dataclass(frozen=True)
class Edges:
    """A list of edges: for each the number of its source and of its target, and its place in the batch."""

    site: Site
    sources: SSAValue
    """[batch, edges, 1]"""
    targets: SSAValue
    """[batch, edges, 1]"""
    places: SSAValue
    """[batch, edges, 2]: the member of the batch and the target, as graph.scatter_nd takes them."""

    def at_sources(self, x: SSAValue) -> SSAValue:
        """[batch, nodes, ..] -> [batch, edges, ..]"""
        return self.site.add(graph.GatherNdOp.of(x, self.sources, batch_dims=1), "sources")

    def at_targets(self, x: SSAValue) -> SSAValue:
        return self.site.add(graph.GatherNdOp.of(x, self.targets, batch_dims=1), "targets")

    def gathered(self, start: SSAValue, messages: SSAValue, kind: str = "add") -> SSAValue:
        """What comes along the edges [batch, edges, ..], combined at their targets with what is there."""
        return self.site.add(graph.ScatterNdOp.of(start, self.places, messages, kind=kind), "gathered")


def edges_of(site: Site, edges: SSAValue, x: SSAValue) -> Edges:
    """Raises ShapeError for what is no list of edges."""
    shape = shape_of(edges.type)
    if len(shape) != 3 or shape[2] != 2 or element_of(edges.type) not in (i32, i64):
        raise ShapeError(f"`edges` are (batch, edges, 2) of int64 or int32, not {shown(edges)}")
    same(site, "the batches of x and of `edges`", shape_of(x.type)[0], shape[0])
    batch, count, _ = shape_of(edges.type)
    sources, targets = (
        part(site, edges, 2, index, 1, suffix=name) for index, name in enumerate(("sources", "targets"))
    )
    members = cast(site, positions(site, batch, 0, 3, "members"), element_of(edges.type), "members")
    places = graph.ConcatOp.of(expand(site, members, (batch, count, 1), "members"), targets, axis=2)
    return Edges(site, sources, targets, site.add(places, "places"))


def nodes_of(x: SSAValue) -> tuple[Size, Size, Size]:
    """The batch, the nodes and their features."""
    shape = shape_of(x.type)
    if len(shape) != 3:
        raise ShapeError(f"it takes features of nodes (batch, nodes, features), its input is {shown(x)}")
    return shape[0], shape[1], shape[2]


def matrix_of(site: Site, adjacency: SSAValue, x: SSAValue) -> SSAValue:
    """The adjacency matrix in the type of x."""
    shape, of = shape_of(adjacency.type), shape_of(x.type)
    if len(shape) != 3:
        raise ShapeError(f"`adjacency` is (batch, nodes, nodes), not {shown(adjacency)}")
    for mine, size in zip(shape, (of[0], of[1], of[1]), strict=True):
        same(site, f"`adjacency` {shown(adjacency)} and the nodes of {shown(x)}", mine, size)
    return cast(site, adjacency, element_of(x.type), "adjacency")


def zeros(site: Site, shape: tuple[Size, ...], like: SSAValue) -> SSAValue:
    return site.add(graph.ConstantOp.of(result=tensor_type(shape, element_of(like.type)), value=0.0), "zeros")


def graph_of(adjacency: SSAValue | None, edges: SSAValue | None) -> SSAValue:
    """The one of both that is given. Raises LayerError where there is not one."""
    given = [value for value in (adjacency, edges) if value is not None]
    if len(given) == 1:
        return given[0]
    raise LayerError(
        f"it takes the matrix of a graph or its edges, and gets {'both' if given else 'neither'}",
        "E0405",
        "name one: `adjacency=a`, or `edges=e`",
    )
