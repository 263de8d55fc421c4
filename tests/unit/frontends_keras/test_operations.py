"""Every function of keras.ops that is compiled, applied to values of a functional model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.keras_import import agrees
from support.keras_reference import keras

from neuralc.frontends.keras.model_config import read_layer
from neuralc.frontends.keras.operations import OPERATIONS, name_of

pytestmark = pytest.mark.thorough

ops = keras.ops

FLOATS: dict[str, Callable[..., Any]] = {
    **{
        f"numpy.{name}": getattr(ops, keyword)
        for name, keyword in {
            "Arcsinh": "arcsinh", "Arctan": "arctan", "Cbrt": "cbrt", "Ceil": "ceil", "Cos": "cos", "Cosh": "cosh",
            "Exp": "exp", "Exp2": "exp2", "Expm1": "expm1", "Floor": "floor", "Sin": "sin", "Sinh": "sinh",
            "Tan": "tan", "Tanh": "tanh", "Absolute": "absolute", "Isfinite": "isfinite", "Isinf": "isinf",
            "Isnan": "isnan", "Negative": "negative", "Sign": "sign", "Square": "square", "Trunc": "trunc",
            "Copy": "copy", "Ravel": "ravel", "ZerosLike": "zeros_like", "OnesLike": "ones_like",
            "Transpose": "transpose", "Prod": "prod", "Round": "round",
        }.items()
    },
    "numpy.Arccos": lambda x: ops.arccos(ops.tanh(x)),
    "numpy.Arcsin": lambda x: ops.arcsin(ops.tanh(x)),
    "numpy.Arctanh": lambda x: ops.arctanh(ops.tanh(x) * 0.9),
    "numpy.Arccosh": lambda x: ops.arccosh(1.5 + ops.square(x)),
    **{
        f"numpy.{name}": lambda x, name=name: getattr(ops, name.lower())(ops.abs(x) + 0.5)
        for name in ("Log", "Log10", "Log1p", "Log2", "Sqrt", "Reciprocal")
    },
    "math.Rsqrt": lambda x: ops.rsqrt(ops.abs(x) + 0.5),
    "math.Erf": ops.erf,
    "numpy.Add": lambda x: x + 2 + 3 * x,
    "numpy.Subtract": lambda x: 1.0 - x - ops.sum(x),
    "numpy.Multiply": lambda x: x * np.arange(4.0),
    "numpy.TrueDivide": lambda x: x / 3,
    "numpy.Divide": lambda x: ops.divide(2, ops.abs(x) + 1.0),
    "numpy.FloorDivide": lambda x: x // 0.3,
    "numpy.Mod": lambda x: x % 0.7,
    "numpy.Power": lambda x: ops.abs(x) ** 1.5,
    "numpy.Maximum": lambda x: ops.maximum(x, 0),
    "numpy.Minimum": lambda x: ops.minimum(x, ops.sin(x)),
    "numpy.Arctan2": lambda x: ops.arctan2(x, ops.cos(x)),
    "numpy.Hypot": lambda x: ops.hypot(x, ops.sin(x)),
    "numpy.Logaddexp": lambda x: ops.logaddexp(x, -x),
    "numpy.Equal": lambda x: ops.equal(ops.sign(x), 1),
    "numpy.NotEqual": lambda x: ops.sign(x) != 1.0,
    "numpy.Less": lambda x: x < 0.1,
    "numpy.LessEqual": lambda x: x <= ops.roll(x, 1, axis=1),
    "numpy.Greater": lambda x: x > 0,
    "numpy.GreaterEqual": lambda x: x >= 0.5,
    "numpy.LogicalAnd": lambda x: ops.logical_and(x > 0, x < 1),
    "numpy.LogicalOr": lambda x: ops.logical_or(x < 0, x > 1),
    "numpy.LogicalXor": lambda x: ops.logical_xor(x < 0, x < -1),
    "numpy.LogicalNot": lambda x: ops.logical_not(x > 0),
    "numpy.Clip": lambda x: ops.clip(x, -0.5, 1),
    "numpy.Where": lambda x: ops.where(x > 0, x, -1.0),
    "numpy.Mean": lambda x: ops.mean(x, axis=(1, 2)),
    "numpy.Std": lambda x: ops.std(x, axis=-1, keepdims=True),
    "numpy.Var": lambda x: ops.var(x, axis=1),
    "numpy.Sum": lambda x: ops.sum(x, axis=[0, 2]),
    "numpy.Max": lambda x: ops.max(x, axis=1),
    "numpy.Min": lambda x: ops.min(x, axis=-1, keepdims=True),
    "numpy.Amax": lambda x: ops.amax(x, axis=1),
    "numpy.Amin": lambda x: ops.amin(x),
    "numpy.Argmax": lambda x: ops.argmax(x, axis=-1),
    "numpy.Argmin": lambda x: ops.argmin(x, axis=1, keepdims=True),
    "numpy.All": lambda x: ops.all(x > -1, axis=1),
    "numpy.Any": lambda x: ops.any(x > 1, axis=-1),
    "numpy.Cumsum": lambda x: ops.cumsum(x, axis=1),
    "numpy.Cumprod": lambda x: ops.cumprod(x, axis=2),
    "math.Logsumexp": lambda x: ops.logsumexp(x, axis=-1),
    "linalg.Norm": lambda x: ops.norm(x, axis=-1) + ops.norm(x, ord=1, axis=-1),
    "numpy.Reshape": lambda x: ops.reshape(x, (-1, 2, 6)),
    "numpy.Swapaxes": lambda x: ops.swapaxes(x, 1, -1),
    "numpy.Moveaxis": lambda x: ops.moveaxis(x, 1, 2),
    "numpy.ExpandDims": lambda x: ops.expand_dims(x, 1),
    "numpy.Squeeze": lambda x: ops.squeeze(ops.expand_dims(x, 1), 1),
    "numpy.Flip": lambda x: ops.flip(x, axis=1),
    "numpy.Roll": lambda x: ops.roll(x, 2, axis=-1),
    "numpy.BroadcastTo": lambda x: ops.broadcast_to(ops.sum(x, axis=(0, 1)), (5, 4)),
    "numpy.Tril": ops.tril,
    "numpy.Triu": lambda x: ops.triu(x, 1),
    "numpy.Sort": lambda x: ops.sort(x, axis=1),
    "numpy.Concatenate": lambda x: ops.concatenate([x, 2 * x], axis=1),
    "numpy.Stack": lambda x: ops.stack([x, -x], axis=2),
    "numpy.Split": lambda x: ops.split(x, [1, 3], axis=-1) + ops.split(x, 3, axis=1),
    "numpy.Tile": lambda x: ops.tile(x, (1, 2, 3)),
    "numpy.Repeat": lambda x: ops.repeat(x, 2, axis=1),
    "numpy.Pad": lambda x: ops.pad(x, [[0, 0], [1, 2], [0, 1]], constant_values=3.0),
    "numpy.GetItem": lambda x: [x[:, 0], x[..., 1:3], x[:, ::2, None, -1]],
    "numpy.Take": lambda x: ops.take(x, [2, 0, 0], axis=1),
    "numpy.TakeAlongAxis": lambda x: ops.take_along_axis(x, ops.argmax(x, axis=1, keepdims=True), axis=1),
    "numpy.FullLike": lambda x: ops.full_like(x, 2.5),
    "core.Cast": lambda x: ops.cast(ops.cast(x * 3, "int32"), "float64"),
    "core.StopGradient": ops.stop_gradient,
    "core.Unstack": lambda x: ops.unstack(x, axis=1),
    **{
        f"nn.{name}": getattr(ops, keyword)
        for name, keyword in {
            "Relu": "relu", "Relu6": "relu6", "Sigmoid": "sigmoid", "Softplus": "softplus", "Softsign": "softsign",
            "SparsePlus": "sparse_plus", "Silu": "silu", "LogSigmoid": "log_sigmoid", "HardSigmoid": "hard_sigmoid",
            "Selu": "selu", "TanhShrink": "tanh_shrink", "HardTanh": "hard_tanh", "SparseSigmoid": "sparse_sigmoid",
            "HardSilu": "hard_silu", "LeakyRelu": "leaky_relu", "Elu": "elu", "Celu": "celu", "Gelu": "gelu",
            "Glu": "glu", "Squareplus": "squareplus", "SoftShrink": "soft_shrink", "HardShrink": "hard_shrink",
            "Softmax": "softmax", "LogSoftmax": "log_softmax",
        }.items()
    },
    "nn.OneHot": lambda x: ops.one_hot(ops.argmax(x, axis=-1), 4),
    "nn.Normalize": lambda x: ops.normalize(x, axis=1) + ops.normalize(x, axis=-1, order=1),
    "nn.MaxPool": lambda x: ops.max_pool(x, 2, 1, padding="valid", data_format="channels_last"),
    "nn.AveragePool": lambda x: ops.average_pool(x, 2, padding="valid", data_format="channels_last"),
    "activations.activations.ReLU": lambda x: keras.activations.relu(x, negative_slope=0.1, max_value=1.0),
    "numpy.Matmul": lambda x: ops.matmul(x, ops.transpose(x, (0, 2, 1))),
    "numpy.Dot": lambda x: ops.dot(x, np.ones((4, 2))),
    "numpy.Einsum": lambda x: ops.einsum("bij,bkj->bik", x, x),
}  # fmt: skip

INTEGERS: dict[str, Callable[..., Any]] = {
    "quotient of integers": lambda x: x / 2,
    "integer and float": lambda x: x * 0.5,
    "mean of integers": lambda x: ops.mean(x, axis=1),
    "sum of integers": lambda x: ops.sum(x, axis=1),
    "sum of truth values": lambda x: ops.sum(x > 3, axis=1),
    "sqrt of integers": ops.sqrt,
    "remainder": lambda x: (x - 4) % 3,
    "floor of quotient": lambda x: (x - 4) // 3,
    "truth value and integer": lambda x: (x > 2) + 1,
    "where": lambda x: ops.where(x > 3, x, 0),
}


def _check(apply: Callable[..., Any], x: Any, folder: Path, tolerance: float = 1e-10) -> set[str]:
    given = keras.Input(x.shape[1:], dtype=str(x.dtype))
    model = keras.Model(given, apply(given))
    agrees(model, [x], folder, tolerance)
    found = map(read_layer, json.loads(model.to_json())["config"]["layers"])
    return {name_of(layer) for layer in found if layer.is_operation}


@pytest.mark.parametrize("name", FLOATS)
def test_a_function_gives_the_numbers_of_keras(name: str, tmp_path: Path) -> None:
    x = np.random.default_rng(2).normal(size=(2, 3, 4))
    assert name in _check(FLOATS[name], x, tmp_path)


@pytest.mark.parametrize("name", INTEGERS)
def test_types_are_those_of_keras(name: str, tmp_path: Path, single: None) -> None:
    """In float32: PyTorch gives quotients of integers in its own default type."""
    x = np.random.default_rng(2).integers(0, 9, (2, 3, 4)).astype("int32")
    _check(INTEGERS[name], x, tmp_path, tolerance=1e-6)


def test_every_function_is_tried() -> None:
    assert set(FLOATS) == set(OPERATIONS)
