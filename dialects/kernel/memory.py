"""Tiles from and to memory.

    %t = kernel.load %x[%row, %i over 0, %k over 1 masked] other 0.0 align 64 -> !kernel.tile<6x1xf32, v1>
    kernel.store %t, %y[%i over 0, 0 over 1 masked]

Each dim of the reference has one index:

| index              | meaning |
|--------------------|---------|
| `%i` or `3`        | one place |
| `%i over 1`        | consecutive places from %i on, along tile dim 1 |
| `%t over 0`        | the places in a 1-D index tile, along tile dim 0 (a gather) |

`masked` dims are checked: places outside the reference read `other` (0 where not given) and are not written.
Unmasked places must be inside; the interpreter checks that they are.

    kernel.prefetch %w, %offset

asks a CPU to bring the cache line of an element near, counted in elements from the start of the reference. It changes
no value, and the element may lie outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from xdsl.dialects.builtin import IndexType, IntegerAttr
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import MemoryReadEffect, MemoryWriteEffect
from xdsl.utils.exceptions import VerifyException

from neuralc.dialects.kernel.types import RefType, TileType
from neuralc.dialects.syntax import (
    NUMBER,
    IntsAttr,
    PlainOp,
    parse_optional_literal,
    parse_value,
    print_literal,
    to_attribute,
    to_literal,
)

DYNAMIC = -(2**63)
"""Stands in `places` for an index that is an operand."""


@dataclass(frozen=True)
class Index:
    """The index of one reference dim: a number, an index value or a 1-D index tile; `over` is the tile dim it spans."""

    place: SSAValue | int
    over: int | None = None
    masked: bool = False

    @property
    def is_gather(self) -> bool:
        return isinstance(self.place, SSAValue) and isinstance(self.place.type, TileType)


class AccessOp(IRDLOperation):
    """What load and store share: a reference and one index per dim."""

    ref = operand_def(RefType)
    operand_places = var_operand_def()
    places = prop_def(IntsAttr)
    spans = prop_def(IntsAttr)
    masks = prop_def(IntsAttr)

    @property
    def indices(self) -> tuple[Index, ...]:
        values = iter(self.operand_places)
        masked = set(self.masks.data)
        return tuple(
            Index(next(values) if place == DYNAMIC else place, None if span < 0 else span, dim in masked)
            for dim, (place, span) in enumerate(zip(self.places.data, self.spans.data, strict=True))
        )

    @property
    def ref_type(self) -> RefType:
        type_ = self.ref.type
        if not isinstance(type_, RefType):
            raise VerifyException(f"expected a reference, got {type_}")
        return type_

    def _verify_access(self, tile: TileType) -> None:
        ref = self.ref_type
        if len(self.places.data) != ref.rank or len(self.spans.data) != ref.rank:
            raise VerifyException(f"{ref} has {ref.rank} dims, the access has {len(self.places.data)} indices")
        if self.places.data.count(DYNAMIC) != len(self.operand_places):
            raise VerifyException("the number of index operands does not match the indices")
        starts: set[int] = set()
        spanned: set[int] = set()
        for index in self.indices:
            if index.over is not None:
                if not 0 <= index.over < tile.rank:
                    raise VerifyException(f"an index spans tile dim {index.over} of {tile}")
                if not index.is_gather and index.over in starts:
                    raise VerifyException(f"two scalar starts span tile dim {index.over}")
                starts |= set() if index.is_gather else {index.over}
                spanned.add(index.over)
            if isinstance(index.place, SSAValue):
                type_ = index.place.type
                if isinstance(type_, TileType):
                    if index.over is None or type_.shape != (tile.shape[index.over],):
                        raise VerifyException(f"an index tile {type_} must span a tile dim of its size")
                elif type_ != IndexType():
                    raise VerifyException(f"an index is an index value or an index tile, not {type_}")
        if spanned != set(range(tile.rank)):
            raise VerifyException(f"no index spans tile dims {sorted(set(range(tile.rank)) - spanned)} of {tile}")
        if tile.element_type != ref.element_type:
            raise VerifyException(f"{ref} holds {ref.element_type}, the tile {tile.element_type}")

    def _print_access(self, printer: Printer) -> None:
        printer.print_ssa_value(self.ref)
        printer.print_string("[")
        printer.print_list(self.indices, lambda index: _print_index(printer, index))
        printer.print_string("]")


def _print_index(printer: Printer, index: Index) -> None:
    if isinstance(index.place, SSAValue):
        printer.print_ssa_value(index.place)
    else:
        printer.print_string(str(index.place))
    if index.over is not None:
        printer.print_string(f" over {index.over}")
    if index.masked:
        printer.print_string(" masked")


def _parse_access(parser: Parser) -> tuple[SSAValue, list[Index]]:
    ref = parse_value(parser)

    def one() -> Index:
        number = parser.parse_optional_integer(allow_boolean=False)
        place = parse_value(parser) if number is None else number
        over = parser.parse_integer() if parser.parse_optional_keyword("over") else None
        return Index(place, over, parser.parse_optional_keyword("masked") is not None)

    return ref, parser.parse_comma_separated_list(parser.Delimiter.SQUARE, one)


def _properties(indices: Sequence[Index]) -> dict[str, Attribute | None]:
    return {
        "places": IntsAttr(tuple(DYNAMIC if isinstance(index.place, SSAValue) else index.place for index in indices)),
        "spans": IntsAttr(tuple(-1 if index.over is None else index.over for index in indices)),
        "masks": IntsAttr(tuple(dim for dim, index in enumerate(indices) if index.masked)),
    }


def _operands(indices: Sequence[Index]) -> list[SSAValue]:
    return [index.place for index in indices if isinstance(index.place, SSAValue)]


@irdl_op_definition
class LoadOp(AccessOp):
    """A tile from memory. `align` is a promise in bytes about the address of every vector."""

    name = "kernel.load"
    other = opt_prop_def(NUMBER)
    align = opt_prop_def(IntegerAttr)
    result = result_def(TileType)
    traits = traits_def(MemoryReadEffect())

    def __init__(
        self,
        ref: SSAValue,
        indices: Sequence[Index],
        tile: TileType,
        *,
        other: float | int | None = None,
        align: int | None = None,
    ) -> None:
        properties = _properties(indices)
        properties["other"] = None if other is None else to_attribute(other)
        properties["align"] = None if align is None else to_attribute(align)
        super().__init__(operands=[ref, _operands(indices)], result_types=[tile], properties=properties)

    @property
    def tile_type(self) -> TileType:
        type_ = self.result.type
        if not isinstance(type_, TileType):
            raise VerifyException(f"a load gives a tile, not {type_}")
        return type_

    @property
    def other_value(self) -> float | int:
        """What masked-out places read."""
        return 0 if self.other is None else to_literal(self.other)

    def verify_(self) -> None:
        self._verify_access(self.tile_type)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        self._print_access(printer)
        if self.other is not None:
            printer.print_string(" other ")
            print_literal(printer, self.other)
        if self.align is not None:
            printer.print_string(f" align {self.align.value.data}")
        printer.print_op_attributes(self.attributes)
        printer.print_string(" -> ")
        printer.print_attribute(self.result.type)

    @classmethod
    def parse(cls, parser: Parser) -> LoadOp:
        ref, indices = _parse_access(parser)
        other = None
        if parser.parse_optional_keyword("other"):
            literal = parse_optional_literal(parser)
            if literal is None:
                parser.raise_error("`other` needs a number")
            other = to_literal(literal)
            other = float(other) if isinstance(other, str) else other
        align = parser.parse_integer() if parser.parse_optional_keyword("align") else None
        attributes = parser.parse_optional_dictionary_attr_dict()
        parser.parse_punctuation("->")
        type_ = parser.parse_type()
        if not isinstance(type_, TileType):
            parser.raise_error("a load gives a tile")
        op = cls(ref, indices, type_, other=other, align=align)
        op.attributes |= attributes
        return op


@irdl_op_definition
class StoreOp(AccessOp):
    """A tile to memory; masked-out places keep what they hold."""

    name = "kernel.store"
    value = operand_def(TileType)
    ref = operand_def(RefType)
    operand_places = var_operand_def()
    traits = traits_def(MemoryWriteEffect())

    def __init__(self, value: SSAValue, ref: SSAValue, indices: Sequence[Index]) -> None:
        super().__init__(operands=[value, ref, _operands(indices)], properties=_properties(indices))

    @property
    def tile_type(self) -> TileType:
        type_ = self.value.type
        if not isinstance(type_, TileType):
            raise VerifyException(f"a store takes a tile, not {type_}")
        return type_

    def verify_(self) -> None:
        self._verify_access(self.tile_type)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_ssa_value(self.value)
        printer.print_string(", ")
        self._print_access(printer)
        printer.print_op_attributes(self.attributes)

    @classmethod
    def parse(cls, parser: Parser) -> StoreOp:
        value = parse_value(parser)
        parser.parse_punctuation(",")
        ref, indices = _parse_access(parser)
        op = cls(value, ref, indices)
        op.attributes |= parser.parse_optional_dictionary_attr_dict()
        return op


@irdl_op_definition
class PrefetchOp(PlainOp):
    """`kernel.prefetch %ref, %offset`: the cache line of an element is wanted soon; no value depends on it."""

    name = "kernel.prefetch"
    ref = operand_def(RefType)
    offset = operand_def(IndexType())

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> None:
        """No result; the operand definitions say all."""


@irdl_op_definition
class LocalOp(IRDLOperation):
    """`%p = kernel.local -> !kernel.ref<[6, 16], f32, [16, 1]>`: scratch memory of one program, undefined at first."""

    name = "kernel.local"
    result = result_def(RefType)

    def __init__(self, type_: RefType) -> None:
        super().__init__(result_types=[type_])

    def verify_(self) -> None:
        type_ = self.result.type
        if not isinstance(type_, RefType) or type_.symbols:
            raise VerifyException(f"scratch memory has constant sizes, got {type_}")

    def print(self, printer: Printer) -> None:
        printer.print_string(" -> ")
        printer.print_attribute(self.result.type)

    @classmethod
    def parse(cls, parser: Parser) -> LocalOp:
        parser.parse_punctuation("->")
        type_ = parser.parse_type()
        if not isinstance(type_, RefType):
            parser.raise_error("scratch memory is a reference")
        return cls(type_)
