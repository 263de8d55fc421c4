"""Runs a module of the kernel level: its host program, launch by launch, on memory that starts out as poison.

With `check_races`, launches that need each other must have a barrier between them (kernel_threads.py)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from xdsl.dialects.builtin import ModuleOp, i32
from xdsl.ir import Block, Operation, OpResult, SSAValue

from neuralc.dialects import kernel
from neuralc.dialects.dims import Dim
from neuralc.dialects.graph import declared_dims, symbols
from neuralc.dialects.interp.binding import Inputs, bind_dims, check_inputs, order_inputs
from neuralc.dialects.interp.evaluator import Trace, Weights
from neuralc.dialects.interp.kernel import as_ref, describe, launch, resolve, sized
from neuralc.dialects.interp.kernel_memory import Arena, Buffer, Reference, storage_dtype
from neuralc.dialects.interp.kernel_threads import Threads
from neuralc.dialects.interp.numerics import Array, Numerics, finish
from neuralc.dialects.interp.states import States, StateStore
from neuralc.dialects.types import element_bytes, tensor_type
from neuralc.dialects.weights import WeightStore
from neuralc.grammar.diagnostics import error


def the_host(module: ModuleOp) -> kernel.HostOp:
    """The host program of a module of the kernel level. Raises E9901 where there is none."""
    found = next((op for op in module.body.block.ops if isinstance(op, kernel.HostOp)), None)
    if found is None:
        raise error("E9901", "the module has no kernel.host")
    return found


def run_host(
    module: ModuleOp,
    inputs: Inputs,
    weights: WeightStore,
    *,
    numerics: Numerics | str = Numerics.EXACT,
    trace: Trace | None = None,
    order: int | None = None,
    check_races: bool = False,
    states: StateStore | None = None,
) -> list[Array]:
    """The outputs of the host program, in its order; see `run_module` for inputs, `run_kernel` for the rest.

    `trace` is called after each launch with every op whose memory it wrote, and that memory.
    """
    numerics, host = Numerics(numerics), the_host(module)
    types = [tensor_type(as_ref(argument).shape, as_ref(argument).element_type) for argument in host.input_arguments]
    arrays = order_inputs(host.inputs, inputs)
    check_inputs(host.inputs, types, arrays, numerics)
    sizes = bind_dims(host.inputs, types, [array.shape for array in arrays], declared_dims(module))
    run = _HostRun(module, host, weights, {} if states is None else states, numerics, sizes)
    run.order, run.check_races, run.trace = order, check_races, trace
    return run.run(arrays)


class _HostRun:
    """One run of a host program."""

    order: int | None = None
    check_races: bool = False
    trace: Trace | None = None

    def __init__(
        self,
        module: ModuleOp,
        host: kernel.HostOp,
        weights: WeightStore,
        states: StateStore,
        numerics: Numerics,
        sizes: Mapping[str, int],
    ) -> None:
        self._symbols = symbols(module)
        self._host = host
        self._weights = Weights(self._symbols, weights)
        self._numerics = numerics
        self._sizes = dict(sizes)
        self._states = States(module, host, states, self._weight_value, numerics, sizes)
        self._threads = Threads() if host.takes_threads else None
        """None where no launch is shared: all of them are in order by themselves."""
        self._kept: dict[str, Reference] = {}
        """The memory of states as the run found it."""
        self._next: dict[str, Reference] = {}
        """The memory of states for the next run, where that is another."""
        self._arena = Arena(0 if host.arena is None else host.arena.data.evaluate(sizes), numerics)
        self._references: dict[SSAValue, Reference] = {}
        cell = Buffer("the status", np.zeros(1, np.int32), i32)
        self._status = Reference(cell, 0, (1,), (1,))

    def run(self, arrays: list[Array]) -> list[Array]:
        for argument, array in zip(self._host.input_arguments, arrays, strict=True):
            type_ = as_ref(argument)
            data = finish(array, type_.element_type, self._numerics).reshape(-1)
            buffer = Buffer(describe(argument), np.array(data), type_.element_type, writable=False)
            self._references[argument] = resolve(type_, buffer, 0, self._sizes)
        for argument in self._host.output_arguments:
            self._references[argument] = self._fresh(argument)
        with self._states.run():
            self._block(self._host.block)
            for name, reference in (self._kept | self._next).items():
                self._states.leave(name, reference.array())
        return [np.array(self._references[argument].array()) for argument in self._host.output_arguments]

    def _block(self, block: Block) -> None:
        for op in block.ops:
            match op:
                case kernel.WeightOp():
                    self._references[op.result] = self._weight(op)
                case kernel.StateOp():
                    self._references[op.result] = self._state(op)
                case kernel.NextStateOp():
                    self._references[op.result] = self._next_state(op)
                case kernel.AllocOp():
                    self._references[op.result] = self._fresh(op.result)
                case kernel.ArenaOp():
                    self._references[op.result] = self._placed(op)
                case kernel.StatusOp():
                    self._references[op.result] = self._status
                case kernel.ViewOp():
                    self._references[op.result] = self._view(op)
                case kernel.LaunchOp():
                    self._launch(op)
                case kernel.IfOp():
                    body = op.then_body if op.holds(self._sizes) else op.else_body
                    self._block(body.block)
                case kernel.ForOp() if op.slot_name is not None:
                    self._slots(op, op.slot_name)
                case kernel.ForOp() if op.section_number is not None:
                    self._section(op, op.section_number)
                case kernel.ForOp():
                    self._rounds(op.counter.data, op.body.block, op.trips.data, None)
                case kernel.WhileOp():
                    limit = None if op.limit is None else op.limit.data
                    self._rounds(op.counter.data, op.body.block, limit, op.condition)
                case kernel.BranchOp():
                    body = op.then_body if self._holds(op.condition) else op.else_body
                    self._block(body.block)
                case kernel.BarrierOp():
                    self._barrier(op)
                case kernel.ReturnOp():
                    pass
                case _:
                    raise error("E9901", f"`{op.name}` has no reference semantics in a host program")

    def _rounds(self, counter: str, block: Block, limit: Dim | None, condition: SSAValue | None) -> None:
        """Run a body with its counter as a size, which afterwards is the number of rounds."""
        most = None if limit is None else limit.evaluate(self._sizes)
        self._sizes[counter] = 0
        while (most is None or self._sizes[counter] < most) and (condition is None or self._holds(condition)):
            self._block(block)
            self._sizes[counter] += 1

    def _slots(self, op: kernel.ForOp, slot: str) -> None:
        """Independent rounds, as by a thread for each slot: rounds of their own, then those that are left, together."""
        counter, trips = op.counter.data, op.trips.data.evaluate(self._sizes)
        share = trips // op.slot_count
        if self._threads is not None:
            self._threads.barrier()
        for number in range(trips):
            alone = number < share * op.slot_count
            self._sizes[counter] = number
            self._sizes[slot] = number // share if alone else 0
            if self._threads is not None:
                self._threads.enter_slot(self._sizes[slot] if alone else None)
            self._block(op.body.block)
        if self._threads is not None:
            self._threads.enter_slot(None)
            self._threads.barrier()
        self._sizes.pop(slot, None)
        self._sizes[counter] = trips

    def _section(self, op: kernel.ForOp, section: int) -> None:
        """All rounds, by a thread of their own."""
        if self._threads is not None:
            self._threads.enter_section(section)
        self._rounds(op.counter.data, op.body.block, op.trips.data, None)
        if self._threads is not None:
            self._threads.enter_section(None)

    def _holds(self, condition: SSAValue) -> bool:
        reference = self._references[condition]
        if self.check_races and self._threads is not None and isinstance(reference.base, int):
            self._threads.condition(reference.buffer, reference.base)
        return bool(reference.array().all())

    def _barrier(self, op: kernel.BarrierOp) -> None:
        conditions = op.conditions
        reached = not conditions or any(grid.evaluate(self._sizes) >= programs for grid, programs in conditions)
        if reached and self._threads is not None:
            self._threads.barrier()

    def _fresh(self, value: SSAValue) -> Reference:
        type_ = as_ref(value)
        size = type_.span.evaluate(self._sizes)
        buffer = Buffer.poisoned(describe(value), size, type_.element_type, self._numerics)
        return resolve(type_, buffer, 0, self._sizes)

    def _weight(self, op: kernel.WeightOp) -> Reference:
        type_ = as_ref(op.result)
        value = self._weight_value(op.weight_name)
        if value.dtype != storage_dtype(type_.element_type, self._numerics):
            raise error("E9901", f"@{op.weight_name} holds {value.dtype}, the reference {type_.element_type}")
        buffer = Buffer(f"@{op.weight_name}", value.reshape(-1), type_.element_type, writable=False)
        return resolve(type_, buffer, 0, self._sizes)

    def _weight_value(self, name: str) -> Array:
        return self._weights.value(name, self._numerics)

    def _state(self, op: kernel.StateOp) -> Reference:
        type_, name = as_ref(op.result), op.state_name
        if name not in self._kept:
            buffer = Buffer(f"state @{name}", np.array(self._states.value(name)).reshape(-1), type_.element_type)
            self._kept[name] = resolve(type_, buffer, 0, self._sizes)
        return self._kept[name]

    def _next_state(self, op: kernel.NextStateOp) -> Reference:
        if op.state_name not in self._next:
            self._next[op.state_name] = self._fresh(op.result)
        return self._next[op.state_name]

    def _placed(self, op: kernel.ArenaOp) -> Reference:
        type_ = as_ref(op.result)
        offset, width = op.offset.data.evaluate(self._sizes), element_bytes(type_.element_type)
        if offset % width:
            raise error("E9901", f"{describe(op.result)} is at byte {offset} of the arena, between two elements")
        return resolve(type_, self._arena.buffer(type_.element_type), offset // width, self._sizes)

    def _view(self, op: kernel.ViewOp) -> Reference:
        source, offset = self._references[op.source], op.offset.data.evaluate(self._sizes)
        if not isinstance(source.base, int):
            raise TypeError("a host program has no scratch memory")
        view = sized(as_ref(op.result), source.buffer, source.base + offset, self._sizes)
        if view.span and offset + view.span > source.span:
            past = offset + view.span - source.span
            raise error("E9901", f"the view {describe(op.result)} reaches {past} elements past {describe(op.source)}")
        return view

    def _launch(self, op: kernel.LaunchOp) -> None:
        func = self._symbols.get(op.callee_name)
        if not isinstance(func, kernel.FuncOp):
            raise error("E9901", f"@{op.callee_name} is launched and is not a kernel.func")
        sizes = [size.evaluate(self._sizes) for size in op.dims.data]
        if len(sizes) != len(func.dims) or len(op.args) != len(func.references):
            raise error("E9901", f"the launch of @{op.callee_name} has another number of dims or arguments")
        dims = dict(zip(func.dims, sizes, strict=True))
        given = [
            self._given(func, argument, value, dims) for argument, value in zip(func.references, op.args, strict=True)
        ]
        used = launch(func, dims, given, self._numerics, order=self.order, check_races=self.check_races)
        shared = op.parallel and func.grid.data.evaluate(dims) >= op.parallel_from
        if self._threads is not None:
            self._threads.launch(op.callee_name, shared, used)
        if self.trace is not None:
            for value, written in zip(op.args, func.written, strict=True):
                if written and isinstance(value, OpResult) and isinstance(owner := value.op, Operation):
                    self.trace(owner, [np.array(self._references[value].array())])

    def _given(self, func: kernel.FuncOp, argument: SSAValue, value: SSAValue, dims: Mapping[str, int]) -> Reference:
        """An argument of a launch as the kernel sees it: other sizes and strides, the same elements at most."""
        type_, reference = as_ref(argument), self._references[value]
        if type_.element_type != reference.buffer.element_type or not isinstance(reference.base, int):
            raise error("E9901", f"@{func.sym_name.data} takes {describe(argument)} as {type_}, not as {value.type}")
        seen = sized(type_, reference.buffer, reference.base, dims)
        if seen.span > reference.span:
            past = f"{seen.span} elements of {describe(value)}, which has {reference.span}"
            raise error("E9901", f"@{func.sym_name.data} takes {describe(argument)} as {past}")
        return seen
