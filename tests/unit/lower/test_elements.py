"""Maps that read elements at computed places: interpreted, lowered and native, they are the same."""

from __future__ import annotations

import numpy as np
import pytest
from support.compare import Array
from support.tables import few_of
from support.tensor_programs import check, compiled, kernels

from neuralc.dialects.types import element_type_of
from neuralc.runtime.errors import ModelError

DTYPES = {
    "f16": np.float16, "f32": np.float32, "f64": np.float64, "i1": np.bool_,
    "i8": np.int8, "i16": np.int16, "i32": np.int32, "i64": np.int64,
    "ui8": np.uint8, "ui16": np.uint16, "ui32": np.uint32, "ui64": np.uint64,
}  # fmt: skip

EMBEDDING = """%y = tensor.map "*,ab->abc" %x0, %x1 -> tensor<3x5x20xf32> {
  ^bb0(%table: tensor<100x20xf32>, %row: i64):
    %c = tensor.position "c" -> i64
    %v = tensor.at %table, %row, %c {checked = true} -> f32
    tensor.yield %v
  }"""
EMBEDDING_TYPES = ["tensor<100x20xf32>", "tensor<3x5xi64>"]


def normal(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def values(shape: tuple[int, ...], element: str) -> Array:
    drawn = np.random.default_rng(len(element)).standard_normal(shape) * (3 if element[0] in "iu" else 1)
    return np.asarray(np.abs(drawn) if element[0] == "u" else drawn).astype(DTYPES[element])


def test_rows_of_a_table_are_copied_vector_by_vector() -> None:
    rows = np.random.default_rng(1).integers(0, 100, (3, 5))
    check(EMBEDDING, EMBEDDING_TYPES, "tensor<3x5x20xf32>", [normal(100, 20), rows])
    text = kernels(EMBEDDING, EMBEDDING_TYPES, "tensor<3x5x20xf32>")
    assert "kernel.gather" not in text
    assert "0 over 0] other 0 -> !kernel.tile<" in text


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("row", [-1, 100, 2**40])
def test_a_row_outside_is_an_error_of_the_run(level: int, row: int) -> None:
    rows = np.zeros((3, 5), np.int64)
    model = compiled(EMBEDDING, EMBEDDING_TYPES, "tensor<3x5x20xf32>", level)
    table = normal(100, 20)
    np.testing.assert_array_equal(model(x0=table, x1=rows), table[rows])
    rows[2, 3] = row
    with pytest.raises(ModelError) as raised:
        model(x0=table, x1=rows)
    assert raised.value.code == "E0910"


GATHER = """%y = tensor.map "*,ab->ab" %x0, %x1 -> tensor<3x21xf32> {
  ^bb0(%table: tensor<7x30xf32>, %column: i64):
    %a = tensor.position "a" -> i64
    %v = tensor.at %table, %a, %column {OPTION} -> f32
    tensor.yield %v
  }"""
GATHER_TYPES = ["tensor<7x30xf32>", "tensor<3x21xi64>"]


def test_columns_that_data_names_are_gathered() -> None:
    columns = np.random.default_rng(2).integers(0, 30, (3, 21))
    check(GATHER.replace("OPTION", "checked = true"), GATHER_TYPES, "tensor<3x21xf32>", [normal(7, 30), columns])
    text = kernels(GATHER.replace("OPTION", "checked = true"), GATHER_TYPES, "tensor<3x21xf32>")
    assert "kernel.gather" in text
    assert "xi32" in text  # offsets in a small table need no 64 bits


def test_columns_outside_read_the_other_value() -> None:
    columns = np.random.default_rng(3).integers(-5, 40, (3, 21))
    check(GATHER.replace("OPTION", "other = 7.0"), GATHER_TYPES, "tensor<3x21xf32>", [normal(7, 30), columns])


def test_a_shifted_position_is_a_masked_load() -> None:
    body = """%y = tensor.map "*->ab" %x0 -> tensor<5x40xf32> {
      ^bb0(%x: tensor<3x33xf32>):
        %a = tensor.position "a" -> i64
        %b = tensor.position "b" -> i64
        %up = tensor.number 1 -> i64
        %left = tensor.number 5 -> i64
        %i = tensor.scalar sub %a, %up -> i64
        %j = tensor.scalar sub %b, %left -> i64
        %v = tensor.at %x, %i, %j {other = 7.0} -> f32
        tensor.yield %v
      }"""
    check(body, ["tensor<3x33xf32>"], "tensor<5x40xf32>", [normal(3, 33)])
    text = kernels(body, ["tensor<3x33xf32>"], "tensor<5x40xf32>")
    assert "kernel.gather" not in text
    assert "-5 over 0 masked] other 7.0" in text


@pytest.mark.parametrize("element", few_of(DTYPES, 4))
def test_every_type_is_read_backwards(element: str) -> None:
    type_ = f"tensor<5x70x{element}>"
    body = f"""%y = tensor.map "*->ab" %x0 -> {type_} {{
      ^bb0(%x: {type_}):
        %a = tensor.position "a" -> i64
        %b = tensor.position "b" -> i64
        %last = tensor.number 69 -> i64
        %j = tensor.scalar sub %last, %b -> i64
        %v = tensor.at %x, %a, %j -> {element}
        tensor.yield %v
      }}"""
    check(body, [type_], type_, [values((5, 70), element)], levels=(0, 2))


@pytest.mark.parametrize("element", few_of(DTYPES, 4))
def test_positions_are_numbers_of_every_type(element: str) -> None:
    type_ = f"tensor<5x70x{element}>"
    body = f"""%y = tensor.map "->ab" -> {type_} {{
      ^bb0:
        %b = tensor.position "b" -> i64
        %a = tensor.position "a" -> i32
        %wide = tensor.scalar convert %a -> i64
        %sum = tensor.scalar add %b, %wide -> i64
        %v = tensor.scalar convert %sum -> {element}
        tensor.yield %v
      }}"""
    check(body, [], type_, [], levels=(0, 2))


@pytest.mark.parametrize("element", ["f32", "f64", "i64"])
@pytest.mark.thorough
def test_a_size_is_a_number(element: str) -> None:
    type_ = f"tensor<?x{element}, #graph.dims<n>>"
    body = f"""%y = tensor.map "a->a" %x0 -> {type_} {{
      ^bb0(%x: {element}):
        %size = tensor.size {{dim = #graph.size<n * 2>}} -> {element}
        %v = tensor.scalar mul %size, %x -> {element}
        tensor.yield %v
      }}"""
    runs = [[values((n,), element)] for n in (5, 0, 400)]
    check(body, [type_], type_, runs, symbols=["n"])


def test_fused_maps_keep_their_positions() -> None:
    """The first map's loop is called otherwise in the second one, which reads it transposed."""
    body = """%0 = tensor.map "ab->ab" %x0 -> tensor<4x6xf32> {
      ^bb0(%x: f32):
        %a = tensor.position "a" -> i64
        %f = tensor.scalar convert %a -> f32
        %v = tensor.scalar mul %x, %f -> f32
        tensor.yield %v
      }
      %y = tensor.map "ba,*->ab" %0, %x0 -> tensor<6x4xf32> {
      ^bb0(%x: f32, %all: tensor<4x6xf32>):
        %a = tensor.position "a" -> i64
        %b = tensor.position "b" -> i64
        %other = tensor.at %all, %b, %a -> f32
        %v = tensor.scalar sub %x, %other -> f32
        tensor.yield %v
      }"""
    check(body, ["tensor<4x6xf32>"], "tensor<6x4xf32>", [normal(4, 6)])
    text = kernels(body, ["tensor<4x6xf32>"], "tensor<6x4xf32>")
    assert text.count("kernel.func") == 1


def test_a_value_read_at_computed_places_is_made_before() -> None:
    body = """%0 = tensor.map "ab->ab" %x0 -> tensor<4x6xf32> {
      ^bb0(%x: f32):
        %v = tensor.scalar add %x, %x -> f32
        tensor.yield %v
      }
      %y = tensor.map "ab,*->ab" %0, %0 -> tensor<4x6xf32> {
      ^bb0(%x: f32, %all: tensor<4x6xf32>):
        %a = tensor.position "a" -> i64
        %zero = tensor.number 0 -> i64
        %first = tensor.at %all, %a, %zero -> f32
        %v = tensor.scalar sub %x, %first -> f32
        tensor.yield %v
      }"""
    check(body, ["tensor<4x6xf32>"], "tensor<4x6xf32>", [normal(4, 6)])


@pytest.mark.parametrize("level", [0, 2])
def test_integer_division_by_zero_is_an_error_of_the_run(level: int) -> None:
    body = """%y = tensor.map "a,a->a" %x0, %x1 -> tensor<21xi32> {
      ^bb0(%x: i32, %z: i32):
        %v = tensor.scalar div %x, %z {checked = true} -> i32
        tensor.yield %v
      }"""
    model = compiled(body, ["tensor<21xi32>"] * 2, "tensor<21xi32>", level)
    x, divisor = np.arange(21, dtype=np.int32), np.full(21, 3, np.int32)
    np.testing.assert_array_equal(model(x0=x, x1=divisor), x // 3)
    divisor[20] = 0
    with pytest.raises(ModelError) as raised:
        model(x0=x, x1=divisor)
    assert raised.value.code == "E0911"


def test_the_types_above_are_all_types() -> None:
    assert {str(element_type_of(np.dtype(dtype))) for dtype in DTYPES.values()} == set(DTYPES)
