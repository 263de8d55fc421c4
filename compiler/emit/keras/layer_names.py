"""What layers are called in a Keras model, so that the paths of weights say what a file of the model calls them.

A layer is called by its path in the model with a dash for each dot, `encoder-0-attention`: the path of its weight,
`encoder-0-attention/kernel`, is the name `encoder.0.attention.kernel` with other separators.
"""

from __future__ import annotations

import re

from neuralc.emit.python.names import Names
from neuralc.emit.python.plan import Child, ClassPlan, FreeWeight, Layer

OPERATIONS = frozenset(
    {
        "absolute", "activation", "add", "arccos", "arcsin", "arctan", "argmax", "argmin", "average_pooling2d", "cast",
        "ceil", "clip", "concatenate", "cos", "cosh", "cumprod", "cumsum", "det", "dropout", "einsum", "elu", "equal",
        "erf", "exp", "expand_dims", "flatten", "flip", "floor", "gelu", "get_item", "greater", "isnan", "leaky_relu",
        "less", "log", "log_softmax", "logical_and", "logical_not", "logical_or", "matmul", "max", "max_pooling2d",
        "maximum", "mean", "min", "minimum", "mod", "moveaxis", "multiply", "negative", "not_equal", "pad", "power",
        "prod", "relu", "reshape", "round", "rsqrt", "sigmoid", "sign", "silu", "sin", "sinh", "softmax", "softplus",
        "sqrt", "squeeze", "stack", "subtract", "sum", "take", "tan", "tanh", "transpose", "true_divide", "where",
        "zero_padding2d",
    }
)  # fmt: skip
"""What Keras calls operations and layers that it is not given a name for: a model has each name once."""


def layer_name(path: str) -> str:
    """The name of what stands at a path: dashes for dots, nothing that Keras refuses."""
    found = re.sub(r"[^A-Za-z0-9_.]+", "_", path).lstrip("_.").replace(".", "-") or "layer"
    return f"{found}_layer" if found in OPERATIONS else found


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
                    self._of[member.attribute] = names.claim(layer_name(member.path or member.weight))
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
