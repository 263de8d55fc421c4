"""Memory at places that data names, and what is done about data that names a wrong one.

    %v = kernel.gather %x, %offsets, %mask {other = 0.0} -> !kernel.tile<8xf32, v8>
    kernel.scatter %v, %y, %offsets, %mask
    kernel.check %inside, %status {code = 910}
    %i = kernel.to_index %t -> index

| op              | meaning |
|-----------------|---------|
| kernel.gather   | the elements at offsets, counted from the start of a reference; masked-out places read `other` |
| kernel.scatter  | a tile to such places, in row-major order: of equal offsets the last one stays |
| kernel.check    | where a value is false, the run has failed: `code` goes into the status cell of the run |
| kernel.to_index | an integer as an index value: a place, a bound of a loop |

An offset that is not masked out is at least 0 and below the span of the reference; the interpreter checks that it is.
A check does not end the program: what stands behind it works on masked or clamped places. The codes are those of the
errors that the run raises: 910 an index out of range, 911 an integer division by zero; of several the largest stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from xdsl.dialects.builtin import IndexType, IntegerAttr, IntegerType, i1, i32, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import (
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.traits import MemoryReadEffect, MemoryWriteEffect, Pure

from neuralc.dialects.kernel.memory import StoreOp
from neuralc.dialects.kernel.tiles import as_tile
from neuralc.dialects.kernel.types import RefType, TileType
from neuralc.dialects.syntax import NUMBER, PlainOp
from neuralc.dialects.types import ShapeError

OFFSETS = (i64, i32)
"""Element types of offsets."""

CHECK_CODES = (910, 911)
"""E0910 and E0911: what may be wrong with the data of a run."""


def as_reference(type_: Attribute) -> RefType:
    if not isinstance(type_, RefType):
        raise ShapeError(f"expected a reference, got {type_}")
    return type_


def _offsets(type_: Attribute, mask: Sequence[Attribute]) -> TileType:
    """The tile of offsets, which an optional mask fits. Raises ShapeError."""
    offsets = as_tile(type_)
    if offsets.element_type not in OFFSETS:
        raise ShapeError(f"offsets are i64 or i32, not {offsets.element_type}")
    if mask and as_tile(mask[0]) != offsets.with_element(i1):
        raise ShapeError(f"the mask of {offsets} is {offsets.with_element(i1)}, not {mask[0]}")
    return offsets


@irdl_op_definition
class GatherOp(PlainOp):
    """`kernel.gather %ref, %offsets [, %mask] {other = 0} -> tile` of the shape and lanes of the offsets."""

    name = "kernel.gather"
    ref = operand_def(RefType)
    offsets = operand_def(TileType)
    mask = opt_operand_def(TileType)
    other = opt_prop_def(NUMBER)
    result = result_def(TileType)
    traits = traits_def(MemoryReadEffect())
    NUMBERS: ClassVar = ("other",)

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        ref, offsets, *mask = types
        return _offsets(offsets, mask).with_element(as_reference(ref).element_type)

    @property
    def other_value(self) -> float | int:
        """What masked-out places read."""
        return 0 if self.other is None else self.literal("other")


@irdl_op_definition
class ScatterOp(PlainOp):
    """`kernel.scatter %value, %ref, %offsets [, %mask]`."""

    name = "kernel.scatter"
    value = operand_def(TileType)
    ref = operand_def(RefType)
    offsets = operand_def(TileType)
    mask = opt_operand_def(TileType)
    traits = traits_def(MemoryWriteEffect())

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> None:
        value, ref, offsets, *mask = types
        wanted = _offsets(offsets, mask).with_element(as_reference(ref).element_type)
        if value != wanted:
            raise ShapeError(f"at the places of {offsets}, {ref} takes {wanted}, not {value}")


@irdl_op_definition
class CheckOp(PlainOp):
    """`kernel.check %ok, %status {code = 910}`: every value of %ok is true, or the run has failed."""

    name = "kernel.check"
    ok = operand_def(TileType)
    status = operand_def(RefType)
    code = prop_def(IntegerAttr)
    traits = traits_def(MemoryWriteEffect())

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> None:
        ok, status = types
        if as_tile(ok).element_type != i1:
            raise ShapeError(f"a check is of truth values, not of {as_tile(ok).element_type}")
        if status != status_type():
            raise ShapeError(f"the status of a run is {status_type()}, not {status}")
        if properties["code"] not in CHECK_CODES:
            raise ShapeError(f"the code of a check is one of {', '.join(map(str, CHECK_CODES))}")


@irdl_op_definition
class ToIndexOp(PlainOp):
    """`kernel.to_index %t -> index`: a rank-0 integer tile as an index value."""

    name = "kernel.to_index"
    source = operand_def(TileType)
    result = result_def(IndexType())
    traits = traits_def(Pure())

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        tile = as_tile(types[0])
        if tile.rank or not isinstance(tile.element_type, IntegerType) or tile.element_type == i1:
            raise ShapeError(f"an index value is made of one integer, not of {tile}")
        return IndexType()


def status_type() -> RefType:
    """The status cell of a run: one number, 0 as long as no check has failed."""
    return RefType.of([1], i32)


def written_memory(op: Operation) -> SSAValue | None:
    """The reference that an op of a kernel writes to, if it writes."""
    match op:
        case StoreOp() | ScatterOp():
            return op.ref
        case CheckOp():
            return op.status
        case _:
            return None
