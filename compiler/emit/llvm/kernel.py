"""Writes each kernel.func as an LLVM function `void f(i64 begin, i64 end, i64 dims.., ptr noalias refs..)`.

The function runs programs begin to end of the grid; threads are ranges. Everything was decided before: a loop of the
kernel is a loop here, with one phi a vector, and a tile is its vectors. What a CPU has no form for is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from xdsl.dialects import arith
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue

from neuralc.dialects.dims import Dim, as_dim, simplest
from neuralc.dialects.kernel import (
    BroadcastOp,
    ConvertOp,
    DotOp,
    FuncOp,
    IotaOp,
    LoadOp,
    LocalOp,
    LoopOp,
    MapOp,
    ProgramIdOp,
    ReduceOp,
    RefType,
    ReshapeOp,
    ReturnOp,
    SplatOp,
    StoreOp,
    TileType,
    TransposeOp,
    YieldOp,
)
from neuralc.dialects.types import is_float
from neuralc.emit.llvm.access import SCRATCH_BYTES, Access, Scope
from neuralc.emit.llvm.index import IndexArithmetic, IndexValue
from neuralc.emit.llvm.loops import disable_unrolling
from neuralc.emit.llvm.scalars import Scalars
from neuralc.emit.llvm.tiles import Tiles
from neuralc.emit.llvm.types import I8, I64, POINTER, Grid, Value, empty_grid, grid_shape, in_memory, vector_of
from neuralc.grammar.diagnostics import error
from neuralc.passes.locations import span_of
from neuralc.passes.target import Target


def emit_kernels(module: ModuleOp, target: Target) -> Any:
    """An llvmlite module with a function for every kernel.func of `module`; the host program may add to it.

    Raises NeuralcError E0830 for an op or type that kernels on a CPU do not have.
    """
    result = ir.Module(name="kernels")
    result.triple = target.triple
    for op in module.ops:
        if isinstance(op, FuncOp):
            emit_kernel(op, result, target)
    return result


def emit_kernel(func: FuncOp, module: Any, target: Target) -> Any:
    """Write one kernel into `module`; returns the llvmlite function."""
    parameters = [I64, I64, *[I64] * len(func.dims), *[POINTER] * len(func.references)]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), parameters), func.sym_name.data)
    function.attributes.add("nounwind")
    _KernelWriter(func, function, target).write()
    return function


class _KernelWriter:
    """The state of writing one kernel: where the builder stands, and the LLVM values of kernel values."""

    def __init__(self, func: FuncOp, function: Any, target: Target) -> None:
        self.func = func
        self.function = function
        self.target = target
        self.builder: Any = ir.IRBuilder(function.append_basic_block("entry"))
        self.index = IndexArithmetic(self.builder)
        self.scalars = Scalars(self.builder, target.has_fma)
        self.tiles = Tiles(self.builder, self.scalars)
        self.scope = Scope(self.builder, self.index, self.size, self.scratch)
        self.places: dict[SSAValue, IndexValue | Grid] = {}
        """Index values and tiles."""
        self.pointers: dict[SSAValue, Value] = {}
        self.symbols: dict[str, IndexValue] = {}
        self.sizes: dict[Dim, IndexValue] = {}
        self.program: IndexValue = IndexValue.of(0)
        self._scratch: Value | None = None

    # -- the function ------------------------------------------------------------------------------------------------

    def write(self) -> None:
        begin, end, *rest = self.function.args
        begin.name, end.name = "begin", "end"
        self._name_arguments(rest)
        programs = self.function.append_basic_block("programs")
        program = self.function.append_basic_block("program")
        done = self.function.append_basic_block("done")
        self.builder.cbranch(self.builder.icmp_signed("<", begin, end), programs, done)

        # Sizes are computed here, once, and only if a program runs: then every dim is at least 1.
        self.builder.position_at_end(programs)
        for argument in self.func.references:
            self._prepare_sizes(argument.type)
        self.builder.branch(program)

        self.builder.position_at_end(program)
        number = self.builder.phi(I64, "program_id")
        number.add_incoming(begin, programs)
        self.program = IndexValue(number, 0, True)
        self.write_ops(list(self.func.block.ops))
        following = self.builder.add(number, ir.Constant(I64, 1), "next_program", flags=["nuw", "nsw"])
        number.add_incoming(following, self.builder.block)
        latch = self.builder.cbranch(self.builder.icmp_signed("<", following, end), program, done)
        disable_unrolling(self.function.module, latch)
        self.builder.position_at_end(done)
        self.builder.ret_void()

    def _name_arguments(self, arguments: Sequence[Any]) -> None:
        dims = self.func.dims
        for argument, name in zip(arguments, dims, strict=False):
            argument.name = name
            self.symbols[name] = IndexValue(argument, 0, True)
        for value, argument in zip(self.func.dim_arguments, arguments, strict=False):
            self.places[value] = IndexValue(argument, 0, True)
        for number, (value, argument) in enumerate(zip(self.func.references, arguments[len(dims) :], strict=True)):
            argument.name = value.name_hint or f"ref{number}"
            argument.add_attribute("noalias")
            self.pointers[value] = argument

    def _prepare_sizes(self, type_: Any) -> None:
        if isinstance(type_, RefType):
            for size in (*type_.shape, *type_.strides):
                self.size(size)

    def size(self, dim: int | Dim) -> IndexValue:
        """The value of a dim expression; each is computed once, in the block all programs come from."""
        key = as_dim(dim)
        if key not in self.sizes:
            self.sizes[key] = self.index.dim(simplest(key), self.symbols.__getitem__)
        return self.sizes[key]

    def scratch(self) -> Value:
        if self._scratch is None:
            self._scratch = self._allocate(I8, SCRATCH_BYTES, "masked_out")
        return self._scratch

    def _allocate(self, type_: Any, count: int, name: str) -> Value:
        """Memory of the function's frame, one for all programs and rounds of loops."""
        with self.builder.goto_entry_block():
            memory = self.builder.alloca(ir.ArrayType(type_, count), name=name)
        memory.align = 64
        memory.type = POINTER  # llvmlite still gives an alloca the type of what it points to
        return memory

    # -- ops ---------------------------------------------------------------------------------------------------------

    def write_ops(self, ops: Sequence[Operation]) -> None:
        for op in ops:
            if isinstance(op, LoopOp):
                self.loop(op)
            elif not isinstance(op, YieldOp | ReturnOp):
                self.op(op)

    def op(self, op: Operation) -> None:
        writer = _WRITERS.get(type(op))
        if writer is None:
            raise refuse(op, f"`{op.name}` has no form on a CPU")
        for value in (*op.operands, *op.results):
            if isinstance(value.type, TileType) and value.type.lanes == 0:
                raise refuse(op, f"the lanes of {value.type} are not decided")
        writer(self, op)
        for result in op.results:
            self._name(result)

    def _name(self, result: SSAValue) -> None:
        """Give what an op wrote the name it has in the kernel."""
        if result.name_hint is None:
            return
        written = self.places.get(result)
        if isinstance(written, IndexValue):
            rename(written.value, result.name_hint)
        elif written is not None:
            for place in np.ndindex(*written.shape):
                rename(written[place], ".".join([result.name_hint, *map(str, place)]))

    def tile(self, value: SSAValue) -> Grid:
        grid = self.places[value]
        if isinstance(grid, IndexValue):
            raise refuse(self.func, f"an index value stands where {value.type} is wanted")
        return grid

    def place(self, value: SSAValue) -> IndexValue:
        index = self.places[value]
        if not isinstance(index, IndexValue):
            raise refuse(self.func, f"{value.type} stands where an index value is wanted")
        return index

    # -- loops -------------------------------------------------------------------------------------------------------

    def loop(self, op: LoopOp) -> None:
        """A loop tested at its end, entered only if it runs at least once; one round or none is straight code."""
        trips = op.constant_trips
        initial = [self.tile(value) for value in op.initial]
        if trips == 0:
            self.places.update(zip(op.res, initial, strict=True))
            return
        lower, upper = self._bound(op.lower), self._bound(op.upper)
        if trips == 1:
            results = self._body(op, lower, initial)
            self.places.update(zip(op.res, results, strict=True))
            return
        name = op.counter.name_hint or "i"
        body = self.function.append_basic_block(f"loop.{name}")
        after = self.function.append_basic_block(f"after.{name}")
        start, stop = self.index.materialize(lower), self.index.materialize(upper)
        before = self.builder.block
        if trips is None:
            self.builder.cbranch(self.builder.icmp_signed("<", start, stop), body, after)
        else:
            self.builder.branch(body)

        self.builder.position_at_end(body)
        counter = self.builder.phi(I64, name)
        counter.add_incoming(start, before)
        phis = [self._phis(value, grid, before) for value, grid in zip(op.carried, initial, strict=True)]
        results = self._body(op, IndexValue(counter, 0, lower.nonnegative), phis)
        following = self.builder.add(counter, ir.Constant(I64, op.stride), f"{name}.next", flags=["nsw"])
        last = self.builder.block
        counter.add_incoming(following, last)
        for grid, result in zip(phis, results, strict=True):
            for place in np.ndindex(*grid.shape):
                grid[place].add_incoming(result[place], last)
        latch = self.builder.cbranch(self.builder.icmp_signed("<", following, stop), body, after)
        disable_unrolling(self.function.module, latch)

        self.builder.position_at_end(after)
        for value, first, result in zip(op.res, initial, results, strict=True):
            self.places[value] = result if trips is not None else self._merged(value, (first, before), (result, last))

    def _bound(self, bound: SSAValue | int) -> IndexValue:
        return self.place(bound) if isinstance(bound, SSAValue) else IndexValue.of(bound)

    def _body(self, op: LoopOp, counter: IndexValue, carried: Sequence[Grid]) -> list[Grid]:
        self.places[op.counter] = counter
        self.places.update(zip(op.carried, carried, strict=True))
        self.write_ops(list(op.block.ops))
        return [self.tile(value) for value in op.yielded]

    def _phis(self, value: SSAValue, initial: Grid, before: Any) -> Grid:
        out = np.empty(initial.shape, dtype=np.object_)
        for place in np.ndindex(*out.shape):
            name = ".".join([value.name_hint or "carried", *map(str, place)])
            out[place] = self.builder.phi(initial[place].type, name)
            out[place].add_incoming(initial[place], before)
        return out

    def _merged(self, value: SSAValue, *arms: tuple[Grid, Any]) -> Grid:
        out = np.empty(arms[0][0].shape, dtype=np.object_)
        for place in np.ndindex(*out.shape):
            name = ".".join([value.name_hint or "result", *map(str, place)])
            out[place] = self.builder.phi(arms[0][0][place].type, name)
            for grid, block in arms:
                out[place].add_incoming(grid[place], block)
        return out

    # -- memory ------------------------------------------------------------------------------------------------------

    def access(self, op: LoadOp | StoreOp) -> Access:
        promised = op.align.value.data if isinstance(op, LoadOp) and op.align is not None else None
        return Access(self.scope, self.pointers[op.ref], op.ref_type, op.indices, self.places, op.tile_type, promised)

    def load(self, op: LoadOp) -> None:
        self.places[op.result] = self.access(op).load(op.other_value)

    def store(self, op: StoreOp) -> None:
        self.access(op).store(self.tile(op.value))

    def local(self, op: LocalOp) -> None:
        type_ = op.result.type
        if not isinstance(type_, RefType):
            raise refuse(op, f"scratch memory is a reference, not {type_}")
        name = op.result.name_hint or "local"
        self.pointers[op.result] = self._allocate(in_memory(type_.element_type), type_.span.value, name)

    # -- values ------------------------------------------------------------------------------------------------------

    def program_id(self, op: ProgramIdOp) -> None:
        self.places[op.result] = self.program

    def splat(self, op: SplatOp) -> None:
        tile = tile_type(op.result)
        if op.source is None:
            self.places[op.result] = self.tiles.constant(op.literal("value"), tile)
        else:
            self.places[op.result] = self.tiles.splat_index(self.index.materialize(self.place(op.source)), tile)

    def iota(self, op: IotaOp) -> None:
        start = IndexValue.of(0) if op.start is None else self.place(op.start)
        self.places[op.result] = self.tiles.iota(self.index.materialize(start), tile_type(op.result))

    def map(self, op: MapOp) -> None:
        name, operand = op.literal("fn"), tile_type(op.args[-1])
        if not self.scalars.knows(name, operand.element_type):
            raise refuse(op, f"`{name}` of {operand.element_type} has no form on a CPU")
        self.places[op.result] = self.tiles.map(name, operand, [self.tile(arg) for arg in op.args])

    def broadcast(self, op: BroadcastOp) -> None:
        self.places[op.result] = self.tiles.broadcast(self.tile(op.source), op.literal("dims"), tile_type(op.result))

    def reshape(self, op: ReshapeOp) -> None:
        self.places[op.result] = self.tile(op.source).reshape(grid_shape(tile_type(op.result)))

    def transpose(self, op: TransposeOp) -> None:
        self.places[op.result] = self.tile(op.source).transpose(op.literal("perm"))

    def convert(self, op: ConvertOp) -> None:
        before, after = tile_type(op.source), tile_type(op.result)
        self.places[op.result] = self.tiles.convert(self.tile(op.source), before, after)

    def reduce(self, op: ReduceOp) -> None:
        grid, axis = self.tile(op.source), op.literal("axis")
        result = self.tiles.reduce(op.literal("kind"), grid, axis, tile_type(op.source), tile_type(op.result))
        self.places[op.result] = result

    def dot(self, op: DotOp) -> None:
        types = (tile_type(op.lhs), tile_type(op.rhs), tile_type(op.acc))
        grids = (self.tile(op.lhs), self.tile(op.rhs), self.tile(op.acc))
        self.places[op.result] = self.tiles.dot(*grids, types)

    # -- index arithmetic --------------------------------------------------------------------------------------------

    def constant_index(self, op: arith.ConstantOp) -> None:
        self.places[op.result] = IndexValue.of(op.value.value.data)

    def binary_index(self, op: Any) -> None:
        rule = _INDEX[type(op)]
        self.places[op.results[0]] = rule(self.index, self.place(op.operands[0]), self.place(op.operands[1]))


