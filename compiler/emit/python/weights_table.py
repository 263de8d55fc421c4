"""Where the parameters of an emitted model stand in a weights file: by the ends of their names, not one by one.

Names of an emitted model and of its weights are paths that mostly differ in their last steps: `conv2d.weight` is
`conv2d.kernel` in every block. The table has an entry for each such end, and the steps of paths that are spelled in
another way. A parameter that no such rule fits stands in it with its whole name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

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
    """Parameters, by whole names, that hold several axes of the file as one, and those axes."""

    places: Mapping[str, Expression]
    """Parameters, by whole names, that are a part of an array of the file, and where they stand in it."""
    shapes: Mapping[str, tuple[int, ...]]
    """The shapes of those arrays."""

    is_flat: bool
    """True where every entry is the whole name of a parameter."""

    @property
    def is_identity(self) -> bool:
        """True where a weights file has the names and layouts of the framework."""
        return not self.places and all(
            end == key and list(axes) == sorted(axes) for end, (key, axes) in self.entries.items()
        )


def weights_table(rows: Sequence[Row], plans: Sequence[ClassPlan]) -> WeightsTable:
    """The shortest table of ends that finds the weight of every row."""
    steps = _steps(plans)
    found: dict[str, set[Place]] = defaultdict(set)
    for row in rows:
        found[_end(row.parameter)].add(_place(row, steps))
    entries: dict[str, Place] = {}
    whole: dict[str, Place] = {}
    for row in rows:
        end, place = _end(row.parameter), _place(row, steps)
        if found[end] == {place} and not place[0].startswith("/"):
            entries.setdefault(end, place)
        else:
            whole[row.parameter] = row.key, row.axes
    used = {step for row in rows if row.parameter not in whole for step in _path(row.parameter)}
    return WeightsTable(
        # A name may end like another one: the longer one is meant.
        dict(sorted((whole | entries).items(), key=lambda entry: -entry[0].count("."))),
        {step: spelled for step, spelled in steps.items() if step in used},
        {row.parameter: row.shape for row in rows if row.shape},
        {row.parameter: index_of(row.places) for row in rows if row.places},
        {row.key: row.stored for row in rows if row.places},
        is_flat=len(entries) + len(whole) == len(rows) and not any(map(_path, (row.parameter for row in rows))),
    )


def _steps(plans: Sequence[ClassPlan]) -> dict[str, str]:
    """Attributes of parts whose path in the model is another text, where it is the same in all classes."""
    spelled: dict[str, set[str]] = defaultdict(set)
    for plan in plans:
        for member in plan.members:
            if isinstance(member, Child):
                spelled[member.attribute].add(member.base)
    return {step: base for step, (base, *others) in spelled.items() if not others and base != step}


def _end(parameter: str) -> str:
    """`conv2d.weight`: a layer and its parameter."""
    return ".".join(parameter.split(".")[-2:])


def _path(parameter: str) -> list[str]:
    return parameter.split(".")[:-2]


def _place(row: Row, steps: Mapping[str, str]) -> Place:
    """What remains of the weight's name behind the path that the rules give; `/` and the whole where it is another."""
    path = "".join(f"{steps.get(step, step)}." for step in _path(row.parameter))
    return (row.key.removeprefix(path) if row.key.startswith(path) else f"/{row.key}"), row.axes
