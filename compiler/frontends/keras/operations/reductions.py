"""Sums, means, extremes, and norms along axes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from xdsl.ir import SSAValue

from neuralc.dialects.types import ShapeError
from neuralc.frontends.keras.operations.elementwise import Handler
from neuralc.frontends.keras.operations.types import float_of, same_mask, tensor, type_named
from neuralc.frontends.nr.expressions.builder import Builder, is_kind
from neuralc.frontends.nr.expressions.functions import FUNCTIONS
from neuralc.frontends.nr.expressions.promotion import dtype_of
from neuralc.frontends.nr.expressions.values import Value

INT32 = np.dtype("int32")


def _of_floats(name: str) -> Handler:
    def apply(b: Builder, x: Value, axis: Value = None, keepdims: Value = False) -> Value:
        return FUNCTIONS[name](b, float_of(b, x), axis=axis, keepdims=keepdims)

    return apply


def _counted(name: str) -> Handler:
    """Sums and products: of integers they have the type of these, of truth values they are int32."""

    def apply(b: Builder, x: Value, axis: Value = None, keepdims: Value = False) -> Value:
        values = tensor(x)
        values = b.cast(values, INT32) if is_kind(values, "b") else values
        result = FUNCTIONS[name](b, values, axis=axis, keepdims=keepdims)
        return b.cast(tensor(result), dtype_of(values))

    return apply


def _extreme(name: str) -> Handler:
    def apply(b: Builder, x: Value, axis: Value = None, keepdims: Value = False, initial: Value = None) -> Value:
        if initial is not None:
            raise ShapeError("`initial` is not compiled: take the maximum or minimum with it")
        return FUNCTIONS[name](b, tensor(x), axis=axis, keepdims=keepdims)

    return apply


def _place(name: str) -> Handler:
    def apply(b: Builder, x: Value, axis: Value = None, keepdims: Value = False) -> Value:
        return b.cast(tensor(FUNCTIONS[name](b, tensor(x), axis=axis, keepdims=keepdims)), INT32)

    return apply


def _truth(name: str) -> Handler:
    def apply(b: Builder, x: Value, axis: Value = None, keepdims: Value = False) -> Value:
        result = FUNCTIONS[name](b, tensor(x), axis=axis, keepdims=keepdims)
        return same_mask(b, result) if isinstance(result, SSAValue) else result

    return apply


def _along(name: str) -> Handler:
    def apply(b: Builder, x: Value, axis: Value = None, dtype: Value = None) -> Value:
        values = tensor(x)
        kind = dtype_of(values) if dtype is None else type_named(dtype)
        return b.cast(tensor(FUNCTIONS[name](b, b.cast(values, kind), axis=axis)), kind)

    return apply


def norm(b: Builder, x: Value, ord: Value = None, axis: Value = None, keepdims: Value = False) -> Value:
    """The Euclidean norm; that of a matrix is the root of the sum of squares too."""
    values = float_of(b, x)
    axes = 1 if isinstance(axis, int) else len(axis) if isinstance(axis, tuple) else None
    if ord in (None, "fro", "euclidean") or (ord == 2 and axes == 1):
        return FUNCTIONS["linalg.norm"](b, values, axis=axis, keepdims=keepdims)
    if ord == 1 and axes == 1:
        return FUNCTIONS["sum"](b, FUNCTIONS["absolute"](b, values), axis=axis, keepdims=keepdims)
    raise ShapeError(f"a norm of the order {ord} along {axis} is not compiled")


OPERATIONS: Mapping[str, Handler] = {
    **{f"numpy.{name}": _of_floats(name.lower()) for name in ("Mean", "Std", "Var")},
    **{f"numpy.{name}": _counted(name.lower()) for name in ("Sum", "Prod")},
    **{f"numpy.{name}": _extreme(name.lower()) for name in ("Max", "Min")},
    **{f"numpy.{name}": _extreme(name.lower()) for name in ("Amax", "Amin")},
    **{f"numpy.{name}": _place(name.lower()) for name in ("Argmax", "Argmin")},
    **{f"numpy.{name}": _truth(name.lower()) for name in ("All", "Any")},
    **{f"numpy.{name}": _along(name.lower()) for name in ("Cumsum", "Cumprod")},
    "math.Logsumexp": _of_floats("logsumexp"),
    "linalg.Norm": norm,
}
