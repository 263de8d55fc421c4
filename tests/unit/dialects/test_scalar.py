"""The scalar table: NaN, infinities, integers and conversions are those of IEEE 754, C and torch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdsl.dialects.builtin import IntegerType, Signedness, f16, f32, f64, i1, i8, i32, i64
from xdsl.ir import Attribute

from neuralc.dialects import scalar
from neuralc.dialects.types import ShapeError, numpy_dtype

INF, NAN = np.inf, np.nan
U8 = IntegerType(8, Signedness.UNSIGNED)

floats = st.floats(width=32, allow_nan=True, allow_infinity=True)
integers = st.integers(-(2**31), 2**31 - 1)


def call(name: str, *operands: Any, result: Attribute = f32, dtype: str = "float32") -> Any:
    arrays = [np.asarray(operand, None if isinstance(operand, bool | np.bool_) else dtype) for operand in operands]
    return scalar.evaluate(name, arrays, result, exact=False).item()


def same(a: float, b: float) -> bool:
    return a == b or (math.isnan(a) and math.isnan(b))


@given(floats, floats)
def test_maximum_and_minimum_propagate_nan(a: float, b: float) -> None:
    either = math.isnan(a) or math.isnan(b)
    assert same(call("maximum", a, b), NAN if either else max(a, b))
    assert same(call("minimum", a, b), NAN if either else min(a, b))


@given(floats, floats)
def test_maxnum_and_minnum_prefer_the_number(a: float, b: float) -> None:
    numbers = [x for x in (a, b) if not math.isnan(x)]
    assert same(call("maxnum", a, b), max(numbers, default=NAN))
    assert same(call("minnum", a, b), min(numbers, default=NAN))


@given(integers, integers.filter(bool))
def test_integer_division_truncates_toward_zero_as_in_c(a: int, b: int) -> None:
    quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    wrapped = (quotient + 2**31) % 2**32 - 2**31
    assert call("div", a, b, result=i32, dtype="int32") == wrapped
    assert call("rem", a, b, result=i32, dtype="int32") == a - quotient * b


@pytest.mark.parametrize(
    ("name", "operands", "expected"),
    [
        ("div", (1.0, 0.0), INF),
        ("div", (-1.0, 0.0), -INF),
        ("div", (0.0, 0.0), NAN),
        ("rem", (5.5, 2.0), 1.5),
        ("rem", (-5.5, 2.0), -1.5),
        ("pow", (2.0, 0.5), math.sqrt(2)),
        ("pow", (-2.0, 0.5), NAN),
        ("fma", (2.0, 3.0, 1.0), 7.0),
        ("exp", (-INF,), 0.0),
        ("exp", (100.0,), INF),
        ("log", (0.0,), -INF),
        ("log", (-1.0,), NAN),
        ("sqrt", (-1.0,), NAN),
        ("rsqrt", (4.0,), 0.5),
        ("rsqrt", (0.0,), INF),
        ("tanh", (INF,), 1.0),
        ("erf", (-INF,), -1.0),
        ("erf", (NAN,), NAN),
        ("floor", (-1.5,), -2.0),
        ("ceil", (-1.5,), -1.0),
        ("round_even", (2.5,), 2.0),
        ("round_even", (3.5,), 4.0),
        ("ldexp", (1.5, 4.0), 24.0),
        ("scale", (1.5, -4.0), 0.09375),
        ("logb", (10.0,), 3.0),
        ("logb", (0.1,), -4.0),
        ("logb", (0.0,), -INF),
        ("logb", (-INF,), INF),
        ("logb", (NAN,), NAN),
        ("neg", (0.0,), -0.0),
        ("abs", (-INF,), INF),
    ],
)
def test_values(name: str, operands: tuple[float, ...], expected: float) -> None:
    assert same(call(name, *operands), float(np.float32(expected)))


@given(floats, floats)
def test_comparisons_are_ordered_except_ne(a: float, b: float) -> None:
    for name, relation in (
        ("eq", a == b),
        ("ne", a != b),
        ("lt", a < b),
        ("le", a <= b),
        ("gt", a > b),
        ("ge", a >= b),
    ):
        assert call(name, a, b, result=i1) is bool(relation)


def test_select_takes_the_chosen_value_unchanged() -> None:
    assert call("select", True, 1.0, NAN) == 1.0
    assert math.isnan(call("select", False, 1.0, NAN))


def test_logic() -> None:
    table = {"and": (False, False, False, True), "or": (False, True, True, True), "xor": (False, True, True, False)}
    for name, expected in table.items():
        assert tuple(call(name, a, b, result=i1) for a in (False, True) for b in (False, True)) == expected
    assert call("not", False, result=i1) is True


@pytest.mark.parametrize("to", [i8, i32, i64, U8])
@given(value=st.floats(width=64, allow_nan=True, allow_infinity=True))
def test_float_to_integer_truncates_and_saturates_and_has_no_nan(to: Attribute, value: float) -> None:
    limits = np.iinfo(numpy_dtype(to))
    expected = 0 if math.isnan(value) else min(max(value, limits.min), limits.max)
    assert call("convert", value, result=to, dtype="float64") == math.trunc(expected)


def test_conversions_between_floats_round_to_nearest_even() -> None:
    assert call("convert", 2049.0, result=f16) == 2048.0
    assert call("convert", 70000.0, result=f16) == INF
    assert call("convert", 0.1, result=f64) == float(np.float32(0.1))
    assert call("convert", 16777217, result=f32, dtype="int32") == 16777216.0


@given(floats)
def test_results_are_rounded_once_or_not_at_all(x: float) -> None:
    operands = [np.float64(x), np.float64(0.1)]
    assert scalar.evaluate("add", operands, f32, exact=True).dtype == np.float64
    assert scalar.evaluate("add", operands, f32, exact=False).dtype == np.float32


TORCH = {"rem": "fmod", "maxnum": "fmax", "minnum": "fmin", "round_even": "round"} | {
    name: name
    for name in (
        *("add", "sub", "mul", "div", "pow", "neg", "abs", "maximum", "minimum"),
        *("exp", "log", "sqrt", "rsqrt", "tanh", "erf", "floor", "ceil", "eq", "ne", "lt", "le", "gt", "ge"),
    )
}
"""Functions of the table, and what they are called in torch."""


@pytest.mark.parametrize("name", TORCH)
def test_special_values_are_those_of_torch(name: str) -> None:
    torch = pytest.importorskip("torch")
    special = np.array([0.0, -0.0, 1.0, -1.5, 2.5, 1e-3, 300.0, INF, -INF, NAN])
    function = scalar.FUNCTIONS[name]
    operands = [special] if function.arity == 1 else [grid.ravel() for grid in np.meshgrid(special, special)]
    found = scalar.evaluate(name, operands, i1 if function.kind == "compare" else f64, exact=True)
    expected = getattr(torch, TORCH[name])(*(torch.from_numpy(operand) for operand in operands)).numpy()
    np.testing.assert_allclose(found.astype(float), expected.astype(float), rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "operands", "message"),
    [
        ("add", [f32], "`add` takes 2 operands, got 1"),
        ("add", [f32, f64], "`add` needs operands of one type, got f32, f64"),
        ("exp", [i32], "`exp` needs floats, got i32"),
        ("and", [f32, f32], "`and` needs i1, got f32"),
        ("select", [i32, f32, f32], "`select` needs an i1 condition, got i32"),
        ("select", [i1, f32, f64], "`select` needs operands of one type"),
        ("convert", [f32], "`convert` needs a result type"),
    ],
)
def test_operands_that_do_not_fit_are_refused(name: str, operands: list[Attribute], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        scalar.lookup(name).result_type(operands)


@pytest.mark.parametrize("name", sorted(scalar.IDENTITIES))
def test_the_identity_of_a_reduction_changes_nothing(name: str) -> None:
    element = i1 if name in ("and", "or") else f32
    for value in (True, False) if element == i1 else (-INF, -2.5, 0.0, 7.0, INF):
        neutral = np.asarray(scalar.identity(name, element), numpy_dtype(element))
        operands = [np.asarray(value, numpy_dtype(element)), neutral]
        assert scalar.evaluate(name, operands, element, exact=False) == value
    if element == f32:
        limits = np.array([-(2**31), -7, 0, 2**31 - 1], np.int32)
        neutral = np.full(4, scalar.identity(name, i32), np.int32)
        np.testing.assert_array_equal(scalar.evaluate(name, [limits, neutral], i32, exact=False), limits)


def test_what_is_no_reduction_is_refused() -> None:
    with pytest.raises(ShapeError, match="`sub` is not a reduction"):
        scalar.identity("sub", f32)
