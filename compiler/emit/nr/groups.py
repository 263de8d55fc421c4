"""Items that belong together: a layer that is applied again, the same layer several times in a row."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from dataclasses import replace

from neuralc.emit.nr.names import wanted_path
from neuralc.emit.nr.plan import Item
from neuralc.emit.nr.values import Held, Value
from neuralc.emit.nr.weights import Origin


def kind_of(item: Item) -> Hashable:
    """What two items have in common that are one layer but for their weights."""
    return item.call.name, tuple(sorted((name, str(value)) for name, value in item.call.arguments.items()))


def origins(item: Item) -> tuple[tuple[str, Origin], ...]:
    return tuple((leaf, value.source.origin) for leaf, value in item.weights.items() if isinstance(value.source, Held))


def shared_layers(items: Sequence[Item]) -> list[Item]:
    """Items with the weights of an earlier one are that layer, applied again."""
    first: dict[Hashable, Item] = {}
    found = []
    for item in items:
        key = (kind_of(item), origins(item))
        known = first.setdefault(key, item) if item.weights and item.call.name != "Weight" else item
        found.append(item if known is item else replace(item, first=known))
    return found


def outputs(items: Sequence[Item]) -> list[Item]:
    """A Dense layer whose weights are those of an `output` is an Output."""
    found = []
    for item in items:
        is_output = item.call.name == "Dense" and _OUTPUT.fullmatch(wanted_path(item) or "")
        found.append(replace(item, call=replace(item.call, name="Output")) if is_output else item)
    return found


_OUTPUT = re.compile(r"output(_\d+)?")


def repeated(items: Sequence[Item]) -> list[Item]:
    """Equal items in a row, at the paths `base.0`, `base.1`, .. become one that is repeated."""
    users: dict[Value, int] = {}
    for item in items:
        for value in item.uses:
            users[value] = users.get(value, 0) + 1
    shared = {item.first for item in items if item.first is not None}
    found: list[Item] = []
    i = 0
    while i < len(items):
        run = _run(items, i, users, shared)
        found.append(items[i] if len(run) == 1 else _joined(run))
        i += len(run)
    return found


def _run(items: Sequence[Item], start: int, users: dict[Value, int], shared: set[Item]) -> list[Item]:
    """The items that can be written as rounds of the one at `start`."""
    first = items[start]
    run, base = [first], _base(first, 0)
    if base is None or first in shared or first.first is not None or first.named or len(first.results) != 1:
        return run
    for item in items[start + 1 :]:
        last = run[-1].results[0]
        alike = kind_of(item) == kind_of(first) and _base(item, len(run)) == base and item not in shared
        if not alike or item.first is not None or item.inputs != (last,) or users[last] != 1 or item.named:
            break
        run.append(item)
    return run


def _base(item: Item, index: int) -> str | None:
    """`encoder` of an item at `encoder.<index>`."""
    path = wanted_path(item)
    base, _, number = (path or "").rpartition(".")
    return base if base and number == str(index) and item.call.name != "Weight" else None


def _joined(run: Sequence[Item]) -> Item:
    weights = {f"{i}.{leaf}": value for i, item in enumerate(run) for leaf, value in item.weights.items()}
    return replace(run[0], results=run[-1].results, weights=weights, count=len(run), path=_base(run[0], 0))
