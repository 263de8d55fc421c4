"""Every scalar function, of every element type that has it, gives natively what the scalar table says."""

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray
from support.native_kernels import apply_natively
from xdsl.dialects.builtin import IntegerType, Signedness, bf16, f16, f32, f64, i1, i8, i16, i32, i64
from xdsl.ir import Attribute

from neuralc.dialects import scalar
from neuralc.dialects.bfloat16 import cast, is_float_dtype
from neuralc.dialects.interp.numerics import widen
from neuralc.dialects.kernel.types import TileType
from neuralc.dialects.types import ShapeError, is_float, numpy_dtype

Array = NDArray[Any]

u8, u16, u32, u64 = (IntegerType(width, Signedness.UNSIGNED) for width in (8, 16, 32, 64))
TYPES = [f32, f64, f16, bf16, i8, i16, i32, i64, u8, u16, u32, u64, i1]
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, -1.5, 2.5, -3.5, 3.0, 1e-3, 60000.0, np.inf, -np.inf, np.nan]
LIBRARY = ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh")
ULPS = dict.fromkeys(LIBRARY, 3) | {"exp": 2, "log": 2, "tanh": 2, "erf": 2, "pow": 2, "rsqrt": 2, "fma": 1}
"""Of the C library, and of functions that round twice; all others are exact."""
ON_TRUTH = ("abs", "maximum", "minimum", "maxnum", "minnum")
"""Arithmetic that truth values have."""


def values(element_type: Attribute) -> Array:
    """Interesting values of a type, all pairs of which fit into a few hundred."""
    dtype = numpy_dtype(element_type)
    if is_float(element_type):
        limits = ml_dtypes.finfo(dtype)
        with np.errstate(over="ignore"):
            return np.array([*SPECIAL, limits.max, limits.min, limits.tiny, limits.smallest_subnormal, 126.0], dtype)
    if element_type == i1:
        return np.array([False, True])
    limits = np.iinfo(dtype)
    near = [0, 1, 2, 3, 7, 100, limits.max, limits.max - 1, limits.min, limits.min + 1]
    return np.array(near + ([-1, -2, -7] if limits.min < 0 else []), dtype)


def result_types(element_type: Attribute) -> dict[str, Attribute]:
    """The functions an element type has, with the types of their results."""
    found = {}
    for name, function in scalar.FUNCTIONS.items():
        arithmetic_on_truth = element_type == i1 and function.kind == "same" and name not in ON_TRUTH
        if name in ("convert", "ldexp", "scale") or arithmetic_on_truth:
            continue
        operands = [i1, element_type, element_type] if name == "select" else [element_type] * function.arity
        try:
            found[name] = function.result_type(operands)
        except ShapeError:
            continue
    return found


@pytest.mark.parametrize("lanes", [8, 1])
@pytest.mark.parametrize("element_type", TYPES, ids=str)
def test_functions_match_the_scalar_table(element_type: Attribute, lanes: int) -> None:
    each = values(element_type)
    a, b = (grid.ravel() for grid in np.meshgrid(each, each))
    c, condition = np.resize(each[::-1], a.size), np.arange(a.size) % 3 == 0
    results = result_types(element_type)

    def operands(name: str, *args: Any) -> list[Any]:
        return [args[3], args[0], args[1]] if name == "select" else list(args[: scalar.FUNCTIONS[name].arity])

    actual = apply_natively(
        [(element_type, a), (element_type, b), (element_type, c), (i1, condition)],
        results,
        lambda build, *tiles: [build.map(name, *operands(name, *tiles)) for name in results],
        lanes=lanes,
    )
    for name, type_ in results.items():
        arrays = operands(name, a, b, c, condition)
        with np.errstate(all="ignore"):
            expected = scalar.evaluate(name, arrays, type_, exact=False)
            if name == "fma" and is_float(type_):  # one rounding natively, two in numpy's own type
                exact = [array.astype(np.longdouble) for array in arrays]
                expected = cast(exact[0] * exact[1] + exact[2], numpy_dtype(type_))
            assert_within(name, actual[name], expected, ULPS.get(name, 0))


def assert_within(name: str, actual: Array, expected: Array, ulps: int) -> None:
    assert actual.dtype == expected.dtype
    if not is_float_dtype(actual.dtype) or ulps == 0:
        np.testing.assert_array_equal(widen(actual), widen(expected), name)
        return
    np.testing.assert_array_equal(np.isnan(actual), np.isnan(expected), name)
    np.testing.assert_array_equal(np.isinf(actual), np.isinf(expected), name)
    finite = np.isfinite(expected)
    spacing = np.nan_to_num(np.spacing(np.abs(expected[finite])).astype(np.float64), nan=np.inf)
    error = np.abs(actual[finite].astype(np.float64) - expected[finite].astype(np.float64)) / spacing
    assert error.max() <= ulps, name


