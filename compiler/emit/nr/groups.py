"""Items that belong together: a layer that is applied again, the same layer several times in a row."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import replace

from neuralc.emit.nr.names import wanted_path
from neuralc.emit.nr.plan import Item
from neuralc.emit.nr.values import Call, Held, Value
from neuralc.emit.nr.weights import Origin


def kind_of(item: Item) -> Hashable:
    """What two items have in common that are one layer but for their weights."""
    arguments = tuple(sorted((name, str(value)) for name, value in item.call.arguments.items()))
    return item.call.name, arguments, item.count, tuple(map(kind_of, item.block))


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


def residuals(items: Sequence[Item], results: Sequence[Value]) -> list[Item]:
    """A chain whose end is added to what it starts from is the block of a ResidualConnection.

    Its weights have to be under one path, which is the name of the block then.
    """
    users: Counter[Value] = Counter(results)
    for item in items:
        users.update(item.uses)
    found: list[Item] = []
    for item in items:
        block = _block(found, item, users)
        if not block or not _may_be_block(block, items):
            found.append(item)
            continue
        del found[-len(block) :]
        weights = {f"{i}.{leaf}": value for i, part in enumerate(block) for leaf, value in part.weights.items()}
        call, path = Call("ResidualConnection"), _common_path(block) or None
        joined = Item(call, block[0].inputs, item.results, weights=weights, hint=item.hint, path=path)
        joined.block = tuple(block)
        found.append(joined)
    return found


def _block(before: Sequence[Item], item: Item, users: Counter[Value]) -> list[Item]:
    """The items right before an Add that are a chain from one of what it adds to the other one."""
    if item.call.name != "Add" or len(item.inputs) != 2:
        return []
    for end, start in (item.inputs, item.inputs[::-1]):
        chain: list[Item] = []
        for part in reversed(before):
            plain = len(part.inputs) == 1 and not part.named and len(part.results) == 1 and part.first is None
            if not plain or part.results[0] is not end or users[end] != 1 or part.call.name == "Weight":
                break
            chain.insert(0, part)
            end = part.inputs[0]
            if end is start:
                return chain
    return []


def _may_be_block(chain: Sequence[Item], items: Sequence[Item]) -> bool:
    """Whether the weights of a chain keep their names in a block: all of them, and no others, stand under one path."""
    paths = [wanted_path(part) for part in chain if part.weights]
    if not paths or all(path is None for path in paths):
        return bool(paths)
    common = _common_path(chain)
    others = (wanted_path(item) or "" for item in items if item not in chain)
    return bool(common) and not any(other == common or other.startswith(f"{common}.") for other in others)


def _common_path(chain: Sequence[Item]) -> str:
    """The longest path that all weights of a chain are under, by names that layers may have there."""
    paths = [wanted_path(part) for part in chain if part.weights]
    if None in paths or not paths:
        return ""
    split = [path.split(".") for path in paths if path is not None]
    for length in reversed(range(1, min(map(len, split)))):
        starts = {".".join(parts[:length]) for parts in split}
        if len(starts) == 1 and not any(parts[length][0].isdigit() for parts in split):
            return starts.pop()
    return ""


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
