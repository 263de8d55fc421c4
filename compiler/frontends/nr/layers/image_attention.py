"""Attention over the places of images and videos: along one axis at a time, and over all places at once."""

from __future__ import annotations

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import product
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.types import ShapeError, shape_of
from neuralc.frontends.nr.layers.heads import multi_head_attention
from neuralc.frontends.nr.layers.shared import Lowering, known
from neuralc.frontends.nr.layers.transformer import with_defaults
from neuralc.frontends.nr.layers.values import einsum, part, reshape, size_of
from neuralc.frontends.nr.site import Site, shown
from neuralc.frontends.sizes import Size
from neuralc.grammar.binding import Bound

PASSED_ON = ("num_heads", "key_dim", "value_dim", "dropout", "use_bias", "kernel_initializer", "bias_initializer")


def axial_attention(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    """One attention after the other: each sees what those before it have gathered along their axes."""
    rank = len(shape_of(x.type))
    if rank < 3:
        raise ShapeError(f"it takes values (batch, places.., features), its input is {shown(x)}")
    axes = [normalize_axis(axis, rank) for axis in arguments["axes"] or range(1, rank - 1)]
    options = {name: arguments[name] for name in PASSED_ON}
    for axis in axes:
        bound = with_defaults("MultiHeadAttention", attention_axes=(axis,), **options)
        result = multi_head_attention(site.sub(f"axis_{axis}"), bound, x)
        x = result if isinstance(result, SSAValue) else result[0]
    return x


def non_local_block(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    """Wang et al. 2018, eq. 1 and 6: x + (sum over j of f(x_i, x_j) g(x_j) / C) . W."""
    batch, *places, features = shape_of(x.type)
    if not places:
        raise ShapeError(f"it takes values (batch, places.., features), its input is {shown(x)}")
    width = known(features, "the channels")
    channels: int = arguments["channels"] or max(1, width // 2)
    count = product(places)
    flat = reshape(site, x, (batch, count, width), "places")

    def embedded(name: str) -> SSAValue:
        return _embedding(site, arguments, name, flat, channels)

    mode = arguments["mode"]
    query, key = (flat, flat) if mode == "gaussian" else (embedded("theta"), embedded("phi"))
    value = embedded("g")
    match mode:
        case "dot":
            gathered = _mean(site, einsum(site, "bqc,bkc,bkv->bqv", query, key, value), count)
        case "concat":
            scores = site.add(graph.ReluOp.of(_concatenated(site, arguments, query, key, channels)), "scores")
            gathered = _mean(site, einsum(site, "bqk,bkv->bqv", scores, value), count)
        case _:
            scores = einsum(site, "bqc,bkc->bqk", query, key, suffix="scores")
            weights = site.add(graph.SoftmaxOp.of(scores), "weights")
            gathered = einsum(site, "bqk,bkv->bqv", weights, value)
    start = arguments["output_initializer"]
    joined = site.layer(
        "output", "Dense", gathered, units=width, use_bias=arguments["use_bias"], kernel_initializer=start
    )
    return site.add(graph.AddOp.of(x, reshape(site, joined, shape_of(x.type), "output")))


def _embedding(site: Site, arguments: Bound, name: str, x: SSAValue, channels: int) -> SSAValue:
    """A linear map of each place: what the paper writes as a 1x1 convolution."""
    names = ("use_bias", "kernel_initializer", "bias_initializer")
    return site.layer(name, "Dense", x, units=channels, **{key: arguments[key] for key in names})


def _concatenated(site: Site, arguments: Bound, query: SSAValue, key: SSAValue, channels: int) -> SSAValue:
    """w . [query, key] for each pair (eq. 5): a part of w for each, so that no pair is written out."""
    w = site.sub("scores").weight("kernel", (2 * channels,), query, arguments["kernel_initializer"])
    rows = einsum(site, "bqc,c->bq", query, part(site, w, 0, 0, channels, suffix="scores.query"))
    columns = einsum(site, "bkc,c->bk", key, part(site, w, 0, channels, channels, suffix="scores.key"))
    batch, count = shape_of(rows.type)
    return site.add(
        graph.AddOp.of(
            reshape(site, rows, (batch, count, 1), "scores.query"),
            reshape(site, columns, (batch, 1, count), "scores.key"),
        ),
        "scores",
    )


def _mean(site: Site, x: SSAValue, count: Size) -> SSAValue:
    """Divided by the number of places."""
    return site.add(graph.DivOp.of(x, size_of(site, count, x)), "mean")


LOWERINGS: dict[str, Lowering] = {"AxialAttention": axial_attention, "NonLocalBlock": non_local_block}
