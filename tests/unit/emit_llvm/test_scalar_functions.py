"""Every scalar function, of every element type that has it, gives natively what the scalar table says."""

import numpy as np
import pytest
from support.native_kernels import apply_natively
from xdsl.dialects.builtin import IntegerType, Signedness, f16, f32, f64, i1, i8, i16, i32, i64
from xdsl.ir import Attribute

from neuralc.dialects import scalar
from neuralc.dialects.kernel.types import TileType
from neuralc.dialects.types import ShapeError, is_float, numpy_dtype

u8, u16, u32 = (IntegerType(width, Signedness.UNSIGNED) for width in (8, 16, 32))
TYPES = [f32, f64, f16, i8, i16, i32, i64, u8, u16, u32, i1]
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, -1.5, 2.5, -3.5, 3.0, 1e-3, 60000.0, np.inf, -np.inf, np.nan]
ULPS = {"exp": 2, "log": 2, "tanh": 2, "erf": 2, "pow": 2, "rsqrt": 2}
"""Of the C library, and of functions that round twice; all others are exact."""


def values(element_type: Attribute) -> np.ndarray:
    """Interesting values of a type, all pairs of which fit into a few thousand."""
    dtype = numpy_dtype(element_type)
    if is_float(element_type):
        limits = np.finfo(dtype)
        with np.errstate(over="ignore"):
            return np.array([*SPECIAL, limits.max, limits.min, limits.tiny, limits.smallest_subnormal, 126.0], dtype)
    if element_type == i1:
        return np.array([False, True])
    limits = np.iinfo(dtype)
    near = [0, 1, 2, 3, 7, 100, limits.max, limits.max - 1, limits.min, limits.min + 1]
    return np.array(near + ([-1, -2, -7] if limits.min < 0 else []), dtype)


def cases() -> list[tuple[str, Attribute]]:
    found = []
    for name, function in scalar.FUNCTIONS.items():
        for type_ in TYPES:
            operands = [i1, type_, type_] if name == "select" else [type_] * function.arity
            try:
                function.result_type(operands, type_)
            except ShapeError:
                continue
            arithmetic_on_truth = type_ == i1 and function.kind == "same"
            integer_power = name == "pow" and not is_float(type_)
            if name != "convert" and not arithmetic_on_truth and not integer_power:
                found.append((name, type_))
    return found


def operands_of(name: str, type_: Attribute) -> list[np.ndarray]:
    """All pairs of values; the third operand walks along."""
    each = values(type_)
    first, second = (grid.ravel() for grid in np.meshgrid(each, each))
    if name == "select":
        return [np.arange(first.size) % 3 == 0, first, second]
    if name == "ldexp":  # by whole numbers only; what exceeds two factors of the type saturates
        return [first, np.clip(np.nan_to_num(np.rint(second)), -20, 20)]
    return [first, second, np.resize(each[::-1], first.size)][: scalar.FUNCTIONS[name].arity]


@pytest.mark.parametrize("lanes", [8, 1])
@pytest.mark.parametrize(("name", "type_"), cases(), ids=lambda value: str(value))
def test_a_function_matches_the_scalar_table(name: str, type_: Attribute, lanes: int) -> None:
    arrays = operands_of(name, type_)
    types = [i1, type_, type_] if name == "select" else [type_] * len(arrays)
    result = scalar.FUNCTIONS[name].result_type(types, None)
    actual = apply_natively(lambda build, *tiles: build.map(name, *tiles), arrays, types, result, lanes=lanes)
    wide = name == "fma" and is_float(type_)  # one rounding natively, two in numpy's own type
    with np.errstate(all="ignore"):
        if wide:
            exact = [array.astype(np.longdouble) for array in arrays]
            expected = (exact[0] * exact[1] + exact[2]).astype(numpy_dtype(type_))
        else:
            expected = scalar.evaluate(name, arrays, result, exact=False)
    compare(actual, expected, ULPS.get(name, 1 if wide else 0))


def compare(actual: np.ndarray, expected: np.ndarray, ulps: int) -> None:
    assert actual.dtype == expected.dtype
    if not np.issubdtype(actual.dtype, np.floating):
        np.testing.assert_array_equal(actual, expected)
        return
    np.testing.assert_array_equal(np.isnan(actual), np.isnan(expected))
    np.testing.assert_array_equal(np.isinf(actual), np.isinf(expected))
    finite = np.isfinite(expected)
    spacing = np.spacing(np.abs(expected[finite])).astype(np.float64)
    error = np.abs(actual[finite].astype(np.float64) - expected[finite].astype(np.float64)) / spacing
    assert error.size == 0 or error.max() <= ulps


@pytest.mark.parametrize("lanes", [8, 1])
@pytest.mark.parametrize("target", TYPES, ids=str)
@pytest.mark.parametrize("source", TYPES, ids=str)
def test_a_conversion_saturates_and_rounds_as_the_scalar_table_says(
    source: Attribute, target: Attribute, lanes: int
) -> None:
    x = values(source)
    if is_float(source):
        edges = [limit + step for limit in (-128, 127, 255, 32767, 65535, 2**31, -(2**31), 2**63) for step in (-1, 0, 0.5, 1)]
        with np.errstate(over="ignore"):
            x = np.concatenate([x, np.array(edges, x.dtype)])
    with np.errstate(all="ignore"):
        expected = scalar.convert(x, numpy_dtype(target))
    actual = apply_natively(
        lambda build, tile: build.convert(tile, TileType.of([8], target, lanes)), [x], [source], target, lanes=lanes
    )
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("name", ["maximum", "minimum", "maxnum", "minnum"])
@pytest.mark.parametrize("constant", [0.0, np.nan, np.inf])
@pytest.mark.parametrize("left", [True, False])
def test_extremes_with_a_constant_treat_nan_alike(name: str, constant: float, left: bool) -> None:
    x = values(f32)

    def write(build, tile):  # type: ignore[no-untyped-def]
        number = build.splat(constant, TileType.of([8], f32, 8))
        return build.map(name, *([number, tile] if left else [tile, number]))

    actual = apply_natively(write, [x], [f32], f32)
    number = np.full_like(x, constant)
    np.testing.assert_array_equal(actual, scalar.FUNCTIONS[name].evaluate(number, x))


@pytest.mark.parametrize("divisor", [3, -3, 1, 0, -1])
@pytest.mark.parametrize("name", ["div", "rem"])
def test_division_by_a_constant_never_traps(name: str, divisor: int) -> None:
    x = values(i32)
    actual = apply_natively(
        lambda build, tile: build.map(name, tile, build.splat(divisor, TileType.of([8], i32, 8))), [x], [i32], i32
    )
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(actual, scalar.evaluate(name, [x, np.full_like(x, divisor)], i32, exact=False))


def test_ldexp_reaches_subnormal_and_infinite_results() -> None:
    x = np.array([1.0, 1.5, -1.0, 1.0, 1.0, 1.0, 0.0, np.inf], np.float32)
    n = np.array([-149, -140, -126, 127, 128, -151, 300, -300], np.float32)
    actual = apply_natively(lambda build, a, b: build.map("ldexp", a, b), [x, n], [f32, f32], f32)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(actual, np.ldexp(x, n.astype(np.int32)))
