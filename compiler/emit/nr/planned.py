"""The items of a function: lowered, planned, brought together; weights that several uses need are held by none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xdsl.ir import SSAValue

from neuralc.dialects.graph import FunctionLike
from neuralc.emit.nr.activations import fold_activations
from neuralc.emit.nr.body import Body, Inexpressible
from neuralc.emit.nr.groups import outputs, repeated, residuals, shared_layers
from neuralc.emit.nr.lowering import CallLowering, lower
from neuralc.emit.nr.masks import settle_masks
from neuralc.emit.nr.plan import Item, plan
from neuralc.emit.nr.values import Held
from neuralc.emit.nr.weights import Box, overlap
from neuralc.emit.refusals import Refusals


@dataclass(frozen=True)
class Planned:
    """A body, and its items."""

    body: Body
    items: list[Item]


def planned(function: FunctionLike, weights: Mapping[SSAValue, str], call: CallLowering, refusals: Refusals) -> Planned:
    """The items of a function; weights that several uses need are held by none of them."""
    loose: frozenset[str] = frozenset()
    while True:
        found = Refusals(refusals.form)
        body = lower(function, weights, loose, call, found)
        try:
            items = settle_masks(plan(body), body.results)
        except Inexpressible as problem:
            found.add(function, str(problem))
            items = []
        items = shared_layers(outputs(fold_activations(items, body.results)))
        shared = _shared_weights(items) - loose
        if not shared:
            refusals.extend(found)
            return Planned(body, repeated(residuals(items, body.results)))
        loose |= shared


def _shared_weights(items: Sequence[Item]) -> frozenset[str]:
    """Weights of which more than one layer would hold the same places."""
    seen: dict[str, list[Box | None]] = {}
    shared: set[str] = set()
    for item in items:
        for value in item.weights.values() if item.first is None else ():
            boxes = list(value.source.origin.boxes()) if isinstance(value.source, Held) else []
            for symbol, box in boxes:
                shared |= {symbol} if any(overlap(box, other) for other in seen.get(symbol, ())) else set()
            for symbol, box in boxes:
                seen.setdefault(symbol, []).append(box)
    return frozenset(shared)
