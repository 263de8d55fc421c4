"""Functions of the module, and what jax says to compilers by custom calls."""

from __future__ import annotations

from collections.abc import Sequence

from neuralc.dialects.types import ShapeError
from neuralc.frontends.sizes import LARGEST
from neuralc.frontends.stablehlo.node import Node
from neuralc.frontends.stablehlo.registry import stablehlo_op
from neuralc.frontends.values import Value

ANNOTATIONS = frozenset({"Sharding", "SPMDFullToShardShape", "SPMDShardToFullShape", "annotate_device_placement"})
"""Custom calls that give back their operand."""


@stablehlo_op("func.call")
def call(node: Node) -> Sequence[Value]:
    """The ops of the function in the place of the call."""
    return node.session.call(node.attribute("callee").value, node.inputs, node.place)


@stablehlo_op("stablehlo.composite", unread=("composite_attributes", "version"))
def composite(node: Node) -> Sequence[Value]:
    """An op that somebody defines: its decomposition."""
    node.text("name")
    return node.session.call(node.attribute("decomposition").value, node.inputs, node.place)


@stablehlo_op("sdy.sharding_constraint", unread=("sharding",))
def sharding_constraint(node: Node) -> Value:
    return node.input(0)


@stablehlo_op("stablehlo.custom_call", unread=("api_version", "has_side_effect", "backend_config"))
def custom_call(node: Node) -> Sequence[Value]:
    """What is asserted about sizes is checked here; everything else is code that the module does not have."""
    target = node.text("call_target_name")
    if target == "shape_assertion":
        return _asserted(node)
    if target not in ANNOTATIONS:
        node.refuse(f"to `{target}`, code that the module does not hold")
    return node.inputs


def _asserted(node: Node) -> Sequence[Value]:
    """What jax demands of sizes: it is so, or symbols are bounded or made one so that it is."""
    node.text("error_message")
    condition = node.input(0)
    if condition.numbers is not None:
        if not condition.numbers.all():
            raise ShapeError(f"sizes break what the module asserts: {node.text('error_message').partition('. ')[0]}")
        return ()
    compared = node.compared(0)
    if compared is None:
        node.refuse("asserts of sizes what no bounds of symbols say")
    direction, lhs, rhs = compared
    symbols = node.builder.symbols
    for a, b in zip(lhs, rhs, strict=True):
        if direction == "EQ":
            symbols.solve(a, b)
        elif direction == "GE" and isinstance(b, int):
            symbols.within(a, b, LARGEST)
        elif direction == "LE" and isinstance(b, int):
            symbols.within(a, 0, b)
        else:
            node.refuse("asserts of sizes what no bounds of symbols say")
    return ()
