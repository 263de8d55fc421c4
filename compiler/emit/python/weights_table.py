"""Where the parameters of an emitted model stand in a weights file: by the ends of their names, not one by one.

Names of an emitted model and of its weights are paths that mostly differ in their last steps: `conv2d.weight` is
`conv2d.kernel` in every block. The table has an entry for each such end, and the steps of paths that are spelled in
another way. A parameter that no such rule fits stands in it with its whole name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from neuralc.emit.layouts import Order
from neuralc.emit.python.expressions import Expression
from neuralc.emit.python.places import index_of
from neuralc.emit.python.plan import Child, ClassPlan, Row

Place: TypeAlias = tuple[str, Order]
"""The end of a weight's name, and the order of its axes that makes it the framework's."""


@dataclass(frozen=True)
class WeightsTable:
    """Ends of parameters' names, longer ones first, and steps of paths that weights spell differently."""

    entries: Mapping[str, Place]
    steps: Mapping[str, str]
    split: Mapping[str, tuple[int, ...]]
    """Parameters that hold several axes of the file as one, and those axes: by the ends of their names where these
    say it, by whole names in a flat table."""

    places: Mapping[str, Expression]
    """Parameters, by whole names, that are a part of an array of the file, and where they stand in it."""
    shapes: Mapping[str, tuple[int, ...]]
    """The shapes of those arrays."""

    is_flat: bool
    """True where every entry is the whole name of a parameter."""

    @property
    def is_identity(self) -> bool:
        """True where a weights file has the names and layouts of the framework."""
        named = all(end == key and list(axes) == sorted(axes) for end, (key, axes) in self.entries.items())
        return named and not self.steps and not self.places


def weights_table(rows: Sequence[Row], plans: Sequence[ClassPlan]) -> WeightsTable:
    """The shortest table of ends that finds the weight of every row."""
    steps = _steps(plans)
    ends = _ends(rows, steps)
    entries: dict[str, Place] = {}
    split: dict[str, set[tuple[int, ...]]] = defaultdict(set)
    for row in rows:
        end = ends[row.parameter]
        entries[end] = _place(row, end, steps)
        split[end].add(row.shape)
    used = {step for row in rows for step in _path(row.parameter, ends[row.parameter])}
    shapes = {
        end if len(split[end]) == 1 else row.parameter: row.shape
        for row in rows
        for end in [ends[row.parameter]]
        if row.shape
    }
    return WeightsTable(
        _longest_first(entries),
        {step: spelled for step, spelled in steps.items() if step in used},
        _longest_first(shapes),
        {row.parameter: index_of(row.places) for row in rows if row.places},
        {row.key: row.stored for row in rows if row.places},
        is_flat=all(end == row.parameter for row in rows for end in [ends[row.parameter]]),
    )


def _ends(rows: Sequence[Row], steps: Mapping[str, str]) -> dict[str, str]:
    """Of each parameter the shortest end of its name, of two parts or more, by which its weight is found."""
    found: dict[str, str] = {}
    left, length = list(rows), 2
    while left:
        places: dict[str, set[Place | None]] = defaultdict(set)
        for row in rows:
            places[_end(row.parameter, length)].add(_place_or_none(row, _end(row.parameter, length), steps))
        still = []
        for row in left:
            end = _end(row.parameter, length)
            if end == row.parameter or (len(places[end]) == 1 and None not in places[end]):
                found[row.parameter] = end
            else:
                still.append(row)
        left, length = still, length + 1
    return found


def _longest_first(entries: Mapping[str, Any]) -> dict[str, Any]:
    """An end may be that of another one: the longer one is meant."""
    return dict(sorted(entries.items(), key=lambda entry: -entry[0].count(".")))


def _steps(plans: Sequence[ClassPlan]) -> dict[str, str]:
    """Attributes of parts whose path in the model is another text, where it is the same in all classes."""
    spelled: dict[str, set[str]] = defaultdict(set)
    for plan in plans:
        for member in plan.members:
            if isinstance(member, Child):
                spelled[member.attribute].add(member.base)
    return {step: base for step, (base, *others) in spelled.items() if not others and base != step}


def _end(parameter: str, length: int) -> str:
    """`conv2d.weight`: a layer and its parameter, for a length of two."""
    return ".".join(parameter.split(".")[-length:])


def _path(parameter: str, end: str) -> list[str]:
    return [step for step in parameter.removesuffix(end).split(".") if step]


def _place_or_none(row: Row, end: str, steps: Mapping[str, str]) -> Place | None:
    """What remains of the weight's name behind the path that the rules give; None where it is another path."""
    path = "".join(f"{steps.get(step, step)}." for step in _path(row.parameter, end))
    return (row.key.removeprefix(path), row.axes) if row.key.startswith(path) else None


def _place(row: Row, end: str, steps: Mapping[str, str]) -> Place:
    return _place_or_none(row, end, steps) or (row.key, row.axes)
