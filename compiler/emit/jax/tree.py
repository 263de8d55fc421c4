"""The tree of parameters of an emitted file: its paths are the names of the weights, taken apart at the dots.

    "encoder.0.dense.kernel"  ->  params["encoder"][0]["dense"]["kernel"]

A part whose names are 0, 1, 2 .. is a list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from neuralc.emit.python.expressions import literal

Tree: TypeAlias = "dict[str, Tree | str]"


def is_index(component: str) -> bool:
    return component.isdigit() and str(int(component)) == component


def access(tree: str, path: str) -> str:
    """How a path of the tree is read."""
    components = [component if is_index(component) else literal(component) for component in path.split(".")]
    return tree + "".join(f"[{component}]" for component in components)


def nested(leaves: Mapping[str, str]) -> Tree:
    """The tree whose leaves stand at the given paths. A leaf that has others below it is kept under the empty name."""
    root: Tree = {}
    for path, leaf in leaves.items():
        *above, last = path.split(".")
        place = root
        for component in above:
            inner = place.setdefault(component, {})
            if isinstance(inner, str):
                inner = place[component] = {"": inner}
            place = inner
        below = place.get(last)
        if isinstance(below, dict):
            below[""] = leaf
        else:
            place[last] = leaf
    return root


def is_list(names: Iterable[str]) -> bool:
    found = list(names)
    return found == [str(index) for index in range(len(found))]
