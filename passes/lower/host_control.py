"""Recurrence, choice and repetition as loops and branches of the host program.

    %h, %ys = tensor.scan to S carried(%a = %h0)          %rows = kernel.alloc -> ref<[S + 1, 8]>
        scanned(%x = %xs) { .. yield %n, %n }              copy of %h0 to row 0
                                                    ->     kernel.for @t from 0 to S {
                                                             %a = kernel.view %rows offset t * 8
                                                             %n = kernel.view %rows offset t * 8 + 8
                                                             %x = kernel.view %xs offset t * 8
                                                             kernel.launch @step[](%a, %x, %n)
                                                           }

Where a carried value lies, so that nothing is copied between rounds and no kernel overwrites what it still reads:

* one that is also stacked: in the rows of its stack, one row behind another; a row more holds the first value;
* one that is handed on as it is: where it was;
* any other: in one half of a pair, written to the other half, by turns.

What a group makes is written straight to its place; what is not made in the region (an argument, a view) is copied.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from xdsl.ir import Block, Operation, Region, SSAValue

from neuralc.dialects import kernel, tensor
from neuralc.dialects.control import stacked, yielded
from neuralc.dialects.dims import Dim, as_dim
from neuralc.dialects.kernel import RefType
from neuralc.dialects.types import AnyTensor, as_tensor, shape_of
from neuralc.passes.lower import views
from neuralc.passes.lower.host_moves import Placement, can_be_placed
from neuralc.passes.lower.memory import Memory


class HostProgram(Protocol):
    """The part of tensor-to-kernel that builds the host program."""

    block: Block
    """Where ops go."""
    memory: dict[SSAValue, Memory]
    places: dict[SSAValue, Memory]
    """Values that are to be written to a given place."""

    def convert(self, op: Operation) -> None: ...
    def append(self, op: Operation) -> None: ...
    def alloc_like(self, type_: AnyTensor, name: str | None) -> Memory: ...
    def viewed(self, source: Memory, ref: RefType, offset: Dim | None = None) -> Memory: ...
    def copy(self, value: SSAValue, source: Memory, target: Memory) -> None: ...
    def counter(self) -> str: ...

    @property
    def placement(self) -> Placement: ...


Seat = Callable[[Dim], Memory]
"""A place of memory by the number of rounds so far, seen from where the host program is being built."""


@dataclass(frozen=True)
class Home:
    """Where a carried value lies: its places before a round and behind it, and behind the last one."""

    now: Seat
    following: Seat
    fixed: bool = False
    """The value is handed on as it is: nothing is written."""


# -- choice ----------------------------------------------------------------------------------------------------------


def lower_if(host: HostProgram, op: tensor.IfOp) -> None:
    targets = [_place(host, result) for result in op.res]
    condition = host.memory[op.condition].value
    regions: list[Region] = []
    for region, _, values in op.captures:
        block = region.block
        for argument, value in zip(block.args, values, strict=True):
            host.memory[argument] = host.memory[value]
        regions.append(_body(host, block, yielded(block), [_at(target) for target in targets]))
    host.append(kernel.BranchOp(condition, *regions))
    for result, target in zip(op.res, targets, strict=True):
        host.memory[result] = target


# -- loops -----------------------------------------------------------------------------------------------------------


def lower_while(host: HostProgram, op: tensor.WhileOp) -> None:
    rounds = Dim.symbol(counter := host.counter())
    first = host.memory[op.condition]
    again = host.alloc_like(as_tensor(op.condition.type), op.condition.name_hint)
    host.copy(op.condition, first, again)
    ends = op.yielded
    arguments = op.block.args
    homes = [
        _invariant(host, value) if end is argument else _pair(host, value)
        for value, argument, end in zip(op.carried, arguments, ends[1:], strict=False)
    ]
    for argument, value in zip(arguments[len(homes) :], op.captured, strict=True):
        host.memory[argument] = host.memory[value]
    wanted: list[Callable[[], Memory] | None] = [_at(again), *_seats(homes, rounds)]
    body = _body(host, op.block, ends, wanted, lambda: _enter(host, arguments, homes, rounds))
    limit = None if op.limit is None else op.limit.data
    host.append(kernel.WhileOp(again.value, counter, body, limit))
    for result, home in zip(op.res, homes, strict=True):
        host.memory[result] = home.now(rounds)


def lower_scan(host: HostProgram, op: tensor.ScanOp) -> None:
    trips, carried = op.trips.data, len(op.carried)
    rounds = Dim.symbol(counter := host.counter())
    ends, arguments = op.yielded, op.block.args
    flags = op.flags[len(op.scanned) :]
    stacks: dict[int, Memory] = {}
    homes: list[Home] = []
    for number, value in enumerate(op.carried):
        end = ends[number]
        stack = next((i for i in range(carried, len(ends)) if ends[i] is end and i not in stacks), None)
        if end is arguments[number]:
            homes.append(_invariant(host, value))
        elif stack is not None:
            home, stacks[stack] = _rows(host, value, op.res[stack], trips, reverse=bool(flags[stack - carried]))
            homes.append(home)
        else:
            homes.append(_pair(host, value))
    wanted = _seats(homes, rounds)
    for i, flag in zip(range(carried, len(ends)), flags, strict=True):
        if i in stacks:
            wanted.append(None)
            continue
        stacks[i] = _place(host, op.res[i])
        wanted.append(partial(_slice, host, stacks[i], _position(rounds, trips, flag)))

    def enter() -> None:
        _enter(host, arguments, homes, rounds)
        walked = zip(arguments[carried:], op.scanned, op.flags, strict=False)
        for argument, value, flag in list(walked)[: len(op.scanned)]:
            host.memory[argument] = _slice(host, host.memory[value], _position(rounds, trips, flag))

    for argument, value in zip(arguments[carried + len(op.scanned) :], op.captured, strict=True):
        host.memory[argument] = host.memory[value]
    body = _body(host, op.block, ends, wanted, enter)
    host.append(kernel.ForOp(counter, trips, body))
    for number, result in enumerate(op.res):
        host.memory[result] = homes[number].now(trips) if number < carried else stacks[number]


def _position(rounds: Dim, trips: Dim, reverse: int) -> Dim:
    return trips - 1 - rounds if reverse else rounds


def _seats(homes: Sequence[Home], rounds: Dim) -> list[Callable[[], Memory] | None]:
    """Where each carried value is written in a round; None where it is not."""
    return [None if home.fixed else partial(home.following, rounds) for home in homes]


def _enter(host: HostProgram, arguments: Sequence[SSAValue], homes: Sequence[Home], rounds: Dim) -> None:
    for argument, home in zip(arguments, homes, strict=False):
        host.memory[argument] = home.now(rounds)


# -- places ----------------------------------------------------------------------------------------------------------


def _invariant(host: HostProgram, value: SSAValue) -> Home:
    memory = host.memory[value]
    return Home(lambda rounds: memory, lambda rounds: memory, fixed=True)


def _pair(host: HostProgram, value: SSAValue) -> Home:
    """Two of them, the first in the first half."""
    both = host.alloc_like(stacked(value.type, 2), value.name_hint)
    host.copy(value, host.memory[value], _slice(host, both, Dim.constant(0)))
    return Home(lambda rounds: _slice(host, both, rounds % 2), lambda rounds: _slice(host, both, (rounds + 1) % 2))


def _rows(host: HostProgram, value: SSAValue, stack: SSAValue, trips: Dim, *, reverse: bool) -> tuple[Home, Memory]:
    """The rows of a stack and one more, which holds the first value: before the others, or behind them."""
    rows = host.alloc_like(stacked(value.type, trips + 1), stack.name_hint)

    def row(rounds: Dim) -> Memory:
        return _slice(host, rows, trips - rounds if reverse else rounds)

    host.copy(value, host.memory[value], row(Dim.constant(0)))
    ref = RefType.of(shape_of(stack.type), rows.ref.element_type, rows.ref.strides)
    begin = Dim.constant(0) if reverse else as_dim(rows.ref.strides[0])
    return Home(row, lambda rounds: row(rounds + 1)), host.viewed(rows, ref, begin)


def _slice(host: HostProgram, memory: Memory, position: Dim) -> Memory:
    """What lies at a position along the first dim."""
    ref = RefType.of(memory.ref.shape[1:], memory.ref.element_type, memory.ref.strides[1:])
    return host.viewed(memory, ref, position * memory.ref.strides[0])


def _at(memory: Memory) -> Callable[[], Memory]:
    return lambda: memory


def _place(host: HostProgram, value: SSAValue) -> Memory:
    return host.placement.target(value)


def _made(host: HostProgram, value: SSAValue, target: Memory) -> tuple[SSAValue, Memory]:
    """The value under the reshapes of one that is to be written to a place, and that place as it sees it."""
    while isinstance(value.owner, tensor.ReshapeOp):
        ref = views.reshape(target.ref, shape_of(value.owner.x.type))
        if ref is None:
            break
        value, target = value.owner.x, host.viewed(target, ref)
    return value, target


# -- regions ---------------------------------------------------------------------------------------------------------


def _body(
    host: HostProgram,
    block: Block,
    ends: Sequence[SSAValue],
    wanted: Sequence[Callable[[], Memory] | None],
    enter: Callable[[], None] = lambda: None,
) -> Region:
    """The region on the host: each value that it yields is written to its place, by the op that makes it or a copy."""
    outer, host.block = host.block, Block()
    enter()
    targets: list[tuple[SSAValue, Memory]] = []
    placed: list[tuple[SSAValue, SSAValue, Memory, Memory]] = []
    for value, seat in zip(ends, wanted, strict=True):
        if seat is None:
            continue
        target = seat()
        made, place = _made(host, value, target)
        if can_be_placed(made) and made not in host.places:
            host.places[made] = place
            placed.append((value, made, place, target))
        else:
            targets.append((value, target))
    for op in block.ops:
        if op is not block.last_op:
            host.convert(op)
    # A recurrence may have its stack in rows of its own.
    targets += [(value, target) for value, made, place, target in placed if host.memory[made].value is not place.value]
    for value, target in targets:
        if host.memory[value].value is not target.value:
            host.copy(value, host.memory[value], target)
    inner, host.block = host.block, outer
    for op in reversed(list(inner.ops)):
        if isinstance(op, kernel.ViewOp) and not op.result.uses:
            inner.erase_op(op)
    return Region(inner)
