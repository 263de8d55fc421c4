"""quantize and dequantize are ONNX's QuantizeLinear and DequantizeLinear, value by value."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.graph_modules import single_op
from support.layer_cases import evaluate
from support.onnx_nodes import run_node
from support.sampling_cases import QUANTIZED, SCALES, scales

from neuralc.dialects import graph
from neuralc.dialects.interp import run_module
from neuralc.dialects.interp.numerics import Numerics
from neuralc.dialects.types import ShapeError
from neuralc.dialects.weights import WeightStore


def rounded(op: type[Any], *operands: Any, **properties: Any) -> Any:
    (found,) = run_module(single_op(op, *operands, **properties), operands, WeightStore(), numerics=Numerics.ROUNDED)
    return found


@pytest.mark.parametrize(("shape", "properties"), SCALES, ids=str)
@pytest.mark.parametrize("dtype", QUANTIZED)
def test_quantize(dtype: str, shape: tuple[int, ...], properties: dict[str, int]) -> None:
    x = (np.random.default_rng(0).standard_normal((3, 5, 6)) * 20).astype(np.float32)
    scale, zero_point = scales(shape, dtype)
    expected = run_node("QuantizeLinear", x, scale, zero_point, opset=21, **properties)
    found = rounded(graph.QuantizeOp, x, scale, zero_point, **properties)
    assert found.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("shape", "properties"), SCALES, ids=str)
@pytest.mark.parametrize("dtype", QUANTIZED)
def test_dequantize(dtype: str, shape: tuple[int, ...], properties: dict[str, int]) -> None:
    limits = np.iinfo(dtype)
    x = np.random.default_rng(0).integers(limits.min, limits.max, (3, 5, 6), endpoint=True).astype(dtype)
    scale, zero_point = scales(shape, dtype)
    expected = run_node("DequantizeLinear", x, scale, zero_point, opset=21, **properties)
    np.testing.assert_array_equal(rounded(graph.DequantizeOp, x, scale, zero_point, **properties), expected)


def test_halves_go_to_even_and_what_is_outside_saturates() -> None:
    x = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 300.0, -300.0, np.inf, -np.inf])
    found = evaluate(graph.QuantizeOp, x, np.asarray(1.0), np.asarray(0, np.int8))
    np.testing.assert_array_equal(found, [0, 2, 2, 0, -2, 127, -128, 127, -128])
    shifted = evaluate(graph.QuantizeOp, x, np.asarray(1.0), np.asarray(128, np.uint8))
    np.testing.assert_array_equal(shifted, [128, 130, 130, 128, 126, 255, 0, 255, 0])


def test_differences_of_integers_do_not_wrap_around() -> None:
    found = evaluate(graph.DequantizeOp, np.array([-128, 127], np.int8), np.asarray(1.0), np.asarray(100, np.int8))
    np.testing.assert_array_equal(found, [-228.0, 27.0])


def test_accumulators_of_32_bits_are_dequantized() -> None:
    found = evaluate(graph.DequantizeOp, np.array([2**30, -5], np.int32), np.asarray(0.5), np.asarray(0, np.int32))
    np.testing.assert_array_equal(found, [2.0**29, -2.5])


@pytest.mark.parametrize(
    ("scale", "zero_point", "properties", "message"),
    [
        ((4,), (4,), {"axis": 1}, r"scale is \(4,\), \(3, 5, 6\) takes \(5,\)"),
        ((5,), (), {"axis": 1}, r"scale is \(5,\), the zero point \(\)"),
        ((3, 2, 6), (3, 2, 6), {"axis": 1, "block_size": 2}, r"takes \(3, 3, 6\)"),
        ((5,), (5,), {"axis": 3}, "axis 3 is outside a rank of 3"),
    ],
    ids=str,
)
def test_refuses(scale: tuple[int, ...], zero_point: tuple[int, ...], properties: dict[str, int], message: str) -> None:
    operands = (np.zeros((3, 5, 6)), np.ones(scale), np.zeros(zero_point, np.int8))
    with pytest.raises(ShapeError, match=message):
        evaluate(graph.QuantizeOp, *operands, **properties)
