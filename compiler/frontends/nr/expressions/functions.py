"""The functions an expression may call, by their numpy names, and how their arguments are bound."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import Parameter, signature
from typing import TypeAlias

import numpy as np
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import product, simplest
from neuralc.dialects.types import ShapeError, shape_of
from neuralc.frontends.nr.activations import APPLY
from neuralc.frontends.nr.expressions.builder import Builder, is_kind
from neuralc.frontends.nr.expressions.creation import CREATION
from neuralc.frontends.nr.expressions.elementwise import UFUNCS, Elementwise
from neuralc.frontends.nr.expressions.graph_ops import GRAPH_OPS
from neuralc.frontends.nr.expressions.indexing import take, take_along_axis
from neuralc.frontends.nr.expressions.products import dot, einsum, matmul
from neuralc.frontends.nr.expressions.promotion import result_type
from neuralc.frontends.nr.expressions.reductions import REDUCTIONS
from neuralc.frontends.nr.expressions.shapes import SHAPES, ravel, reshape, transpose
from neuralc.frontends.nr.expressions.values import Value, tensor_of, whole

Function: TypeAlias = Callable[..., Value]


def clip(b: Builder, x: Value, min: Value = None, max: Value = None) -> Value:
    """Values brought between two bounds."""
    result = x
    if min is not None:
        result = UFUNCS["maximum"](b, result, min)
    return result if max is None else UFUNCS["minimum"](b, result, max)


def round_(b: Builder, x: Value, decimals: Value = 0) -> Value:
    """Half to even, at a number of decimals."""
    places = whole(decimals, "decimals")
    if isinstance(x, SSAValue) and is_kind(x, "iu") and places >= 0:
        return x
    if places == 0:
        return UFUNCS["rint"](b, x)
    factor = float(10**places)
    return UFUNCS["divide"](b, UFUNCS["rint"](b, UFUNCS["multiply"](b, x, factor)), factor)


def nan_to_num(b: Builder, x: Value, *, nan: Value = 0.0, posinf: Value = None, neginf: Value = None) -> Value:
    """Numbers in the place of NaN and infinities; the largest there are unless said."""
    values = tensor_of(x, "`nan_to_num`")
    if not is_kind(values, "f"):
        return values
    dtype = result_type(np.negative, values)
    limits = np.finfo(dtype if dtype.kind == "f" else np.dtype("float32"))
    high = b.tensor(float(limits.max) if posinf is None else posinf, dtype)
    low = b.tensor(float(limits.min) if neginf is None else neginf, dtype)
    endless = b.add(graph.IsInfOp.of(values))
    positive = b.add(graph.GreaterOp.of(values, b.like(values, 0.0)))
    extreme = b.add(graph.WhereOp.of(positive, high, low))
    finite = b.add(graph.WhereOp.of(endless, extreme, values))
    return b.add(graph.WhereOp.of(b.add(graph.IsNanOp.of(values)), b.tensor(nan, dtype), finite))


# --- functions that numpy does not have, by the names of Keras -------------------------------------------------------
def _activation(name: str) -> Function:
    def apply(b: Builder, x: Value) -> Value:
        return APPLY[name](b.site, _floats(b, x, name))

    return apply


def _along_axis(name: str) -> Function:
    def apply(b: Builder, x: Value, axis: Value = -1) -> Value:
        return APPLY[name](b.site, _floats(b, x, name), axis=whole(axis, "axis"))

    return apply


def _floats(b: Builder, x: Value, name: str) -> SSAValue:
    values = tensor_of(x, f"`{name}`")
    return b.cast(values, result_type(np.exp, values))


def leaky_relu(b: Builder, x: Value, negative_slope: Value = 0.2) -> Value:
    return b.add(graph.LeakyReluOp.of(_floats(b, x, "leaky_relu"), alpha=_real(negative_slope, "negative_slope")))


def elu(b: Builder, x: Value, alpha: Value = 1.0) -> Value:
    return b.add(graph.EluOp.of(_floats(b, x, "elu"), alpha=_real(alpha, "alpha")))


def gelu(b: Builder, x: Value, approximate: Value = False) -> Value:
    return b.add(graph.GeluOp.of(_floats(b, x, "gelu"), approximate=bool(approximate)))


def _real(value: Value, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ShapeError(f"`{name}` is a number")
    return float(value)


def _of_floats(op: type[graph.UnaryOp], name: str) -> Function:
    return lambda b, x: b.add(op.of(_floats(b, x, name)))


# --- what there is of a tensor ---------------------------------------------------------------------------------------
def shape(b: Builder, x: Value) -> Value:
    return tuple(shape_of(tensor_of(x, "a shape").type))


def ndim(b: Builder, x: Value) -> Value:
    return len(shape_of(tensor_of(x, "a rank").type))


def size(b: Builder, x: Value) -> Value:
    return simplest(product(shape_of(tensor_of(x, "a size").type)))


_TAKE_AXIS = ("softmax", "log_softmax", "sparsemax", "glu")
_NOT_BY_NAME = {*_TAKE_AXIS, "leaky_relu", "elu", "gelu", "linear", "exponential", *UFUNCS}

FUNCTIONS: Mapping[str, Function] = {
    **UFUNCS,
    **REDUCTIONS,
    **SHAPES,
    **CREATION,
    "clip": clip,
    "round": round_,
    "around": round_,
    "nan_to_num": nan_to_num,
    "matmul": matmul,
    "dot": dot,
    "einsum": einsum,
    "take": take,
    "take_along_axis": take_along_axis,
    "shape": shape,
    "ndim": ndim,
    "size": size,
    "erf": _of_floats(graph.ErfOp, "erf"),
    "rsqrt": _of_floats(graph.RsqrtOp, "rsqrt"),
    "leaky_relu": leaky_relu,
    "elu": elu,
    "gelu": gelu,
    **GRAPH_OPS,
    **{name: _along_axis(name) for name in _TAKE_AXIS},
    **{name: _activation(name) for name in APPLY if name not in _NOT_BY_NAME},
}
"""Every function, by its name."""

METHODS = frozenset(
    ["all", "any", "argmax", "argmin", "astype", "clip", "cumprod", "cumsum", "dot", "max", "mean", "min", "prod",
     "ravel", "repeat", "reshape", "round", "squeeze", "std", "sum", "swapaxes", "take", "transpose", "var"]
)  # fmt: skip
"""The functions that are methods of an array too; `x.flatten()` is ravel."""

ATTRIBUTES: Mapping[str, Function] = {
    "shape": shape,
    "ndim": ndim,
    "size": size,
    "T": lambda b, x: transpose(b, x),
    "mT": lambda b, x: SHAPES["swapaxes"](b, x, -1, -2),
}


def call(b: Builder, name: str, positional: tuple[Value, ...], named: Mapping[str, Value]) -> Value:
    """The value of a function. Raises ShapeError for arguments that it does not take."""
    function = FUNCTIONS[name]
    if isinstance(function, Elementwise):
        if named or len(positional) != function.ufunc.nin:
            count = "one value" if function.ufunc.nin == 1 else f"{function.ufunc.nin} values"
            raise ShapeError(f"`{name}` takes {count}, by position")
        return function(b, *positional)
    try:
        bound = signature(function).bind(b, *positional, **named)
    except TypeError:
        raise ShapeError(f"`{name}` is called as `{written(name)}`") from None
    return function(*bound.args, **bound.kwargs)


def written(name: str) -> str:
    """`sum(x, axis=None, keepdims=False)`."""
    parameters = list(signature(FUNCTIONS[name]).parameters.values())[1:]
    return f"{name}({', '.join(map(_parameter, parameters))})"


def _parameter(parameter: Parameter) -> str:
    if parameter.kind is Parameter.VAR_POSITIONAL:
        return f"*{parameter.name}"
    return parameter.name if parameter.default is Parameter.empty else f"{parameter.name}={parameter.default!r}"


def method(b: Builder, name: str, x: Value, positional: tuple[Value, ...], named: Mapping[str, Value]) -> Value:
    """`x.reshape(2, 3)` takes sizes one by one too, and `x.transpose(1, 0)` axes."""
    if name == "flatten":
        return ravel(b, x)
    if name == "reshape" and len(positional) > 1:
        return reshape(b, x, positional)
    if name == "transpose" and len(positional) > 1:
        return transpose(b, x, positional)
    return call(b, name, (x, *positional), named)
