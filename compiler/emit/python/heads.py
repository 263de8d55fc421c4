"""Dense layers whose kernel stands with heads of their own, as those of attention do: a product that keeps the heads.

reshape(dense(x, reshape(kernel), reshape(bias)))     einsum("bsd,dnh->bsnh", x, kernel) + bias
dense(reshape(x), reshape(kernel), bias)              einsum("bsnh,nhd->bsd", x, kernel) + bias
"""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.ir import Operation, SSAValue

from neuralc.dialects.graph import DenseOp, ReshapeOp
from neuralc.dialects.types import Shape, shape_of

_LEADING = "bstuvw"
"""The letters of axes that stay."""


@dataclass(frozen=True)
class Heads:
    """A product with the operands as they stand: `result` is the op whose result it has."""

    op: DenseOp
    x: SSAValue
    kernel: SSAValue
    bias: SSAValue | None
    result: Operation
    equation: str
    units: tuple[int, ...]
    """The last sizes of the result."""

    @property
    def bias_axes(self) -> str:
        """The letters of the bias."""
        return "nh" if len(self.units) > 1 else "d"


def heads_of(op: Operation) -> Heads | None:
    """The product that a dense layer, or the reshape that gives its result heads, is the last op of."""
    if isinstance(op, DenseOp):
        return _split(op) or _merged(op)
    found = _split(op.x.owner) if isinstance(op, ReshapeOp) and isinstance(op.x.owner, DenseOp) else None
    return found if found is not None and found.result is op else None


def _split(op: DenseOp) -> Heads | None:
    """[.., in] to [.., heads, size]."""
    sizes, x = _stored(op.kernel), shape_of(op.x.type)
    if not op.result.has_one_use() or len(sizes) != 3 or not 2 <= len(x) <= len(_LEADING) + 1:
        return None
    (use,) = op.result.uses
    after, inputs = use.operation, shape_of(op.kernel.type)[0]
    if not isinstance(after, ReshapeOp) or sizes[0] != inputs or shape_of(after.result.type) != (*x[:-1], *sizes[1:]):
        return None
    bias = None if op.bias is None else _source(op.bias)
    if bias is not None and shape_of(bias.type) != sizes[1:]:
        return None
    leading = _LEADING[: len(x) - 1]
    equation = f"{leading}d,dnh->{leading}nh"
    return Heads(op, op.x, _source(op.kernel), bias, after, equation, _static(sizes[1:]))


def _merged(op: DenseOp) -> Heads | None:
    """[.., heads, size] to [.., out]."""
    sizes, before = _stored(op.kernel), op.x.owner
    if len(sizes) != 3 or not isinstance(before, ReshapeOp) or not op.x.has_one_use():
        return None
    x, units = shape_of(before.x.type), shape_of(op.kernel.type)[1]
    leading = shape_of(op.x.type)[:-1]
    if sizes[2] != units or x != (*leading, *sizes[:2]) or not 1 <= len(leading) <= len(_LEADING):
        return None
    if op.bias is not None and shape_of(op.bias.type) != (units,):
        return None
    letters = _LEADING[: len(leading)]
    equation = f"{letters}nh,nhd->{letters}d"
    return Heads(op, before.x, _source(op.kernel), op.bias, op, equation, _static(sizes[2:]))


def _source(value: SSAValue) -> SSAValue:
    return value.owner.x if isinstance(value.owner, ReshapeOp) else value


def _stored(kernel: SSAValue) -> Shape:
    """The shape of what a kernel is a reshape of."""
    return shape_of(kernel.owner.x.type) if isinstance(kernel.owner, ReshapeOp) else ()


def _static(sizes: Shape) -> tuple[int, ...]:
    return tuple(size for size in sizes if isinstance(size, int))
