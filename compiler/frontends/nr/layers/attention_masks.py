"""The masks of attention with heads: those given, those that values carry, causal ones and windows, as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import ShapeError, shape_of
from neuralc.frontends.nr.layers.caches import Cache, Steps
from neuralc.frontends.nr.layers.masks import band, causal, joined, over_steps, truth
from neuralc.frontends.nr.layers.values import reshape
from neuralc.frontends.nr.site import Site
from neuralc.grammar.binding import Bound


@dataclass(frozen=True)
class Masks:
    """The masks a layer is given: over the steps of query, value and key, and over pairs of places."""

    query: SSAValue | None = None
    value: SSAValue | None = None
    key: SSAValue | None = None
    pairs: SSAValue | None = None

    def carried(self, site: Site, query: SSAValue, value: SSAValue, key: SSAValue | None) -> Masks:
        """Those that were given, and for the others those that the values carry."""
        return Masks(
            site.mask(query) if self.query is None else self.query,
            site.mask(value) if self.value is None else self.value,
            site.mask(key) if self.key is None and key is not None else self.key,
            self.pairs,
        )

    def of(
        self,
        site: Site,
        arguments: Bound,
        query: SSAValue,
        value: SSAValue,
        axes: Sequence[int],
        steps: Steps | None,
        cache: Cache | None,
    ) -> SSAValue | None:
        """All of them as one, with the causal mask and the window of the arguments, for attention over `axes`."""
        if tuple(axes) != (1,) and any(mask is not None for mask in (self.query, self.value, self.key)):
            raise ShapeError(f"masks are over axis 1, attention runs over {axes_text(axes)}")
        found = self._of_keys(site, value, cache)
        if self.query is not None:
            found.append(over_steps(site, "query_mask", self.query, query, 2))
        if self.pairs is not None:
            if cache is not None:
                raise ShapeError("a cache goes with masks of steps: `value_mask` in the place of `attention_mask`")
            found.append(truth(site, self.pairs, "attention_mask"))
        if steps is not None:
            rows = reshape(site, steps.queries, (1, *shape_of(steps.queries.type), 1), "queries")
            columns = reshape(site, steps.keys, (1, 1, *shape_of(steps.keys.type)), "keys")
            if arguments["use_causal_mask"]:
                found.append(causal(site, rows, columns))
            if arguments["sliding_window"] is not None:
                found.append(band(site, rows, columns, arguments["sliding_window"]))
        return joined(site, found)

    def _of_keys(self, site: Site, value: SSAValue, cache: Cache | None) -> list[SSAValue]:
        """[batch, 1, keys] each; a cache keeps them with its keys."""
        given = [("value_mask", self.value), ("key_mask", self.key)]
        found = [over_steps(site, name, mask, value, 1) for name, mask in given if mask is not None]
        seen = joined(site, found)
        if cache is None or seen is None:
            return found
        batch, _, count = shape_of(seen.type)
        kept = cache.rows("mask", reshape(site, seen, (batch, count), "mask"))
        moved = site.add(graph.TransposeOp.of(kept, perm=(1, 0)), "mask")
        return [reshape(site, moved, (batch, 1, cache.room), "mask")]


def axes_text(axes: Sequence[int]) -> str:
    return f"axis {axes[0]}" if len(axes) == 1 else f"axes {', '.join(map(str, axes))}"
