"""Normalizations agree with torch or with ONNX's reference, in float64 to 1e-10 * max(1, max|y|)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.compare import assert_close
from support.graph_modules import single_op
from support.onnx_nodes import run_node

from neuralc.dialects import graph
from neuralc.dialects.interp import run_module
from neuralc.dialects.weights import WeightStore

torch = pytest.importorskip("torch")
functional = torch.nn.functional
TOLERANCE = 1e-10


def evaluate(op: type[Any], *operands: Any, **properties: Any) -> Any:
    (found,) = run_module(single_op(op, *operands, **properties), operands, WeightStore())
    return found


def normal(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape) * 2.0


@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize("shape", [(2, 6), (3, 6, 5), (2, 6, 4, 5), (1, 6, 2, 3, 4)], ids=str)
def test_group_norm(shape: tuple[int, ...], groups: int) -> None:
    x, scale, bias = normal(*shape), normal(6, seed=1), normal(6, seed=2)
    expected = functional.group_norm(*map(torch.from_numpy, (x,)), groups, *map(torch.from_numpy, (scale, bias)), 1e-4)
    assert_close(evaluate(graph.GroupNormOp, x, scale, bias, groups=groups, epsilon=1e-4), expected.numpy(), TOLERANCE)


def test_group_norm_with_channels_last() -> None:
    x, scale, bias = normal(2, 4, 5, 6), normal(6, seed=1), normal(6, seed=2)
    first = evaluate(graph.GroupNormOp, np.moveaxis(x, -1, 1), scale, bias, groups=3)
    assert_close(evaluate(graph.GroupNormOp, x, scale, bias, groups=3, axis=-1), np.moveaxis(first, 1, -1), TOLERANCE)


def test_instance_norm_has_a_group_a_channel() -> None:
    x, scale, bias = normal(2, 3, 4, 5), normal(3, seed=1), normal(3, seed=2)
    expected = functional.instance_norm(
        torch.from_numpy(x), weight=torch.from_numpy(scale), bias=torch.from_numpy(bias)
    )
    assert_close(evaluate(graph.GroupNormOp, x, scale, bias, groups=3), expected.numpy(), TOLERANCE)


@pytest.mark.parametrize("bias", [False, True], ids=["plain", "bias"])
@pytest.mark.parametrize("axis", [-1, -2, 1, 0])
def test_layer_norm(axis: int, bias: bool) -> None:
    x = normal(2, 3, 4, 5) + 1000.0
    normalized = x.shape[axis:]
    scale, offset = normal(*normalized, seed=1), normal(*normalized, seed=2)
    operands = [x, scale, offset] if bias else [x, scale]
    expected = functional.layer_norm(
        torch.from_numpy(x), normalized, *[torch.from_numpy(operand) for operand in operands[1:]], eps=1e-4
    )
    assert_close(evaluate(graph.LayerNormOp, *operands, axis=axis, epsilon=1e-4), expected.numpy(), 1e-9)


def test_scale_and_bias_of_layer_norm_broadcast_to_the_normalized_dims() -> None:
    x, scale, bias = normal(2, 3, 4), normal(3, 1, seed=1), normal(4, seed=2)
    found = evaluate(graph.LayerNormOp, x, scale, bias, axis=1)
    whole = [np.ascontiguousarray(np.broadcast_to(each, (3, 4))) for each in (scale, bias)]
    assert_close(found, evaluate(graph.LayerNormOp, x, *whole, axis=1), TOLERANCE)


@pytest.mark.parametrize("axis", [-1, 1])
def test_rms_norm(axis: int) -> None:
    x = normal(2, 3, 4)
    scale = normal(*x.shape[axis:], seed=1)
    expected = functional.rms_norm(torch.from_numpy(x), scale.shape, torch.from_numpy(scale), eps=1e-4)
    assert_close(evaluate(graph.RmsNormOp, x, scale, axis=axis, epsilon=1e-4), expected.numpy(), TOLERANCE)


@pytest.mark.parametrize("size", [1, 3, 5, 9])
def test_lrn_is_that_of_torch_for_odd_sizes(size: int) -> None:
    x = normal(2, 6, 4, 5)
    expected = functional.local_response_norm(torch.from_numpy(x), size, alpha=0.5, beta=0.75, k=2.0)
    assert_close(evaluate(graph.LrnOp, x, size=size, alpha=0.5, beta=0.75, bias=2.0), expected.numpy(), TOLERANCE)


@pytest.mark.parametrize("size", [2, 4, 8])
def test_lrn_of_even_sizes_is_that_of_onnx(size: int) -> None:
    x = normal(6, 6, 4, 5)  # ONNX's reference normalizes as many channels as there are samples
    expected = run_node("LRN", x, size=size, alpha=0.5, beta=0.75, bias=2.0)
    assert_close(evaluate(graph.LrnOp, x, size=size, alpha=0.5, beta=0.75, bias=2.0), expected, TOLERANCE)
