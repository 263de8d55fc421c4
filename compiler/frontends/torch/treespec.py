"""Names of outputs from the shape of what a module returns: keys of dictionaries and fields, numbers in tuples."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

SINGLE = "output"
"""What a module returns where that is one tensor."""


def parsed(text: str) -> Mapping[str, Any]:
    """The tree that torch.utils._pytree.treespec_dumps wrote. Raises ValueError for another text."""
    spec = json.loads(text)
    if not isinstance(spec, list) or len(spec) != 2 or not isinstance(spec[1], dict):
        raise ValueError("not a tree of torch.utils._pytree")
    return spec[1]


def output_names(tree: Mapping[str, Any]) -> list[str]:
    """A name for each leaf of a tree, in order."""
    return [name or SINGLE for name in _leaves(tree, "")]


def _leaves(spec: Mapping[str, Any], path: str) -> Iterator[str]:
    if spec.get("type") is None:
        yield path
        return
    children = spec["children_spec"]
    for key, child in zip(_keys(spec, len(children), bool(path)), children, strict=True):
        yield from _leaves(child, f"{path}_{key}" if path else key)


def _keys(spec: Mapping[str, Any], count: int, inner: bool) -> list[str]:
    context = spec.get("context")
    found = json.loads(context) if isinstance(context, str) else context
    if isinstance(found, dict):
        found = found.get("keys") or found.get("field_names") or found.get("fields")
    if isinstance(found, list) and len(found) == 2 and isinstance(found[0], list):
        found = found[0]  # a class with its fields
    if isinstance(found, list) and len(found) == count and all(isinstance(key, str | int) for key in found):
        return [str(key) for key in found]
    return [str(i) if inner else f"{SINGLE}_{i}" for i in range(count)]
