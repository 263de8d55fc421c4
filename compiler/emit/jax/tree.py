"""The tree of parameters of an emitted file: its paths are the names of the weights, taken apart at the dots.

    "dense.kernel"  ->  params["dense"]["kernel"]

Parts of the model that repeat are a list, which the functions run over: `params["blocks"][0]`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from neuralc.emit.python.expressions import literal
from neuralc.emit.python.names import Names, identifier

Tree: TypeAlias = "dict[str, Tree | str]"


def access(tree: str, path: str, index: int | None = None) -> str:
    """How a path of the tree is read, or an item of the list at it."""
    keys = [literal(component) for component in path.split(".")] + ([] if index is None else [str(index)])
    return tree + "".join(f"[{key}]" for key in keys)


def branches(paths: Sequence[str], names: Names) -> dict[str, str]:
    """Names for branches below the first level that hold three or more of the paths, the deepest ones."""
    found: dict[str, str] = {}
    inside = Counter(path.rsplit(".", depth)[0] for path in paths for depth in range(1, path.count(".")))
    for branch in sorted(inside, key=lambda branch: -branch.count(".")):
        if inside[branch] >= 3 and not any(other.startswith(f"{branch}.") for other in found):
            found[branch] = names.claim(identifier(branch.rpartition(".")[2]))
    return {branch: found[branch] for branch in inside if branch in found}


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
