"""Scalar functions: the one table that `tensor.scalar` and `kernel.map` share, with numpy semantics.

| kind      | operands -> result          | functions |
|-----------|-----------------------------|-----------|
| same      | T.. -> T                    | add sub mul div neg abs maximum minimum maxnum minnum rem pow fma |
| float     | F.. -> F                    | exp log sqrt rsqrt tanh erf floor ceil round_even ldexp logb |
| compare   | T, T -> i1                  | eq ne lt le gt ge |
| logical   | i1.. -> i1                  | and or xor not |
| select    | i1, T, T -> T               | select |
| convert   | T -> U (given)              | convert |

`maximum`/`minimum` propagate NaN (IEEE 754-2019 maximum), `maxnum`/`minnum` prefer the number (maximumNumber).
Integer `div` truncates toward zero as C does; `ldexp(x, n)` is x * 2**n for an integral n of the type of x.
`logb(x)` is the exponent of x as a float: -inf of 0, inf of infinities (IEEE 754 logB); with ldexp it makes log.
Float to integer `convert` saturates and maps NaN to 0, so that no input is undefined behaviour.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import IntegerType, i1
from xdsl.ir import Attribute

from neuralc.dialects.types import ShapeError, is_float, numpy_dtype

Array = NDArray[Any]
Kind = Literal["same", "float", "compare", "logical", "select", "convert"]


@dataclass(frozen=True)
class ScalarFunction:
    """One row of the table. `flops` is the arithmetic cost the roofline counts (a transcendental counts as 1)."""

    name: str
    arity: int
    kind: Kind
    evaluate: Callable[..., Array]
    flops: int = 1

    def result_type(self, operands: Sequence[Attribute], result: Attribute | None = None) -> Attribute:
        """The element type of the result. Raises ShapeError where the operand types do not fit the function."""
        if len(operands) != self.arity:
            raise ShapeError(f"`{self.name}` takes {self.arity} operands, got {len(operands)}")
        if self.kind == "convert":
            if result is None:
                raise ShapeError("`convert` needs a result type")
            return result
        values = operands[1:] if self.kind == "select" else operands
        if any(value != values[0] for value in values):
            raise ShapeError(f"`{self.name}` needs operands of one type, got {', '.join(map(str, operands))}")
        if self.kind == "select" and operands[0] != i1:
            raise ShapeError(f"`select` needs an i1 condition, got {operands[0]}")
        if self.kind == "float" and not is_float(values[0]):
            raise ShapeError(f"`{self.name}` needs floats, got {values[0]}")
        if self.kind == "logical" and values[0] != i1:
            raise ShapeError(f"`{self.name}` needs i1, got {values[0]}")
        return i1 if self.kind == "compare" else values[0]


def _erf(x: Array) -> Array:
    return np.asarray(np.vectorize(math.erf, otypes=[np.float64])(x)).astype(np.asarray(x).dtype)


def _divide(a: Array, b: Array) -> Array:
    if np.issubdtype(np.result_type(a), np.floating):
        return np.asarray(np.divide(a, b))
    quotient = np.floor_divide(a, b)
    return np.asarray(np.where((np.remainder(a, b) != 0) & ((a < 0) != (b < 0)), quotient + 1, quotient))


def _ldexp(x: Array, n: Array) -> Array:
    return np.asarray(np.ldexp(x, np.asarray(n).astype(np.int32)))


def _logb(x: Array) -> Array:
    exponent = np.frexp(x)[1].astype(np.asarray(x).dtype) - 1
    return np.asarray(np.where(x == 0, -np.inf, np.where(np.isfinite(x), exponent, np.abs(x))))


def convert(x: Array, dtype: np.dtype[Any]) -> Array:
    """Change the dtype: floats round to nearest even, float to integer truncates, saturates, and maps NaN to 0."""
    x = np.asarray(x)
    if np.issubdtype(dtype, np.integer) and np.issubdtype(x.dtype, np.floating):
        limits = np.iinfo(dtype)
        wide = np.nan_to_num(np.trunc(x.astype(np.float64)), nan=0.0, posinf=np.inf, neginf=-np.inf)
        inside = np.clip(wide, float(limits.min), float(limits.max))
        result = np.where(inside >= float(limits.max), limits.max, 0).astype(dtype)
        small = inside < float(limits.max)
        return np.where(small, np.where(small, inside, 0).astype(dtype), result)
    return x.astype(dtype)


def _rows() -> list[ScalarFunction]:
    row = ScalarFunction
    return [
        row("add", 2, "same", np.add),
        row("sub", 2, "same", np.subtract),
        row("mul", 2, "same", np.multiply),
        row("div", 2, "same", _divide),
        row("rem", 2, "same", np.fmod),
        row("pow", 2, "same", np.power),
        row("fma", 3, "same", lambda a, b, c: np.asarray(a * b + c), 2),
        row("neg", 1, "same", np.negative),
        row("abs", 1, "same", np.abs),
        row("maximum", 2, "same", np.maximum),
        row("minimum", 2, "same", np.minimum),
        row("maxnum", 2, "same", np.fmax),
        row("minnum", 2, "same", np.fmin),
        row("exp", 1, "float", np.exp),
        row("log", 1, "float", np.log),
        row("sqrt", 1, "float", np.sqrt),
        row("rsqrt", 1, "float", lambda x: np.asarray(1 / np.sqrt(x))),
        row("tanh", 1, "float", np.tanh),
        row("erf", 1, "float", _erf),
        row("floor", 1, "float", np.floor),
        row("ceil", 1, "float", np.ceil),
        row("round_even", 1, "float", np.rint),
        row("ldexp", 2, "float", _ldexp),
        row("logb", 1, "float", _logb),
        row("eq", 2, "compare", np.equal),
        row("ne", 2, "compare", np.not_equal),
        row("lt", 2, "compare", np.less),
        row("le", 2, "compare", np.less_equal),
        row("gt", 2, "compare", np.greater),
        row("ge", 2, "compare", np.greater_equal),
        row("and", 2, "logical", np.logical_and, 0),
        row("or", 2, "logical", np.logical_or, 0),
        row("xor", 2, "logical", np.logical_xor, 0),
        row("not", 1, "logical", np.logical_not, 0),
        row("select", 3, "select", np.where),
        row("convert", 1, "convert", convert, 0),
    ]


FUNCTIONS: dict[str, ScalarFunction] = {function.name: function for function in _rows()}

IDENTITIES: dict[str, Callable[[np.dtype[Any]], float | int | bool]] = {
    "add": lambda _: 0,
    "mul": lambda _: 1,
    "maximum": lambda dtype: -np.inf if np.issubdtype(dtype, np.floating) else int(np.iinfo(dtype).min),
    "minimum": lambda dtype: np.inf if np.issubdtype(dtype, np.floating) else int(np.iinfo(dtype).max),
    "and": lambda _: True,
    "or": lambda _: False,
}
"""The functions a reduction may use, with the value that changes nothing."""


def lookup(name: str) -> ScalarFunction:
    """The row of a function. Raises ShapeError for a name that is not in the table."""
    if name not in FUNCTIONS:
        raise ShapeError(f"`{name}` is not a scalar function; known: {', '.join(FUNCTIONS)}")
    return FUNCTIONS[name]


def identity(name: str, element_type: Attribute) -> float | int | bool:
    """The neutral element of a reduction. Raises ShapeError for a function that is not one."""
    if name not in IDENTITIES:
        raise ShapeError(f"`{name}` is not a reduction; known: {', '.join(IDENTITIES)}")
    return IDENTITIES[name](numpy_dtype(element_type))


def evaluate(name: str, operands: Sequence[Array], result: Attribute, *, exact: bool) -> Array:
    """Apply a function to arrays and round once to `result`, or stay in float64 where `exact`."""
    function = lookup(name)
    dtype = np.dtype(np.float64) if exact and is_float(result) else numpy_dtype(result)
    with np.errstate(all="ignore"):
        if name == "convert":
            return convert(operands[0], dtype)
        return np.asarray(function.evaluate(*operands)).astype(dtype, copy=False)


def is_integer(element_type: Attribute) -> bool:
    return isinstance(element_type, IntegerType) and element_type != i1
