"""How far apart two arrays are: the figures of `neuralc verify`, and when they agree."""

import ml_dtypes
import numpy as np
import pytest

from neuralc.verify.compare import compare

ONES = np.ones((2, 3), np.float32)


def test_equal_arrays_agree_and_have_no_worst_place() -> None:
    found = compare("y", ONES, ONES)
    assert found.agrees
    assert (found.largest, found.relative, found.ulp, found.wrong, found.worst) == (0, 0, 0, 0, None)
    assert found.cosine == pytest.approx(1)


def test_the_allowance_is_rtol_of_the_value_and_atol_of_the_largest() -> None:
    expected = np.array([100.0, 1.0], np.float64)
    inside, outside = np.array([100.0, 1.0109]), np.array([100.0, 1.0111])
    assert compare("y", inside, expected).agrees  # 1e-3 * 1 + 1e-4 * 100
    assert not compare("y", outside, expected).agrees
    assert compare("y", outside, expected, rtol=2e-3).agrees
    assert compare("y", outside, expected, atol=2e-4).agrees
    assert not compare("y", inside, expected, rtol=0, atol=1e-4).agrees


def test_the_worst_value_is_shown_with_its_place() -> None:
    other = ONES.copy()
    other[0, 1], other[1, 2] = 1.5, 3
    found = compare("y", ONES, other)
    assert (found.wrong, found.worst, found.found, found.expected) == (2, (1, 2), "1", "3")
    assert (found.largest, found.relative) == (2, 2 / 3)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float32, np.float64])
@pytest.mark.parametrize("value", [1.0, -1.0, 0.0])
def test_ulps_count_neighbours_of_the_dtype(dtype: type, value: float) -> None:
    a = np.array([value], dtype)
    b = np.nextafter(a, np.array([2], dtype)) if dtype is not ml_dtypes.bfloat16 else (a.view(np.int16) + 1).view(dtype)
    assert compare("y", a, b).ulp == 1
    assert compare("y", a, b.astype(np.float64)).ulp == 1


def test_ulps_of_numbers_on_both_sides_of_zero_do_not_overflow() -> None:
    top = np.finfo(np.float64).max
    assert compare("y", np.array([-top]), np.array([top])).ulp == pytest.approx(2 * 0x7FEFFFFFFFFFFFFF)
    assert compare("y", np.array([-0.0]), np.array([0.0])).ulp == 0


def test_infinities_and_nan_have_to_be_in_the_same_places() -> None:
    special = np.array([np.nan, np.inf, -np.inf, 1], np.float32)
    assert compare("y", special, special).agrees
    found = compare("y", special, np.array([0, np.inf, np.inf, 1], np.float32))
    assert not found.agrees
    assert (found.wrong, found.worst) == (2, (0,))
    assert found.problem == "NaN 1, expected 0; infinite 2, expected 2"


def test_what_is_too_large_for_the_dtype_is_infinite_in_it() -> None:
    assert compare("y", np.array([np.inf], np.float16), np.array([1e6])).agrees
    assert not compare("y", np.array([np.inf], np.float32), np.array([1e6])).agrees


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_integers_are_compared_exactly(dtype: type) -> None:
    a = np.array([2**53, 7], dtype)
    assert compare("y", a, a).agrees
    found = compare("y", a, a + np.array([1, 0], dtype), rtol=1, atol=1)
    assert (found.agrees, found.wrong, found.worst) == (False, 1, (0,))
    assert (found.found, found.expected) == ("9007199254740992", "9007199254740993")


def test_booleans_are_compared_exactly() -> None:
    found = compare("y", np.array([True, False]), np.array([True, True]))
    assert (found.agrees, found.worst, found.found, found.expected) == (False, (1,), "False", "True")


def test_other_shapes_and_kinds_do_not_agree() -> None:
    assert compare("y", ONES, ONES[:1]).problem == "shape 2x3, expected 1x3"
    assert compare("y", ONES, ONES.astype(np.int32)).problem == "float32, expected int32"
    assert compare("y", np.arange(3, dtype=np.int32), np.arange(3)).problem == "int32, expected int64"


def test_empty_arrays_agree() -> None:
    assert compare("y", ONES[:0], ONES[:0]).agrees


def test_numbers_whose_squares_are_too_large_have_a_cosine() -> None:
    large = np.array([1e200, 2e200])
    assert compare("y", large, large).cosine == pytest.approx(1)
    assert compare("y", large, -large).cosine == pytest.approx(-1)
