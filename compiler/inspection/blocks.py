"""Layers put together: by their names, in chains, by the branches of the graph.

A block is an interval in the order of execution. A path that leaves an interval never comes back to it, so whatever is
folded, the graph of blocks has no circle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby

from neuralc.inspection.summary import Layer, Summary

LIGHT = ("elementwise", "norm")
"""Sorts of ops that join the layer before them: conv, batch_norm, relu."""


@dataclass(frozen=True)
class Block:
    """The layers from `start` to before `stop`: one, some that belong together, or `copies` of equal ones in a row."""

    start: int
    stop: int
    name: str
    copies: int = 1

    @property
    def layers(self) -> range:
        return range(self.start, self.stop)

    @property
    def first(self) -> range:
        """The layers of the first copy."""
        return range(self.start, self.start + len(self.layers) // self.copies)


def by_path(layers: Sequence[Layer], shown: range, depth: int) -> list[Block]:
    """Neighbours whose names begin with the same parts are one block."""
    found = []
    for parts, group in groupby(shown, key=lambda index: layers[index].path[:depth]):
        run = list(group)
        first = layers[run[0]]
        separator = "/" if "/" in first.name else "."
        found.append(Block(run[0], run[-1] + 1, first.name if len(run) == 1 else separator.join(parts)))
    return found


def fold_chains(summary: Summary, blocks: Sequence[Block]) -> list[Block]:
    """A block with the light layers behind it that read nothing else, up to where one result leaves all of them."""
    users = users_of(summary)
    found: list[Block] = []
    place = 0
    while place < len(blocks):
        count = _chain(summary, blocks[place:], users)
        found.append(Block(blocks[place].start, blocks[place + count - 1].stop, blocks[place].name))
        place += count
    return found


def _chain(summary: Summary, blocks: Sequence[Block], users: Sequence[Sequence[int]]) -> int:
    """How many of the blocks belong to the first one: `conv, sigmoid, mul`, where mul reads conv and sigmoid."""
    inside = {value for layer in summary.layers[blocks[0].start : blocks[0].stop] for value in layer.results}
    count = 1
    for length, block in enumerate(blocks[1:], start=2):
        layer = summary.layers[block.start]
        if (
            len(block.layers) > 1
            or layer.kind not in LIGHT
            or not layer.operands
            or not inside.issuperset(layer.operands)
        ):
            break
        if all(users[value][-1] <= block.start for value in inside if users[value]):
            count = length
        inside.update(layer.results)
    return count


def users_of(summary: Summary) -> list[list[int]]:
    """For each value, the layers that read it; the end of the model is the layer behind the last."""
    users: list[list[int]] = [[] for _ in summary.values]
    for index, layer in enumerate(summary.layers):
        for value in dict.fromkeys(layer.operands):
            users[value].append(index)
    writes = [state.write for state in summary.states if state.write is not None]
    for value in (*(port.value for port in summary.outputs), *writes):
        users[value].append(len(summary.layers))
    return users


def widths_of(summary: Summary) -> list[int]:
    """Before each layer: how many values are made before it and read by it or later."""
    makers = {value: index for index, layer in enumerate(summary.layers) for value in layer.results}
    changes = [0] * (len(summary.layers) + 2)
    for value, readers in enumerate(users_of(summary)):
        if readers:
            changes[makers.get(value, -1) + 1] += 1
            changes[readers[-1] + 1] -= 1
    return list(accumulate(changes))


def fold_branches(summary: Summary, blocks: Sequence[Block], width: int) -> list[Block]:
    """What stands between two places where no more than `width` values cross: branches that come together again."""
    widths = widths_of(summary)
    groups: list[list[Block]] = []
    for block in blocks:
        if groups and widths[block.start] > width:
            groups[-1].append(block)
        else:
            groups.append([block])
    return [_joined(group) for group in groups]


def fold_evenly(blocks: Sequence[Block], count: int) -> list[Block]:
    """About `count` blocks of equal length, for what has no form to fold by."""
    length = -(-len(blocks) // count)
    return [_joined(blocks[start : start + length]) for start in range(0, len(blocks), length)]


def _joined(blocks: Sequence[Block]) -> Block:
    first, last = blocks[0], blocks[-1]
    return first if len(blocks) == 1 else Block(first.start, last.stop, name_of(first, last))


def name_of(first: Block, last: Block) -> str:
    """`layers.0 … 11`."""
    return f"{first.name} … {last.name[max(last.name.rfind(separator) for separator in './') + 1 :]}"
