"""Other element types. Devices and memory formats are no part of a program here."""

from __future__ import annotations

from neuralc.frontends.torch.node import Node
from neuralc.frontends.torch.registry import aten
from neuralc.frontends.values import Value

CASTS = ("to", "_to_copy", "type_as", "_autocast_to_full_precision", "_autocast_to_reduced_precision")


@aten(*CASTS, makes=("graph.cast",))
def cast(node: Node, x: Value, *arguments: object, **names: object) -> Value:
    """To the type that torch has found."""
    return node.cast(x, node.element)


@aten("prims.convert_element_type", makes=("graph.cast",))
def convert(node: Node, x: Value, dtype: object) -> Value:
    return node.cast(x, node.element)


CHECKS = (
    "_assert_tensor_metadata",
    "_assert_async",
    "sym_constrain_range",
    "sym_constrain_range_for_size",
    "_assert_scalar",
)


@aten(*CHECKS)
def check(node: Node, *arguments: object, **names: object) -> list[Value | None]:
    """What torch.export has seen to hold; sizes have their bounds."""
    return []
