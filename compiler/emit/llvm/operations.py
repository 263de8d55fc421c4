"""What each kernel op is in LLVM, one function an op, and the table of them; loops are in kernel.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from xdsl.ir import Operation

from neuralc.dialects import arith
from neuralc.dialects.kernel import (
    BroadcastOp,
    CheckOp,
    ConvertOp,
    DotOp,
    GatherOp,
    IotaOp,
    LoadOp,
    LocalOp,
    MapOp,
    PrefetchOp,
    ProgramIdOp,
    ReduceOp,
    RefType,
    ReshapeOp,
    ScatterOp,
    SplatOp,
    StoreOp,
    TileType,
    ToIndexOp,
    TransposeOp,
)
from neuralc.dialects.kernel.indirect import as_reference
from neuralc.emit.llvm.access import Access
from neuralc.emit.llvm.addresses import Addresses, Scope
from neuralc.emit.llvm.frame import Frame, refuse, tile_type
from neuralc.emit.llvm.index import ZERO, IndexArithmetic, IndexValue
from neuralc.emit.llvm.indirect import Indirect, check
from neuralc.emit.llvm.instructions import intrinsic
from neuralc.emit.llvm.names import short
from neuralc.emit.llvm.types import I32, I64, POINTER, Value, grid_shape, in_memory, is_signed

FOR_READING, SECOND_LEVEL, DATA = 0, 2, 1
"""Arguments of LLVM's prefetch. The second-level cache, for the first one is full of what is computed with."""


def write_op(frame: Frame, op: Operation) -> None:
    """Write one op that has no region. Raises E0830 for an op or a type that a CPU has no form for."""
    writer = _WRITERS.get(type(op))
    if writer is None:
        raise refuse(op, f"`{op.name}` has no form on a CPU")
    for value in (*op.operands, *op.results):
        if isinstance(value.type, TileType) and value.type.lanes == 0:
            raise refuse(op, f"the lanes of {value.type} are not decided")
    writer(frame, op)
    for result in op.results:
        frame.name(result)


# -- memory ----------------------------------------------------------------------------------------------------------


def _access(frame: Frame, op: LoadOp | StoreOp) -> Access:
    promised = op.align.value.data if isinstance(op, LoadOp) and op.align is not None else None
    scope = Scope(frame.builder, frame.index, frame.size, frame.scratch)
    addresses = Addresses(scope, frame.pointers[op.ref], op.ref_type, op.indices, frame.values, op.tile_type)
    return Access(frame.builder, addresses, promised)


def _load(frame: Frame, op: LoadOp) -> None:
    frame.values[op.result] = _access(frame, op).load(op.other_value)


def _store(frame: Frame, op: StoreOp) -> None:
    _access(frame, op).store(frame.tile(op.value))


def _prefetch(frame: Frame, op: PrefetchOp) -> None:
    ref = as_reference(op.ref.type)
    offset = frame.index.materialize(frame.place(op.offset))
    address = frame.builder.gep(frame.pointers[op.ref], [offset], source_etype=in_memory(ref.element_type))
    hints = [ir.Constant(I32, number) for number in (FOR_READING, SECOND_LEVEL, DATA)]
    intrinsic(frame.builder, "prefetch", [address, *hints], ir.VoidType(), [POINTER])


def _local(frame: Frame, op: LocalOp) -> None:
    type_ = op.result.type
    if not isinstance(type_, RefType):
        raise refuse(op, f"scratch memory is a reference, not {type_}")
    name = short(op.result.name_hint) or "local"
    frame.pointers[op.result] = frame.allocate(in_memory(type_.element_type), type_.span.value, name)


def _indirect(frame: Frame, op: GatherOp | ScatterOp, tile: TileType) -> Indirect:
    return Indirect(frame.builder, frame.pointers[op.ref], tile, frame.scratch)


def _gather(frame: Frame, op: GatherOp) -> None:
    mask = None if op.mask is None else frame.tile(op.mask)
    indirect = _indirect(frame, op, tile_type(op.result))
    frame.values[op.result] = indirect.gather(frame.tile(op.offsets), mask, op.other_value)


def _scatter(frame: Frame, op: ScatterOp) -> None:
    mask = None if op.mask is None else frame.tile(op.mask)
    _indirect(frame, op, tile_type(op.value)).scatter(frame.tile(op.value), frame.tile(op.offsets), mask)


