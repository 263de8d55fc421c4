"""Scalar functions: the one table that `tensor.scalar` and `kernel.map` share, with numpy semantics.

| kind      | operands -> result          | functions |
|-----------|-----------------------------|-----------|
| same      | T.. -> T                    | add sub mul div neg abs maximum minimum maxnum minnum rem pow fma |
| float     | F.. -> F                    | exp log sqrt rsqrt tanh erf floor ceil round_even ldexp logb |
|           |                             | sin cos tan asin acos atan sinh cosh asinh acosh atanh scale |
| integer   | I.. -> I                    | bit_and bit_or bit_xor bit_not shift_left shift_right |
| compare   | T, T -> i1                  | eq ne lt le gt ge |
| logical   | i1.. -> i1                  | and or xor not |
| select    | i1, T, T -> T               | select |
| convert   | T -> U (given)              | convert |

`maximum`/`minimum` propagate NaN (IEEE 754-2019 maximum), `maxnum`/`minnum` prefer the number (maximumNumber).
Integer `div` truncates toward zero as C does; by zero, `div` and `rem` give 0: who wants an error checks the divisor.
Integer `pow` wraps around; with a negative exponent it is the power rounded toward zero: 0 unless the base is 1 or -1.
Shifts count bits, `shift_right` of a signed number keeps the sign; a count beyond the width, or below zero, shifts out
all bits. `ldexp(x, n)` is x * 2**n for an integral n of the type of x. `scale` is the same where 2**n is a normal
number; what it gives for another n is not said, but it is NaN where x is.
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

from neuralc.dialects.bfloat16 import NAME, cast, is_float_dtype
from neuralc.dialects.types import ShapeError, is_float, numpy_dtype

Array = NDArray[Any]
Kind = Literal["same", "float", "integer", "compare", "logical", "select", "convert"]


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
        if self.kind == "integer" and not is_integer(values[0]):
            raise ShapeError(f"`{self.name}` needs integers, got {values[0]}")
        if self.kind == "logical" and values[0] != i1:
            raise ShapeError(f"`{self.name}` needs i1, got {values[0]}")
        return i1 if self.kind == "compare" else values[0]


def _erf(x: Array) -> Array:
    return np.asarray(np.vectorize(math.erf, otypes=[np.float64])(x)).astype(np.asarray(x).dtype)


def _divide(a: Array, b: Array) -> Array:
    if is_float_dtype(np.result_type(a)):
        return np.asarray(np.divide(a, b))
    quotient = np.floor_divide(a, b)
    return np.asarray(np.where((np.remainder(a, b) != 0) & ((a < 0) != (b < 0)), quotient + 1, quotient))


def _power(x: Array, n: Array) -> Array:
    if is_float_dtype(np.result_type(x)):
        return np.asarray(np.power(x, n))
    powers = np.power(x, np.where(n < 0, 0, n))
    # Of a base of -1 the parity of the exponent decides, of 1 nothing; all other inverses are below 1.
    inverses = np.where(x == 1, 1, np.where(x == -1, np.where(n & 1 != 0, -1, 1), 0)).astype(powers.dtype)
    return np.asarray(np.where(n < 0, inverses, powers))


def _ldexp(x: Array, n: Array) -> Array:
    return np.asarray(np.ldexp(x, np.asarray(n).astype(np.int32)))


def _logb(x: Array) -> Array:
    exponent = np.frexp(x)[1].astype(np.asarray(x).dtype) - 1
    return np.asarray(np.where(x == 0, -np.inf, np.where(np.isfinite(x), exponent, np.abs(x))))


def convert(x: Array, dtype: np.dtype[Any]) -> Array:
    """Change the dtype: floats round to nearest even, float to integer truncates, saturates, and maps NaN to 0."""
    x = np.asarray(x)
    if np.issubdtype(dtype, np.integer) and is_float_dtype(x.dtype):
        limits = np.iinfo(dtype)
        wide = np.nan_to_num(np.trunc(x.astype(np.float64)), nan=0.0, posinf=np.inf, neginf=-np.inf)
        inside = np.clip(wide, float(limits.min), float(limits.max))
        result = np.where(inside >= float(limits.max), limits.max, 0).astype(dtype)
        small = inside < float(limits.max)
        return np.where(small, np.where(small, inside, 0).astype(dtype), result)
    return cast(x, dtype)


def _rows() -> list[ScalarFunction]:
    row = ScalarFunction
    return [
        row("add", 2, "same", np.add),
        row("sub", 2, "same", np.subtract),
        row("mul", 2, "same", np.multiply),
        row("div", 2, "same", _divide),
        row("rem", 2, "same", np.fmod),
        row("pow", 2, "same", _power),
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
        row("sin", 1, "float", np.sin),
        row("cos", 1, "float", np.cos),
        row("tan", 1, "float", np.tan),
        row("asin", 1, "float", np.arcsin),
        row("acos", 1, "float", np.arccos),
        row("atan", 1, "float", np.arctan),
        row("sinh", 1, "float", np.sinh),
        row("cosh", 1, "float", np.cosh),
        row("asinh", 1, "float", np.arcsinh),
        row("acosh", 1, "float", np.arccosh),
        row("atanh", 1, "float", np.arctanh),
        row("floor", 1, "float", np.floor),
        row("ceil", 1, "float", np.ceil),
        row("round_even", 1, "float", np.rint),
        row("ldexp", 2, "float", _ldexp),
        row("scale", 2, "float", _ldexp),
        row("logb", 1, "float", _logb),
        row("bit_and", 2, "integer", np.bitwise_and),
        row("bit_or", 2, "integer", np.bitwise_or),
        row("bit_xor", 2, "integer", np.bitwise_xor),
        row("bit_not", 1, "integer", np.bitwise_not),
        row("shift_left", 2, "integer", np.left_shift),
        row("shift_right", 2, "integer", np.right_shift),
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


def _limits(dtype: np.dtype[Any]) -> tuple[float | int | bool, float | int | bool]:
    """The least and the largest value of a dtype."""
    if dtype == np.bool_:
        return False, True
    if np.issubdtype(dtype, np.integer):
        return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    return -np.inf, np.inf


FUNCTIONS: dict[str, ScalarFunction] = {function.name: function for function in _rows()}

IDENTITIES: dict[str, Callable[[np.dtype[Any]], float | int | bool]] = {
    "add": lambda _: 0,
    "mul": lambda _: 1,
    "maximum": lambda dtype: _limits(dtype)[0],
    "minimum": lambda dtype: _limits(dtype)[1],
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
        # numpy has no functions of bfloat16: they are fp64's, rounded once.
        wide = [operand.astype(np.float64) if operand.dtype.name == NAME else operand for operand in operands]
        return cast(np.asarray(function.evaluate(*wide)), dtype)


def is_integer(element_type: Attribute) -> bool:
    return isinstance(element_type, IntegerType) and element_type != i1
