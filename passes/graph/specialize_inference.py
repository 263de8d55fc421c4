"""graph-specialize-inference: from here on the model is only run, not trained.

    %1 = graph.dropout %0 {rate = 0.5} -> ..
    %2 = graph.batch_norm %1, .. {momentum = 0.9} -> ..     ->     %2 = graph.batch_norm %0, .. -> ..
    %3 = graph.identity %2 -> ..

Dropout, noise and penalties are the identity at inference and go; batch norm uses its moving statistics, by its
definition, and forgets the momentum with which training would update them. Framework code that is to train leaves from
before this pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects.graph import BatchNormOp, IdentityOp, TrainingOp, derived
from neuralc.dialects.syntax import to_attribute
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.driver import RewritePattern, Rewriter, rewrite


class RemoveTraining(RewritePattern[TrainingOp]):
    """Dropout, noise, penalties: at inference the value itself, since what they scale they scale in training."""

    op_types: ClassVar = tuple(derived(TrainingOp))

    def rewrite(self, op: TrainingOp, rewriter: Rewriter) -> None:
        rewriter.remark("passed", op, "removed: it acts in training only")
        rewriter.replace(op, results=[op.x])


class RemoveIdentity(RewritePattern[IdentityOp]):
    """A linear activation says something to a reader of the model, and nothing to its execution."""

    op_types = (IdentityOp,)

    def rewrite(self, op: IdentityOp, rewriter: Rewriter) -> None:
        rewriter.replace(op, results=[op.x])


class ForgetMomentum(RewritePattern[BatchNormOp]):
    """The momentum is read by training only: two norms that differ in it alone are equal now."""

    op_types = (BatchNormOp,)
    DEFAULT: ClassVar = to_attribute(BatchNormOp.DEFAULTS["momentum"])

    def rewrite(self, op: BatchNormOp, rewriter: Rewriter) -> None:
        if op.momentum != self.DEFAULT:
            op.properties["momentum"] = self.DEFAULT
            rewriter.modified(op)


@dataclass(frozen=True)
class SpecializeInferencePass(ModulePass):
    name = "graph-specialize-inference"

    def run(self, module: ModuleOp, context: PassContext) -> None:
        rewrite(module, [RemoveTraining(), RemoveIdentity(), ForgetMomentum()], context, erase_dead=False)
