"""kernel-canonicalize, loops and scratch memory: what runs once is inlined, what has no effect goes."""

from __future__ import annotations

from typing import Any, ClassVar

from xdsl.ir import Operation, SSAValue

from neuralc.dialects import kernel
from neuralc.passes.driver import RewritePattern, Rewriter
from neuralc.passes.kernel.canonicalize_index import constant


class DropDeadLoop(RewritePattern[kernel.LoopOp]):
    """A loop that writes nothing and whose results nobody reads."""

    op_types: ClassVar[tuple[type[Operation], ...]] = (kernel.LoopOp,)

    def rewrite(self, op: kernel.LoopOp, rewriter: Rewriter) -> None:
        unread = all(not result.uses.get_length() for result in op.res)
        if unread and all(kernel.written_memory(inner) is None for inner in op.body.walk()):
            rewriter.remark("passed", op, "a loop without effect is removed")
            rewriter.erase(op)


class DropEmptyLoop(RewritePattern[kernel.LoopOp]):
    """A loop that never runs: its results are its initial values."""

    op_types: ClassVar[tuple[type[Operation], ...]] = (kernel.LoopOp,)

    def rewrite(self, op: kernel.LoopOp, rewriter: Rewriter) -> None:
        if op.constant_trips == 0:
            rewriter.remark("passed", op, "a loop that never runs is removed")
            rewriter.replace(op, results=list(op.initial))


class InlineSingleTrip(RewritePattern[kernel.LoopOp]):
    """A loop that runs once is its body."""

    op_types: ClassVar[tuple[type[Operation], ...]] = (kernel.LoopOp,)

    def rewrite(self, op: kernel.LoopOp, rewriter: Rewriter) -> None:
        if op.constant_trips != 1:
            return
        rewriter.remark("passed", op, "a loop that runs once is inlined")
        new_ops: list[Operation] = []
        if isinstance(op.lower, int):
            first = constant(op.lower)
            new_ops.append(first)
            values: dict[SSAValue, SSAValue] = {op.counter: first.result}
        else:
            values = {op.counter: op.lower}
        values.update(zip(op.carried, op.initial, strict=True))
        for inner in op.block.ops:
            if not isinstance(inner, kernel.YieldOp):
                new_ops.append(inner.clone(values))
        results = [values.get(value, value) for value in op.yielded]
        rewriter.replace(op, new_ops, results=results)


class DropUnchangedCarried(RewritePattern[kernel.LoopOp]):
    """A carried value that every round hands on as it is, or that neither the body nor anybody after it reads."""

    op_types: ClassVar[tuple[type[Operation], ...]] = (kernel.LoopOp,)

    def rewrite(self, op: kernel.LoopOp, rewriter: Rewriter) -> None:
        initial, yielded = list(op.initial), list(op.yielded)
        dropped = {
            i
            for i, (argument, result) in enumerate(zip(op.carried, op.res, strict=True))
            if yielded[i] in (argument, initial[i]) or (not argument.uses.get_length() and not result.uses.get_length())
        }
        if not dropped:
            return
        for i in dropped:
            rewriter.replace_uses(op.carried[i], initial[i])
            rewriter.replace_uses(op.res[i], initial[i])  # where it changes, nobody reads it
        kept = [i for i in range(len(initial)) if i not in dropped]
        end = op.block.last_op
        if end is not None:
            rewriter.replace(end, kernel.YieldOp([op.yielded[i] for i in kept]))
        for argument in [op.carried[i] for i in dropped]:
            op.block.erase_arg(argument)
        new = kernel.LoopOp(op.lower, op.upper, op.stride, [initial[i] for i in kept], op.detach_region(op.body))
        new.attributes = dict(op.attributes)
        by_old = dict(zip(kept, new.res, strict=True))
        rewriter.replace(op, new, results=[by_old.get(i, value) for i, value in enumerate(initial)])


class DropUnreadLocal(RewritePattern[kernel.LocalOp]):
    """Scratch memory that is only written, and the stores to it."""

    op_types: ClassVar[tuple[type[Operation], ...]] = (kernel.LocalOp,)

    def rewrite(self, op: kernel.LocalOp, rewriter: Rewriter) -> None:
        users = [use.operation for use in op.result.uses]
        if all(isinstance(user, kernel.StoreOp | kernel.ScatterOp) for user in users):
            for user in users:
                rewriter.erase(user)
            rewriter.erase(op)


LOOP_PATTERNS: tuple[RewritePattern[Any], ...] = (
    DropDeadLoop(),
    DropEmptyLoop(),
    InlineSingleTrip(),
    DropUnchangedCarried(),
    DropUnreadLocal(),
)
