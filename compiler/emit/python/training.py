"""Which ops do something else in training than at inference."""

from __future__ import annotations

from xdsl.ir import Operation

from neuralc.dialects.graph import BatchNormOp, GruOp, LstmOp, RnnOp, TrainingOp


def acts_in_training(op: Operation) -> bool:
    """True for noise, batch norms and recurrent layers with dropout inside."""
    if isinstance(op, GruOp | LstmOp | RnnOp):
        return bool(op.literal("dropout") or op.literal("recurrent_dropout"))
    return isinstance(op, TrainingOp | BatchNormOp)
