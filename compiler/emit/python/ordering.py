"""The order of statements, where another one than that of the model reads better and computes the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from neuralc.emit.python.form import RUNNING
from neuralc.emit.python.nodes import Kind, Node

_OF_INPUTS = frozenset({Kind.ARITHMETIC, Kind.CHOICE, Kind.PERMUTE, Kind.SUBSCRIPT, Kind.VIEW})
"""Kinds of what may be computed of inputs at any time."""


def turned_at_once(alive: Sequence[Node], uses: Mapping[Node, int]) -> list[Node]:
    """The nodes with those that turn the axes of a value right behind it, where nothing else reads it."""
    turned = {
        node.inputs[0]: node
        for node in alive
        if node.kind is Kind.PERMUTE and uses[node.inputs[0]] == 1 and node.inputs[0] in alive
    }
    moved = [*turned.values()]
    found: list[Node] = []
    for node in alive:
        found += [] if node in moved else [node]
        while node in turned:
            node = turned[node]
            found.append(node)
    return found


def when_read(alive: Sequence[Node]) -> list[Node]:
    """The nodes with what is made of inputs alone, such as a mask, right in front of the first that reads it.

    Inputs keep their variables, unless these are the ones that values flow through.
    """
    found = list(alive)
    moved = {node for node in alive if node.kind in _OF_INPUTS}
    for node in alive:
        if node in moved and not all(source in moved or _stays(source) for source in node.inputs):
            moved.remove(node)
    for node in (each for each in reversed(alive) if each in moved):
        first = next((place for place, other in enumerate(found) if node in other.inputs), None)
        if first is not None:
            found.insert(first, node)
            found.remove(node)  # where it stood before
    return found


def parts_when_read(alive: Sequence[Node], uses: Mapping[Node, int]) -> list[Node]:
    """The nodes with each part of a value that has several right in front of what reads it: no part waits."""
    found = list(alive)
    for node in reversed(alive):
        if node.kind is Kind.SUBSCRIPT and uses[node] == 1 and uses[node.inputs[0]] > 1:
            first = next((place for place, other in enumerate(found) if node in other.inputs), None)
            if first is not None:
                found.insert(first, node)
                found.remove(node)  # where it stood before
    return found


def _stays(node: Node) -> bool:
    return node.kind is Kind.INLINE or (node.kind is Kind.INPUT and node.name not in RUNNING)
