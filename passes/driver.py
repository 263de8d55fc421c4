"""The rewrite driver: applies patterns until nothing changes, keeps locations, stops a ping-pong with an error.

Why not xDSL's: it tries every pattern on every op, has no cap (two patterns that undo each other hang it) and drops
locations. Here patterns are indexed by op type, the order is fixed (ops as printed, patterns as listed), and what fired
is counted.

A pattern:

    class FoldDoubleNeg(RewritePattern[NegOp]):
        op_types = (NegOp,)

        def rewrite(self, op: NegOp, rewriter: Rewriter) -> None:
            if isinstance(inner := op.x.owner, NegOp):
                rewriter.replace(op, results=[inner.x])

and in the pass: `rewrite(module, [FoldDoubleNeg()], context)`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Generic, Literal

from typing_extensions import TypeVar
from xdsl.dialects.builtin import LocationAttr
from xdsl.ir import Block, Operation, SSAValue
from xdsl.rewriter import InsertPoint
from xdsl.rewriter import Rewriter as IrRewriter
from xdsl.transforms.dead_code_elimination import is_trivially_dead

from neuralc.grammar.diagnostics import error
from neuralc.passes.base import PassContext
from neuralc.passes.locations import fuse_locations, inherit_location, span_of

OpT = TypeVar("OpT", bound=Operation, default=Operation)

REWRITES_PER_OP = 64
"""Rewrites allowed per op of the module before the driver calls the patterns a ping-pong."""


class RewritePattern(ABC, Generic[OpT]):
    """One rule: looks at an op of one of `op_types` and changes the IR through the rewriter, or leaves it alone."""

    op_types: ClassVar[tuple[type[Operation], ...]]

    @abstractmethod
    def rewrite(self, op: OpT, rewriter: Rewriter) -> None:
        """Match and rewrite. A pattern that calls nothing on the rewriter did not fire."""


class Rewriter:
    """The only way a pattern may change IR: the driver learns what to visit next, new ops get a location."""

    def __init__(self, context: PassContext | None = None) -> None:
        self.context = context if context is not None else PassContext()
        self._worklist: list[Operation] = []
        self._pending: set[Operation] = set()
        self._changed = False
        self._matched_location: LocationAttr | None = None

    def replace(
        self,
        op: Operation,
        new_ops: Operation | Sequence[Operation] = (),
        results: Sequence[SSAValue] | None = None,
        *,
        fused: Sequence[Operation] = (),
    ) -> None:
        """Put `new_ops` in the place of `op`, its results replaced by `results` (default: those of the last new op).

        `fused` names further ops whose work the new ones do; their locations are joined to that of `op`.
        """
        new_ops = (new_ops,) if isinstance(new_ops, Operation) else tuple(new_ops)
        if results is None:
            results = new_ops[-1].results if new_ops else ()
        location = fuse_locations((op.location, *(other.location for other in fused)))
        self._insert(new_ops, InsertPoint.before(op), location)
        for old, new in zip(op.results, results, strict=True):
            if new.name_hint is None:
                new.name_hint = old.name_hint
            self.replace_uses(old, new)
        self.erase(op)

    def replace_uses(self, old: SSAValue, new: SSAValue) -> None:
        """Let every user of `old` read `new`."""
        self._changed = True
        for user in _users(old):
            self._push(user)
        old.replace_all_uses_with(new)
        if isinstance(new.owner, Operation):
            self._push(new.owner)

    def insert_before(self, op: Operation, *new_ops: Operation) -> None:
        self._insert(new_ops, InsertPoint.before(op), self._matched_location or op.location)

    def insert_after(self, op: Operation, *new_ops: Operation) -> None:
        self._insert(new_ops, InsertPoint.after(op), self._matched_location or op.location)

    def insert_at_start(self, block: Block, *new_ops: Operation) -> None:
        self._insert(new_ops, InsertPoint.at_start(block), self._matched_location)

    def insert_at_end(self, block: Block, *new_ops: Operation) -> None:
        self._insert(new_ops, InsertPoint.at_end(block), self._matched_location)

    def erase(self, op: Operation) -> None:
        """Remove an op whose results nobody reads."""
        self._changed = True
        for inner in op.walk():
            self._push_producers(inner)
        self._pending.difference_update(op.walk())
        IrRewriter.erase_op(op)

    def modified(self, op: Operation) -> None:
        """Announce that `op` was changed in place: an attribute, an operand, its region."""
        self._changed = True
        self._push(op)
        for result in op.results:
            for user in _users(result):
                self._push(user)

    def set_operand(self, op: Operation, index: int, value: SSAValue) -> None:
        """Let one operand of `op` be another value."""
        if isinstance(old := op.operands[index].owner, Operation):
            self._push(old)
        op.operands[index] = value
        self.modified(op)

    def remark(self, kind: Literal["passed", "missed", "analysis"], op: Operation, message: str) -> None:
        self.context.remark(kind, op, message)

    def _insert(self, new_ops: Sequence[Operation], point: InsertPoint, location: LocationAttr | None) -> None:
        if not new_ops:
            return
        self._changed = True
        for new in new_ops:
            if location is not None:
                inherit_location(new, location)
        for op in reversed([op for new in new_ops for op in new.walk()]):
            self._push(op)
        IrRewriter.insert_op(new_ops, point)

    def _push(self, op: Operation) -> None:
        if op not in self._pending:
            self._pending.add(op)
            self._worklist.append(op)

    def _push_producers(self, op: Operation) -> None:
        for operand in op.operands:
            if isinstance(operand.owner, Operation):
                self._push(operand.owner)

    def _pop(self) -> Operation | None:
        while self._worklist:
            op = self._worklist.pop()
            if op in self._pending:
                self._pending.remove(op)
                return op
        return None


def rewrite(
    root: Operation,
    patterns: Sequence[RewritePattern[Any]],
    context: PassContext | None = None,
    *,
    erase_dead: bool = True,
    max_rewrites: int | None = None,
) -> bool:
    """Apply the patterns to every op below `root` until none fires; True when anything changed.

    Ops without effects whose results nobody reads are erased on the way (`erase_dead`). Raises the error E9902 after
    `max_rewrites` (default: 64 per op) and names the patterns that were firing.
    """
    rewriter = Rewriter(context)
    by_type = _index(patterns)
    fired: Counter[str] = Counter()
    limit = max_rewrites
    while True:
        ops = [op for op in root.walk() if op is not root]
        if limit is None:
            limit = REWRITES_PER_OP * (len(ops) + 16)
        before = fired.total()
        _run_worklist(rewriter, ops, by_type, fired, limit, erase_dead)
        # A pattern may look further than the neighbours that were visited again: only a quiet sweep is the end.
        if fired.total() == before:
            break
    for name, count in sorted(fired.items()):
        rewriter.context.count(name, count)
    return bool(fired)


def _run_worklist(
    rewriter: Rewriter,
    ops: Sequence[Operation],
    by_type: dict[type[Operation], list[RewritePattern[Any]]],
    fired: Counter[str],
    limit: int,
    erase_dead: bool,
) -> None:
    for seed in reversed(ops):  # the worklist is a stack: the first op of the text is visited first
        rewriter._push(seed)
    recent: deque[str] = deque(maxlen=16)
    remaining = limit - fired.total()
    while (op := rewriter._pop()) is not None:
        if erase_dead and op.results and is_trivially_dead(op):
            rewriter.erase(op)
            fired["erase-dead"] += 1
            continue
        for pattern in by_type.get(type(op), ()):
            rewriter._changed = False
            rewriter._matched_location = op.location
            pattern.rewrite(op, rewriter)
            if rewriter._changed:
                fired[type(pattern).__name__] += 1
                recent.append(type(pattern).__name__)
                remaining -= 1
                if op.parent is not None:
                    rewriter._push(op)  # another pattern may fire on what this one left
                break
        if remaining < 0:
            _raise_no_convergence(op, limit, recent)


def _index(patterns: Sequence[RewritePattern[Any]]) -> dict[type[Operation], list[RewritePattern[Any]]]:
    by_type: dict[type[Operation], list[RewritePattern[Any]]] = {}
    for pattern in patterns:
        for op_type in pattern.op_types:
            by_type.setdefault(op_type, []).append(pattern)
    return by_type


def _users(value: SSAValue) -> Iterable[Operation]:
    """The ops that read a value, in a fixed order, as a list that survives changes."""
    return [use.operation for use in value.uses]


def _raise_no_convergence(op: Operation, limit: int, recent: Iterable[str]) -> None:
    names = ", ".join(sorted(set(recent)))
    raise error(
        "E9902",
        f"rewriting did not come to an end after {limit} rewrites",
        span_of(op.location),
        note=f"these patterns kept firing on `{op.name}`: {names}",
        help="two patterns undo each other: give the form one canonical direction",
    )
