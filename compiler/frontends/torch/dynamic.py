"""Which sizes are open, and what they are called: the user's short form, as torch.export wants it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any


def for_export(dynamic: Any, *, found: bool = False) -> Any:
    """The same tree with a torch.export.Dim for each name; with `found`, one whose bounds torch finds."""
    from torch.export import Dim

    dims: dict[str, Any] = {}

    def walk(entry: Any) -> Any:
        if isinstance(entry, str):
            return Dim.AUTO if found else dims.setdefault(entry, Dim(entry))
        if isinstance(entry, Mapping):
            return {key: walk(each) for key, each in entry.items()}
        if isinstance(entry, list | tuple):
            return type(entry)(walk(each) for each in entry)
        return entry

    return walk(dynamic)


def has_names(entry: Any) -> bool:
    """True where the user names sizes and gives no bounds."""
    if isinstance(entry, Mapping):
        return any(map(has_names, entry.values()))
    return isinstance(entry, str) or (isinstance(entry, list | tuple) and any(map(has_names, entry)))


def names(dynamic: Any, forward: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
    """For each tensor among the arguments, in torch's order, its open dims with what they are called."""
    if dynamic is None:
        return []
    bound = inspect.signature(forward).bind(*args, **kwargs).arguments
    given = list(bound.values())
    entries = [dynamic.get(name) for name in bound] if isinstance(dynamic, Mapping) else list(dynamic)
    return [found for entry, value in zip(entries, given, strict=False) for found in _leaves(entry, value)]


def _leaves(entry: Any, value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _leaves(entry.get(key) if isinstance(entry, Mapping) else None, each)
    elif isinstance(value, list | tuple):
        parts = list(entry) if isinstance(entry, list | tuple) else [None] * len(value)
        for part, each in zip(parts, value, strict=False):
            yield from _leaves(part, each)
    elif value is not None:
        pairs = entry.items() if isinstance(entry, Mapping) else enumerate(entry or ())
        yield {axis: _name(dim) for axis, dim in pairs if _name(dim) is not None}


def _name(dim: Any) -> str | None:
    """Of a Dim; a derived one, `2 * batch`, is named by what it is made of."""
    if isinstance(dim, str):
        return dim
    derived = type(dim).__name__ == "_DerivedDim"
    found = None if derived else getattr(dim, "__name__", None)
    return found if isinstance(found, str) else None
