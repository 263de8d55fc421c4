"""Which places attention may look at: masks of steps and of pairs, causal ones, bands, and all of them as one."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import i1
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import ShapeError, element_of, shape_of
from neuralc.frontends.nr.layers.values import cast, number, reshape, same
from neuralc.frontends.nr.site import Site, shown
from neuralc.frontends.sizes import Size


def truth(site: Site, mask: SSAValue, suffix: str = "mask") -> SSAValue:
    """A mask as truth values: a number is true where it is not 0."""
    return cast(site, mask, i1, suffix)


def causal(site: Site, queries: SSAValue, keys: SSAValue) -> SSAValue:
    """True where a key is not behind its query, from the positions of both."""
    return site.add(graph.LessEqualOp.of(keys, queries), "causal_mask")


def band(site: Site, queries: SSAValue, keys: SSAValue, width: int) -> SSAValue:
    """True where a key is less than `width` places from its query, on either side."""
    distance = site.add(graph.AbsOp.of(site.add(graph.SubOp.of(queries, keys), "distance")), "distance")
    return site.add(graph.LessOp.of(distance, number(site, width, distance, "window")), "window_mask")


def joined(site: Site, masks: Sequence[SSAValue | None]) -> SSAValue | None:
    """True where all masks are that there are; None without any."""
    result: SSAValue | None = None
    for mask in masks:
        if mask is not None:
            result = mask if result is None else site.add(graph.LogicalAndOp.of(result, mask), "mask")
    return result


def over_steps(site: Site, name: str, mask: SSAValue, x: SSAValue, axis: int) -> SSAValue:
    """A mask (batch, steps) of `x` with an axis of size 1 put in: [batch, steps, 1] or [batch, 1, steps].

    Raises ShapeError where its steps are not those of `x`."""
    shape = shape_of(mask.type)
    if len(shape) != 2:
        raise ShapeError(f"`{name}` is (batch, steps), not {shown(mask)}")
    for mine, other in zip(shape, shape_of(x.type)[:2], strict=True):
        same(site, f"the steps of `{name}` and of its value", mine, other)
    shape = shape_of(mask.type)
    return reshape(site, truth(site, mask, name), (*shape[:axis], 1, *shape[axis:]), name)


def fitted(site: Site, mask: SSAValue, scores: SSAValue, pairs: int) -> SSAValue:
    """A mask with axes of size 1 put in before its last `pairs` ones, until it has the rank of the scores (Keras).

    Raises ShapeError where it does not broadcast to them."""
    shape, wanted = shape_of(mask.type), shape_of(scores.type)
    if not pairs <= len(shape) <= len(wanted):
        raise ShapeError(f"`attention_mask` {shown(mask)} does not fit the scores {shown(scores)}")
    first: list[Size] = [*shape[: len(shape) - pairs], *[1] * (len(wanted) - len(shape))]
    mask = reshape(site, mask, (*first, *shape[len(shape) - pairs :]), "mask")
    for size, score in zip(shape_of(mask.type), wanted, strict=True):
        if size != 1:
            same(site, f"sizes of `attention_mask` {shown(mask)} and of the scores {shown(scores)}", size, score)
    return mask


LEAST = {"f16": -3e4}
"""What stands for a score that is masked, where -1e9 is beyond the element type (Keras Softmax)."""


def least(site: Site, scores: SSAValue) -> SSAValue:
    """The score of a place that weighs nothing."""
    return number(site, LEAST.get(str(element_of(scores.type)), -1e9), scores, "masked")


def masked(site: Site, scores: SSAValue, mask: SSAValue | None) -> SSAValue:
    """Scores whose masked places weigh nothing; where all are masked, all weigh the same."""
    if mask is None:
        return scores
    return site.add(graph.WhereOp.of(mask, scores, least(site, scores)), "masked")
