"""Functions of each value: arithmetic, comparisons, transcendental functions, bounds, choices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from xdsl.ir import SSAValue

from neuralc.frontends.keras.operations.types import float_of, same_mask, tensor, tensors
from neuralc.frontends.nr.expressions.builder import Builder
from neuralc.frontends.nr.expressions.elementwise import UFUNCS
from neuralc.frontends.nr.expressions.functions import FUNCTIONS
from neuralc.frontends.nr.expressions.values import Value
from neuralc.grammar.signatures import snake_case

Handler: TypeAlias = Callable[..., Value]
"""`handler(builder, *arguments, **arguments)` under the names that the call and the constructor in Keras have."""


def _of_two(name: str, *, floats: bool = False) -> Handler:
    def apply(b: Builder, x1: Value, x2: Value) -> Value:
        return UFUNCS[name](b, *tensors(b, (x1, x2), floats=floats))

    return apply


def _of_floats(name: str) -> Handler:
    return lambda b, x: FUNCTIONS[name](b, float_of(b, x))


def _of_any(name: str) -> Handler:
    return lambda b, x: FUNCTIONS[name](b, tensor(x))


def not_equal(b: Builder, x1: Value, x2: Value) -> Value:
    result = UFUNCS["not_equal"](b, *tensors(b, (x1, x2)))
    return same_mask(b, result) if isinstance(result, SSAValue) else result


def clip(b: Builder, x: Value, x_min: Value, x_max: Value) -> Value:
    values, low, high = tensors(b, (x, x_min, x_max))
    return FUNCTIONS["clip"](b, values, low, high)


def where(b: Builder, condition: Value, x1: Value = None, x2: Value = None) -> Value:
    on, off = tensors(b, (x1, x2))
    return FUNCTIONS["where"](b, condition, on, off)


def round_(b: Builder, x: Value, decimals: Value = 0) -> Value:
    return FUNCTIONS["round"](b, tensor(x), decimals)


_FLOATS = (
    "Arccos", "Arccosh", "Arcsin", "Arcsinh", "Arctan", "Arctanh", "Cbrt", "Ceil", "Cos", "Cosh", "Exp", "Exp2",
    "Expm1", "Floor", "Log", "Log10", "Log1p", "Log2", "Sin", "Sinh", "Sqrt", "Tan", "Tanh",
)  # fmt: skip
_SAME = ("Absolute", "Isfinite", "Isinf", "Isnan", "LogicalNot", "Negative", "Sign", "Square", "Trunc", "Reciprocal")
_PAIRS = {
    "Add": "add", "Subtract": "subtract", "Multiply": "multiply", "Maximum": "maximum", "Minimum": "minimum",
    "FloorDivide": "floor_divide", "Mod": "remainder", "Power": "power", "Equal": "equal", "Less": "less",
    "LessEqual": "less_equal", "Greater": "greater", "GreaterEqual": "greater_equal", "LogicalAnd": "logical_and",
    "LogicalOr": "logical_or", "LogicalXor": "logical_xor",
}  # fmt: skip
_QUOTIENTS = {
    "Divide": "divide",
    "TrueDivide": "divide",
    "Arctan2": "arctan2",
    "Logaddexp": "logaddexp",
    "Hypot": "hypot",
}

OPERATIONS: Mapping[str, Handler] = {
    **{f"numpy.{name}": _of_floats(snake_case(name)) for name in _FLOATS},
    **{f"numpy.{name}": _of_any(snake_case(name)) for name in _SAME},
    **{f"numpy.{name}": _of_two(function) for name, function in _PAIRS.items()},
    **{f"numpy.{name}": _of_two(function, floats=True) for name, function in _QUOTIENTS.items()},
    "numpy.NotEqual": not_equal,
    "numpy.Clip": clip,
    "numpy.Where": where,
    "numpy.Round": round_,
    "math.Rsqrt": _of_floats("rsqrt"),
    "math.Erf": _of_floats("erf"),
}
