"""Sorts of ops that a picture tells apart by colour."""

from __future__ import annotations

KINDS = ("product", "window", "norm", "elementwise", "move", "control")
"""products of matrices and convolutions; pools and other reductions; normalization; one number at a time; views and
copies; control flow."""

FAMILIES = {
    "contraction": "product", "recurrent": "product", "spatial": "window", "reductions": "window",
    "resampling": "window", "sampling": "window", "norms": "norm", "functions": "elementwise",
    "arithmetic": "elementwise", "logic": "elementwise", "activations": "elementwise", "conversion": "move",
    "quantization": "move", "views": "move", "indexing": "move", "training": "elementwise", "control": "control",
    "custom": "control",
}  # fmt: skip
"""File of an op's class -> its sort."""

_OTHERS = {"graph.conv": "product", "graph.conv_transpose": "product", "graph.deform_conv": "product"}
"""Ops that stand with others of another sort."""


def kind_of(op: str, module: str) -> str:
    """The sort of an op by its name and the module of its class. An op of a plugin is elementwise."""
    return _OTHERS.get(op) or FAMILIES.get(module.rpartition(".")[2], "elementwise")
