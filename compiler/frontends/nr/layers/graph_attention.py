"""Graph attention (Velickovic et al. 2018): each node weighs its neighbours by a softmax over them.

Over a matrix it is a masked softmax of all pairs. Over a list of edges, the largest score and the sum of the shares of
each target are gathered along the edges; a loop of each node to itself is what both start from.
"""

from __future__ import annotations

from xdsl.dialects.builtin import i1
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import ShapeError, shape_of
from neuralc.frontends.nr.activations import activate
from neuralc.frontends.nr.layers.graphs import Edges, edges_of, graph_of, matrix_of, nodes_of, zeros
from neuralc.frontends.nr.layers.masks import least, masked
from neuralc.frontends.nr.layers.shared import Lowering, known, weight
from neuralc.frontends.nr.layers.values import cast, dropout, einsum, expand, number, positions, reshape, same
from neuralc.frontends.nr.site import Site, shown
from neuralc.grammar.binding import Bound


def graph_attention(
    site: Site,
    arguments: Bound,
    x: SSAValue,
    adjacency: SSAValue | None = None,
    edges: SSAValue | None = None,
    edge_mask: SSAValue | None = None,
) -> SSAValue:
    """Equations 1 to 6 of the paper. The score of an edge has a part of its target and a part of its source."""
    batch, nodes, features = nodes_of(x)
    given = graph_of(adjacency, edges)
    heads, units = arguments["num_heads"], arguments["units"]
    kernel = weight(site, arguments, "kernel", (known(features, "the features"), heads, units), x)
    flat = reshape(site, kernel, (known(features, "the features"), heads * units), "kernel")
    h = reshape(site, site.add(graph.MatmulOp.of(x, flat), "features"), (batch, nodes, heads, units), "features")

    def scores(name: str) -> SSAValue:
        vector = weight(site, arguments, name, (heads, units), x, key="attention")
        return einsum(site, "bnhu,hu->bnh", h, vector, suffix="scores")

    own, others = scores("attention_self"), scores("attention_neighbour")
    if adjacency is not None:
        if edge_mask is not None:
            raise ShapeError("`edge_mask` belongs to `edges`; in a matrix an edge that is none is 0")
        result = _over_matrix(site, arguments, matrix_of(site, adjacency, x), h, own, others)
    else:
        result = _over_edges(site, arguments, given, edge_mask, h, own, others)
    if arguments["concat"]:
        width = heads * units
        # The number of nodes may have become another size: a matrix has as many rows.
        result = reshape(site, result, (*shape_of(result.type)[:2], width), "heads")
    else:
        width = units
        result = site.add(graph.ReduceOp.of(result, kind="mean", axes=(2,)), "heads")
    if arguments["use_bias"]:
        result = site.add(graph.AddOp.of(result, weight(site, arguments, "bias", (width,), x)))
    return activate(site, result, arguments["activation"])


def _over_matrix(
    site: Site, arguments: Bound, matrix: SSAValue, h: SSAValue, own: SSAValue, others: SSAValue
) -> SSAValue:
    batch, nodes, heads = shape_of(own.type)
    rows = reshape(site, site.add(graph.TransposeOp.of(own, perm=(0, 2, 1)), "scores"), (batch, heads, nodes, 1))
    columns = reshape(site, site.add(graph.TransposeOp.of(others, perm=(0, 2, 1)), "scores"), (batch, heads, 1, nodes))
    scores = site.add(graph.AddOp.of(rows, columns), "scores")
    scores = site.add(graph.LeakyReluOp.of(scores, alpha=arguments["negative_slope"]), "scores")
    seen = cast(site, matrix, i1, "neighbours")
    if arguments["self_loops"]:
        diagonal = graph.EqualOp.of(positions(site, nodes, 0, 2, "nodes"), positions(site, nodes, 1, 2, "nodes"))
        seen = site.add(graph.LogicalOrOp.of(seen, site.add(diagonal, "loops")), "neighbours")
    seen = reshape(site, seen, (batch, 1, nodes, nodes), "neighbours")
    weights = site.add(graph.SoftmaxOp.of(masked(site, scores, seen)), "weights")
    if not arguments["self_loops"]:
        # A node without neighbours gathers nothing.
        weights = site.add(graph.WhereOp.of(seen, weights, number(site, 0.0, weights, "zero")), "weights")
    dropped = dropout(site, weights, arguments["dropout"], arguments["seed"])
    return einsum(site, "bhij,bjhu->bihu", dropped, h, suffix="gathered")


