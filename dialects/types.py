"""Tensor types with symbolic sizes: the encoding `#graph.dims<..>` names each `?` of a tensor type, in order.

tensor<?x28x28x1xf32, #graph.dims<batch>>
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    BFloat16Type,
    Float16Type,
    Float32Type,
    Float64Type,
    IntegerType,
    NoneAttr,
    Signedness,
    TensorType,
    bf16,
    f16,
    f32,
    f64,
    i1,
)
from xdsl.ir import Attribute, Data
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer

from neuralc.dialects import bfloat16
from neuralc.dialects.dims import Dim, as_dim, parse_dim, simplest

Shape: TypeAlias = tuple[int | Dim, ...]
AnyTensor: TypeAlias = TensorType[Attribute]


class ShapeError(ValueError):
    """Operand shapes or types that an op cannot take; the message names the sizes, the caller knows the place."""


@irdl_attr_definition
class DimsAttr(Data[tuple[Dim, ...]]):
    """`#graph.dims<batch, S * 2>`: the expressions behind the `?` of a tensor type."""

    name = "graph.dims"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> tuple[Dim, ...]:
        return tuple(parser.parse_comma_separated_list(parser.Delimiter.ANGLE, lambda: parse_dim(parser)))

    def print_parameter(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_list(self.data, lambda dim: printer.print_string(str(dim)))


@irdl_attr_definition
class DimAttr(Data[Dim]):
    """`#graph.size<batch * 64>`: one size as an attribute."""

    name = "graph.size"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> Dim:
        with parser.in_angle_brackets():
            return parse_dim(parser)

    def print_parameter(self, printer: Printer) -> None:
        printer.print_string(f"<{self.data}>")


def tensor_type(shape: Sequence[int | Dim], element_type: Attribute) -> AnyTensor:
    """The tensor type of a shape whose symbolic entries go into the encoding."""
    return _tensor_type(tuple(simplest(size) for size in shape), element_type)


@lru_cache(maxsize=4096)
def _tensor_type(sizes: Shape, element_type: Attribute) -> AnyTensor:
    """A model has few types, and many values of each."""
    symbolic = tuple(size for size in sizes if isinstance(size, Dim))
    return TensorType(
        element_type,
        [DYNAMIC_INDEX if isinstance(size, Dim) else size for size in sizes],
        DimsAttr(symbolic) if symbolic else NoneAttr(),
    )


def shape_of(type_: Attribute) -> Shape:
    """The shape of a tensor type, ints and Dims. Raises ShapeError for a `?` without a name."""
    return _shape(as_tensor(type_))


@lru_cache(maxsize=4096)
def _shape(tensor: AnyTensor) -> Shape:
    names = iter(tensor.encoding.data if isinstance(tensor.encoding, DimsAttr) else ())
    out: list[int | Dim] = []
    for size in tensor.get_shape():
        if size != DYNAMIC_INDEX:
            out.append(size)
            continue
        name = next(names, None)
        if name is None:
            raise ShapeError(f"{tensor}: each `?` needs an expression in #graph.dims<..>")
        out.append(name)
    if next(names, None) is not None:
        raise ShapeError(f"{tensor}: more expressions in #graph.dims<..> than `?`")
    return tuple(out)


def as_tensor(type_: Attribute) -> AnyTensor:
    if not isinstance(type_, TensorType):
        raise ShapeError(f"expected a tensor, got {type_}")
    return type_


def element_of(type_: Attribute) -> Attribute:
    return as_tensor(type_).element_type


def format_shape(shape: Sequence[int | Dim]) -> str:
    """`(batch, 28, 28, 1)`, as messages show it."""
    return "(" + ", ".join(str(size) for size in shape) + ("," if len(shape) == 1 else "") + ")"


def symbols_of(shape: Sequence[int | Dim]) -> frozenset[str]:
    return frozenset().union(*(as_dim(size).symbols for size in shape))


_NUMPY: dict[Attribute, type[np.generic]] = {
    f16: np.float16,
    f32: np.float32,
    f64: np.float64,
    i1: np.bool_,
    **{IntegerType(width): np.dtype(f"int{width}").type for width in (8, 16, 32, 64)},
    **{IntegerType(width, Signedness.UNSIGNED): np.dtype(f"uint{width}").type for width in (8, 16, 32, 64)},
}
_ELEMENT: dict[str, Attribute] = {
    **{np.dtype(scalar).name: type_ for type_, scalar in _NUMPY.items()},
    bfloat16.NAME: bf16,
}


def numpy_dtype(element_type: Attribute) -> np.dtype[np.generic]:
    """The numpy dtype of an element type. Raises ShapeError for one numpy has no equal of."""
    if element_type == bf16:
        return bfloat16.bfloat16()
    if element_type not in _NUMPY:
        raise ShapeError(f"element type {element_type} has no numpy equivalent")
    return np.dtype(_NUMPY[element_type])


def element_type_of(dtype: np.dtype[np.generic] | str) -> Attribute:
    """The element type of a numpy dtype or its name. Raises ShapeError for one the compiler has no type for."""
    # numpy knows no dtype by this name until ml_dtypes is imported.
    name = dtype if isinstance(dtype, str) and dtype == bfloat16.NAME else np.dtype(dtype).name
    if name not in _ELEMENT:
        raise ShapeError(f"dtype {name} is not supported")
    return _ELEMENT[name]


def is_float(element_type: Attribute) -> bool:
    return isinstance(element_type, Float16Type | BFloat16Type | Float32Type | Float64Type)


def element_bytes(element_type: Attribute) -> int:
    return bfloat16.BYTES if element_type == bf16 else numpy_dtype(element_type).itemsize
