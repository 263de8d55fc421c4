"""Which recurrent ops are one layer of torch: both directions over a sequence, and several layers one above the other.

Two ops of one kind over the same sequence, one of them from its end, joined along their features, are a bidirectional
layer. What reads the outputs of another one, with dropout between them or not, is a layer above it where both have
their weights from one module (PyTorch's `rnn.weight_ih_l0` and `rnn.weight_ih_l1`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from xdsl.ir import Operation, SSAValue

from neuralc.dialects.graph import (
    ConcatOp,
    ConstantOp,
    DropoutOp,
    ExpandOp,
    ReshapeOp,
    SliceOp,
    TransposeOp,
    WhereOp,
)
from neuralc.dialects.graph.recurrent import RecurrentOp
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.types import shape_of
from neuralc.emit.layouts import Order
from neuralc.emit.structure_of_programs import LEVEL

BATCH_FIRST: Order = (1, 0, 2)
"""A sequence [time, batch, features] with the batch in front."""


@dataclass(frozen=True)
class Level:
    """One layer of a stack: its direction or both, the forward one first."""

    ops: tuple[RecurrentOp, ...]
    y: SSAValue
    """What the next layer reads: the outputs of one op, or the join of both."""
    filled: tuple[WhereOp, ...] = ()
    """Zeros at the steps that the mask leaves out."""


@dataclass(frozen=True)
class Stack:
    """The levels of a layer, and the dropout between them."""

    levels: tuple[Level, ...]
    dropout: float = 0.0

    @property
    def ops(self) -> tuple[RecurrentOp, ...]:
        return tuple(op for level in self.levels for op in level.ops)

    @property
    def first(self) -> RecurrentOp:
        return self.levels[0].ops[0]

    @property
    def start(self) -> RecurrentOp:
        """The op in front of all others."""
        return min(self.ops, key=_place)

    @property
    def place(self) -> RecurrentOp:
        """The op where the layer is applied: the first one, or the last one where all have states to begin with."""
        begins = not all(is_zero(state) for op in self.ops for state in op.states)
        return max(self.ops, key=_place) if begins else self.start

    @property
    def bidirectional(self) -> bool:
        return len(self.levels[0].ops) == 2

    @property
    def batch_first(self) -> bool:
        """True where x is the transpose of [batch, time, in], and wherever there is a mask."""
        x = self.first.operands[0].owner
        turned = isinstance(x, TransposeOp) and x.literal("perm") == BATCH_FIRST
        return turned or self.first.mask_values is not None

    @property
    def members(self) -> Iterator[Operation]:
        """The ops that the layer stands for."""
        for level in self.levels:
            yield from (*level.ops, *level.filled)
            if isinstance(level.y.owner, ConcatOp):
                yield level.y.owner


def stack_of(op: Operation) -> Stack | None:
    """The layer that an op belongs to: a recurrent one, a join of two, zeros where the mask is false."""
    if isinstance(op, WhereOp):
        found = _filled_from(op)
        return None if found is None else _member(found, op)
    if isinstance(op, ConcatOp):
        level = _joined(op)
        return None if level is None else _member(level.ops[0], op)
    return _stack(_level(op)) if isinstance(op, RecurrentOp) else None


def _member(recurrent: RecurrentOp, op: Operation) -> Stack | None:
    stack = _stack(_level(recurrent))
    return stack if any(member is op for member in stack.members) else None


def is_between_levels(op: DropoutOp) -> bool:
    """True for the dropout that a layer has between its levels."""
    stacks = [stack_of(user) for user in _users(op.result) if isinstance(user, RecurrentOp)]
    return any(stack is not None and stack.levels[0].ops[0].operands[0] is not op.result for stack in stacks)


def is_zero(value: SSAValue) -> bool:
    """True for zeros of any shape."""
    while isinstance(value.owner, ReshapeOp | SliceOp | ExpandOp | TransposeOp):
        value = value.owner.operands[0]
    return isinstance(value.owner, ConstantOp) and value.owner.literal("value") == 0


# -- one level ---------------------------------------------------------------------------------------------------------


def _level(op: RecurrentOp) -> Level:
    for user in _users(op.results[0]):
        joins = _users(user.results[0]) if isinstance(user, WhereOp) else [user]
        for join in joins:
            if isinstance(join, ConcatOp) and (level := _joined(join)) is not None and op in level.ops:
                return level
    wheres = _users(op.results[0])
    if wheres and all(isinstance(user, WhereOp) and _filled_from(user) is op for user in wheres):
        return Level((op,), wheres[0].results[0], tuple(user for user in wheres if isinstance(user, WhereOp)))
    return (None if wheres else _pair_of_states(op)) or Level((op,), op.results[0])


def _pair_of_states(op: RecurrentOp) -> Level | None:
    """Both directions of a layer whose outputs no one reads, only its last states."""
    for other in [user for user in _users(op.operands[0]) if isinstance(user, RecurrentOp)]:
        both = sorted((op, other), key=lambda each: bool(each.literal("reverse")))
        directions = [bool(each.literal("reverse")) for each in both]
        if directions == [False, True] and not any(each.results[0].uses for each in both):
            level = Level(tuple(both), both[0].results[0])
            names = [_path(each).removesuffix(end) for each, end in zip(both, (".forward", ".backward"), strict=True)]
            if names[0] == names[1] and _alike(*both) and _applies(Stack((level,))):
                return level
    return None


def _path(op: RecurrentOp) -> str:
    """Where the weights of an op are."""
    return (op.operands[1].name_hint or "").rpartition(".")[0]


def _users(value: SSAValue) -> list[Operation]:
    return [use.operation for use in value.uses]


def _filled_from(op: WhereOp) -> RecurrentOp | None:
    """The op whose outputs become zeros where its mask is false."""
    condition, value, other = op.operands
    counts = condition.owner.operands[0] if isinstance(condition.owner, ReshapeOp) else None
    source = value.owner
    if not isinstance(source, RecurrentOp) or value is not source.results[0] or not is_zero(other):
        return None
    return source if counts is not None and counts is source.mask_values else None


def _joined(op: ConcatOp) -> Level | None:
    rank = len(shape_of(op.result.type))
    if len(op.operands) != 2 or rank != 3 or normalize_axis(op.literal("axis"), rank) != 2:
        return None
    ops, filled = [], []
    for value in op.operands:
        if isinstance(value.owner, WhereOp) and value.has_one_use():
            filled.append(value.owner)
            value = value.owner.operands[1]
        if not isinstance(value.owner, RecurrentOp) or value is not value.owner.results[0] or not value.has_one_use():
            return None
        ops.append(value.owner)
    forward, backward = ops
    if not _alike(forward, backward) or forward.operands[0] is not backward.operands[0]:
        return None
    if forward.literal("reverse") or not backward.literal("reverse"):
        return None
    if len(filled) == 1 or (not filled and forward.mask_values is not None):
        return None
    if any(_filled_from(where) is not source for where, source in zip(filled, ops, strict=False)):
        return None
    level = Level((forward, backward), op.result, tuple(filled))
    return level if _applies(Stack((level,))) else None


def _alike(one: RecurrentOp, other: RecurrentOp) -> bool:
    def options(op: RecurrentOp) -> dict[str, object]:
        return {name: value for name, value in op.literals().items() if name not in ("reverse", "seed")}

    return (
        type(one) is type(other)
        and options(one) == options(other)
        and one.units == other.units
        and one.mask_values is other.mask_values
        and is_zero(one.operands[3]) == is_zero(other.operands[3])
        and all(map(is_zero, one.states)) == all(map(is_zero, other.states))
        and one.parent_block() is other.parent_block()
    )


def _place(op: Operation) -> int:
    block = op.parent_block()
    assert block is not None, "the op of a function"
    return block.get_operation_index(op)


def _applies(stack: Stack) -> bool:
    """Whether all that reads results of a layer stands behind the op where it is applied, or is part of it."""
    block, place, inside = stack.place.parent_block(), _place(stack.place), list(stack.members)
    states = [state for op in stack.ops for state in op.results[1:]]
    ends = [op.results[0] for op in stack.levels[-1].ops]
    users = [user for value in [*states, *ends] for user in _users(value)]
    return all(user in inside or user.parent_block() is not block or _place(user) > place for user in users)


# -- one above the other -----------------------------------------------------------------------------------------------


def _stack(level: Level) -> Stack:
    levels, rates = [level], set[float]()
    while (found := _below(levels[0])) is not None:
        levels.insert(0, found[0])
        rates.add(found[1])
    while (found := _above(levels[-1])) is not None:
        levels.append(found[0])
        rates.add(found[1])
    stack = Stack(tuple(levels), next(iter(rates), 0.0))
    return stack if len(levels) == 1 or (len(rates) < 2 and _applies(stack)) else Stack((level,))


def _below(level: Level) -> tuple[Level, float] | None:
    """The level whose outputs are what this one reads, and the dropout between both."""
    value, rate = level.ops[0].operands[0], 0.0
    dropout = value.owner
    if isinstance(dropout, DropoutOp):
        if dropout.literal("kind") != "zeros" or dropout.literal("shared") or not _read_by(value, level):
            return None
        value, rate = dropout.operands[0], dropout.literal("rate")
    source = value.owner
    if isinstance(source, ConcatOp):
        found = _joined(source)
        below = None if found is None else found.ops[0]
    else:
        below = source if isinstance(source, RecurrentOp) and value is source.results[0] else None
    if below is None or not _of_one_module(below, level.ops[0]):
        return None
    under = _level(below)
    # Outputs that others read too are those of no layer inside.
    if under.y is not value or under.filled or len(under.ops) != len(level.ops):
        return None
    reads = _users(value)
    inside = level.ops if not rate else tuple(user for user in reads if isinstance(user, DropoutOp))[:1]
    return (under, rate) if all(user in inside for user in reads) and _alike(below, level.ops[0]) else None


def _read_by(value: SSAValue, level: Level) -> bool:
    return all(user in level.ops for user in _users(value))


def _above(level: Level) -> tuple[Level, float] | None:
    for user in _users(level.y):
        for reader in _users(user.results[0]) if isinstance(user, DropoutOp) else [user]:
            if isinstance(reader, RecurrentOp):
                above = _level(reader)
                found = _below(above)
                if found is not None and found[0] == level:
                    return above, found[1]
    return None


def _of_one_module(below: RecurrentOp, above: RecurrentOp) -> bool:
    """Whether the names of the weights say that both are levels of one layer."""
    named = all(op.operands[1].name_hint for op in (below, above))
    return named and _module(below) == _module(above) and below.mask_values is None


def _module(op: RecurrentOp) -> str:
    """`rnn` of `rnn.weight_ih_l0`, and of `rnn.l0.forward.kernel` as programs have it."""
    return LEVEL.sub("", _path(op))
