"""Half-width floats without instructions for them: every f16 and bf16 number, and every rounding, by bits alone."""

import numpy as np
import pytest
from support.native_kernels import elementwise_kernel, run_native
from xdsl.dialects.builtin import bf16, f16, f32, f64, i64
from xdsl.ir import Attribute

from neuralc.dialects import scalar
from neuralc.dialects.interp.numerics import widen
from neuralc.dialects.kernel.types import TileType
from neuralc.dialects.types import numpy_dtype
from neuralc.passes.target import Target

PLAIN = "x86-64"
"""Has no conversions of any half."""


def converted(source: Attribute, target: Attribute, x: np.ndarray, cpu: str, lanes: int = 4) -> np.ndarray:
    func = elementwise_kernel(
        [source], [target], lambda build, tile: [build.convert(tile, TileType.of([8], target, lanes))], x.size, lanes
    )
    return run_native(func, [x, np.zeros(x.size, numpy_dtype(target))], target=Target.cpu(cpu))[1]


@pytest.fixture(params=[f16, bf16], ids=str)
def half(request: pytest.FixtureRequest) -> Attribute:
    return request.param


@pytest.mark.parametrize("cpu", [PLAIN, "x86-64-v3"])
def test_every_half_widens_exactly(half: Attribute, cpu: str) -> None:
    x = np.arange(1 << 16, dtype=np.uint16).view(numpy_dtype(half))
    for wide in (f32, f64):
        np.testing.assert_array_equal(converted(half, wide, x, cpu), x.astype(numpy_dtype(wide)))


@pytest.mark.parametrize("cpu", [PLAIN, "x86-64-v3"])
def test_every_half_survives_a_round_trip(half: Attribute, cpu: str) -> None:
    x = np.arange(1 << 16, dtype=np.uint16).view(numpy_dtype(half))
    back = converted(f32, half, x.astype(np.float32), cpu)
    np.testing.assert_array_equal(widen(back), widen(x))
    np.testing.assert_array_equal(np.signbit(widen(back)), np.signbit(widen(x)))


@pytest.mark.parametrize("cpu", [PLAIN, "x86-64-v3"])
@pytest.mark.parametrize("wide", [f32, f64], ids=str)
def test_what_lies_between_rounds_to_the_nearest_even(half: Attribute, wide: Attribute, cpu: str) -> None:
    """Halfway between neighbours, and next to that: fp64 has places that fp32 would round first."""
    dtype = numpy_dtype(wide)
    each = np.arange(0, 1 << 16, 7, dtype=np.uint16).view(numpy_dtype(half)).astype(np.float64)
    each = each[np.isfinite(each)]
    following = np.nextafter(each.astype(numpy_dtype(half)), numpy_dtype(half).type(np.inf)).astype(np.float64)
    middle = ((each + following) / 2).astype(dtype)
    x = np.concatenate([middle, np.nextafter(middle, dtype.type(-np.inf)), np.nextafter(middle, dtype.type(np.inf))])
    x = np.resize(x, -(-x.size // 8) * 8)
    expected = scalar.convert(x, numpy_dtype(half))
    np.testing.assert_array_equal(widen(converted(wide, half, x, cpu)), widen(expected))
    if wide == f64:  # one rounding: no neighbour is nearer
        error = np.abs(widen(expected) - x)
        other = np.nextafter(expected, np.where(widen(expected) > x, -np.inf, np.inf).astype(numpy_dtype(half)))
        finite = np.isfinite(widen(expected)) & np.isfinite(widen(other))
        assert (error[finite] <= np.abs(widen(other) - x)[finite]).all()


def test_whole_numbers_become_the_nearest_half(half: Attribute) -> None:
    x = np.concatenate([np.arange(-70000, 70000, 13), 2 ** np.arange(62) + 1, -(2 ** np.arange(62)) - 3])
    x = np.resize(x, -(-x.size // 8) * 8)
    np.testing.assert_array_equal(widen(converted(i64, half, x, PLAIN)), widen(scalar.convert(x, numpy_dtype(half))))
