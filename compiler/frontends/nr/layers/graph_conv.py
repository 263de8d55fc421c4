"""Graph convolution (Kipf and Welling 2017): features of neighbours, weighted by the degrees of both ends.

D^-1/2 (A + I) D^-1/2 x W  =  s * (A (s * h) + s * h)   with h = x W and s = 1 / sqrt(degrees)
"""

from __future__ import annotations

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import ShapeError, element_of, is_float, shape_of
from neuralc.frontends.nr.activations import activate
from neuralc.frontends.nr.layers.graphs import edges_of, graph_of, matrix_of, nodes_of, zeros
from neuralc.frontends.nr.layers.shared import Lowering, known, weight
from neuralc.frontends.nr.layers.values import cast, einsum, expand, number, reshape, same, total
from neuralc.frontends.nr.site import Site, shown
from neuralc.grammar.binding import Bound


def graph_conv(
    site: Site,
    arguments: Bound,
    x: SSAValue,
    adjacency: SSAValue | None = None,
    edges: SSAValue | None = None,
    edge_weights: SSAValue | None = None,
) -> SSAValue:
    """Equation 2 of the paper; `row` divides by the degrees (the mean of the neighbours), `none` adds up."""
    features = nodes_of(x)[-1]
    given = graph_of(adjacency, edges)
    units: int = arguments["units"]
    kernel = weight(site, arguments, "kernel", (known(features, "the features"), units), x)
    h = site.add(graph.DenseOp.of(x, kernel), "features")
    if adjacency is not None:
        if edge_weights is not None:
            raise ShapeError("`edge_weights` belong to `edges`; a matrix holds its weights")
        matrix = matrix_of(site, adjacency, x)
        degrees = total(site, matrix, (-1,), keepdims=True, suffix="degrees")

        def gather(h: SSAValue) -> SSAValue:
            return einsum(site, "bij,bju->biu", matrix, h, suffix="gathered")
    else:
        listed = edges_of(site, given, x)
        weights = _edge_weights(site, edge_weights, given, x)
        degrees = listed.gathered(zeros(site, (*shape_of(x.type)[:2], 1), x), weights)

        def gather(h: SSAValue) -> SSAValue:
            messages = listed.at_sources(h)
            if edge_weights is not None:
                messages = site.add(graph.MulOp.of(messages, weights), "messages")
            return listed.gathered(zeros(site, shape_of(h.type), x), messages)

    loops = arguments["self_loops"]
    if loops:
        degrees = site.add(graph.AddOp.of(degrees, number(site, 1.0, degrees, "loop")), "degrees")
    kind = arguments["normalization"]
    scale = None if kind == "none" else _inverse(site, degrees, root=kind == "symmetric")
    if scale is not None and kind == "symmetric":
        h = site.add(graph.MulOp.of(h, scale), "scaled")
    result = gather(h)
    if loops:
        result = site.add(graph.AddOp.of(result, h), "gathered")
    if scale is not None:
        result = site.add(graph.MulOp.of(result, scale), "scaled")
    if arguments["use_bias"]:
        result = site.add(graph.AddOp.of(result, weight(site, arguments, "bias", (units,), x)))
    return activate(site, result, arguments["activation"])


def _inverse(site: Site, degrees: SSAValue, *, root: bool) -> SSAValue:
    """1 / degrees or 1 / sqrt(degrees); 0 for a node without edges."""
    one, zero = number(site, 1.0, degrees, "one"), number(site, 0.0, degrees, "zero")
    some = site.add(graph.GreaterOp.of(degrees, zero), "connected")
    safe = site.add(graph.WhereOp.of(some, degrees, one), "degrees")
    inverse = site.add(graph.RsqrtOp.of(safe) if root else graph.DivOp.of(one, safe), "scale")
    return site.add(graph.WhereOp.of(some, inverse, zero), "scale")


def _edge_weights(site: Site, weights: SSAValue | None, edges: SSAValue, x: SSAValue) -> SSAValue:
    """[batch, edges, 1]; ones where none are given."""
    batch, count, _ = shape_of(edges.type)
    if weights is None:
        return expand(site, number(site, 1.0, x, "ones"), (batch, count, 1), "ones")
    if len(shape_of(weights.type)) != 2 or not is_float(element_of(weights.type)):
        raise ShapeError(f"`edge_weights` are floats (batch, edges), not {shown(weights)}")
    for mine, size in zip(shape_of(weights.type), (batch, count), strict=True):
        same(site, f"`edge_weights` {shown(weights)} and `edges` {shown(edges)}", mine, size)
    return reshape(site, cast(site, weights, element_of(x.type)), (batch, count, 1), "edge_weights")


LOWERINGS: dict[str, Lowering] = {"GraphConv": graph_conv}
