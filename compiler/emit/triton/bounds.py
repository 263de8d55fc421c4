"""What is known to be non-negative, so that masks say `offs < size` and not `(offs >= 0) & (offs < size)`."""

from __future__ import annotations

from xdsl.ir import Block, SSAValue

from neuralc.dialects import arith, kernel
from neuralc.emit.triton.scope import index_of

_KEEP_SIGN = (arith.AddiOp, arith.MuliOp, arith.DivSIOp, arith.FloorDivSIOp, arith.RemSIOp, arith.MinSIOp)
_UNSIGNED = (arith.DivUIOp, arith.CeilDivUIOp, arith.RemUIOp, arith.MinUIOp, arith.MaxUIOp)
_MAPS = {"add", "mul", "div", "rem", "minimum"}


def is_non_negative(value: SSAValue | int) -> bool:
    """True when an index, or every element of an index tile, is known to be 0 or more."""
    if isinstance(value, int):
        return value >= 0
    owner = value.owner
    if isinstance(owner, Block):
        loop = owner.parent_op()
        if isinstance(loop, kernel.LoopOp):
            return value is loop.counter and is_non_negative(loop.lower)
        return True  # the sizes of dims
    match owner:
        case arith.ConstantOp():
            return index_of(owner) >= 0
        case kernel.ProgramIdOp():
            return True
        case kernel.MapOp():
            return owner.literal("fn") in _MAPS and all(map(is_non_negative, owner.operands))
        case kernel.SplatOp() | kernel.IotaOp():
            return all(map(is_non_negative, owner.operands)) and (
                owner.properties.get("value") is None or owner.literal("value") >= 0
            )
        case kernel.BroadcastOp() | kernel.ReshapeOp() | kernel.ConvertOp():
            return is_non_negative(owner.operands[0])
        case arith.MaxSIOp():
            return any(map(is_non_negative, owner.operands))
        case _ if isinstance(owner, _UNSIGNED):
            return True  # unsigned ops are used on non-negative values only
        case _ if isinstance(owner, _KEEP_SIGN):
            return all(map(is_non_negative, owner.operands))
        case _:
            return False