def _check(frame: Frame, op: CheckOp) -> None:
    check(frame.builder, frame.function, frame.tile(op.ok), frame.pointers[op.status], op.literal("code"))


# -- tiles -----------------------------------------------------------------------------------------------------------


def _splat(frame: Frame, op: SplatOp) -> None:
    tile = tile_type(op.result)
    if op.source is None:
        frame.values[op.result] = frame.tiles.constant(op.literal("value"), tile)
    else:
        frame.values[op.result] = frame.tiles.splat_index(frame.index.materialize(frame.place(op.source)), tile)


def _iota(frame: Frame, op: IotaOp) -> None:
    start = ZERO if op.start is None else frame.place(op.start)
    frame.values[op.result] = frame.tiles.iota(frame.index.materialize(start), tile_type(op.result))


def _map(frame: Frame, op: MapOp) -> None:
    name, operand = op.literal("fn"), tile_type(op.args[-1])
    if not frame.scalars.knows(name, operand.element_type):
        raise refuse(op, f"`{name}` of {operand.element_type} has no form on a CPU")
    args = [frame.tile(arg) for arg in op.args]
    frame.values[op.result] = frame.tiles.map(name, operand, args, rounded=op.literal("rounded"))


def _broadcast(frame: Frame, op: BroadcastOp) -> None:
    frame.values[op.result] = frame.tiles.broadcast(frame.tile(op.source), op.literal("dims"), tile_type(op.result))


def _reshape(frame: Frame, op: ReshapeOp) -> None:
    frame.values[op.result] = frame.tile(op.source).reshape(grid_shape(tile_type(op.result)))


def _transpose(frame: Frame, op: TransposeOp) -> None:
    frame.values[op.result] = frame.tile(op.source).transpose(op.literal("perm"))


def _convert(frame: Frame, op: ConvertOp) -> None:
    before, after = tile_type(op.source), tile_type(op.result)
    frame.values[op.result] = frame.tiles.convert(frame.tile(op.source), before, after)


def _reduce(frame: Frame, op: ReduceOp) -> None:
    source, before, after = frame.tile(op.source), tile_type(op.source), tile_type(op.result)
    frame.values[op.result] = frame.tiles.reduce(op.literal("kind"), source, op.literal("axis"), before, after)


def _dot(frame: Frame, op: DotOp) -> None:
    lhs, rhs, acc = (frame.tile(value) for value in (op.lhs, op.rhs, op.acc))
    frame.values[op.result] = frame.tiles.dot(lhs, rhs, acc, tile_type(op.lhs), tile_type(op.acc))


# -- index values ----------------------------------------------------------------------------------------------------


def _program_id(frame: Frame, op: ProgramIdOp) -> None:
    frame.values[op.result] = frame.program


def _constant_index(frame: Frame, op: Any) -> None:
    frame.values[op.result] = IndexValue.of(op.value.value.data)


def _to_index(frame: Frame, op: ToIndexOp) -> None:
    value: Value = frame.tile(op.source)[()]
    signed, width = is_signed(tile_type(op.source).element_type), value.type.width
    if width < I64.width:
        value = (frame.builder.sext if signed else frame.builder.zext)(value, I64)
    frame.values[op.result] = IndexValue(value, 0, not signed and width < I64.width)


def _binary_index(frame: Frame, op: Operation) -> None:
    lhs, rhs = (frame.place(operand) for operand in op.operands)
    frame.values[op.results[0]] = _INDEX[type(op)](frame.index, lhs, rhs)


_INDEX: dict[type[Operation], Callable[[IndexArithmetic, IndexValue, IndexValue], IndexValue]] = {
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

_WRITERS: dict[type[Operation], Callable[[Frame, Any], None]] = {
    ProgramIdOp: _program_id,
    LoadOp: _load,
    StoreOp: _store,
    GatherOp: _gather,
    ScatterOp: _scatter,
    CheckOp: _check,
    ToIndexOp: _to_index,
    LocalOp: _local,
    PrefetchOp: _prefetch,
    SplatOp: _splat,
    IotaOp: _iota,
    MapOp: _map,
    BroadcastOp: _broadcast,
    ReshapeOp: _reshape,
    TransposeOp: _transpose,
    ConvertOp: _convert,
    ReduceOp: _reduce,
    DotOp: _dot,
    arith.ConstantOp: _constant_index,
    **dict.fromkeys(_INDEX, _binary_index),
}
