"""Activations, softmax, products, pooling: functions of keras.ops.nn, and what they share with layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from neuralc.dialects.types import ShapeError, shape_of
from neuralc.frontends.keras.operations.elementwise import Handler
from neuralc.frontends.keras.operations.types import float_of, tensor, tensors, type_named, usual
from neuralc.frontends.nr.activations import APPLY
from neuralc.frontends.nr.expressions.builder import Builder
from neuralc.frontends.nr.expressions.functions import FUNCTIONS
from neuralc.frontends.nr.expressions.products import dot, einsum, matmul
from neuralc.frontends.nr.expressions.values import Value, axis_of, whole
from neuralc.grammar.signatures import snake_case


def _activation(name: str, **renamed: str) -> Handler:
    """A function of the language by its name; `renamed` says what it calls the arguments of Keras."""

    def apply(b: Builder, x: Value, /, **arguments: Any) -> Value:
        known = {renamed.get(key, key): value for key, value in arguments.items()}
        return APPLY[name](b.site, float_of(b, x), **known)

    return apply


def _layer(name: str) -> Handler:
    """A layer of the language without weights; arguments are those of the layer."""

    def apply(b: Builder, x: Value, /, **arguments: Any) -> Value:
        return b.site.layer("", name, float_of(b, x), **arguments)

    return apply


def _along(name: str) -> Handler:
    """Softmax and the like; over several axes, or over all, they count as one."""

    def apply(b: Builder, x: Value, axis: Value = -1) -> Value:
        values = float_of(b, x)
        if isinstance(axis, int):
            return APPLY[name](b.site, values, axis=axis)
        raise ShapeError(f"`{name}` along {axis} is not compiled: reshape the axes into one")

    return apply


def one_hot(
    b: Builder, x: Value, num_classes: Value, axis: Value = -1, dtype: Value = None, sparse: Value = False
) -> Value:
    """1 at the place that a number names; a row of zeros for one that is no class."""
    if sparse:
        raise ShapeError("sparse values are not compiled")
    values = tensor(x)
    rank = len(shape_of(values.type))
    place = axis_of(axis, rank + 1)
    count = whole(num_classes, "num_classes")
    classes = FUNCTIONS["arange"](b, count)
    shape = [count if index == place else 1 for index in range(rank + 1)]
    wide = FUNCTIONS["expand_dims"](b, values, place)
    equal = FUNCTIONS["equal"](b, wide, b.cast(b.reshape(tensor(classes), shape), np.dtype("int64")))
    return b.cast(tensor(equal), usual(b) if dtype is None else type_named(dtype))


def normalize(b: Builder, x: Value, axis: Value = -1, order: Value = 2, epsilon: Value = None) -> Value:
    """Vectors of length 1 by a norm of order 1 or 2; a shorter one than epsilon is divided by it."""
    values = float_of(b, x)
    least = 1e-12 if epsilon is None else epsilon
    if order == 2:
        squares = FUNCTIONS["sum"](b, FUNCTIONS["square"](b, values), axis=axis, keepdims=True)
        length = FUNCTIONS["maximum"](b, FUNCTIONS["sqrt"](b, squares), least)
    elif order == 1:
        sums = FUNCTIONS["sum"](b, FUNCTIONS["absolute"](b, values), axis=axis, keepdims=True)
        length = FUNCTIONS["maximum"](b, sums, least)
    else:
        raise ShapeError(f"a norm of the order {order} is not compiled")
    return FUNCTIONS["divide"](b, values, length)


# --- products --------------------------------------------------------------------------------------------------------
def einsum_(b: Builder, *operands: Value, subscripts: Value) -> Value:
    return einsum(b, subscripts, *tensors(b, operands))


# --- windows ---------------------------------------------------------------------------------------------------------
def _pool(kind: str) -> Handler:
    def apply(
        b: Builder, inputs: Value, pool_size: Value, strides: Value = None, padding: Value = "valid",
        data_format: Value = None,
    ) -> Value:  # fmt: skip
        values = float_of(b, inputs)
        rank = len(shape_of(values.type)) - 2
        arguments = {"pool_size": _each(pool_size, rank), "padding": padding, "data_format": data_format}
        steps = None if strides is None else _each(strides, rank)
        return b.site.layer("", f"{kind}Pooling{rank}D", values, strides=steps, **arguments)

    return apply


def _each(value: Value, rank: int) -> tuple[Value, ...]:
    return tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else (value,) * rank


_NAMED = {"SparseSigmoid": "sparse_sigmoid", "HardSilu": "hard_swish"}
_PLAIN = (
    "Relu", "Relu6", "Sigmoid", "Softplus", "Softsign", "SparsePlus", "Silu", "LogSigmoid", "HardSigmoid",
    "Selu", "TanhShrink", "HardTanh", "SparseSigmoid", "HardSilu",
)  # fmt: skip

OPERATIONS: Mapping[str, Handler] = {
    **{f"nn.{name}": _activation(_NAMED.get(name, snake_case(name))) for name in _PLAIN},
    "nn.LeakyRelu": _activation("leaky_relu", negative_slope="alpha"),
    "nn.Elu": _activation("elu"),
    "nn.Celu": _activation("celu"),
    "nn.Gelu": _activation("gelu"),
    "nn.Glu": _activation("glu"),
    "nn.Squareplus": _activation("squareplus"),
    "nn.SoftShrink": _activation("soft_shrink"),
    "nn.HardShrink": _activation("hard_shrink"),
    "nn.Softmax": _along("softmax"),
    "nn.LogSoftmax": _along("log_softmax"),
    "nn.OneHot": one_hot,
    "nn.Normalize": normalize,
    "nn.MaxPool": _pool("Max"),
    "nn.AveragePool": _pool("Average"),
    "activations.activations.ReLU": _layer("ReLU"),
    "numpy.Matmul": lambda b, x1, x2: matmul(b, *tensors(b, (x1, x2))),
    "numpy.Dot": lambda b, x1, x2: dot(b, *tensors(b, (x1, x2))),
    "numpy.Einsum": einsum_,
}
