"""Writes kernel.host as an LLVM function: `i32 nrc.program(inputs, dims, outputs, arena, weights, pool, states, turn)`.

Memory is base plus offset, a launch is a call `f(0, grid, dims.., refs..)`, a choice is a branch, a loop a loop. A
launch marked `parallel` goes through the pool when the context has one: the pool calls `nrc.task.f(begin, end,
arguments)` on each thread, which unpacks the arguments and calls the kernel on that range of programs. The function
gives what kernels have left in the status cell: 0, or the code of a failed check.
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
    BranchOp,
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
from neuralc.emit.llvm.types import I1, I8, I32, I64, POINTER, Value
from neuralc.grammar.diagnostics import error
from neuralc.passes.locations import span_of

_PARAMETERS = {
    "inputs": POINTER,
    "dims": POINTER,
    "outputs": POINTER,
    "arena": POINTER,
    "weights": POINTER,
    "pool": POINTER,
    "states": POINTER,
    "turn": I64,
}
"""`turn` is 0 or 1: which of their two places hold the states that are swapped."""


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
    function = ir.Function(module, ir.FunctionType(I32, list(_PARAMETERS.values())), "nrc.program")
    function.attributes.add("nounwind")
    for argument, name in zip(function.args, _PARAMETERS, strict=True):
        argument.name = name
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
        self.inputs, self.dims, self.outputs, self.arena, self.weights, self.pool, *kept = function.args
        self.states, self.turn = kept
        self.found = self.left = self.states
        self.sizes = load_dims(self.builder, self.dims, host.dims)
        self.arguments: dict[str, Value] = {}
        """Memory for the arguments of parallel launches, by their types: one launch runs at a time."""
        self.cell: Value | None = None
        """The status of the run, where a kernel may change it."""

    def write(self) -> None:
        for base, values in ((self.inputs, self.host.input_arguments), (self.outputs, self.host.output_arguments)):
            for number, value in enumerate(values):
                place = self.builder.gep(base, [ir.Constant(I64, number)], source_etype=POINTER)
                self.pointers[value] = self.builder.load(place, short(value.name_hint), typ=POINTER)
        self._halves_of_states()
        self.ops(list(self.host.block.ops))
        status = ir.Constant(I32, 0) if self.cell is None else self.builder.load(self.cell, "status", typ=I32)
        self.builder.ret(status)

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
        if self.cell is None:
            with self.builder.goto_entry_block():
                self.cell = self.builder.alloca(I32, name="status")
                self.cell.type = POINTER  # llvmlite gives an alloca the type of what it points to
                self.builder.store(ir.Constant(I32, 0), self.cell)
        self.pointers[op.result] = self.cell

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
        self._rounds(op.counter.data, op.body.block, op.trips.data, None)

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

        def direct() -> None:
            self.builder.call(function, [ir.Constant(I64, 0), self.index.materialize(grid), *arguments])

        if not op.parallel or (grid.is_constant and grid.constant < 2):
            direct()
        else:
            self._share(function, self.index.materialize(grid), arguments, direct, op.parallel_from)

    def _share(
        self, function: Any, grid: Value, arguments: Sequence[Value], direct: Callable[[], None], enough: int
    ) -> None:
        """Through the pool where the context has one and the grid is large enough, directly otherwise."""
        no_pool = self.builder.icmp_unsigned("==", self.pool, ir.Constant(POINTER, None))
        small = self.builder.icmp_signed("<", grid, ir.Constant(I64, enough))
        alone = self.builder.or_(no_pool, small)
        blocks = [
            self.function.append_basic_block(f"{short(function.name)}.{name}") for name in ("direct", "shared", "done")
        ]
        self.builder.cbranch(alone, blocks[0], blocks[1])
        self.builder.position_at_end(blocks[0])
        direct()
        self.builder.branch(blocks[2])
        self.builder.position_at_end(blocks[1])
        memory, record = self._arguments(arguments)
        for number, argument in enumerate(arguments):
            self.builder.store(argument, _field(self.builder, memory, record, number))
        self.builder.call(self._parallel(), [self.pool, self._task(function, record), memory, grid])
        self.builder.branch(blocks[2])
        self.builder.position_at_end(blocks[2])

    def _parallel(self) -> Any:
        """`void nrc.parallel(pool, task, arguments, programs)` of support/pool.ll."""
        found = self.module.globals.get("nrc.parallel")
        type_ = ir.FunctionType(ir.VoidType(), [POINTER, POINTER, POINTER, I64])
        return found if found is not None else ir.Function(self.module, type_, "nrc.parallel")

    def _arguments(self, arguments: Sequence[Value]) -> tuple[Value, Any]:
        """Memory for arguments in the frame of the program, and its type."""
        record = ir.LiteralStructType([argument.type for argument in arguments])
        key = str(record)
        if key not in self.arguments:
            with self.builder.goto_entry_block():
                self.arguments[key] = self.builder.alloca(record, name="arguments")
        return self.arguments[key], record

    def _task(self, kernel: Any, record: Any) -> Any:
        """The kernel as the pool calls it, made once."""
        name = f"nrc.task.{kernel.name}"
        found = self.module.globals.get(name)
        if found is not None:
            return found
        task = ir.Function(self.module, ir.FunctionType(ir.VoidType(), [I64, I64, POINTER]), name)
        task.attributes.add("nounwind")
        begin, end, arguments = task.args
        begin.name, end.name, arguments.name = "begin", "end", "arguments"
        builder: Any = ir.IRBuilder(task.append_basic_block("entry"))
        values = [
            builder.load(_field(builder, arguments, record, number), argument.name, typ=argument.type)
            for number, argument in enumerate(kernel.args[2:])
        ]
        builder.call(kernel, [begin, end, *values])
        builder.ret_void()
        return task


def _field(builder: Any, memory: Value, record: Any, number: int) -> Value:
    """The address of a field of a structure; llvmlite gives what alloca returns a type of its own."""
    type_ = record if memory.type.is_opaque else None
    return builder.gep(memory, [ir.Constant(I32, 0), ir.Constant(I32, number)], source_etype=type_)


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
}
