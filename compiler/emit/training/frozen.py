"""Weights that training leaves alone: those of layers with `trainable=false`, and statistics."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects.graph import WeightOp
from neuralc.dialects.syntax import to_literal
from neuralc.emit.placements import Placement
from neuralc.emit.training.clauses import Clauses


def fixed_parameters(module: ModuleOp, placements: Iterable[Placement]) -> list[str]:
    """The parameters of code that hold nothing but weights which are not trained."""
    fixed = {op.sym_name.data for op in module.walk() if isinstance(op, WeightOp) and not _is_trained(op)}
    return [each.name for each in placements if all(part.key in fixed for part in each.parts)]


def _is_trained(weight: WeightOp) -> bool:
    return "trainable" not in weight.attributes or bool(to_literal(weight.attributes["trainable"]))


def refuse_frozen_norms(clauses: Clauses, fixed: Collection[str], mean: str, others: Collection[str]) -> None:
    """Refuse batch norms that are not trained; `mean` and `others` are what their parameters are called."""
    for name in fixed:
        layer, _, end = name.rpartition(".")
        if end == mean and any(f"{layer}.{other}" in fixed for other in others):
            clauses.refuse(
                f"the batch norm {layer} is not trained: Keras does not move its statistics then, and the code does"
            )
