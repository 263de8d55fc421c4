"""graph-specialize-inference: from here on the model is only run, not trained.

    %1 = graph.dropout %0 {rate = 0.5} -> ..
    %2 = graph.batch_norm %1, .. {momentum = 0.9} -> ..     ->     %2 = graph.batch_norm %0, .. -> ..
    %3 = graph.identity %2 -> ..

Dropout, noise and penalties are the identity at inference and go; batch norm uses its moving statistics, by its
definition, and forgets the momentum with which training would update them; recurrent layers forget their dropout.
Framework code that is to train leaves from before this pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects.graph import BatchNormOp, GruOp, IdentityOp, LstmOp, RnnOp, TrainingOp, derived
from neuralc.dialects.syntax import PlainOp, to_attribute
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


class ForgetTraining(RewritePattern[PlainOp]):
    """Properties that only training reads get their defaults: two ops that differ in them alone are equal now."""

    PROPERTIES: ClassVar[dict[type[PlainOp], tuple[str, ...]]] = {
        BatchNormOp: ("momentum",),
        **dict.fromkeys((GruOp, LstmOp, RnnOp), ("dropout", "recurrent_dropout", "seed")),
    }
    op_types = tuple(PROPERTIES)

    def rewrite(self, op: PlainOp, rewriter: Rewriter) -> None:
        before = dict(op.properties)
        for name in self.PROPERTIES[type(op)]:
            op.properties.pop(name, None)
            if name in op.DEFAULTS:
                op.properties[name] = to_attribute(op.DEFAULTS[name])
        if op.properties != before:
            rewriter.modified(op)


@dataclass(frozen=True)
class SpecializeInferencePass(ModulePass):
    name = "graph-specialize-inference"

    def run(self, module: ModuleOp, context: PassContext) -> None:
        rewrite(module, [RemoveTraining(), RemoveIdentity(), ForgetTraining()], context, erase_dead=False)
