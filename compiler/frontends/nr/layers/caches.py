"""Caches of keys and values: what attention has seen in earlier runs, so that a run computes its own steps alone.

    length = state @cache.length                                         steps seen before this run
    keys   = scatter(state @cache.key, length + (0, 1, ..), new keys)     [batch, heads, features, room]
    values = scatter(state @cache.value, length + (0, 1, ..), new values) [room, batch, heads, features]

A query at place p sees the keys at places up to p: with the causal mask a sequence in pieces gives what it gives as a
whole. What the products with a query or with weights go along lies side by side: the steps of keys, the features of
values; so a run of one step moves nothing but its own. A run that needs more room than there is ends with E0910, as any
index out of range does.
"""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.builtin import i64
from xdsl.ir import Operation, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import ShapeError, element_of, shape_of, tensor_type
from neuralc.frontends.nr.layers.values import expand, positions, reshape, same, size_of
from neuralc.frontends.nr.site import LayerError, Site
from neuralc.grammar.binding import Bound


@dataclass(frozen=True)
class Steps:
    """The places of queries, of the keys that come in, and of all keys that are seen: i64 vectors."""

    queries: SSAValue
    coming: SSAValue
    keys: SSAValue


def steps_of(site: Site, query: SSAValue, value: SSAValue, axis: int) -> Steps:
    """Those of a run that stands alone."""
    count = shape_of(value.type)[axis]
    keys = positions(site, count)
    queries = keys if count == shape_of(query.type)[axis] else positions(site, shape_of(query.type)[axis])
    return Steps(queries, keys, keys)


@dataclass(frozen=True)
class Cache:
    """The cache of one attention layer in one run."""

    site: Site
    room: int
    steps: Steps

    def keys(self, k: SSAValue) -> SSAValue:
        """[batch, new steps, heads, features] -> [batch, heads, features, room]: those before, and the new ones."""
        batch, count, heads, size = shape_of(k.type)
        before = self.site.state("cache.key", tensor_type((batch, heads, size, self.room), element_of(k.type)))
        new = self.site.add(graph.TransposeOp.of(k, perm=(0, 2, 3, 1)), "cache.key")
        places = reshape(self.site, self.steps.coming, (1, 1, 1, count), "cache.places")
        places = expand(self.site, places, (batch, heads, size, count), "cache.places")
        return self._kept("key", graph.ScatterElementsOp.of(before, places, new, axis=3))

    def rows(self, name: str, x: SSAValue) -> SSAValue:
        """[batch, new steps, ..] -> [room, batch, ..]: what was there, and the new steps at their places."""
        batch, count, *rest = shape_of(x.type)
        before = self.site.state(f"cache.{name}", tensor_type((self.room, batch, *rest), element_of(x.type)))
        new = self.site.add(graph.TransposeOp.of(x, perm=(1, 0, *range(2, len(rest) + 2))), f"cache.{name}")
        places = reshape(self.site, self.steps.coming, (count, 1), "cache.places")
        return self._kept(name, graph.ScatterNdOp.of(before, places, new))

    def _kept(self, name: str, op: Operation) -> SSAValue:
        after = self.site.add(op, f"cache.{name}")
        self.site.keep(f"cache.{name}", after)
        return after


def cache_of(site: Site, arguments: Bound, query: SSAValue, value: SSAValue) -> Cache | None:
    """The cache that the arguments ask for. Raises ShapeError for attention that has none."""
    room = arguments["cache"]
    if room is None:
        return None
    if not arguments["use_causal_mask"]:
        raise LayerError(
            "a cache holds what came before, and without a causal mask steps see what comes after them",
            help="write `use_causal_mask=true`",
        )
    if len(shape_of(query.type)) != 3:
        raise ShapeError("a cache is for sequences (batch, steps, features)")
    count = shape_of(query.type)[1]
    same(site, "the steps of query and value, which a cache goes through together,", count, shape_of(value.type)[1])
    count = shape_of(query.type)[1]
    try:
        site.at_most(count, room)
    except ShapeError:
        raise ShapeError(f"its cache has room for {room} steps, {count} come at once") from None
    length = site.state("cache.length", tensor_type((), i64))
    new = site.add(graph.AddOp.of(positions(site, count), length), "cache.places")
    site.keep("cache.length", site.add(graph.AddOp.of(length, size_of(site, count, length)), "cache.length"))
    return Cache(site, room, Steps(new, new, positions(site, room)))
