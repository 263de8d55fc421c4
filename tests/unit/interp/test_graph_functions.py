"""Elementwise ops agree with torch, with ONNX's reference or with numpy, in float64 to 1e-10 * max(1, max|y|)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from support.compare import assert_close
from support.graph_modules import single_op
from support.onnx_nodes import run_node
from xdsl.ir import Attribute

from neuralc.dialects import graph
from neuralc.dialects.interp import run_module
from neuralc.dialects.types import element_type_of, tensor_type
from neuralc.dialects.weights import WeightStore
from neuralc.grammar.diagnostics import NeuralcError

torch = pytest.importorskip("torch")
TOLERANCE = 1e-10
INTEGERS = ["int8", "int32", "int64", "uint8", "uint32", "uint64"]


def evaluate(op: type[Any], *operands: Any, result: Attribute | None = None, **properties: Any) -> Any:
    (found,) = run_module(single_op(op, *operands, result=result, **properties), operands, WeightStore())
    return found


def normal(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape) * 2.0


def integers(*shape: int, dtype: str, seed: int = 0, nonzero: bool = False) -> Any:
    low = 0 if dtype.startswith("u") else -20
    values = np.random.default_rng(seed).integers(low, 20, shape).astype(dtype)
    return np.where(values == 0, np.array(3, dtype), values) if nonzero else values


def named(case: Any) -> str:
    return case.name.removeprefix("graph.") if isinstance(case, type) else ""


FUNCTIONS: list[tuple[type[Any], Callable[[Any], Any]]] = [
    (graph.SinOp, torch.sin),
    (graph.CosOp, torch.cos),
    (graph.TanOp, torch.tan),
    (graph.AsinOp, torch.asin),
    (graph.AcosOp, torch.acos),
    (graph.AtanOp, torch.atan),
    (graph.SinhOp, torch.sinh),
    (graph.CoshOp, torch.cosh),
    (graph.AsinhOp, torch.asinh),
    (graph.AcoshOp, torch.acosh),
    (graph.AtanhOp, torch.atanh),
    (graph.CeilOp, torch.ceil),
    (graph.FloorOp, torch.floor),
    (graph.RoundOp, torch.round),
]


@pytest.mark.parametrize(("op", "reference"), FUNCTIONS, ids=named)
def test_function(op: type[Any], reference: Callable[[Any], Any]) -> None:
    special = [np.nan, np.inf, -np.inf, 0.0, -0.0, 0.5, 1.5, 2.5, -0.5, -1.5, 1.0, -1.0]
    x = np.concatenate([normal(50), np.tanh(normal(50, seed=1)), np.abs(normal(50, seed=2)) + 1, special])
    assert_close(evaluate(op, x), reference(torch.from_numpy(x)).numpy(), TOLERANCE)


def test_sign_of_nan_is_nan() -> None:
    x = np.array([-np.inf, -2.0, -0.0, 0.0, 3.0, np.nan])
    np.testing.assert_array_equal(evaluate(graph.SignOp, x), [-1, -1, 0, 0, 1, np.nan])


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize(
    ("op", "reference"),
    [
        (graph.SignOp, np.sign),
        (graph.AbsOp, np.abs),
        (graph.NegOp, np.negative),
        (graph.ReluOp, lambda x: np.maximum(x, 0)),
        (graph.BitwiseNotOp, np.invert),
    ],
    ids=named,
)
def test_function_of_integers(op: type[Any], reference: Callable[[Any], Any], dtype: str) -> None:
    x = integers(40, dtype=dtype)
    found = evaluate(op, x)
    assert found.dtype == x.dtype
    np.testing.assert_array_equal(found, reference(x))


def test_hard_sigmoid_of_its_own_line_is_that_of_onnx() -> None:
    x = normal(40)
    assert_close(
        evaluate(graph.HardSigmoidOp, x, alpha=0.4, beta=0.3),
        run_node("HardSigmoid", x, alpha=0.4, beta=0.3),
        1e-7,  # ONNX holds its attributes in 32 bits
    )


# -- two operands ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("op", "reference"),
    [(graph.PowOp, torch.pow), (graph.RemainderOp, torch.remainder), (graph.FmodOp, torch.fmod)],
    ids=named,
)
def test_powers_and_remainders(op: type[Any], reference: Callable[[Any, Any], Any]) -> None:
    x, y = normal(20, 30), normal(30, seed=1)
    x[0, :6], y[:6] = [0.0, np.nan, np.inf, -np.inf, 1.0, 4.0], [2.0, 1.0, 0.5, 3.0, np.nan, 0.0]
    assert_close(evaluate(op, x, y), reference(torch.from_numpy(x), torch.from_numpy(y)).numpy(), TOLERANCE)


INTEGER_FUNCTIONS: list[tuple[type[Any], Callable[[Any, Any], Any]]] = [
    (graph.DivOp, lambda x, y: torch.div(x, y, rounding_mode="trunc")),
    (graph.RemainderOp, torch.remainder),
    (graph.FmodOp, torch.fmod),
    (graph.MaximumOp, torch.maximum),
    (graph.MinimumOp, torch.minimum),
    (graph.BitwiseAndOp, torch.bitwise_and),
    (graph.BitwiseOrOp, torch.bitwise_or),
    (graph.BitwiseXorOp, torch.bitwise_xor),
]


@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "uint8"])
@pytest.mark.parametrize(("op", "reference"), INTEGER_FUNCTIONS, ids=named)
def test_integers(op: type[Any], reference: Callable[[Any, Any], Any], dtype: str) -> None:
    x, y = integers(9, 40, dtype=dtype), integers(40, dtype=dtype, seed=1, nonzero=True)
    found = evaluate(op, x, y)
    np.testing.assert_array_equal(found, reference(torch.from_numpy(x), torch.from_numpy(y)).numpy())


@pytest.mark.parametrize("dtype", ["int32", "uint8"])
@pytest.mark.parametrize("op", [graph.DivOp, graph.RemainderOp, graph.FmodOp], ids=named)
def test_an_integer_divided_by_zero_is_an_error(op: type[Any], dtype: str) -> None:
    with pytest.raises(NeuralcError) as caught:
        evaluate(op, np.ones(3, dtype), np.array([1, 0, 2], dtype))
    assert [found.code for found in caught.value.diagnostics] == ["E0911"]


def test_integer_powers_wrap_and_negative_ones_truncate() -> None:
    base, exponent = np.array([3, 2, -2, 0, 0, 1, -1, -1, 2, 0], np.int32), [20, 31, 3, 0, 5, -4, -3, -4, -1, -2]
    expected = np.array([3**20 - 2**32, -(2**31), -8, 1, 0, 1, -1, 1, 0, 0])
    np.testing.assert_array_equal(evaluate(graph.PowOp, base, np.array(exponent, np.int32)), expected)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "uint64"])
@pytest.mark.parametrize(("op", "direction"), [(graph.ShiftLeftOp, "LEFT"), (graph.ShiftRightOp, "RIGHT")], ids=named)
def test_shifts_are_those_of_onnx(op: type[Any], direction: str, dtype: str) -> None:
    x, count = integers(40, dtype=dtype) * np.array(9, dtype), np.arange(40, dtype=dtype) % np.array(8, dtype)
    np.testing.assert_array_equal(evaluate(op, x, count), run_node("BitShift", x, count, direction=direction))


def test_a_count_beyond_the_width_shifts_all_bits_out() -> None:
    x, count = np.array([5, -5, 5, -5], np.int32), np.array([32, 32, -1, 40], np.int32)
    np.testing.assert_array_equal(evaluate(graph.ShiftLeftOp, x, count), [0, 0, 0, 0])
    np.testing.assert_array_equal(evaluate(graph.ShiftRightOp, x, count), [0, -1, 0, -1])


COMPARISONS: list[tuple[type[Any], Callable[[Any, Any], Any]]] = [
    (graph.EqualOp, torch.eq),
    (graph.NotEqualOp, torch.ne),
    (graph.LessOp, torch.lt),
    (graph.LessEqualOp, torch.le),
    (graph.GreaterOp, torch.gt),
    (graph.GreaterEqualOp, torch.ge),
]


@pytest.mark.parametrize(("op", "reference"), COMPARISONS, ids=named)
def test_comparisons(op: type[Any], reference: Callable[[Any, Any], Any]) -> None:
    values = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, 2.0])
    for x in (values, values.astype(np.float32), np.array([1, -3, 7], np.int64), np.array([3, 250], np.uint8)):
        found = evaluate(op, x[:, None], x)
        assert found.dtype == np.bool_
        np.testing.assert_array_equal(found, reference(torch.from_numpy(x)[:, None], torch.from_numpy(x)).numpy())


def test_truth_values() -> None:
    x, y = np.array([False, False, True, True]), np.array([False, True, False, True])
    assert evaluate(graph.LogicalAndOp, x, y).tolist() == [False, False, False, True]
    assert evaluate(graph.LogicalOrOp, x, y).tolist() == [False, True, True, True]
    assert evaluate(graph.LogicalXorOp, x, y).tolist() == [False, True, True, False]
    assert evaluate(graph.LogicalNotOp, x).tolist() == [True, True, False, False]
    assert evaluate(graph.EqualOp, x, y).tolist() == [True, False, False, True]


@pytest.mark.parametrize(("positive", "negative"), [(True, True), (True, False), (False, True), (False, False)])
def test_is_inf_is_that_of_onnx(positive: bool, negative: bool) -> None:
    x = np.array([np.nan, np.inf, -np.inf, 0.0, 1e300])
    found = evaluate(graph.IsInfOp, x, positive=positive, negative=negative)
    flags = {"detect_positive": int(positive), "detect_negative": int(negative)}
    np.testing.assert_array_equal(found, run_node("IsInf", x, **flags))


def test_is_nan() -> None:
    assert evaluate(graph.IsNanOp, np.array([np.nan, np.inf, 0.0])).tolist() == [True, False, False]


def test_where_broadcasts_all_three() -> None:
    condition, on, off = normal(4, 1, 1) > 0, normal(3, 1, seed=1), normal(5, seed=2)
    np.testing.assert_array_equal(evaluate(graph.WhereOp, condition, on, off), np.where(condition, on, off))


# -- element types -----------------------------------------------------------------------------------------------------


def cast(x: Any, dtype: str, op: type[Any] = graph.CastOp) -> Any:
    return evaluate(op, x, result=tensor_type(x.shape, element_type_of(dtype)))


@pytest.mark.parametrize("after", ["bool", "int8", "uint8", "int32", "int64", "uint32", "float32", "float64"])
@pytest.mark.parametrize("before", ["bool", "int8", "uint8", "int32", "int64", "float32", "float64"])
def test_casts_of_values_that_fit_are_those_of_onnx(before: str, after: str) -> None:
    x = np.array([0, 1, 2, 100, 127]).astype(before)
    found = cast(x + x.dtype.type(0.75) if "float" in before else x, after)
    given = x + x.dtype.type(0.75) if "float" in before else x
    np.testing.assert_array_equal(found, given.astype(after))


def test_a_float_becomes_the_nearest_integer_toward_zero_that_there_is() -> None:
    x = np.array([np.nan, np.inf, -np.inf, -1.9, 1.9, 300.0, -300.0, 1e30])
    assert cast(x, "int8").tolist() == [0, 127, -128, -1, 1, 127, -128, 127]
    assert cast(x, "uint8").tolist() == [0, 255, 0, 0, 1, 255, 0, 255]
    assert cast(x, "int64").tolist() == [0, 2**63 - 1, -(2**63), -1, 1, 300, -300, 2**63 - 1]
    assert cast(x, "bool").tolist() == [True] * 8


def test_a_wider_integer_keeps_its_low_bits() -> None:
    assert cast(np.array([255, 256, -1, 2**40 + 7]), "uint8").tolist() == [255, 0, 255, 7]


@pytest.mark.parametrize(("before", "after"), [("float32", "int32"), ("int64", "float64"), ("float16", "uint16")])
def test_a_bitcast_reads_the_same_bits(before: str, after: str) -> None:
    x = np.array([0, 1, -2, 100]).astype(before)
    found = cast(x, after, graph.BitcastOp)
    np.testing.assert_array_equal(found, x.view(after))
