"""Things that installed packages bring, found by name: nothing of a package is imported before a model names it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from neuralc.grammar.diagnostics import error

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

Kind = TypeVar("Kind")


@cache
def installed(group: str) -> Mapping[str, EntryPoint]:
    """The entry points of a group by their names in lower case. Looks through the lists of the packages alone, once."""
    from importlib.metadata import entry_points

    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=group):
        found.setdefault(point.name.lower(), point)
    return found


def entry_point(group: str, name: str) -> EntryPoint | None:
    """The entry point of a name, in any case."""
    return installed(group).get(name.lower())


def entry_point_names(group: str) -> list[str]:
    """Everything that installed packages bring to a group."""
    return sorted(point.name for point in installed(group).values())


def load_entry_point(group: str, name: str, kind: type[Kind]) -> Kind | None:
    """What the entry point of a name stands for; None where nobody brings it.

    Raises NeuralcError E0705 for a package that fails when it is imported, or whose object is of another kind.
    """
    point = entry_point(group, name)
    if point is None:
        return None
    try:
        found = point.load()
    except Exception as fault:  # whatever a package does wrong when it is imported
        reason = f"{type(fault).__name__}: {fault}"
        raise error("E0705", f"the plugin `{point.value}` cannot be loaded", note=reason) from fault
    if not isinstance(found, kind):
        message = f"the plugin `{point.value}` is a {type(found).__name__}, {group} takes a {kind.__name__}"
        raise error("E0705", message)
    return found
