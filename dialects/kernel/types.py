"""The two types of the kernel level: tiles of values, and references to memory seen through shape and strides.

    !kernel.tile<6x16xf32, v8>                   6 x 16 floats in vectors of 8 along the last dim
    !kernel.ref<[batch, 28, 28], f32, [784, 28, 1]>    memory, indexed; strides are in elements and may overlap

Lanes are a decision of the CPU schedule: `v8` vectors, `v1` scalars; absent where the target decides (a GPU).
Overlapping strides make a convolution's windows, padded row pitches and packed panels plain references.
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import ArrayAttr, IntAttr
from xdsl.ir import Attribute, ParametrizedAttribute, TypeAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from neuralc.dialects.dims import Dim, as_dim, parse_dim, product, simplest
from neuralc.dialects.types import DimsAttr, Shape, element_bytes


@irdl_attr_definition
class TileType(ParametrizedAttribute, TypeAttribute):
    """Values a program holds at once. `lanes` is 0 where nothing is decided."""

    name = "kernel.tile"
    dims: ArrayAttr[IntAttr]
    element_type: Attribute
    lane_count: IntAttr

    @classmethod
    def of(cls, shape: Sequence[int], element_type: Attribute, lanes: int = 0) -> TileType:
        return cls(ArrayAttr([IntAttr(size) for size in shape]), element_type, IntAttr(lanes))

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(size.data for size in self.dims)

    @property
    def rank(self) -> int:
        return len(self.dims)

    @property
    def lanes(self) -> int:
        return self.lane_count.data

    def with_shape(self, shape: Sequence[int]) -> TileType:
        return TileType.of(shape, self.element_type, self.lanes)

    def with_element(self, element_type: Attribute) -> TileType:
        return TileType.of(self.shape, element_type, self.lanes)

    def with_lanes(self, lanes: int) -> TileType:
        return TileType.of(self.shape, self.element_type, lanes)

    def verify(self) -> None:
        if any(size < 1 for size in self.shape):
            raise VerifyException(f"tile dims are positive, got {list(self.shape)}")
        if self.lanes < 0 or (self.lanes > 1 and (not self.shape or self.shape[-1] % self.lanes)):
            raise VerifyException(f"v{self.lanes} does not divide the last dim of {list(self.shape)}")

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string("".join(f"{size}x" for size in self.shape))
            printer.print_attribute(self.element_type)
            if self.lanes:
                printer.print_string(f", v{self.lanes}")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            shape, element_type = parser.parse_ranked_shape()
            lanes = 0
            if parser.parse_optional_punctuation(","):
                word = parser.parse_identifier("lanes such as v8")
                if not word.startswith("v") or not word[1:].isdigit() or int(word[1:]) < 1:
                    parser.raise_error("lanes are written v1, v4, v8, ..")
                lanes = int(word[1:])
        return [ArrayAttr([IntAttr(size) for size in shape]), element_type, IntAttr(lanes)]


@irdl_attr_definition
class RefType(ParametrizedAttribute, TypeAttribute):
    """Memory through a shape and element strides; sizes may be symbolic."""

    name = "kernel.ref"
    dims: DimsAttr
    element_type: Attribute
    stride_dims: DimsAttr

    @classmethod
    def of(
        cls, shape: Sequence[int | Dim], element_type: Attribute, strides: Sequence[int | Dim] | None = None
    ) -> RefType:
        """A reference type; dense row-major strides where none are given."""
        sizes = tuple(as_dim(size) for size in shape)
        if strides is None:
            strides = dense_strides(sizes)
        return cls(DimsAttr(sizes), element_type, DimsAttr(tuple(as_dim(stride) for stride in strides)))

    @property
    def shape(self) -> Shape:
        return tuple(simplest(size) for size in self.dims.data)

    @property
    def strides(self) -> Shape:
        return tuple(simplest(stride) for stride in self.stride_dims.data)

    @property
    def rank(self) -> int:
        return len(self.dims.data)

    @property
    def is_dense(self) -> bool:
        return self.stride_dims.data == dense_strides(self.dims.data)

    @property
    def span(self) -> Dim:
        """Elements from the first to the last reachable one, given that every size is at least 1."""
        reach = Dim.constant(1)
        for size, stride in zip(self.dims.data, self.stride_dims.data, strict=True):
            reach += (size - 1) * stride
        return reach

    @property
    def bytes(self) -> Dim:
        return self.span * element_bytes(self.element_type)

    @property
    def symbols(self) -> frozenset[str]:
        return frozenset().union(*(dim.symbols for dim in (*self.dims.data, *self.stride_dims.data)))

    def verify(self) -> None:
        if len(self.dims.data) != len(self.stride_dims.data):
            raise VerifyException(f"{len(self.dims.data)} dims but {len(self.stride_dims.data)} strides")

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            _print_dims(printer, self.dims.data)
            printer.print_string(", ")
            printer.print_attribute(self.element_type)
            printer.print_string(", ")
            _print_dims(printer, self.stride_dims.data)

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            shape = parse_dims(parser)
            parser.parse_punctuation(",")
            element_type = parser.parse_type()
            strides = parse_dims(parser) if parser.parse_optional_punctuation(",") else dense_strides(shape)
        return [DimsAttr(shape), element_type, DimsAttr(strides)]


def dense_strides(shape: Sequence[Dim]) -> tuple[Dim, ...]:
    """Row-major strides without gaps."""
    return tuple(product(tuple(shape[i + 1 :])) for i in range(len(shape)))


def parse_dims(parser: AttrParser) -> tuple[Dim, ...]:
    return tuple(parser.parse_comma_separated_list(parser.Delimiter.SQUARE, lambda: parse_dim(parser)))


def _print_dims(printer: Printer, dims: Sequence[Dim]) -> None:
    printer.print_string("[" + ", ".join(map(str, dims)) + "]")
