"""What functions are handed in training, behind their values: `keys` for noise, and `train` for what they give besides.

Noise takes one key each from an iterator, whose length is known. Statistics and penalties go into a `Training`, see
training_text.py. Functions have the parameters that they, or what they call, have a use for.
"""

from __future__ import annotations

from collections.abc import Mapping

from xdsl.ir import Operation

from neuralc.dialects.graph import ActivityRegularizerOp, BatchNormOp, DropoutOp, GaussianNoiseOp, GruOp, LstmOp, RnnOp
from neuralc.emit.python.plan import ClassPlan

TYPES: Mapping[str, str] = {"keys": "Keys | None", "train": "Training | None"}
"""The parameters and their types, in order."""


def steps_of(plan: ClassPlan) -> list[str]:
    """The parameters that a function has for training: none where it does the same as at inference."""
    return [*(["keys"] if draws(plan) else []), *(["train"] if moves(plan) or penalizes(plan) else [])]


def draws(plan: ClassPlan) -> int:
    """How many keys one run of a function takes."""
    return sum(map(_draws, plan.function.walk())) + sum(draws(child.plan) for child in plan.child_at.values())


def penalizes(plan: ClassPlan) -> bool:
    """True for a function that adds to the loss in training."""
    return _holds(plan, ActivityRegularizerOp)


def moves(plan: ClassPlan) -> bool:
    """True for a function that moves statistics in training."""
    return _holds(plan, BatchNormOp)


def _draws(op: Operation) -> int:
    if isinstance(op, GruOp | LstmOp | RnnOp):
        return bool(op.literal("dropout")) + bool(op.literal("recurrent_dropout"))
    return int(isinstance(op, DropoutOp | GaussianNoiseOp))


def _holds(plan: ClassPlan, *kinds: type[Operation]) -> bool:
    own = any(isinstance(op, kinds) for op in plan.function.walk())
    return own or any(_holds(child.plan, *kinds) for child in plan.child_at.values())
