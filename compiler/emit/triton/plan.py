"""Which values of a kernel get a name of their own, and which names a loop may write again.

A person writes `y = tl.maximum(acc + bias[None, :], 0.0)`, not one statement an op: values with one reader and no name
in the IR are written where they are read. Loop-carried values keep one name through the loop (`acc = tl.dot(.., acc)`)
wherever no one reads the old value after the new one is there.
"""

from __future__ import annotations

from collections.abc import Iterator

from xdsl.ir import Block, Operation, SSAValue
from xdsl.traits import is_side_effect_free

from neuralc.dialects import arith, kernel
from neuralc.dialects.kernel.tiles import as_tile
from neuralc.dialects.scalar import is_integer
from neuralc.dialects.types import is_float
from neuralc.emit.triton.legality import INDEX_OPS

MAX_INLINE = 3
"""Ops written as one expression; longer ones are cut into statements."""


class Plan:
    """The decisions for one kernel, all made before its first line is printed."""

    def __init__(self, func: kernel.FuncOp) -> None:
        self._positions: dict[Operation, int] = {}
        self._inline: set[Operation] = set()
        self._weights: dict[Operation, int] = {}
        for op in func.walk():
            self._positions[op] = len(self._positions)
            self._decide(op)

    def is_inline(self, op: Operation) -> bool:
        """True when the op has no statement of its own."""
        return op in self._inline

    def readers(self, value: SSAValue) -> Iterator[Operation]:
        """The statements in which the value is read: its users, or where those are written."""
        for use in value.uses:
            if use.operation in self._inline:
                for result in use.operation.results:
                    yield from self.readers(result)
            else:
                yield use.operation

    def may_take_over(self, initial: SSAValue, loop: kernel.LoopOp) -> bool:
        """True when the loop may carry its value in the variable of `initial`: no one else reads it, now or in a later
        round of a loop around this one."""
        owner = initial.owner
        block = owner if isinstance(owner, Block) else owner.parent
        return block is loop.parent and initial.has_one_use() and list(self.readers(initial)) == [loop]

    def may_overwrite(self, loop: kernel.LoopOp, carried: SSAValue, next_value: SSAValue) -> bool:
        """True when the value of the next round may be written to the name of this round's as soon as it is there."""
        definition = next_value.owner
        if not isinstance(definition, Operation) or definition.parent is not loop.block or self.is_inline(definition):
            return False
        if sum(value is next_value for value in loop.yielded) > 1:
            return False
        written = self._positions[definition]
        return all(self._place_in(loop.block, reader) <= written for reader in self.readers(carried))

    def _place_in(self, block: Block, op: Operation) -> int:
        """Where the op of `block` stands that holds `op`."""
        place = block.find_ancestor_op_in_block(op)
        return self._positions[place if place is not None else op]

    def _decide(self, op: Operation) -> None:
        weight = 1 + sum(
            self._weights.get(operand.owner, 0) for operand in op.operands if not isinstance(operand.owner, Block)
        )
        if is_free(op):
            self._inline.add(op)
            self._weights[op] = weight - 1
        elif _may_stand_in_place(op) and weight <= MAX_INLINE:
            self._inline.add(op)
            self._weights[op] = weight


def is_free(op: Operation) -> bool:
    """Literals and `[:, None]`: they read better in place, however often they are used."""
    return isinstance(op, kernel.SplatOp | kernel.BroadcastOp | arith.ConstantOp)


def _may_stand_in_place(op: Operation) -> bool:
    """A pure op without a name whose one reader is in the same block."""
    pure = is_side_effect_free(op) or type(op) in INDEX_OPS  # a division might trap; these are of non-negative sizes
    if not pure or len(op.results) != 1 or isinstance(op, kernel.DotOp):
        return False
    (result,) = op.results
    if result.name_hint is not None or _is_saturating(op):
        return False
    if _only_starts_ranges(result):
        return True
    reader = _one_reader(result)
    if isinstance(reader, kernel.LoadOp | kernel.StoreOp) and any(
        index.masked and index.place is result for index in reader.indices
    ):
        return False  # it stands in the address and in the mask
    while isinstance(reader, kernel.BroadcastOp | kernel.SplatOp):
        reader = _one_reader(reader.result)
    return reader is not None and reader.parent is op.parent


def _is_saturating(op: Operation) -> bool:
    """A conversion to integers, with its limits: too long to stand inside of another expression."""
    if not isinstance(op, kernel.ConvertOp):
        return False
    source, result = as_tile(op.source.type), as_tile(op.result.type)
    return is_float(source.element_type) and is_integer(result.element_type)


def _one_reader(value: SSAValue) -> Operation | None:
    uses = list(value.uses)
    return uses[0].operation if len(uses) == 1 else None


def _only_starts_ranges(value: SSAValue) -> bool:
    """True when an index does nothing but start ranges, which are written where the index is known."""
    return bool(value.uses) and all(
        isinstance(use.operation, kernel.LoadOp | kernel.StoreOp)
        and all(index.over is not None for index in use.operation.indices if index.place is value)
        and not isinstance(value.type, kernel.TileType)
        for use in value.uses
    )
