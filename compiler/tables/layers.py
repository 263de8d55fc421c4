"""The layers of the language by family, and the graph ops that the front end writes for those it compiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from neuralc.grammar.signatures import FAMILIES as SIGNATURES
from neuralc.grammar.signatures import Signature

FAMILIES: Mapping[str, Sequence[Signature]] = SIGNATURES
"""Family -> layers, as the signature table has them."""

NO_LAYERS = {"graph.get_weight", "graph.get_state", "graph.set_state", "graph.return"}
"""Ops that hold a model together."""


def example_program(signature: Signature) -> str:
    """A whole program that uses the layer."""
    return f"network Example {{ {signature.example} }}"


def graph_ops(signature: Signature) -> list[str]:
    """The graph ops of the example of a layer, in their order. Raises NeuralcError where it does not compile."""
    from neuralc.dialects.graph import FuncOp, ModelOp
    from neuralc.frontends.nr.load import load
    from neuralc.grammar.diagnostics import Source

    module = load(Source("example.nr", example_program(signature)), network="Example").module
    bodies = [op for op in module.body.block.ops if isinstance(op, ModelOp | FuncOp)]
    names = [op.name for body in bodies for op in body.block.walk() if op.name.startswith("graph.")]
    return list(dict.fromkeys(name for name in names if name not in NO_LAYERS))
