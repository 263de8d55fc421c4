"""Tensor types with symbolic sizes, and the numpy dtypes of element types."""

from __future__ import annotations

import numpy as np
import pytest
from xdsl.dialects.builtin import DYNAMIC_INDEX, IntegerType, Signedness, TensorType, bf16, f16, f32, f64, i1, i32, i64

from neuralc.dialects.dims import Dim
from neuralc.dialects.types import (
    DimsAttr,
    ShapeError,
    element_bytes,
    element_type_of,
    format_shape,
    is_float,
    numpy_dtype,
    shape_of,
    symbols_of,
    tensor_type,
)

BATCH = Dim.symbol("batch")


def test_shape_goes_into_the_type_and_comes_back() -> None:
    shape = (BATCH, 28, BATCH * 2 + 1, 1)
    assert shape_of(tensor_type(shape, f32)) == shape
    assert str(tensor_type(shape, f32)) == "tensor<?x28x?x1xf32, #graph.dims<batch, batch * 2 + 1>>"


def test_constant_dims_are_sizes() -> None:
    assert shape_of(tensor_type([Dim.constant(3), BATCH - BATCH + 2], f32)) == (3, 2)
    assert str(tensor_type([3, 2], f32)) == "tensor<3x2xf32>"


def test_each_question_mark_has_one_expression() -> None:
    with pytest.raises(ShapeError, match=r"each `\?` needs an expression"):
        shape_of(TensorType(f32, [DYNAMIC_INDEX, 3]))
    with pytest.raises(ShapeError, match=r"more expressions in #graph.dims<..> than `\?`"):
        shape_of(TensorType(f32, [DYNAMIC_INDEX], DimsAttr((BATCH, BATCH))))


def test_what_is_no_tensor_has_no_shape() -> None:
    with pytest.raises(ShapeError, match="expected a tensor, got f32"):
        shape_of(f32)


def test_shapes_read_as_in_messages() -> None:
    assert format_shape((BATCH, 28)) == "(batch, 28)"
    assert format_shape((3,)) == "(3,)"
    assert format_shape(()) == "()"
    assert symbols_of((BATCH, 3, Dim.parse("min(S, 4)"))) == {"batch", "S"}


@pytest.mark.parametrize("name", ["float16", "float32", "float64", "bool", "int8", "int64", "uint8", "uint32"])
def test_dtypes_have_an_element_type_and_back(name: str) -> None:
    assert numpy_dtype(element_type_of(name)) == np.dtype(name)
    assert element_bytes(element_type_of(name)) == np.dtype(name).itemsize


def test_element_types() -> None:
    assert element_type_of("bool") == i1
    assert element_type_of("int32") == i32
    assert element_type_of("uint8") == IntegerType(8, Signedness.UNSIGNED)
    assert [is_float(type_) for type_ in (f16, bf16, f32, f64, i64, i1)] == [True] * 4 + [False] * 2
    assert numpy_dtype(bf16).name == "bfloat16"
    assert element_type_of("bfloat16") == element_type_of(numpy_dtype(bf16)) == bf16
    assert element_bytes(bf16) == 2
    with pytest.raises(ShapeError, match="dtype complex64 is not supported"):
        element_type_of("complex64")
    with pytest.raises(ShapeError, match="element type i4 has no numpy equivalent"):
        numpy_dtype(IntegerType(4))
