"""What layers are called in a Keras model, so that the paths of weights say what a file of the model calls them.

A layer is called by its path in the model with a dash for each dot, `encoder-0-attention`: the path of its weight,
`encoder-0-attention/kernel`, is the name `encoder.0.attention.kernel` with other separators.
"""

from __future__ import annotations

import re

from neuralc.emit.python.names import Names
from neuralc.emit.python.plan import Child, ClassPlan, FreeWeight, Layer


def layer_name(path: str) -> str:
    """The name of what stands at a path: dashes for dots, nothing that Keras refuses."""
    return re.sub(r"[^A-Za-z0-9_.]+", "_", path).lstrip("_.").replace(".", "-") or "layer"


class LayerNames:
    """The names of what a class holds, by attribute path."""

    def __init__(self, plan: ClassPlan, reserved: frozenset[str] = frozenset()) -> None:
        names, lists = Names(reserved), dict[str, str]()
        self._of: dict[str, str] = {}
        self._lists = lists
        for member in plan.members:
            match member:
                case Layer():
                    self._of[member.attribute] = names.claim(layer_name(_path(member)))
                case FreeWeight():
                    self._of[member.attribute] = names.claim(layer_name(member.weight))
                case Child(index=None):
                    self._of[member.attribute] = names.claim(layer_name(member.base))
                case Child():
                    if member.attribute not in lists:
                        lists[member.attribute] = names.claim(layer_name(member.base))
                    self._of[member.path] = names.claim(f"{lists[member.attribute]}-{member.index}")

    def of(self, path: str) -> str:
        """The name of a layer, a weight or a block."""
        return self._of[path]

    def of_list(self, attribute: str) -> str:
        """What the names of the items of a list begin with."""
        return self._lists[attribute]


def _path(layer: Layer) -> str:
    """What the names of its weights have in common, or its attribute."""
    split = [name.split(".")[:-1] for name in layer.weights.values()]
    common = [parts[0] for parts in zip(*split, strict=False) if len(set(parts)) == 1]
    return ".".join(common) or layer.attribute