def _over_edges(
    site: Site,
    arguments: Bound,
    edges: SSAValue,
    mask: SSAValue | None,
    h: SSAValue,
    own: SSAValue,
    others: SSAValue,
) -> SSAValue:
    listed = edges_of(site, edges, h)
    live = _live(site, listed, mask, edges, loops=arguments["self_loops"])
    batch, nodes, heads, units = shape_of(h.type)
    count = shape_of(edges.type)[1]

    def leaky(lhs: SSAValue, rhs: SSAValue) -> SSAValue:
        both = site.add(graph.AddOp.of(lhs, rhs), "scores")
        return site.add(graph.LeakyReluOp.of(both, alpha=arguments["negative_slope"]), "scores")

    def exp(x: SSAValue, largest: SSAValue) -> SSAValue:
        return site.add(graph.ExpOp.of(site.add(graph.SubOp.of(x, largest), "shares")), "shares")

    scores = leaky(listed.at_targets(own), listed.at_sources(others))
    scores = masked(site, scores, live)
    loop = leaky(own, others) if arguments["self_loops"] else None
    start = loop if loop is not None else expand(site, least(site, scores), (batch, nodes, heads), "least")
    largest = listed.gathered(start, scores, "maximum")
    shares = exp(scores, listed.at_targets(largest))
    if live is not None:
        shares = site.add(graph.WhereOp.of(live, shares, number(site, 0.0, shares, "zero")), "shares")
    none = zeros(site, (batch, nodes, heads), h)
    sums = listed.gathered(none if loop is None else exp(loop, largest), shares)
    # The largest share is 1: a sum below is that of no edges.
    sums = site.add(graph.MaximumOp.of(sums, number(site, 1.0, sums, "one")), "sums")
    weights = site.add(graph.DivOp.of(shares, listed.at_targets(sums)), "weights")
    weights = dropout(site, weights, arguments["dropout"], arguments["seed"])
    wide = reshape(site, weights, (batch, count, heads, 1), "weights")
    messages = site.add(graph.MulOp.of(wide, listed.at_sources(h)), "messages")
    gathered = zeros(site, (batch, nodes, heads, units), h)
    if loop is not None:
        share = site.add(graph.DivOp.of(exp(loop, largest), sums), "share")
        gathered = site.add(graph.MulOp.of(reshape(site, share, (batch, nodes, heads, 1), "share"), h), "share")
    return listed.gathered(gathered, messages)


def _live(site: Site, listed: Edges, mask: SSAValue | None, edges: SSAValue, *, loops: bool) -> SSAValue | None:
    """[batch, edges, 1]: which edges count. Where every node has a loop, an edge to itself is that loop."""
    live = None
    if mask is not None:
        batch, count, _ = shape_of(edges.type)
        if len(shape_of(mask.type)) != 2:
            raise ShapeError(f"`edge_mask` is (batch, edges), not {shown(mask)}")
        for mine, size in zip(shape_of(mask.type), (batch, count), strict=True):
            same(site, f"`edge_mask` {shown(mask)} and `edges` {shown(edges)}", mine, size)
        live = reshape(site, cast(site, mask, i1, "edge_mask"), (*shape_of(mask.type), 1), "edge_mask")
    if not loops:
        return live
    others = site.add(graph.NotEqualOp.of(listed.sources, listed.targets), "others")
    return others if live is None else site.add(graph.LogicalAndOp.of(live, others), "live")


LOWERINGS: dict[str, Lowering] = {"GraphAttention": graph_attention}
