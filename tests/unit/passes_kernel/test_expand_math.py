"""kernel-expand-math: the error of each formula over the whole range, and what it does at the ends."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.compare import assert_close
from support.minimax import FITS
from support.native_kernels import apply_natively, elementwise_kernel, run_native
from xdsl.dialects.builtin import ModuleOp, f16, f32, f64
from xdsl.ir import Attribute

from neuralc.dialects import scalar
from neuralc.dialects.interp.kernel import run_kernel
from neuralc.dialects.types import numpy_dtype
from neuralc.passes.base import PassContext
from neuralc.passes.kernel import hyperbolic, trigonometry
from neuralc.passes.kernel.coefficients import COEFFICIENTS
from neuralc.passes.kernel.expand_math import ExpandMathPass
from neuralc.passes.target import Target

Array = NDArray[Any]

_erf = np.vectorize(math.erf, otypes=[np.float64])
EXACT: dict[str, Callable[[Array], Array]] = {
    # An extended type is exact enough to judge fp64 by; erf has none.
    "exp": lambda x: np.exp(x.astype(np.longdouble)),
    "log": lambda x: np.log(x.astype(np.longdouble)),
    "tanh": lambda x: np.tanh(x.astype(np.longdouble)),
    "erf": lambda x: _erf(x.astype(np.float64)),
}
# Circular and hyperbolic functions are expanded in fp32, which fp64 is exact enough to judge by.
IN_FP32 = {
    "sin": (np.sin, 0.51), "cos": (np.cos, 0.51), "tan": (np.tan, 0.51),
    "asin": (np.arcsin, 0.65), "acos": (np.arccos, 0.65), "atan": (np.arctan, 0.75),
    "sinh": (np.sinh, 0.85), "cosh": (np.cosh, 0.6),
    "asinh": (np.arcsinh, 0.55), "acosh": (np.arccosh, 0.55), "atanh": (np.arctanh, 0.55),
}  # fmt: skip
"""Function -> that of numpy, and the error that trigonometry.py and hyperbolic.py state."""
ULPS = {("exp", f32): 0.9, ("log", f32): 0.85, ("tanh", f32): 0.85, ("erf", f32): 0.85,
        ("exp", f64): 1, ("log", f64): 1, ("tanh", f64): 3, ("erf", f64): 4}  # fmt: skip
"""As elementary.py states them; math.erf is off by one itself."""
WITHOUT_FMA = 1.2
"""The error of any of them where products round on their own."""
RANGES = {
    "asin": (-1, 1), "acos": (-1, 1), "atanh": (-1, 1), "acosh": (1, 9), "log": (0, 9),
    "erf": (-4, 4), "atan": (-4, 4), "tanh": (-4, 4),
}  # fmt: skip
"""Where a function is neither constant nor undefined; -9 to 9 for the others."""
WRONG = {"sin": 0.01, "cos": 0.01, "tan": 0.01, "asinh": 0.01, "acosh": 0.01, "atanh": 0.01}
"""The share of results in its range that are not the nearest fp32 number; a tenth for the others."""


def expanded(name: str, element_type: Attribute, *arrays: Array) -> Array:
    operands = [(element_type, array) for array in arrays]
    found = apply_natively(
        operands, {"y": element_type}, lambda build, *tiles: [build.map(name, *tiles)], passes=[ExpandMathPass()]
    )
    return found["y"]


def error_in_ulps(actual: Array, exact: Array) -> float:
    """The largest distance from the exact result, in units of the last digit of its type; NaN and inf must agree."""
    dtype = actual.dtype
    with np.errstate(all="ignore"):
        rounded = exact.astype(dtype)
        np.testing.assert_array_equal(np.isnan(actual), np.isnan(exact))
        np.testing.assert_array_equal(np.isinf(actual), np.isinf(rounded))
        finite = np.isfinite(rounded)
        spacing = np.spacing(np.abs(rounded[finite])).astype(np.longdouble)
        return float((np.abs(actual[finite].astype(np.longdouble) - exact[finite]) / spacing).max())


def every_nth_float(step: int) -> Array:
    return np.arange(0, 1 << 32, step, dtype=np.uint64).astype(np.uint32).view(np.float32)


def doubles(count: int) -> Array:
    """Of all exponents, and more of those where the functions are neither 0, nor 1, nor infinite."""
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 1 << 63, count, dtype=np.uint64) | (
        rng.integers(0, 2, count, dtype=np.uint64) << np.uint64(63)
    )
    parts = [rng.uniform(-limit, limit, count) for limit in (750, 20, 6, 1.3, 1e-4)]
    near_one = 1 + rng.uniform(-0.5, 1, count) * 10 ** rng.uniform(-6, 0, count)
    return np.concatenate([bits.view(np.float64), near_one, *parts])


@pytest.mark.parametrize("name", EXACT)
def test_fp32_errors_over_all_exponents(name: str) -> None:
    x = every_nth_float(65_537 if name != "erf" else 262_147)
    with np.errstate(all="ignore"):
        assert error_in_ulps(expanded(name, f32, x), EXACT[name](x)) <= ULPS[name, f32]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["exp", "log", "tanh"])
def test_fp32_errors_of_many_floats(name: str) -> None:
    x = every_nth_float(251)
    with np.errstate(all="ignore"):
        assert error_in_ulps(expanded(name, f32, x), EXACT[name](x)) <= ULPS[name, f32]


@pytest.mark.parametrize("name", EXACT)
def test_fp64_errors_over_all_exponents(name: str) -> None:
    x = doubles(2_000)
    with np.errstate(all="ignore"):
        assert error_in_ulps(expanded(name, f64, x), EXACT[name](x)) <= ULPS[name, f64]


@pytest.mark.parametrize("name", EXACT)
def test_fp16_rounds_once(name: str) -> None:
    x = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    with np.errstate(all="ignore"):
        assert error_in_ulps(expanded(name, f16, x), EXACT[name](x)) <= 0.501


def circular_arguments() -> Array:
    """All exponents, more of where the functions change, and the fp32 number closest to a multiple of pi/2."""
    rng = np.random.default_rng(0)
    ranges = [rng.uniform(-limit, limit, 5_000) for limit in (1.1, 100, 1e5, 1e9)]
    near_one = [1 + sign * 10 ** rng.uniform(-7, 0, 2_000) for sign in (1, -1)]
    special = [16367173 * 2.0**72, np.inf, -np.inf, np.nan, 0.0, -0.0, 1, -1, 0.5, -0.5]
    chosen = np.concatenate([*ranges, *near_one, special]).astype(np.float32)
    return np.concatenate([every_nth_float(131_071), chosen])


@pytest.mark.parametrize("name", IN_FP32)
def test_circular_and_hyperbolic_functions_are_right_for_every_fp32_number(name: str) -> None:
    x, (exact, ulps) = circular_arguments(), IN_FP32[name]
    with np.errstate(all="ignore"):
        expected = exact(x.astype(np.float64))
        actual = expanded(name, f32, x)
        assert error_in_ulps(actual, expected) <= ulps
    numbers = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(actual[numbers]), np.signbit(expected[numbers]))


@pytest.mark.parametrize("name", IN_FP32)
def test_circular_and_hyperbolic_functions_of_fp16_round_once(name: str) -> None:
    x = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    with np.errstate(all="ignore"):
        assert error_in_ulps(expanded(name, f16, x), IN_FP32[name][0](x.astype(np.float64))) <= 0.501


@pytest.mark.parametrize("name", IN_FP32)
def test_circular_and_hyperbolic_functions_of_fp64_are_the_c_librarys(name: str) -> None:
    x = np.concatenate([np.linspace(-8, 8, 801), np.linspace(-1, 1, 201), [np.inf, np.nan, 1e300, -0.0]])
    with np.errstate(all="ignore"):
        assert error_in_ulps(expanded(name, f64, x), IN_FP32[name][0](x)) <= 4


@pytest.mark.parametrize("element_type", [f16, f32, f64], ids=str)
def test_one_and_exp_is_right_over_all_exponents(element_type: Attribute) -> None:
    x = {f16: np.arange(1 << 16, dtype=np.uint16).view(np.float16), f32: every_nth_float(65_537), f64: doubles(2_000)}
    near_ends = [-105, -104, -90, -80, -79.9, 88, 88.7, 88.8, 89, 90, 709, 709.7, 709.8, 711, -np.inf, np.inf, np.nan]
    operand = np.concatenate([x[element_type], np.array(near_ends, numpy_dtype(element_type))])
    actual = apply_natively(
        [(element_type, operand)],
        {"y": element_type},
        lambda build, tile: [build.map("add", build.map("exp", tile), build.splat(1.0, tile.type))],
        passes=[ExpandMathPass()],
    )["y"]
    with np.errstate(all="ignore"):
        assert error_in_ulps(actual, 1 + EXACT["exp"](operand)) <= 1.5


@pytest.mark.parametrize("element_type", [f16, f32, f64], ids=str)
def test_a_masked_score_has_no_weight_at_all(element_type: Attribute) -> None:
    x = np.array([-np.inf, np.finfo(numpy_dtype(element_type)).min, 0.0], numpy_dtype(element_type))
    np.testing.assert_array_equal(expanded("exp", element_type, x), [0.0, 0.0, 1.0])


def test_pow_is_right_for_all_special_cases() -> None:
    each = [0.0, -0.0, 1, -1, 2, -2, 0.5, -0.5, 3, -3, np.inf, -np.inf, np.nan, 1e-40, -1e-40, 1e38, -1e38, 3.5, -2.5,
            16777216, 33554434, -7, 1e10, 0.99999994, 1.0000001]  # fmt: skip
    x, y = (grid.ravel() for grid in np.meshgrid(np.array(each, np.float32), np.array(each, np.float32)))
    actual = expanded("pow", f32, x, y)
    with np.errstate(all="ignore"):
        exact = np.power(x.astype(np.float64), y.astype(np.float64))
    assert error_in_ulps(actual, exact) <= 1
    numbers = ~np.isnan(exact)
    np.testing.assert_array_equal(np.signbit(actual[numbers]), np.signbit(exact[numbers]))


def test_pow_is_right_in_between() -> None:
    rng = np.random.default_rng(1)
    x = np.exp(rng.uniform(-80, 80, 40_000)).astype(np.float32)
    y = (rng.uniform(-100, 100, x.size) / np.log(x)).astype(np.float32)
    assert error_in_ulps(expanded("pow", f32, x, y), np.power(x.astype(np.float64), y.astype(np.float64))) <= 1


def stated(name: str) -> tuple[Callable[[Array], Array], float]:
    return IN_FP32[name] if name in IN_FP32 else (EXACT[name], ULPS[name, f32])


@pytest.mark.parametrize("name", [*EXACT, *IN_FP32])
def test_most_results_are_the_nearest_fp32_number(name: str) -> None:
    low, high = RANGES.get(name, (-9, 9))
    x = np.random.default_rng(2).uniform(low, high, 100_000).astype(np.float32)
    exact, ulps = stated(name)
    expected, actual = exact(x.astype(np.float64)), expanded(name, f32, x)
    assert error_in_ulps(actual, expected) <= ulps
    assert np.mean(actual != expected.astype(np.float32)) <= WRONG.get(name, 0.1)


@pytest.mark.parametrize("name", [*EXACT, *IN_FP32])
def test_the_oldest_machine_of_this_kind_is_nearly_as_exact(name: str) -> None:
    """One of 2003, without fused multiply-add, for x86-64."""
    target = Target.host()
    target = Target.cpu("x86-64", target.triple) if target.triple.startswith("x86_64") else target
    low, high = RANGES.get(name, (-9, 9))
    dense = np.random.default_rng(3).uniform(low, high, 40_000)
    special = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-45, -1e-45, 1e-38, 3.4e38, -3.4e38, 1, -1, 1.5, -1.5]
    x = np.resize(np.concatenate([dense, special]), 40_016).astype(np.float32)
    func = elementwise_kernel([f32], [f32], lambda build, tile: [build.map(name, tile)], x.size, 4)
    actual = run_native(func, [x, np.zeros_like(x)], passes=[ExpandMathPass()], target=target)[1]
    with np.errstate(all="ignore"):
        expected = stated(name)[0](x.astype(np.float64))
        assert error_in_ulps(actual, expected) <= WITHOUT_FMA
    numbers = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(actual[numbers]), np.signbit(expected[numbers]))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["TANH", "ATAN", "erf", "erfc_root"])
def test_the_constants_are_those_of_the_fit(name: str) -> None:
    numbers = COEFFICIENTS[f32]
    stored = {"TANH": hyperbolic.TANH, "ATAN": trigonometry.ATAN, "erf": numbers.erf, "erfc_root": numbers.erfc_root}
    fitted, error = FITS[name].solve()
    assert error <= 2e-9
    np.testing.assert_allclose(stored[name], fitted, rtol=1e-6)


@pytest.mark.parametrize("y", [1e-3, -0.3, 0.5])
def test_a_tangent_near_its_pole_keeps_its_digits(y: float) -> None:
    """One ulp of the arc tangent is far more after the tangent."""
    x = np.linspace(100, 4000, 4000).astype(np.float32)
    angle = expanded("atan", f32, x)
    nearest = np.arctan(x.astype(np.float64)).astype(np.float32)
    assert np.mean(angle != nearest) <= 0.02
    turned = angle + np.float32(y)
    assert error_in_ulps(expanded("tan", f32, turned), np.tan(turned.astype(np.float64))) <= 0.51


def test_the_sine_of_what_is_nearly_a_multiple_of_pi_keeps_its_digits() -> None:
    """16367173 * 2**72 is the fp32 number closest to a multiple of pi/2, 1.6e-9 from it."""
    x = np.array([16367173 * 2.0**72, 3.1415927, 6.2831855, 1e38, 3.4028235e38], np.float32)
    for name in ("sin", "cos", "tan"):
        expected = IN_FP32[name][0](x.astype(np.float64))
        assert error_in_ulps(expanded(name, f32, x), expected) <= 0.51


@pytest.mark.parametrize("name", ["exp", "log", "tanh", "erf", *IN_FP32])
def test_the_formulas_are_right_without_fused_multiply_add(name: str) -> None:
    """The interpreter rounds products, as a machine without FMA does."""
    x = np.concatenate([np.linspace(-8, 8, 4001), [0.0, -np.inf, np.inf, np.nan]]).astype(np.float32)
    x = np.resize(np.abs(x) if name == "log" else x, 4008)
    func = elementwise_kernel([f32], [f32], lambda build, tile: [build.map(name, tile)], x.size, 8)
    module = ModuleOp([func])
    ExpandMathPass().run_in(module, PassContext())
    actual = run_kernel(func, {}, [x, np.zeros_like(x)], "rounded")[1]
    with np.errstate(all="ignore"):
        expected = scalar.FUNCTIONS[name].evaluate(x.astype(np.float64))
    assert_close(actual, expected, 1e-6)


def test_pow_of_fp64_stays_with_the_c_library() -> None:
    func = elementwise_kernel([f64, f64], [f64], lambda build, a, b: [build.map("pow", a, b)], 8, 8)
    module = ModuleOp([func])
    before = str(module)
    ExpandMathPass().run_in(module, PassContext())
    assert str(module) == before