def tile_type(value: SSAValue) -> TileType:
    if not isinstance(value.type, TileType):
        raise error("E9901", f"expected a tile, got {value.type}")
    return value.type


def refuse(op: Operation, reason: str) -> Exception:
    return error("E0830", reason, span_of(op.location), help="`kernel-verify-target` says what a target takes")


def rename(value: Value | None, name: str) -> None:
    """Name an instruction that has no name of its own yet."""
    if isinstance(value, ir.Instruction) and value.name.startswith(".") and value.parent is not None:
        value._set_name(name)


IndexRule = Callable[[IndexArithmetic, IndexValue, IndexValue], IndexValue]

_INDEX: dict[type[Operation], IndexRule] = {
    arith.AddiOp: IndexArithmetic.add,
    arith.SubiOp: IndexArithmetic.subtract,
    arith.MuliOp: IndexArithmetic.multiply,
    arith.DivUIOp: IndexArithmetic.divide,
    arith.RemUIOp: IndexArithmetic.remainder,
    arith.CeilDivUIOp: IndexArithmetic.ceil_divide,
    arith.MinUIOp: lambda self, a, b: self.extreme("umin", a, b),
    arith.MaxUIOp: lambda self, a, b: self.extreme("umax", a, b),
    arith.MinSIOp: lambda self, a, b: self.extreme("smin", a, b),
    arith.MaxSIOp: lambda self, a, b: self.extreme("smax", a, b),
}

_WRITERS: dict[type[Operation], Callable[[_KernelWriter, Any], None]] = {
    ProgramIdOp: _KernelWriter.program_id,
    LoadOp: _KernelWriter.load,
    StoreOp: _KernelWriter.store,
    LocalOp: _KernelWriter.local,
    SplatOp: _KernelWriter.splat,
    IotaOp: _KernelWriter.iota,
    MapOp: _KernelWriter.map,
    BroadcastOp: _KernelWriter.broadcast,
    ReshapeOp: _KernelWriter.reshape,
    TransposeOp: _KernelWriter.transpose,
    ConvertOp: _KernelWriter.convert,
    ReduceOp: _KernelWriter.reduce,
    DotOp: _KernelWriter.dot,
    arith.ConstantOp: _KernelWriter.constant_index,
    **dict.fromkeys(_INDEX, _KernelWriter.binary_index),
}

__all__ = ["emit_kernel", "emit_kernels", "empty_grid", "is_float", "vector_of"]
