"""kernel-canonicalize, index values: the arithmetic of addresses folded, constants written where they are used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from xdsl.dialects.builtin import IndexType, IntegerAttr
from xdsl.ir import BlockArgument, Operation, SSAValue

from neuralc.dialects import arith, kernel
from neuralc.dialects.interp.kernel_tiles import INDICES
from neuralc.dialects.kernel.memory import Index
from neuralc.dialects.kernel.tiles import as_tile
from neuralc.passes.driver import RewritePattern, Rewriter

Binary = arith.AddiOp  # every index op has `lhs`, `rhs` and `result`; mypy needs one of them as the name

COMMUTATIVE: tuple[type[Operation], ...] = (
    arith.AddiOp,
    arith.MuliOp,
    arith.MinSIOp,
    arith.MaxSIOp,
    arith.MinUIOp,
    arith.MaxUIOp,
)
UNSIGNED: tuple[type[Operation], ...] = (arith.DivUIOp, arith.RemUIOp, arith.MinUIOp, arith.MaxUIOp, arith.CeilDivUIOp)
DIVISIONS: tuple[type[Operation], ...] = (
    arith.DivUIOp,
    arith.DivSIOp,
    arith.FloorDivSIOp,
    arith.CeilDivSIOp,
    arith.CeilDivUIOp,
    arith.RemUIOp,
    arith.RemSIOp,
)
NEUTRAL: dict[type[Operation], int] = {
    arith.AddiOp: 0,
    arith.SubiOp: 0,
    arith.MuliOp: 1,
    arith.DivUIOp: 1,
    arith.DivSIOp: 1,
    arith.FloorDivSIOp: 1,
    arith.CeilDivSIOp: 1,
    arith.CeilDivUIOp: 1,
}
"""The right operand that gives back the left one."""

ALWAYS: dict[tuple[type[Operation], int], int] = {
    (arith.MuliOp, 0): 0,
    (arith.RemUIOp, 1): 0,
    (arith.RemSIOp, 1): 0,
}
"""A right operand with which the result is one number, whatever the left one is."""

OF_EQUALS: dict[type[Operation], int | None] = {
    arith.SubiOp: 0,
    arith.MinSIOp: None,
    arith.MaxSIOp: None,
    arith.MinUIOp: None,
    arith.MaxUIOp: None,
}
"""What an op of twice the same value gives: a number, or that value (None)."""


def constant_of(value: SSAValue) -> int | None:
    """The number of an index constant."""
    owner = value.owner
    if isinstance(owner, arith.ConstantOp) and value.type == IndexType() and isinstance(owner.value, IntegerAttr):
        return owner.value.value.data
    return None


def constant(value: int) -> arith.ConstantOp:
    op = arith.ConstantOp(IntegerAttr(value, IndexType()))
    op.result.name_hint = f"c{value}" if value >= 0 else None
    return op


def is_non_negative(value: SSAValue, depth: int = 8) -> bool:
    """True where an index value is known to be at least 0: ids, sizes, counters, and what is made of them upwards."""
    if isinstance(value, BlockArgument):
        loop = value.block.parent_op()
        if not isinstance(loop, kernel.LoopOp):
            return True  # the size of a dim
        lower = loop.lower
        if isinstance(lower, int):
            return lower >= 0
        return depth > 0 and is_non_negative(lower, depth - 1)
    number = constant_of(value)
    if number is not None:
        return number >= 0
    owner = value.owner
    if isinstance(owner, kernel.ProgramIdOp):
        return True
    grows = (arith.AddiOp, arith.MuliOp, arith.DivUIOp, arith.RemUIOp, arith.MinSIOp, arith.MinUIOp, arith.MaxSIOp)
    if depth == 0 or not isinstance(owner, grows):
        return False
    return all(is_non_negative(operand, depth - 1) for operand in owner.operands)


class FoldIndexArithmetic(RewritePattern[Binary]):
    """Constants, neutral operands, equal operands."""

    op_types: ClassVar[tuple[type[Operation], ...]] = tuple(INDICES)

    def rewrite(self, op: Binary, rewriter: Rewriter) -> None:
        if op.result.type != IndexType():
            return
        kind, lhs, rhs = type(op), constant_of(op.lhs), constant_of(op.rhs)
        if lhs is not None and rhs is not None:
            if (kind in DIVISIONS and rhs == 0) or (kind in UNSIGNED and min(lhs, rhs) < 0):
                return
            rewriter.replace(op, constant(_evaluate(kind, lhs, rhs)))
        elif lhs is not None and kind in COMMUTATIVE:
            left, right = op.operands
            op.operands[0] = right
            rewriter.set_operand(op, 1, left)
        elif rhs is not None and NEUTRAL.get(kind) == rhs:
            rewriter.replace(op, results=[op.lhs])
        elif rhs is not None and (kind, rhs) in ALWAYS:
            rewriter.replace(op, constant(ALWAYS[kind, rhs]))
        elif op.lhs == op.rhs and kind in OF_EQUALS:
            number = OF_EQUALS[kind]
            if number is None:
                rewriter.replace(op, results=[op.lhs])
            else:
                rewriter.replace(op, constant(number))


def _evaluate(kind: type[Operation], lhs: int, rhs: int) -> int:
    return int(INDICES[kind](np.array([lhs]), np.array([rhs]))[0])


class JoinDifference(RewritePattern[arith.SubiOp]):
    """(x + 5) - 3 -> x + 2; where the rest is negative, x - 2."""

    op_types: ClassVar[tuple[type[Operation], ...]] = (arith.SubiOp,)

    def rewrite(self, op: arith.SubiOp, rewriter: Rewriter) -> None:
        inner, outer_constant = op.lhs.owner, constant_of(op.rhs)
        if outer_constant is None or not isinstance(inner, arith.AddiOp):
            return
        inner_constant = constant_of(inner.rhs)
        if inner_constant is None:
            return
        rest = inner_constant - outer_constant
        joined = constant(abs(rest))
        kind = arith.AddiOp if rest >= 0 else arith.SubiOp
        rewriter.replace(op, [joined, kind(inner.lhs, joined.result)], fused=[inner])


class JoinConstants(RewritePattern[Binary]):
    """(x + 2) + 3 -> x + 5, likewise for products and quotients."""

    op_types: ClassVar[tuple[type[Operation], ...]] = (arith.AddiOp, arith.MuliOp, arith.DivUIOp)
    join: ClassVar[dict[type[Operation], Callable[[int, int], int]]] = {
        arith.AddiOp: lambda a, b: a + b,
        arith.MuliOp: lambda a, b: a * b,
        arith.DivUIOp: lambda a, b: a * b,
    }

    def rewrite(self, op: Binary, rewriter: Rewriter) -> None:
        inner, outer_constant = op.lhs.owner, constant_of(op.rhs)
        if outer_constant is None or not isinstance(inner, type(op)):
            return
        inner_constant = constant_of(inner.rhs)
        if inner_constant is None or (isinstance(op, arith.DivUIOp) and min(inner_constant, outer_constant) < 1):
            return
        joined = constant(self.join[type(op)](inner_constant, outer_constant))
        rewriter.replace(op, [joined, type(op)(inner.lhs, joined.result)], fused=[inner])


class DivideProduct(RewritePattern[arith.DivUIOp]):
    """(x * 12) / 4 -> x * 3, for x that is not negative: address arithmetic does not overflow."""

    op_types: ClassVar[tuple[type[Operation], ...]] = (arith.DivUIOp,)

    def rewrite(self, op: arith.DivUIOp, rewriter: Rewriter) -> None:
        product, divisor = op.lhs.owner, constant_of(op.rhs)
        if not isinstance(product, arith.MuliOp) or not divisor or divisor < 1:
            return
        factor = constant_of(product.rhs)
        if factor is not None and factor > 0 and factor % divisor == 0 and is_non_negative(product.lhs):
            quotient = constant(factor // divisor)
            rewriter.replace(op, [quotient, arith.MuliOp(product.lhs, quotient.result)], fused=[product])


class RemainderOfMultiple(RewritePattern[arith.RemUIOp]):
    """(x * 12) % 4 -> 0, for x that is not negative."""

    op_types: ClassVar[tuple[type[Operation], ...]] = (arith.RemUIOp,)

    def rewrite(self, op: arith.RemUIOp, rewriter: Rewriter) -> None:
        product, divisor = op.lhs.owner, constant_of(op.rhs)
        if not isinstance(product, arith.MuliOp) or not divisor or divisor < 1:
            return
        factor = constant_of(product.rhs)
        if factor is not None and factor > 0 and factor % divisor == 0 and is_non_negative(product.lhs):
            rewriter.replace(op, constant(0))


class NumberInAccess(RewritePattern[kernel.LoadOp]):
    """`%x[%c0, ..]` -> `%x[0, ..]`, and a gather by consecutive places -> a start."""

    op_types: ClassVar[tuple[type[Operation], ...]] = (kernel.LoadOp, kernel.StoreOp)

    def rewrite(self, op: Operation, rewriter: Rewriter) -> None:
        if not isinstance(op, kernel.LoadOp | kernel.StoreOp):
            return
        indices = list(op.indices)
        for dim, index in enumerate(indices):
            if isinstance(index.place, SSAValue) and (number := constant_of(index.place)) is not None:
                indices[dim] = Index(number, index.over, index.masked)
            elif (start := _consecutive(index)) is not None and not _has_start(indices, index.over):
                indices[dim] = Index(start, index.over, index.masked)
        if indices == list(op.indices):
            return
        new: Operation
        if isinstance(op, kernel.LoadOp):
            align = None if op.align is None else op.align.value.data
            other = None if op.other is None else op.other_value
            new = kernel.LoadOp(op.ref, indices, op.tile_type, other=other, align=align)
        else:
            new = kernel.StoreOp(op.value, op.ref, indices)
        new.attributes = dict(op.attributes)
        rewriter.replace(op, new)


def _consecutive(index: Index) -> SSAValue | int | None:
    """Where the places of an index tile start, when it is an iota."""
    if not isinstance(index.place, SSAValue) or not isinstance(iota := index.place.owner, kernel.IotaOp):
        return None
    return iota.start if iota.start is not None else 0


def _has_start(indices: list[Index], over: int | None) -> bool:
    return any(index.over == over and not index.is_gather for index in indices)


class NumberInBounds(RewritePattern[kernel.LoopOp]):
    """`kernel.loop %k = %c0 to %c8` -> `kernel.loop %k = 0 to 8`."""

    op_types: ClassVar[tuple[type[Operation], ...]] = (kernel.LoopOp,)

    def rewrite(self, op: kernel.LoopOp, rewriter: Rewriter) -> None:
        bounds = [bound if isinstance(bound, int) else constant_of(bound) for bound in (op.lower, op.upper)]
        lower, upper = (
            known if known is not None else bound for known, bound in zip(bounds, (op.lower, op.upper), strict=True)
        )
        if (lower, upper) == (op.lower, op.upper):
            return
        new = kernel.LoopOp(lower, upper, op.stride, op.initial, op.detach_region(op.body))
        new.attributes = dict(op.attributes)
        rewriter.replace(op, new)


class NumberInTile(RewritePattern[kernel.SplatOp]):
    """`kernel.splat %c3` -> `kernel.splat 3`, `kernel.iota %c0` -> `kernel.iota`."""

    op_types: ClassVar[tuple[type[Operation], ...]] = (kernel.SplatOp, kernel.IotaOp)

    def rewrite(self, op: Operation, rewriter: Rewriter) -> None:
        match op:
            case kernel.SplatOp(source=SSAValue() as source) if (number := constant_of(source)) is not None:
                rewriter.replace(op, kernel.SplatOp.of(result=as_tile(op.result.type), value=number))
            case kernel.IotaOp(start=SSAValue() as start) if constant_of(start) == 0:
                rewriter.replace(op, kernel.IotaOp.of(result=op.result.type))


INDEX_PATTERNS: tuple[RewritePattern[Any], ...] = (
    FoldIndexArithmetic(),
    JoinConstants(),
    JoinDifference(),
    DivideProduct(),
    RemainderOfMultiple(),
    NumberInAccess(),
    NumberInBounds(),
    NumberInTile(),
)
