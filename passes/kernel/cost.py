"""What a program of a kernel costs, counted from its ops: instructions of a vector pipe, which become nanoseconds.

A tile op costs one instruction per vector, a dot one multiply-add per vector and step of its inner dim, a load or store
one per vector, a gather or scatter one per element. Splats, broadcasts and reshapes name values and cost nothing. Loops
multiply; a loop whose bounds depend on sizes counts with their minima, and as in the first program where they depend on
that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from xdsl.dialects.builtin import IndexType, IntegerAttr
from xdsl.ir import Block, BlockArgument, Operation, SSAValue

from neuralc.dialects import arith, kernel
from neuralc.dialects.dims import Dim
from neuralc.dialects.kernel.types import TileType
from neuralc.passes.target import Target

PIPES = 2
"""Vector instructions that start per cycle, on every core of the last ten years."""

GIGAHERTZ = 3.0
"""A typical clock: the estimate decides about microseconds of fork and join, not about a few per cent."""

INDEX_INSTRUCTIONS: dict[type[Operation], int] = {arith.DivUIOp: 20, arith.RemUIOp: 20, arith.ConstantOp: 0}
"""Scalar instructions of index arithmetic; 1 for what is not listed."""

FREE: tuple[type[Operation], ...] = (kernel.SplatOp, kernel.IotaOp, kernel.BroadcastOp, kernel.ReshapeOp)


def program_nanoseconds(func: kernel.FuncOp, target: Target, minima: Mapping[str, int]) -> float:
    """An estimate of one program's time on one core, at least the call of an empty one."""
    sizes = {name: minima.get(name, 1) for name in func.dims}
    known: dict[SSAValue, Dim] = {
        argument: Dim.constant(sizes[name]) for name, argument in zip(func.dims, func.dim_arguments, strict=True)
    }
    known |= {op.results[0]: Dim.constant(0) for op in func.block.ops if isinstance(op, kernel.ProgramIdOp)}
    return max(1.0, _block_instructions(func.block, target, known) / (PIPES * GIGAHERTZ))


def _block_instructions(block: Block, target: Target, known: dict[SSAValue, Dim]) -> float:
    total = 0.0
    for op in block.ops:
        if isinstance(op, kernel.LoopOp):
            total += trips_of(op, known) * (1 + _block_instructions(op.block, target, known))
        else:
            total += instructions(op, target)
    return total


def instructions(op: Operation, target: Target) -> float:
    """Instructions of one op of a program."""
    match op:
        case kernel.DotOp():
            lhs = op.lhs.type
            depth = lhs.shape[1] if isinstance(lhs, TileType) else 1
            return vectors_of(op.result, target) * depth
        case kernel.StoreOp():
            return vectors_of(op.value, target)
        case kernel.GatherOp():
            return elements_of(op.result)
        case kernel.ScatterOp():
            return elements_of(op.value)
        case kernel.CheckOp():
            return vectors_of(op.ok, target)
        case kernel.ReduceOp():
            return vectors_of(op.source, target)
        case kernel.PrefetchOp():
            return 1
        case kernel.LoadOp() | kernel.MapOp() | kernel.ConvertOp() | kernel.TransposeOp():
            return vectors_of(op.results[0], target)
        case _ if isinstance(op, FREE):
            return 0
        case _:
            return INDEX_INSTRUCTIONS.get(type(op), 1 if op.results else 0)


def vectors_of(value: SSAValue, target: Target) -> float:
    """Vectors that a tile is made of; where the target chooses lanes, as wide as a register."""
    tile = value.type
    if not isinstance(tile, TileType):
        return 0
    return math.ceil(math.prod(tile.shape) / (tile.lanes or max(1, target.lanes)))


def elements_of(value: SSAValue) -> float:
    """Elements of a tile: each of a gather or scatter is an access of its own."""
    return math.prod(value.type.shape) if isinstance(value.type, TileType) else 0


def trips_of(loop: kernel.LoopOp, known: Mapping[SSAValue, Dim]) -> int:
    """How often a loop runs, with the sizes of dims that `known` gives; 1 where that depends on the program."""
    bounds = [index_value(bound, known) if isinstance(bound, SSAValue) else bound for bound in (loop.lower, loop.upper)]
    lower, upper = bounds
    if lower is None or upper is None:
        return 1
    return max(0, -((lower - upper) // loop.stride))


def index_value(value: SSAValue, known: Mapping[SSAValue, Dim]) -> int | None:
    """The number behind an index value, when constants and known sizes are all it is made of."""
    if value in known:
        return known[value].value
    if isinstance(value, BlockArgument) or value.type != IndexType():
        return None
    op = value.owner
    if isinstance(op, arith.ConstantOp):
        return op.value.value.data if isinstance(op.value, IntegerAttr) else None
    if not isinstance(op, Operation) or len(op.operands) != 2:
        return None
    lhs, rhs = (index_value(operand, known) for operand in op.operands)
    if lhs is None or rhs is None:
        return None
    match op:
        case arith.AddiOp():
            return lhs + rhs
        case arith.SubiOp():
            return lhs - rhs
        case arith.MuliOp():
            return lhs * rhs
        case arith.DivUIOp() if rhs > 0:
            return lhs // rhs
        case arith.RemUIOp() if rhs > 0:
            return lhs % rhs
        case arith.MinSIOp() | arith.MinUIOp():
            return min(lhs, rhs)
        case arith.MaxSIOp() | arith.MaxUIOp():
            return max(lhs, rhs)
        case _:
            return None
