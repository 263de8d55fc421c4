"""Which sizes are open, and what they are called: the user's short form, as torch.export wants it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any


def for_export(dynamic: Any) -> Any:
    """The same tree with a torch.export.Dim for each name: equal names are one size."""
    dims: dict[str, Any] = {}

    def walk(entry: Any) -> Any:
        if isinstance(entry, str):
            if entry not in dims:
                dims[entry] = _dim(entry)
            return dims[entry]
        if isinstance(entry, Mapping):
            return {key: walk(each) for key, each in entry.items()}
        if isinstance(entry, list | tuple):
            return type(entry)(walk(each) for each in entry)
        return entry

    return walk(dynamic)


def _dim(name: str) -> Any:
    from torch.export import Dim

    return Dim(name)


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
