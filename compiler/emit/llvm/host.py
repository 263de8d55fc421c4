"""Writes kernel.host as an LLVM function that each thread of a run goes through: `void nrc.program(run, thread)`.

Memory is base plus offset, a launch is a call `f(begin, end, dims.., refs..)`, a choice is a branch, a loop a loop. A
launch that is not `parallel` is thread 0's; one that is runs on all threads, each with its part of the programs, where
the grid is large enough. All threads take the same way, for it depends on sizes, and on values in memory that stand
behind a kernel.barrier. In a loop whose rounds have slots a thread is alone for a while, the first of one thread, with
rounds of its own; in a section one thread is alone all the time. `run` is `%nrc.run` of support/run.ll; the status in
it is 0, or the code of a failed check.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, SSAValue

from neuralc.dialects.dims import Dim
from neuralc.dialects.kernel import (
    AllocOp,
    ArenaOp,
    BarrierOp,
    BranchOp,
    Enough,
    ForOp,
    FuncOp,
    HostOp,
    IfOp,
    LaunchOp,
    NextStateOp,
    RefType,
    ReturnOp,
    StateOp,
    StatusOp,
    ViewOp,
    WeightOp,
    WhileOp,
)
from neuralc.dialects.types import element_bytes
from neuralc.emit.llvm.host_sizes import load_dims
from neuralc.emit.llvm.host_states import StateLayout
from neuralc.emit.llvm.host_weights import WeightLayout
from neuralc.emit.llvm.index import IndexArithmetic, IndexValue
from neuralc.emit.llvm.kernel import function_name
from neuralc.emit.llvm.names import short
from neuralc.emit.llvm.types import I1, I8, I64, POINTER, Value
from neuralc.grammar.diagnostics import error
from neuralc.passes.locations import span_of

_FIELDS: dict[str, tuple[int, Any]] = {
    "inputs": (0, POINTER),
    "dims": (8, POINTER),
    "outputs": (16, POINTER),
    "arena": (24, POINTER),
    "weights": (32, POINTER),
    "states": (40, POINTER),
    "turn": (48, I64),
    "threads": (64, I64),
}
"""What the program reads of `%nrc.run`, and at which byte. `turn` is 0 or 1: which of their two places hold the states
that are swapped."""

_STATUS = 72
"""The byte of `%nrc.run` where a run leaves its status."""


def host_of(module: ModuleOp) -> HostOp:
    """The one host program of a module. Raises E0840 where there is none or more than one."""
    hosts = [op for op in module.ops if isinstance(op, HostOp)]
    if len(hosts) != 1:
        raise error(
            "E0840",
            f"native code is made from one kernel.host, the module has {len(hosts)}",
            help="`neuralc-opt -p tensor-to-kernel,kernel-plan-memory` makes it from IR of the tensor level",
        )
    return hosts[0]


@dataclass(frozen=True)
class Layouts:
    """Where weights and states lie."""

    weights: WeightLayout
    states: StateLayout


def emit_host(source: ModuleOp, module: Any, layouts: Layouts) -> Value:
    """Write the host program of `source` into `module`, which holds its kernels; returns the llvmlite function."""
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER, I64]), "nrc.program")
    function.attributes.add("nounwind")
    function.args[0].name, function.args[1].name = "run", "thread"
    kernels = {op.sym_name.data: op for op in source.ops if isinstance(op, FuncOp)}
    _HostWriter(host_of(source), kernels, function, layouts).write()
    return function


class _HostWriter:
    """The state of writing one host program."""

    def __init__(self, host: HostOp, kernels: dict[str, FuncOp], function: Any, layouts: Layouts) -> None:
        self.host = host
        self.kernels = kernels
        self.function = function
        self.module = function.module
        self.layouts = layouts
        self.builder: Any = ir.IRBuilder(function.append_basic_block("entry"))
        self.index = IndexArithmetic(self.builder)
        self.pointers: dict[SSAValue, Value] = {}
        self.run, self.thread = function.args
        fields = {name: self._field(name) for name in _FIELDS}
        self.inputs, self.outputs, self.arena = fields["inputs"], fields["outputs"], fields["arena"]
        self.weights, self.states, self.turn = fields["weights"], fields["states"], fields["turn"]
        self.found = self.left = self.states
        self.threads = fields["threads"]
        self.several = self.builder.icmp_unsigned(">", self.threads, ir.Constant(I64, 1), "several")
        self.first = self.builder.icmp_unsigned("==", self.thread, ir.Constant(I64, 0), "first")
        self.sizes = load_dims(self.builder, fields["dims"], host.dims)

    def write(self) -> None:
        for base, values in ((self.inputs, self.host.input_arguments), (self.outputs, self.host.output_arguments)):
            for number, value in enumerate(values):
                place = self.builder.gep(base, [ir.Constant(I64, number)], source_etype=POINTER)
                self.pointers[value] = self.builder.load(place, short(value.name_hint), typ=POINTER)
        self._halves_of_states()
        self.ops(list(self.host.block.ops))
        self.builder.ret_void()

    def _field(self, name: str) -> Value:
        """What the run says under a name."""
        byte, type_ = _FIELDS[name]
        place = self.builder.gep(self.run, [ir.Constant(I64, byte)], source_etype=I8)
        return self.builder.load(place, name, typ=type_)

    def ops(self, ops: Sequence[Operation]) -> None:
        for op in ops:
            if isinstance(op, ReturnOp):
                continue
            writer = _WRITERS.get(type(op))
            if writer is None:
                help = "kernel-plan-memory places it" if isinstance(op, AllocOp) else None
                raise error("E0840", f"`{op.name}` has no native form", span_of(op.location), help=help)
            writer(self, op)

    def size(self, dim: Dim) -> IndexValue:
        return self.index.dim(dim, self.sizes.__getitem__)

    # -- memory ------------------------------------------------------------------------------------------------------

    def offset(self, base: Value, offset: IndexValue, name: str | None) -> Value:
        """`base` plus bytes."""
        if offset.is_constant and offset.constant == 0:
            return base
        return self.builder.gep(base, [self.index.materialize(offset)], name=name or "", source_etype=I8)

    def weight(self, op: WeightOp) -> None:
        place = IndexValue.of(self.layouts.weights.places[op.weight_name].offset)
        self.pointers[op.result] = self.offset(self.weights, place, short(op.result.name_hint))

    def _halves_of_states(self) -> None:
        """Where the states lie that are swapped: what the run finds, and what it leaves."""
        half = self.size(self.layouts.states.half)
        if not half.is_constant or half.constant != 0:
            size, other = self.index.materialize(half), self.builder.xor(self.turn, ir.Constant(I64, 1))
            found, left = self.builder.mul(self.turn, size), self.builder.mul(other, size)
            self.found = self.builder.gep(self.states, [found], name="found", source_etype=I8)
            self.left = self.builder.gep(self.states, [left], name="left", source_etype=I8)

    def state(self, op: StateOp) -> None:
        place = self.layouts.states.places[op.state_name]
        base = self.found if place.swapped else self.states
        self.pointers[op.result] = self.offset(base, self.size(place.offset), short(op.result.name_hint))

    def next_state(self, op: NextStateOp) -> None:
        place = self.layouts.states.places[op.state_name]
        self.pointers[op.result] = self.offset(self.left, self.size(place.offset), short(op.result.name_hint))

    def in_arena(self, op: ArenaOp) -> None:
        self.pointers[op.result] = self.offset(self.arena, self.size(op.offset.data), short(op.result.name_hint))

    def status(self, op: StatusOp) -> None:
        self.pointers[op.result] = self.offset(self.run, IndexValue.of(_STATUS), short(op.result.name_hint) or "status")

    def view(self, op: ViewOp) -> None:
        type_ = op.result.type
        if not isinstance(type_, RefType):
            raise error("E9901", f"a view is a reference, not {type_}")
        bytes_ = self.size(op.offset.data * element_bytes(type_.element_type))
        self.pointers[op.result] = self.offset(self.pointers[op.source], bytes_, short(op.result.name_hint))

    # -- control -----------------------------------------------------------------------------------------------------

    def choice(self, op: IfOp) -> None:
        lhs, rhs = (self.index.materialize(self.size(side.data)) for side in (op.lhs, op.rhs))
        self._either(self.builder.icmp_signed(op.relation.data, lhs, rhs), op.then_body.block, op.else_body.block)

    def branch(self, op: BranchOp) -> None:
        self._either(self._holds(op.condition), op.then_body.block, op.else_body.block)

    def _either(self, condition: Value, *bodies: Block) -> None:
        blocks = [self.function.append_basic_block(name) for name in ("then", "else", "after")]
        self.builder.cbranch(condition, blocks[0], blocks[1])
        for block, body in zip(blocks[:2], bodies, strict=True):
            self.builder.position_at_end(block)
            self.ops(list(body.ops))
            self.builder.branch(blocks[2])
        self.builder.position_at_end(blocks[2])

    def counted(self, op: ForOp) -> None:
        if op.slot_name is not None:
            self._in_slots(op, op.slot_name)
        elif op.section_number is not None:
            self._in_section(op, op.section_number)
        else:
            self._rounds(op.counter.data, op.body.block, op.trips.data, None)

    def _in_section(self, op: ForOp, section: int) -> None:
        """All rounds, by one thread, as by the first of one thread."""
        outer = self.thread, self.threads, self.several, self.first
        mine = self.builder.urem(ir.Constant(I64, section), self.threads)
        with self.builder.if_then(self.builder.icmp_unsigned("==", self.thread, mine)):
            self.thread, self.threads = ir.Constant(I64, 0), ir.Constant(I64, 1)
            self.several, self.first = ir.Constant(I1, 0), ir.Constant(I1, 1)
            self._rounds(op.counter.data, op.body.block, op.trips.data, None)
        self.thread, self.threads, self.several, self.first = outer
        self.sizes[op.counter.data] = self.size(op.trips.data)

    def _in_slots(self, op: ForOp, slot: str) -> None:
        """Rounds of this thread alone, as many for each; a barrier; and the rounds that are left, for all threads.

        rounds = begin .. end, alone          head: more rounds? -> body, else part
                                              part: alone? -> meet, else done
        rounds = shared .. trips, not alone   meet: barrier -> head
        """
        counter, builder = op.counter.data, self.builder
        trips = self.index.materialize(self.size(op.trips.data))
        zero, one = ir.Constant(I64, 0), ir.Constant(I64, 1)
        fewer = builder.icmp_unsigned("<", self.threads, ir.Constant(I64, op.slot_count))
        team = builder.select(fewer, self.threads, ir.Constant(I64, op.slot_count), "team")
        share = builder.udiv(trips, team, "share")
        shared = builder.mul(share, team, "shared")
        begin = builder.mul(share, self.thread, "begin")
        member = builder.icmp_unsigned("<", self.thread, team)
        end = builder.add(begin, builder.select(member, share, zero), "end")
        self._wait(self.several)
        before = builder.block
        head, body, part, meet, done = (
            self.function.append_basic_block(f"{counter}.{name}") for name in ("head", "body", "part", "meet", "done")
        )
        builder.branch(head)
        builder.position_at_end(head)
        rounds, limit, alone = (builder.phi(I64, counter), builder.phi(I64, "limit"), builder.phi(I1, "alone"))
        for phi, value in ((rounds, begin), (limit, end), (alone, ir.Constant(I1, 1))):
            phi.add_incoming(value, before)
        builder.cbranch(builder.icmp_unsigned("<", rounds, limit), body, part)

        builder.position_at_end(body)
        outer = self.thread, self.threads, self.several, self.first
        self.sizes[counter] = IndexValue(rounds, 0, True)
        self.sizes[slot] = IndexValue(builder.select(alone, self.thread, zero, slot), 0, True)
        self.thread = builder.select(alone, zero, self.thread, "thread")
        self.threads = builder.select(alone, one, self.threads, "threads")
        self.several = builder.icmp_unsigned(">", self.threads, one, "several")
        self.first = builder.icmp_unsigned("==", self.thread, zero, "first")
        self.ops(list(op.body.block.ops))
        self.thread, self.threads, self.several, self.first = outer
        del self.sizes[slot]
        behind = builder.block
        for phi, value in ((rounds, builder.add(rounds, one, flags=["nsw"])), (limit, limit), (alone, alone)):
            phi.add_incoming(value, behind)
        builder.branch(head)

        builder.position_at_end(part)
        builder.cbranch(alone, meet, done)
        builder.position_at_end(meet)
        self._wait(self.several)
        for phi, value in ((rounds, shared), (limit, trips), (alone, ir.Constant(I1, 0))):
            phi.add_incoming(value, builder.block)
        builder.branch(head)
        builder.position_at_end(done)
        self._wait(builder.and_(self.several, builder.icmp_unsigned("<", shared, trips)))
        self.sizes[counter] = self.size(op.trips.data)

    def repeated(self, op: WhileOp) -> None:
        self._rounds(op.counter.data, op.body.block, None if op.limit is None else op.limit.data, op.condition)

    def _rounds(self, counter: str, body: Block, limit: Dim | None, condition: SSAValue | None) -> None:
        """A loop that looks before each round; its counter is a size in it and behind it."""
        most = None if limit is None else self.index.materialize(self.size(limit))
        before = self.builder.block
        blocks = [self.function.append_basic_block(f"{counter}.{name}") for name in ("head", "body", "done")]
        self.builder.branch(blocks[0])
        self.builder.position_at_end(blocks[0])
        rounds = self.builder.phi(I64, counter)
        rounds.add_incoming(ir.Constant(I64, 0), before)
        again = ir.Constant(I1, 1) if most is None else self.builder.icmp_signed("<", rounds, most)
        if condition is not None:
            again = self.builder.and_(again, self._holds(condition))
        self.builder.cbranch(again, blocks[1], blocks[2])
        self.builder.position_at_end(blocks[1])
        self.sizes[counter] = IndexValue(rounds, 0, True)
        self.ops(list(body.ops))
        rounds.add_incoming(self.builder.add(rounds, ir.Constant(I64, 1), flags=["nsw"]), self.builder.block)
        self.builder.branch(blocks[0])
        self.builder.position_at_end(blocks[2])

    def _holds(self, condition: SSAValue) -> Value:
        """The truth value in memory: a byte that is 0 or 1."""
        byte = self.builder.load(self.pointers[condition], typ=I8)
        return self.builder.icmp_unsigned("!=", byte, ir.Constant(I8, 0))

    def launch(self, op: LaunchOp) -> None:
        kernel = self.kernels.get(op.callee_name)
        if kernel is None:
            raise error(
                "E0490", f"kernel.launch of @{op.callee_name}, which is not in the module", span_of(op.location)
            )
        values = [self.size(dim) for dim in op.dims.data]
        grid = self.index.dim(kernel.grid.data, dict(zip(kernel.dims, values, strict=True)).__getitem__)
        function = self.module.get_global(function_name(op.callee_name))
        arguments = [*map(self.index.materialize, values), *(self.pointers[value] for value in op.args)]

        programs = self.index.materialize(grid)
        if op.parallel and not (grid.is_constant and grid.constant < op.parallel_from):
            begin, end = self._part(programs, grid, op.parallel_from)
            with self.builder.if_then(self.builder.icmp_unsigned("<", begin, end)):
                self.builder.call(function, [begin, end, *arguments])
        else:
            with self.builder.if_then(self.first):
                self.builder.call(function, [ir.Constant(I64, 0), programs, *arguments])

    def _part(self, programs: Value, grid: IndexValue, enough: int) -> tuple[Value, Value]:
        """The programs of this thread: an equal part of a grid that is large enough, else all or none."""
        following = self.builder.add(self.thread, ir.Constant(I64, 1))
        begin, end = (
            self.builder.udiv(self.builder.mul(programs, number), self.threads) for number in (self.thread, following)
        )
        if grid.is_constant:
            return begin, end
        large = self.builder.icmp_signed(">=", programs, ir.Constant(I64, enough))
        alone = self.builder.select(self.first, programs, ir.Constant(I64, 0))
        return self.builder.select(large, begin, ir.Constant(I64, 0)), self.builder.select(large, end, alone)

    def barrier(self, op: BarrierOp) -> None:
        self._wait(self._any(op.conditions))

    def _wait(self, needed: Value) -> None:
        """`void nrc.barrier(run)` of support/run.ll, where there is another thread to wait for."""
        name = "nrc.barrier"
        known = self.module.globals.get(name)
        wait = known or ir.Function(self.module, ir.FunctionType(ir.VoidType(), [POINTER]), name)
        with self.builder.if_then(needed):
            self.builder.call(wait, [self.run])

    def _any(self, conditions: Sequence[Enough]) -> Value:
        """Whether there are several threads, and one of the conditions holds, where there are some."""
        holds: Value | None = None
        for grid, programs in conditions:
            one = self.builder.icmp_signed(">=", self.index.materialize(self.size(grid)), ir.Constant(I64, programs))
            holds = one if holds is None else self.builder.or_(holds, one)
        return self.several if holds is None else self.builder.and_(self.several, holds)


_WRITERS: dict[type[Operation], Callable[[_HostWriter, Any], None]] = {
    WeightOp: _HostWriter.weight,
    ArenaOp: _HostWriter.in_arena,
    StateOp: _HostWriter.state,
    NextStateOp: _HostWriter.next_state,
    StatusOp: _HostWriter.status,
    ViewOp: _HostWriter.view,
    IfOp: _HostWriter.choice,
    BranchOp: _HostWriter.branch,
    ForOp: _HostWriter.counted,
    WhileOp: _HostWriter.repeated,
    LaunchOp: _HostWriter.launch,
    BarrierOp: _HostWriter.barrier,
}
