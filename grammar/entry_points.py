"""Things that installed packages bring, found by name: nothing of a package is imported before a model names it."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TypeVar

from neuralc.grammar.diagnostics import error

Kind = TypeVar("Kind")


@cache
def entry_point(group: str, name: str) -> EntryPoint | None:
    """The entry point of a name, in any case. Looks through the lists of the packages alone."""
    found = [point for point in entry_points(group=group) if point.name.lower() == name.lower()]
    return found[0] if found else None


def entry_point_names(group: str) -> list[str]:
    """Everything that installed packages bring to a group."""
    return sorted(point.name for point in entry_points(group=group))


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
