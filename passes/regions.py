"""Patterns for control flow on the graph and the tensor level: regions read less, and more of them is known.

    %h = level.scan .. captured(%b = %w, %d = %x) {        %h = level.scan .. {
      %0 = use %b                                    ->      %w = graph.get_weight @w
      ..                                                     %0 = use %w

What a compiler can know (a weight, a constant) stands inside, where folding and packing see it. Captures that are not
read, or that are read twice, go; so do results that nobody reads; a choice whose condition is known is no choice; what
is the same in every round is computed before the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xdsl.ir import Block, BlockArgument, Operation, SSAValue
from xdsl.traits import IsTerminator, Pure

from neuralc.dialects import graph, tensor
from neuralc.dialects.common import Terminator
from neuralc.dialects.control import Choice, Control, Scan
from neuralc.dialects.syntax import to_attribute
from neuralc.passes.driver import RewritePattern, Rewriter

LOOPS = (graph.ScanOp, graph.LoopOp, tensor.ScanOp, tensor.WhileOp)
CHOICES = (graph.IfOp, tensor.IfOp)
KNOWN = (graph.GetWeightOp, graph.ConstantOp, tensor.FillOp)
"""Values that cost nothing wherever they stand."""


class SinkKnown(RewritePattern[Control]):
    """A weight or a constant that is captured stands in the region itself."""

    op_types = (*LOOPS, *CHOICES)

    def rewrite(self, op: Control, rewriter: Rewriter) -> None:
        for region, first, values in op.captures:
            for i, value in enumerate(values):
                argument = region.block.args[first + i]
                if isinstance(value.owner, KNOWN) and argument.uses:
                    known = value.owner.clone()
                    rewriter.insert_at_start(region.block, known)
                    rewriter.replace_uses(argument, known.results[0])
                    return


class DropCaptures(RewritePattern[Control]):
    """A capture that the region does not read goes, of two for one value the second."""

    op_types = (*LOOPS, *CHOICES)

    def rewrite(self, op: Control, rewriter: Rewriter) -> None:
        kept: list[list[SSAValue]] = []
        for region, first, values in op.captures:
            block, own = region.block, list[SSAValue]()
            for value in values:
                argument = block.args[first + len(own)]
                if value in own:
                    argument.replace_all_uses_with(block.args[first + own.index(value)])
                if argument.uses:
                    own.append(value)
                else:
                    block.erase_arg(argument)
            kept.append(own)
        if kept != [list(each.values) for each in op.captures]:
            rewriter.replace(op, op.recaptured(kept))


class ChooseKnown(RewritePattern[Choice]):
    """A choice by a constant is the region that it chooses."""

    op_types = CHOICES

    def rewrite(self, op: Choice, rewriter: Rewriter) -> None:
        known = op.condition.owner
        if not isinstance(known, graph.ConstantOp | tensor.FillOp):
            return
        region, _, captured = op.captures[0 if known.literal("value") else 1]
        values: dict[SSAValue, SSAValue] = dict(zip(region.block.args, captured, strict=True))
        body = [inner.clone(values) for inner in region.block.ops if not inner.has_trait(IsTerminator)]
        end = region.block.last_op
        if isinstance(end, Terminator):
            rewriter.replace(op, body, [values.get(value, value) for value in end.values])


class PruneScan(RewritePattern[Scan]):
    """A recurrence without what nobody reads: stacked results, scanned values, carried values that feed themselves."""

    op_types = (graph.ScanOp, tensor.ScanOp)

    def rewrite(self, op: Scan, rewriter: Rewriter) -> None:
        block, carried, scanned = op.block, len(op.carried), len(op.scanned)
        ends = list(op.yielded)
        alive = [i for i in range(carried) if op.res[i].uses or _is_read(block.args[i], block, i)]
        walked = [i for i in range(scanned) if block.args[carried + i].uses]
        stacks = [i for i in range(carried, len(ends)) if op.res[i].uses]
        if len(alive) + len(walked) + len(stacks) == carried + scanned + len(ends) - carried:
            return
        end = block.last_op
        if not isinstance(end, Terminator):
            return
        new_end = type(end)([ends[i] for i in (*alive, *stacks)])
        rewriter.replace(end, new_end, [])
        for i in reversed(range(carried + scanned)):
            if i not in alive and i - carried not in walked:
                block.erase_arg(block.args[i])
        flags = [*(op.flags[i] for i in walked), *(op.flags[scanned + i - carried] for i in stacks)]
        body = op.detach_region(op.body)
        new = type(op).of(
            op.trips.data, [op.carried[i] for i in alive], [op.scanned[i] for i in walked], op.captured, body, flags
        )
        rewriter.insert_before(op, new)
        for i, result in zip((*alive, *stacks), new.results, strict=True):
            result.name_hint = op.res[i].name_hint
            rewriter.replace_uses(op.res[i], result)
        rewriter.erase(op)


def _is_read(argument: BlockArgument, block: Block, position: int) -> bool:
    """Whether anything but its own handing on reads a carried value, or another value is handed on in its place."""
    return any(not (use.operation is block.last_op and use.index == position) for use in argument.uses)


class HoistInvariants(RewritePattern[Control]):
    """What depends on captures alone is computed before a loop; what depends on weights alone is left to folding."""

    op_types = LOOPS

    def rewrite(self, op: Control, rewriter: Rewriter) -> None:
        ((region, first, values),) = op.captures
        outer: dict[SSAValue, SSAValue] = dict(zip(region.block.args[first:], values, strict=True))
        for inner in region.block.ops:
            if not inner.operands or not _may_move(inner) or not any(value in outer for value in inner.operands):
                continue
            if not all(value in outer or isinstance(value.owner, KNOWN) for value in inner.operands):
                continue
            known = [value.owner for value in inner.operands if isinstance(value.owner, KNOWN)]
            moved = [each.clone(outer) for each in (*dict.fromkeys(known), inner)]
            rewriter.insert_before(op, *moved)
            for result in inner.results:
                argument = region.block.insert_arg(result.type, len(region.block.args))
                argument.name_hint = result.name_hint
                rewriter.replace_uses(result, argument)
            rewriter.erase(inner)
            rewriter.remark("passed", moved[-1], "computed before the loop: it is the same in every round")
            rewriter.replace(op, op.recaptured([[*values, *moved[-1].results]]))
            return


def _may_move(op: Operation) -> bool:
    """Ops that are allowed to run although the loop may make no round: not those that can fail."""
    if not op.has_trait(Pure) or isinstance(op, Control | graph.CallOp):
        return False
    return not any(each.properties.get("checked", UNCHECKED) != UNCHECKED for each in op.walk())


UNCHECKED = to_attribute(False)

PATTERNS: Sequence[RewritePattern[Any]] = (
    SinkKnown(),
    DropCaptures(),
    ChooseKnown(),
    PruneScan(),
    HoistInvariants(),
)
"""For the canonicalization of either level."""
