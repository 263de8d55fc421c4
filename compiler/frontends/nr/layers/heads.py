"""Attention with heads: queries, keys and values as linear maps of what comes in, and a linear map of what comes out.

Projections are dense maps over the last axis, `x[.., in] . kernel[in, heads, size]`, written as one matrix product.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import product
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.types import ShapeError, shape_of
from neuralc.frontends.nr.activations import activate
from neuralc.frontends.nr.layers.attention_masks import Masks, axes_text
from neuralc.frontends.nr.layers.caches import Cache, Steps, cache_of, steps_of
from neuralc.frontends.nr.layers.masks import fitted, masked
from neuralc.frontends.nr.layers.regularization import penalize
from neuralc.frontends.nr.layers.rotary import Directions, Rotation
from neuralc.frontends.nr.layers.sequences import one_or_many, require_sequences
from neuralc.frontends.nr.layers.shared import Lowering, known, weight
from neuralc.frontends.nr.layers.values import dropout, einsum, reshape, same, scaled
from neuralc.frontends.nr.site import LayerError, Site, Values, shown
from neuralc.grammar.binding import Bound


def project(
    site: Site, arguments: Bound, x: SSAValue, sizes: Sequence[int], bound: int = 1, activation: str | None = None
) -> SSAValue:
    """x[.., in..] . kernel[in.., *sizes] + bias[*sizes] over the last `bound` axes (Keras EinsumDense).

    What training adds to the loss for results is for each projection, as Keras has it."""
    shape = shape_of(x.type)
    inner = [known(size, "the last axis") for size in shape[len(shape) - bound :]]
    kernel = weight(site, arguments, "kernel", (*inner, *sizes), x)
    matrix = reshape(site, kernel, (math.prod(inner), math.prod(sizes)), "kernel")
    flat = reshape(site, x, (*shape[: len(shape) - bound], math.prod(inner)))
    result = site.add(graph.MatmulOp.of(flat, matrix))
    if arguments["use_bias"]:
        bias = reshape(site, weight(site, arguments, "bias", sizes, x), (math.prod(sizes),), "bias")
        result = site.add(graph.AddOp.of(result, bias))
    result = activate(site, reshape(site, result, (*shape[: len(shape) - bound], *sizes)), activation)
    return penalize(site, arguments["activity_regularizer"], result)


def weigh(site: Site, arguments: Bound, scores: SSAValue, mask: SSAValue | None, count: int) -> tuple[SSAValue, ...]:
    """The weights of the keys, over the last `count` axes of the scores: with dropout, and without."""
    if mask is not None:
        scores = masked(site, scores, fitted(site, mask, scores, 2 * count))
    shape = shape_of(scores.type)
    flat = reshape(site, scores, (*shape[: len(shape) - count], product(shape[len(shape) - count :])), "scores")
    weights = reshape(site, site.add(graph.SoftmaxOp.of(flat), "weights"), shape, "weights")
    dropped = dropout(site, weights, arguments["dropout"], arguments["seed"])
    return dropped, weights


@one_or_many("query")
def multi_head_attention(
    site: Site,
    arguments: Bound,
    query: SSAValue,
    value: SSAValue | None = None,
    key: SSAValue | None = None,
    query_mask: SSAValue | None = None,
    value_mask: SSAValue | None = None,
    key_mask: SSAValue | None = None,
    attention_mask: SSAValue | None = None,
) -> SSAValue | Values:
    """Vaswani et al. 2017, section 3.2.2; over several axes as Keras has it."""
    _check_flash(arguments)
    value = query if value is None else value
    rank = len(shape_of(query.type))
    axes = arguments["attention_axes"] or range(1, rank - 1)
    axes = sorted(normalize_axis(axis, rank) for axis in axes)
    masks = Masks(query_mask, value_mask, key_mask, attention_mask).carried(site, query, value, key)
    key = value if key is None else key
    _check(site, query, value, key, axes)
    cache = cache_of(site, arguments, query, value)
    steps = _steps(site, arguments, query, value, axes, cache)
    mask = masks.of(site, arguments, query, value, axes, steps, cache)
    heads: int = arguments["num_heads"]
    key_dim: int = arguments["key_dim"]
    value_dim: int = arguments["value_dim"] or key_dim
    q = project(site.sub("query"), arguments, query, (heads, key_dim))
    k = project(site.sub("key"), arguments, key, (heads, key_dim))
    gate = _gate(site, arguments, query, (heads, value_dim))
    v = project(site.sub("value"), arguments, value, (heads, value_dim))
    if steps is not None and arguments["rotary"]:
        q, k = _turned(site, q, k, steps, axes[0])
    dots, sums = equations(rank + 1, axes)
    if cache is not None:
        k, v = cache.keys(k), cache.rows("value", v)
        dots, sums = "bqnh,bnhk->bnqk", "bnqk,kbnh->bqnh"
    scores = einsum(site, dots, scaled(site, q, key_dim**-0.5), k, suffix="scores")
    dropped, weights = weigh(site, arguments, scores, mask, len(axes))
    seen = einsum(site, sums, dropped, v)
    if gate is not None:
        seen = site.add(graph.MulOp.of(seen, gate), "gated")
    sizes = arguments["output_shape"] or (known(shape_of(query.type)[-1], "the last axis of the query"),)
    result = project(site.sub("attention_output"), arguments, seen, sizes, 2)
    site.put_mask(result, masks.query)
    return (result, weights) if arguments["return_attention_scores"] else result


@one_or_many("query")
def grouped_query_attention(
    site: Site,
    arguments: Bound,
    query: SSAValue,
    value: SSAValue | None = None,
    key: SSAValue | None = None,
    query_mask: SSAValue | None = None,
    value_mask: SSAValue | None = None,
    key_mask: SSAValue | None = None,
    attention_mask: SSAValue | None = None,
) -> SSAValue | Values:
    """Ainslie et al. 2023: a head of keys and values serves a group of heads of queries."""
    _check_flash(arguments)
    value = query if value is None else value
    require_sequences(query)
    masks = Masks(query_mask, value_mask, key_mask, attention_mask).carried(site, query, value, key)
    key = value if key is None else key
    _check(site, query, value, key, (1,))
    cache = cache_of(site, arguments, query, value)
    steps = _steps(site, arguments, query, value, (1,), cache)
    mask = masks.of(site, arguments, query, value, (1,), steps, cache)
    size: int = arguments["head_dim"]
    heads: int = arguments["num_query_heads"]
    groups: int = arguments["num_key_value_heads"]
    if heads % groups:
        raise LayerError(
            f"{heads} heads of queries cannot share {groups} heads of keys",
            help="`num_key_value_heads` divides `num_query_heads`",
        )
    q = project(site.sub("query"), arguments, query, (heads, size))
    k = project(site.sub("key"), arguments, key, (groups, size))
    gate = _gate(site, arguments, query, (heads, size))
    v = project(site.sub("value"), arguments, value, (groups, size))
    if steps is not None and arguments["rotary"]:
        q, k = _turned(site, q, k, steps, 1)
    keys, values = "bkgh", "bkgh"
    if cache is not None:
        k, v, keys, values = cache.keys(k), cache.rows("value", v), "bghk", "kbgh"
    batch, rows = shape_of(q.type)[:2]
    columns = shape_of(k.type)[keys.index("k")]
    grouped = reshape(site, scaled(site, q, size**-0.5), (batch, rows, groups, heads // groups, size), "grouped")
    scores = einsum(site, f"bqgrh,{keys}->bgrqk", grouped, k, suffix="scores")
    scores = reshape(site, scores, (batch, heads, rows, columns), "scores")
    dropped, weights = weigh(site, arguments, scores, mask, 1)
    dropped = reshape(site, dropped, (batch, groups, heads // groups, rows, columns), "grouped")
    seen = reshape(site, einsum(site, f"bgrqk,{values}->bqgrh", dropped, v), (batch, rows, heads, size))
    if gate is not None:
        seen = site.add(graph.MulOp.of(seen, gate), "gated")
    width = known(shape_of(query.type)[-1], "the last axis of the query")
    result = project(site.sub("attention_output"), arguments, seen, (width,), 2)
    site.put_mask(result, masks.query)
    return (result, weights) if arguments["return_attention_scores"] else result


def equations(rank: int, axes: Sequence[int]) -> tuple[str, str]:
    """The einsums of scores and of results, for values of `rank` axes, the last two of them heads and features.

    Scores have the axes that attention leaves alone, the heads, the attended axes of the queries and those of the
    keys: "bqnh,bknh->bnqk" for sequences."""
    others, queries, keys = iter("xyzuvw"), iter("qrstop"), iter("klmcde")
    pairs = {axis: (next(queries), next(keys)) for axis in axes}
    alone = {axis: "b" if axis == 0 else next(others) for axis in range(rank - 2) if axis not in axes}
    query = "".join(pairs[axis][0] if axis in pairs else alone[axis] for axis in range(rank - 2))
    key = "".join(pairs[axis][1] if axis in pairs else alone[axis] for axis in range(rank - 2))
    scores = (
        "".join(alone.values()) + "n" + "".join(q for q, _ in pairs.values()) + "".join(k for _, k in pairs.values())
    )
    return f"{query}nh,{key}nh->{scores}", f"{scores},{key}nh->{query}nh"


def _steps(
    site: Site, arguments: Bound, query: SSAValue, value: SSAValue, axes: Sequence[int], cache: Cache | None
) -> Steps | None:
    """The places of queries and keys; None where nothing depends on them."""
    if cache is not None:
        return cache.steps
    if not (arguments["use_causal_mask"] or arguments["rotary"] or arguments["sliding_window"] is not None):
        return None
    if len(axes) != 1:
        raise ShapeError(f"places are along one axis, attention runs over {axes_text(axes)}")
    return steps_of(site, query, value, axes[0])


def _turned(site: Site, q: SSAValue, k: SSAValue, steps: Steps, axis: int) -> tuple[SSAValue, SSAValue]:
    """Queries and keys turned by their places."""
    rotation = Rotation(sequence=axis)

    def directions(x: SSAValue, places: SSAValue) -> Directions:
        (count,) = shape_of(places.type)
        wide = [count if i == axis else 1 for i in range(len(shape_of(x.type)))]
        return rotation.directions(site.sub("rotary"), x, reshape(site, places, wide, "places"))

    of_queries = directions(q, steps.queries)
    of_keys = of_queries if steps.coming is steps.queries else directions(k, steps.coming)
    return rotation.turned(site.sub("query"), q, of_queries), rotation.turned(site.sub("key"), k, of_keys)


def _gate(site: Site, arguments: Bound, query: SSAValue, sizes: Sequence[int]) -> SSAValue | None:
    """What the results of the heads are multiplied by (Qiu et al. 2025)."""
    if not arguments["use_gate"]:
        return None
    return project(site.sub("gate"), arguments, query, sizes, activation="sigmoid")


def _check(site: Site, query: SSAValue, value: SSAValue, key: SSAValue, axes: Sequence[int]) -> None:
    """Value and key have the same places, query the same ones beside the attended axes."""
    rank = len(shape_of(query.type))
    if rank < 3:
        raise ShapeError(f"it takes sequences (batch, steps, features), its query is {shown(query)}")
    if not axes or not all(0 < axis < rank - 1 for axis in axes) or len({*axes}) != len(axes):
        raise ShapeError(
            f"attention runs over different axes between the batch and the features, not {axes_text(axes)}"
        )
    for other in (value, key):
        if len(shape_of(other.type)) != rank:
            raise ShapeError(f"query, value and key have one rank, they are {shown(query)} and {shown(other)}")
    for axis in range(rank - 1):
        same(site, f"axes {axis} of value and key", shape_of(value.type)[axis], shape_of(key.type)[axis])
        if axis not in axes:
            same(site, f"axes {axis} of query and value", shape_of(query.type)[axis], shape_of(value.type)[axis])


def _check_flash(arguments: Bound) -> None:
    """Keras refuses what its flash kernels cannot do; the values are the same with and without."""
    if not arguments["flash_attention"]:
        return
    for name, why in (("dropout", "dropout"), ("return_attention_scores", "the scores as a result")):
        if arguments[name]:
            raise LayerError(f"flash attention goes without {why}", help=f"leave out `flash_attention` or `{name}`")


LOWERINGS: dict[str, Lowering] = {
    "MultiHeadAttention": multi_head_attention,
    "GroupedQueryAttention": grouped_query_attention,
}
