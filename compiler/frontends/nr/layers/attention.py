"""Attention without heads: dot products, sums of tanh (Keras Attention and AdditiveAttention)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import ShapeError, element_of, shape_of
from neuralc.frontends.nr.layers.masks import causal, joined, over_steps
from neuralc.frontends.nr.layers.sequences import one_or_many
from neuralc.frontends.nr.layers.shared import Lowering, known
from neuralc.frontends.nr.layers.values import dropout, einsum, number, positions, reshape, same, total
from neuralc.frontends.nr.site import Site, Values, shown
from neuralc.grammar.binding import Bound

Scores: TypeAlias = Callable[[Site, Bound, SSAValue, SSAValue], SSAValue]
"""(site, arguments, query, key) -> scores [.., queries, keys]."""

LARGE = {"f16": 65504.0}
"""What is taken from a masked score, where 1e9 is beyond the element type (Keras Attention)."""


def _attention(scores_of: Scores) -> Lowering:
    def lower(
        site: Site,
        arguments: Bound,
        query: SSAValue,
        value: SSAValue | None = None,
        key: SSAValue | None = None,
        mask: Values = (),
    ) -> SSAValue | Values:
        query_mask, value_mask = _masks(site, query, value, mask)
        value = query if value is None else value
        key = value if key is None else key
        _check(site, query, value, key)
        scores = scores_of(site, arguments, query, key)
        visible = [] if value_mask is None else [over_steps(site, "mask", value_mask, value, 1)]
        if arguments["use_causal_mask"]:
            rows, columns = shape_of(scores.type)[-2:]
            visible.append(causal(site, positions(site, rows, 0, 2), positions(site, columns, 1, 2)))
        weights = site.add(graph.SoftmaxOp.of(_without(site, scores, joined(site, visible))), "softmax")
        dropped = dropout(site, weights, arguments["dropout"], arguments["seed"])
        batch = "abcdefgh"[: len(shape_of(query.type)) - 2]
        result = einsum(site, f"{batch}qk,{batch}kv->{batch}qv", dropped, value)
        if query_mask is not None:
            zero = number(site, 0.0, result, "masked")
            seen = over_steps(site, "mask", query_mask, query, 2)
            result = site.add(graph.WhereOp.of(seen, result, zero), "masked")
            site.put_mask(result, query_mask)
        return (result, weights) if arguments["return_attention_scores"] else result

    return one_or_many("query")(lower)


def _masks(
    site: Site, query: SSAValue, value: SSAValue | None, mask: Values
) -> tuple[SSAValue | None, SSAValue | None]:
    """The masks of query and value: those given, or those they carry. One value has one mask."""
    if not mask:
        return site.mask(query), site.mask(query if value is None else value)
    if value is None and len(mask) == 1:
        return mask[0], mask[0]
    if len(mask) != 2:
        raise ShapeError(f"`mask` is two masks, those of query and value; {len(mask)} are given")
    return mask[0], mask[1]


def _check(site: Site, query: SSAValue, value: SSAValue, key: SSAValue) -> None:
    shapes = [shape_of(x.type) for x in (query, value, key)]
    if len({len(shape) for shape in shapes}) != 1:
        listed = ", ".join(map(shown, (query, value, key)))
        raise ShapeError(f"query, value and key have one rank, they are {listed}")
    for other in (value, key):
        for mine, its in zip(shape_of(query.type)[:-2], shape_of(other.type)[:-2], strict=True):
            same(site, "the batches of query, value and key", mine, its)
    same(site, "the steps of value and key", shape_of(value.type)[-2], shape_of(key.type)[-2])
    same(site, "the features of query and key", shape_of(query.type)[-1], shape_of(key.type)[-1])


def _without(site: Site, scores: SSAValue, mask: SSAValue | None) -> SSAValue:
    """Masked scores are lowered, as Keras does here: where all are masked, the softmax is that of all."""
    if mask is None:
        return scores
    large = number(site, LARGE.get(str(element_of(scores.type)), 1e9), scores, "large")
    return site.add(graph.WhereOp.of(mask, scores, site.add(graph.SubOp.of(scores, large), "masked")), "masked")


def _dot(site: Site, arguments: Bound, query: SSAValue, key: SSAValue) -> SSAValue:
    scale = site.weight("scale", (), query, "ones") if arguments["use_scale"] else None
    if arguments["score_mode"] == "concat":
        return _concat(site, query, key, scale)
    batch = "abcdefgh"[: len(shape_of(query.type)) - 2]
    scores = einsum(site, f"{batch}qd,{batch}kd->{batch}qk", query, key, suffix="scores")
    return scores if scale is None else site.add(graph.MulOp.of(scores, scale), "scores")


def _concat(site: Site, query: SSAValue, key: SSAValue, scale: SSAValue | None) -> SSAValue:
    weight = site.weight("concat_score_weight", (), query, "ones")
    pairs = _pairs(site, query, key)
    if scale is not None:
        pairs = site.add(graph.MulOp.of(pairs, scale), "pairs")
    scores = total(site, site.add(graph.TanhOp.of(pairs), "pairs"), (-1,), suffix="scores")
    return site.add(graph.MulOp.of(scores, weight), "scores")


def _additive(site: Site, arguments: Bound, query: SSAValue, key: SSAValue) -> SSAValue:
    pairs = site.add(graph.TanhOp.of(_pairs(site, query, key)), "pairs")
    if arguments["use_scale"]:
        width = known(shape_of(query.type)[-1], "the last axis")
        pairs = site.add(graph.MulOp.of(pairs, site.weight("scale", (width,), query, "glorot_uniform")), "pairs")
    return total(site, pairs, (-1,), suffix="scores")


def _pairs(site: Site, query: SSAValue, key: SSAValue) -> SSAValue:
    """query + key for each pair of places: [.., queries, keys, features]."""
    *batch, queries, width = shape_of(query.type)
    keys = shape_of(key.type)[-2]
    rows = reshape(site, query, (*batch, queries, 1, width), "query")
    columns = reshape(site, key, (*batch, 1, keys, width), "key")
    return site.add(graph.AddOp.of(rows, columns), "pairs")


LOWERINGS: dict[str, Lowering] = {"Attention": _attention(_dot), "AdditiveAttention": _attention(_additive)}
