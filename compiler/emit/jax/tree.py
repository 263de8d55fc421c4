"""The tree of parameters of an emitted file: its paths are the names of the weights, taken apart at the dots.

    "dense.kernel"  ->  params["dense"]["kernel"]

Parts of the model that repeat are a list, which the functions run over: `params["blocks"][0]`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from neuralc.emit.python.expressions import literal

Tree: TypeAlias = "dict[str, Tree | str]"


def access(tree: str, path: str, index: int | None = None) -> str:
    """How a path of the tree is read, or an item of the list at it."""
    keys = [literal(component) for component in path.split(".")] + ([] if index is None else [str(index)])
    return tree + "".join(f"[{key}]" for key in keys)


def nested(paths: Mapping[str, str]) -> Tree:
    """The tree whose leaves stand at the given paths. A leaf that has others below it is kept under the empty name."""
    root: Tree = {}
    for path, leaf in paths.items():
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
