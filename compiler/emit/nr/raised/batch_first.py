"""Recurrent layers between which the time stands first, as layers of the language that have the batch first.

%y = graph.lstm %x, ..                   %y = graph.lstm %x, ..
%d = graph.dropout %y          ->        %b = graph.transpose %y {perm = [1, 0, 2]}
%z = graph.lstm %d, ..                   %d = graph.dropout %b
                                         %t = graph.transpose %d {perm = [1, 0, 2]}
                                         %z = graph.lstm %t, ..
"""

from __future__ import annotations

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.graph.recurrent import RecurrentOp
from neuralc.dialects.types import shape_of
from neuralc.passes.base import PassContext
from neuralc.passes.driver import Rewriter


def batch_first(module: ModuleOp) -> None:
    """Turn what is given for each step wherever something but a transpose reads it."""
    rewriter = Rewriter(PassContext())
    for op in [op for op in module.walk() if isinstance(op, RecurrentOp | graph.ScanOp)]:
        steps = op.operands[0]
        if isinstance(steps.owner, graph.DropoutOp) and _turned(steps.owner.x) is not None:
            _turn_dropout(steps.owner, rewriter)
        stacked = op.results[len(op.carried) :] if isinstance(op, graph.ScanOp) else op.results[:1]
        for y in stacked:
            _turn(_joined(y), rewriter)


def _turn(y: SSAValue, rewriter: Rewriter) -> None:
    readers = [use for use in y.uses if not _is_joined(use.operation) and not _turns(use.operation)]
    if not readers or not isinstance(y.owner, Operation):
        return
    perm = (1, 0, *range(2, len(shape_of(y.type))))
    there = graph.TransposeOp.of(y, perm=perm)
    back = graph.TransposeOp.of(there.result, perm=perm)
    there.result.name_hint = y.name_hint
    rewriter.insert_after(y.owner, there, back)
    for use in readers:
        use.operation.operands[use.index] = back.result


def _joined(y: SSAValue) -> SSAValue:
    """The results of both directions where they are joined, which stand in for those of the second one."""
    users = [use.operation for use in y.uses]
    return users[0].results[0] if len(users) == 1 and _is_joined(users[0]) else y


def _is_joined(op: Operation) -> bool:
    return isinstance(op, graph.ConcatOp | graph.AddOp | graph.MulOp) and all(
        isinstance(value.owner, RecurrentOp) and value is value.owner.results[0] for value in op.operands
    )


def _turns(op: Operation) -> bool:
    """Whether the first two axes change places."""
    return isinstance(op, graph.TransposeOp) and tuple(op.literal("perm"))[:3] in ((1, 0), (1, 0, 2))


def _turned(value: SSAValue) -> SSAValue | None:
    owner = value.owner
    return owner.x if isinstance(owner, graph.TransposeOp) and _turns(owner) else None


def _turn_dropout(op: graph.DropoutOp, rewriter: Rewriter) -> None:
    """Dropout in front of a transpose instead of behind it."""
    inner = _turned(op.x)
    if inner is None or op.literal("shared"):
        return
    dropout = graph.DropoutOp.create(operands=[inner], result_types=[inner.type], properties=dict(op.properties))
    dropout.results[0].name_hint = op.result.name_hint
    perm = (1, 0, *range(2, len(shape_of(inner.type))))
    rewriter.replace(op, [dropout, graph.TransposeOp.of(dropout.results[0], perm=perm)])