@pytest.mark.parametrize("lanes", [8, 1])
@pytest.mark.parametrize("source", TYPES, ids=str)
def test_conversions_saturate_and_round_as_the_scalar_table_says(source: Attribute, lanes: int) -> None:
    x = values(source)
    with np.errstate(all="ignore"):
        if is_float(source):
            limits = (-128, 127, 255, 32767, 65535, 2**31, -(2**31), 2**63)
            edges = [limit + step for limit in limits for step in (-1, 0, 0.5, 1)]
            halves = [1 + 2**-11, 1 + 2**-11 + 2**-30, 1 + 3 * 2**-11, 65519.99, 65520.0, 2**-25, 2**-25 + 2**-40]
            x = np.concatenate([x, np.array([*edges, *halves], np.float64).astype(x.dtype)])
        expected = {str(type_): scalar.convert(x, numpy_dtype(type_)) for type_ in TYPES}
    actual = apply_natively(
        [(source, x)],
        {str(type_): type_ for type_ in TYPES},
        lambda build, tile: [build.convert(tile, TileType.of([8], type_, lanes)) for type_ in TYPES],
        lanes=lanes,
    )
    for name, array in expected.items():
        np.testing.assert_array_equal(widen(actual[name]), widen(array), name)


def test_extremes_with_a_constant_treat_nan_alike() -> None:
    x = values(f32)
    cases = [
        (name, constant, left)
        for name in ("maximum", "minimum", "maxnum", "minnum")
        for constant in (0.0, float("nan"), float("inf"))
        for left in (True, False)
    ]

    def write(build: Any, tile: Any) -> list[Any]:
        numbers = [build.splat(constant, TileType.of([8], f32, 8)) for _, constant, _ in cases]
        return [
            build.map(name, *((number, tile) if left else (tile, number)))
            for (name, _, left), number in zip(cases, numbers, strict=True)
        ]

    actual = apply_natively([(f32, x)], dict.fromkeys(cases, f32), write)
    for name, constant, left in cases:
        expected = scalar.FUNCTIONS[name].evaluate(x, np.full_like(x, constant))
        np.testing.assert_array_equal(actual[name, constant, left], expected)


def test_division_by_a_constant_never_traps() -> None:
    x = values(i32)
    cases = [(name, divisor) for name in ("div", "rem") for divisor in (3, -3, 1, 0, -1)]
    actual = apply_natively(
        [(i32, x)],
        dict.fromkeys(cases, i32),
        lambda build, tile: [
            build.map(name, tile, build.splat(divisor, TileType.of([8], i32, 8))) for name, divisor in cases
        ],
    )
    for name, divisor in cases:
        expected = scalar.evaluate(name, [x, np.full_like(x, divisor)], i32, exact=False)
        np.testing.assert_array_equal(actual[name, divisor], expected)


@pytest.mark.parametrize("element_type", [f16, f32, f64], ids=str)
def test_ldexp_reaches_subnormal_and_infinite_results(element_type: Attribute) -> None:
    dtype = numpy_dtype(element_type)
    least, most = np.finfo(dtype).minexp - np.finfo(dtype).nmant, np.finfo(dtype).maxexp
    n = np.array([least, least + 5, least - 2, most - 1, most, 0, 2 * least, 2 * most, 3, -3], dtype)
    x = np.array([1, 1.5, 1, -1, 1, -0.0, np.inf, 0, np.nan, 1.25], dtype)
    actual = apply_natively(
        [(element_type, x), (element_type, n)], {"y": element_type}, lambda build, a, b: [build.map("ldexp", a, b)]
    )
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(actual["y"], np.ldexp(x, n.astype(np.int32)))


@pytest.mark.parametrize("lanes", [8, 1])
@pytest.mark.parametrize("element_type", [f16, bf16, f32, f64], ids=str)
def test_scale_is_ldexp_by_every_normal_power_of_two(element_type: Attribute, lanes: int) -> None:
    dtype = numpy_dtype(element_type)
    limits = ml_dtypes.finfo(dtype)
    exponents = np.arange(limits.minexp, limits.maxexp)
    n = np.resize(exponents, -(-exponents.size // 8) * 8)
    x = np.resize(np.array([1, -1.5, 0.75, -0.0, np.inf, -np.inf, np.nan, 2, 0], dtype), n.size)
    actual = apply_natively(
        [(element_type, x), (element_type, n.astype(dtype))],
        {"y": element_type},
        lambda build, a, b: [build.map("scale", a, b)],
        lanes=lanes,
    )
    with np.errstate(all="ignore"):
        wanted = np.ldexp(x.astype(np.float64), n).astype(dtype)
    # NaN of bf16 is like no other to numpy.
    np.testing.assert_array_equal(actual["y"].astype(np.float64), wanted.astype(np.float64))
