"""States in the host program: memory that is swapped after a run, or changed in place.

    %h = graph.get_state @h                      %next = kernel.next_state @h
    %n = tensor.group ..(%x, %h)          ->     %h = kernel.state @h
    graph.set_state @h, %n                       kernel.launch ..(%x, %h, %next)

    %c = graph.get_state @cache                  %c = kernel.state @cache
    %u = tensor.scatter "set" %c, %i, %k  ->     kernel.launch @scatter(.., %k, %c)
    graph.set_state @cache, %u

The value that a state is set to is written straight to the memory of the next run where a kernel makes it, and copied
there otherwise. It is written in place, with no copy of the rest, where it is the state with some of its elements
changed, and nothing reads the state as it was once they are: else a reader would see the next run's value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from xdsl.ir import Operation, SSAValue

from neuralc.dialects import graph, kernel, tensor
from neuralc.dialects.control import Control
from neuralc.dialects.dims import Dim
from neuralc.dialects.kernel import RefType
from neuralc.dialects.types import as_tensor, shape_of
from neuralc.grammar.diagnostics import error
from neuralc.passes.locations import inherit_location, span_of
from neuralc.passes.lower.host_moves import can_be_placed
from neuralc.passes.lower.memory import Memory
from neuralc.passes.target import Target

VIEWS = (tensor.ReshapeOp, tensor.TransposeOp, tensor.WindowOp, tensor.SliceOp, tensor.UnpackOp, Control)
"""Ops whose results may lie in the memory of their operands: control flow hands some on as they are."""


class HostProgram(Protocol):
    """The part of tensor-to-kernel that states need."""

    model: graph.ModelOp
    target: Target
    memory: dict[SSAValue, Memory]
    places: dict[SSAValue, Memory]

    def emit(self, op: Operation) -> SSAValue: ...
    def viewed(self, source: Memory, ref: RefType, offset: Dim | None = None) -> Memory: ...
    def copy(self, value: SSAValue, source: Memory, target: Memory) -> None: ...


@dataclass
class States:
    """The memory of the states of one host program."""

    host: HostProgram
    found: dict[str, Memory] = field(default_factory=dict)
    """What the run finds, by the name of the state."""
    following: dict[str, Memory] = field(default_factory=dict)
    """What the next run finds, where that is other memory."""
    in_place: set[Operation] = field(default_factory=set)
    """Ops that change the memory of their first operand."""

    def plan(self) -> None:
        """Give the values that states are set to their places. Raises E0702 where the target has no states."""
        for op in list(self.host.model.block.ops):
            if isinstance(op, graph.GetStateOp | graph.SetStateOp) and self.host.target.name != "cpu":
                raise error(
                    "E0702",
                    f"state @{op.state_name}: what a model keeps between runs is not compiled for "
                    f"{self.host.target.name} yet",
                    span_of(op.location),
                    help="compile for the CPU, or let the state be an input and an output of the model",
                )
            if isinstance(op, graph.SetStateOp):
                self._plan(op)

    def _plan(self, op: graph.SetStateOp) -> None:
        updates = _updates(op)
        if updates is not None and _may_be_in_place(op, updates):
            self.in_place.update(updates)
            return
        type_ = as_tensor(op.value.type)
        ref = RefType.of(shape_of(type_), type_.element_type)
        following = kernel.NextStateOp(op.state_name, ref)
        inherit_location(following, op.location)
        memory = Memory(self.host.emit(following), ref)
        memory.value.name_hint = f"{op.state_name.rpartition('.')[2]}_next"
        self.following[op.state_name] = memory
        made = _made(op.value)
        if can_be_placed(made) and made not in self.host.places:
            shape = shape_of(made.type)
            self.host.places[made] = self.host.viewed(memory, RefType.of(shape, ref.element_type))

    @property
    def symbols(self) -> frozenset[str]:
        """Of the sizes of states."""
        return frozenset().union(*(memory.ref.symbols for memory in (*self.found.values(), *self.following.values())))

    def get(self, op: graph.GetStateOp) -> Memory:
        name = op.state_name
        if name not in self.found:
            type_ = as_tensor(op.result.type)
            ref = RefType.of(shape_of(type_), type_.element_type)
            self.found[name] = Memory(self.host.emit(kernel.StateOp(name, ref)), ref)
        return self.found[name]

    def set(self, op: graph.SetStateOp) -> None:
        target = self.following.get(op.state_name)
        if target is None:
            return  # it was changed in place, or not at all
        lies = self.host.memory[_made(op.value)].value
        viewed = lies.owner.source if isinstance(lies.owner, kernel.ViewOp) else lies
        if target.value not in (lies, viewed):
            self.host.copy(op.value, self.host.memory[op.value], target)


def _made(value: SSAValue) -> SSAValue:
    """The value behind reshapes, which are the same memory without gaps."""
    while isinstance(value.owner, tensor.ReshapeOp):
        value = value.owner.x
    return value


def _updates(op: graph.SetStateOp) -> list[tensor.ScatterOp] | None:
    """The scatters that make the value of what the state was, first to last; None where it is made otherwise."""
    updates: list[tensor.ScatterOp] = []
    value = _made(op.value)
    while isinstance(value.owner, tensor.ScatterOp):
        updates.insert(0, value.owner)
        value = _made(value.owner.x)
    read = value.owner
    return updates if isinstance(read, graph.GetStateOp) and read.state == op.state else None


def _may_be_in_place(op: graph.SetStateOp, updates: list[tensor.ScatterOp]) -> bool:
    """Whether all that read the state as it was before an update do so before that update."""
    block = op.parent
    if block is None or not updates:
        return True
    order = {each: number for number, each in enumerate(block.ops)}
    found = [each.result for each in block.ops if isinstance(each, graph.GetStateOp) and each.state == op.state]
    versions: list[Sequence[SSAValue]] = [found, *([update.result] for update in updates[:-1])]
    for values, update in zip(versions, updates, strict=True):
        for reader, number in _readers(values):
            is_the_update = reader is update and number == 0
            if not is_the_update and order[reader] >= order[update]:
                return False
    return True


def _readers(values: Sequence[SSAValue]) -> Iterator[tuple[Operation, int]]:
    """The ops that read values or views of them, and with which operand."""
    waiting: list[SSAValue] = [*values]
    seen = set(waiting)
    while waiting:
        for use in waiting.pop().uses:
            yield use.operation, use.index
            if isinstance(use.operation, VIEWS):
                fresh = [result for result in use.operation.results if result not in seen]
                seen.update(fresh)
                waiting.extend(fresh)
