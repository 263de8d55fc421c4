"""Functions of each value by their numpy names: the ufunc says the types, the ops here say the rest.

A function of numbers alone gives a number: `sqrt(2)` takes the type of what it meets, as `2` does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from xdsl.dialects.builtin import i1
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import Dim
from neuralc.dialects.syntax import PlainOp
from neuralc.dialects.types import ShapeError, element_of
from neuralc.frontends.nr.expressions.builder import Builder, is_kind
from neuralc.frontends.nr.expressions.promotion import loop_of
from neuralc.frontends.nr.expressions.values import Value, is_number

Make: TypeAlias = Callable[..., SSAValue]
"""`make(b, *operands)`, the operands in the types of the ufunc's loop and of shapes that broadcast."""


@dataclass(frozen=True)
class Elementwise:
    """A ufunc of numpy and how it is written in graph ops."""

    ufunc: np.ufunc
    make: Make

    def __call__(self, b: Builder, *operands: Value) -> Value:
        if not any(isinstance(operand, SSAValue | Dim) for operand in operands) and all(map(is_number, operands)):
            return self._number(*operands)
        values = [
            b.tensor(value) if isinstance(value, Dim) and self._is_alone(operands) else value for value in operands
        ]
        *types, result = loop_of(self.ufunc, values)
        if len(set(types)) > 1:
            raise ShapeError(
                f"`{self.ufunc.__name__}` does not take {' and '.join(type_.name for type_ in types)} together"
            )
        tensors = b.aligned(*(b.tensor(value, type_) for value, type_ in zip(values, types, strict=True)))
        return b.cast(self.make(b, *tensors), result)

    def _is_alone(self, operands: tuple[Value, ...]) -> bool:
        return not any(isinstance(operand, SSAValue) for operand in operands)

    def _number(self, *operands: Any) -> Value:
        try:
            with np.errstate(all="ignore"):
                found = self.ufunc(*operands)
        except (TypeError, ValueError, OverflowError) as problem:
            raise ShapeError(str(problem)) from None
        number: Value = found.item()
        return number


def _op(op: type[PlainOp], of_truth: type[PlainOp] | None = None) -> Make:
    """One graph op; truth values may need another one."""

    def make(b: Builder, *operands: SSAValue) -> SSAValue:
        both_true = of_truth is not None and element_of(operands[0].type) == i1
        return b.add((of_truth if both_true and of_truth is not None else op).of(*operands))

    return make


def _scaled(op: type[PlainOp], factor: float) -> Make:
    """A function of x * factor: exp2(x) = exp(x * log(2))."""
    return lambda b, x: b.add(op.of(b.add(graph.MulOp.of(x, b.like(x, factor)))))


def _times(op: type[PlainOp], factor: float) -> Make:
    """A function times a factor: log2(x) = log(x) / log(2)."""
    return lambda b, x: b.add(graph.MulOp.of(b.add(op.of(x)), b.like(x, factor)))


def _degrees(factor: float) -> Make:
    return lambda b, x: b.add(graph.MulOp.of(x, b.like(x, factor)))


def _whole_already(op: type[PlainOp]) -> Make:
    """A function that rounds floats and leaves integers alone."""
    return lambda b, x: b.add(op.of(x)) if is_kind(x, "f") else x


def _absolute(b: Builder, x: SSAValue) -> SSAValue:
    return x if is_kind(x, "bu") else b.add(graph.AbsOp.of(x))


def _trunc(b: Builder, x: SSAValue) -> SSAValue:
    if not is_kind(x, "f"):
        return x
    down = b.add(graph.FloorOp.of(x))
    return b.add(graph.WhereOp.of(b.add(graph.LessOp.of(x, b.like(x, 0.0))), b.add(graph.CeilOp.of(x)), down))


def _expm1(b: Builder, x: SSAValue) -> SSAValue:
    return b.add(graph.SubOp.of(b.add(graph.ExpOp.of(x)), b.like(x, 1.0)))


def _log1p(b: Builder, x: SSAValue) -> SSAValue:
    return b.add(graph.LogOp.of(b.add(graph.AddOp.of(x, b.like(x, 1.0)))))


def _cbrt(b: Builder, x: SSAValue) -> SSAValue:
    root = b.add(graph.PowOp.of(b.add(graph.AbsOp.of(x)), b.like(x, 1 / 3)))
    return b.add(graph.MulOp.of(b.add(graph.SignOp.of(x)), root))


def _reciprocal(b: Builder, x: SSAValue) -> SSAValue:
    return b.add(graph.DivOp.of(b.like(x, 1), x))


def _isfinite(b: Builder, x: SSAValue) -> SSAValue:
    if not is_kind(x, "f"):
        return b.add(graph.EqualOp.of(x, x))
    endless = b.add(graph.LogicalOrOp.of(b.add(graph.IsNanOp.of(x)), b.add(graph.IsInfOp.of(x))))
    return b.add(graph.LogicalNotOp.of(endless))


def _asks(op: type[PlainOp]) -> Make:
    """A question about floats, which is false of all other values."""
    return lambda b, x: b.add(op.of(x)) if is_kind(x, "f") else b.add(graph.NotEqualOp.of(x, x))


def _compares(op: type[PlainOp]) -> Make:
    def make(b: Builder, x: SSAValue, y: SSAValue) -> SSAValue:
        if element_of(x.type) == i1 and op not in (graph.EqualOp, graph.NotEqualOp):
            x, y = (b.cast(value, np.dtype("uint8")) for value in (x, y))
        return b.add(op.of(x, y))

    return make


def _of_truth(op: type[PlainOp]) -> Make:
    return lambda b, *operands: b.add(op.of(*map(b.truth, operands)))


def _floor_divide(b: Builder, x: SSAValue, y: SSAValue) -> SSAValue:
    """numpy's npy_divmod: the quotient without the remainder, lowered by 1 where the signs differ."""
    if not is_kind(x, "f"):
        rest = b.add(graph.RemainderOp.of(x, y))
        return b.add(graph.DivOp.of(b.add(graph.SubOp.of(x, rest)), y))
    zero = b.like(x, 0.0)
    rest = b.add(graph.FmodOp.of(x, y))
    quotient = b.add(graph.DivOp.of(b.add(graph.SubOp.of(x, rest)), y))
    signs = b.add(graph.LogicalXorOp.of(b.add(graph.LessOp.of(y, zero)), b.add(graph.LessOp.of(rest, zero))))
    lower = b.add(graph.LogicalAndOp.of(b.add(graph.NotEqualOp.of(rest, zero)), signs))
    lowered = b.add(graph.SubOp.of(quotient, b.like(x, 1.0)))
    whole = b.add(graph.RoundOp.of(b.add(graph.WhereOp.of(lower, lowered, quotient))))
    return b.add(graph.WhereOp.of(b.add(graph.EqualOp.of(y, zero)), b.add(graph.DivOp.of(x, y)), whole))


def _prefers_numbers(op: type[PlainOp]) -> Make:
    """fmax, fmin: of a NaN and a number the number."""
    plain = _op(op, graph.LogicalOrOp if op is graph.MaximumOp else graph.LogicalAndOp)

    def make(b: Builder, x: SSAValue, y: SSAValue) -> SSAValue:
        if not is_kind(x, "f"):
            return plain(b, x, y)
        found = b.add(graph.WhereOp.of(b.add(graph.IsNanOp.of(y)), x, b.add(op.of(x, y))))
        return b.add(graph.WhereOp.of(b.add(graph.IsNanOp.of(x)), y, found))

    return make


def _hypot(b: Builder, x: SSAValue, y: SSAValue) -> SSAValue:
    squares = [b.add(graph.MulOp.of(value, value)) for value in (x, y)]
    return b.add(graph.SqrtOp.of(b.add(graph.AddOp.of(*squares))))


def _logaddexp(b: Builder, x: SSAValue, y: SSAValue) -> SSAValue:
    apart = b.add(graph.NegOp.of(b.add(graph.AbsOp.of(b.add(graph.SubOp.of(x, y))))))
    return b.add(graph.AddOp.of(b.add(graph.MaximumOp.of(x, y)), b.add(graph.SoftplusOp.of(apart))))


def _arctan2(b: Builder, y: SSAValue, x: SSAValue) -> SSAValue:
    """The angle of (x, y): that of y / x, turned by half a circle left of 0."""
    zero = b.like(x, 0.0)
    below = b.add(graph.LessOp.of(y, zero))
    angle = b.add(graph.AtanOp.of(b.add(graph.DivOp.of(y, x))))
    turn = b.add(graph.WhereOp.of(below, b.like(x, -math.pi), b.like(x, math.pi)))
    turned = b.add(graph.WhereOp.of(b.add(graph.LessOp.of(x, zero)), b.add(graph.AddOp.of(angle, turn)), angle))
    upright = b.add(graph.MulOp.of(b.add(graph.SignOp.of(y)), b.like(x, math.pi / 2)))
    return b.add(graph.WhereOp.of(b.add(graph.EqualOp.of(x, zero)), upright, turned))


_OPS: Mapping[str, Make] = {
    "add": _op(graph.AddOp, graph.LogicalOrOp),
    "subtract": _op(graph.SubOp),
    "multiply": _op(graph.MulOp, graph.LogicalAndOp),
    "divide": _op(graph.DivOp),
    "floor_divide": _floor_divide,
    "remainder": _op(graph.RemainderOp),
    "fmod": _op(graph.FmodOp),
    "power": _op(graph.PowOp),
    "maximum": _op(graph.MaximumOp, graph.LogicalOrOp),
    "minimum": _op(graph.MinimumOp, graph.LogicalAndOp),
    "fmax": _prefers_numbers(graph.MaximumOp),
    "fmin": _prefers_numbers(graph.MinimumOp),
    "arctan2": _arctan2,
    "hypot": _hypot,
    "logaddexp": _logaddexp,
    "equal": _compares(graph.EqualOp),
    "not_equal": _compares(graph.NotEqualOp),
    "less": _compares(graph.LessOp),
    "less_equal": _compares(graph.LessEqualOp),
    "greater": _compares(graph.GreaterOp),
    "greater_equal": _compares(graph.GreaterEqualOp),
    "logical_and": _of_truth(graph.LogicalAndOp),
    "logical_or": _of_truth(graph.LogicalOrOp),
    "logical_xor": _of_truth(graph.LogicalXorOp),
    "logical_not": _of_truth(graph.LogicalNotOp),
    "bitwise_and": _op(graph.BitwiseAndOp, graph.LogicalAndOp),
    "bitwise_or": _op(graph.BitwiseOrOp, graph.LogicalOrOp),
    "bitwise_xor": _op(graph.BitwiseXorOp, graph.LogicalXorOp),
    "invert": _op(graph.BitwiseNotOp, graph.LogicalNotOp),
    "left_shift": _op(graph.ShiftLeftOp),
    "right_shift": _op(graph.ShiftRightOp),
    "negative": _op(graph.NegOp),
    "positive": lambda b, x: x,
    "absolute": _absolute,
    "fabs": _absolute,
    "sign": _op(graph.SignOp),
    "floor": _whole_already(graph.FloorOp),
    "ceil": _whole_already(graph.CeilOp),
    "rint": _whole_already(graph.RoundOp),
    "trunc": _trunc,
    "square": lambda b, x: b.add(graph.MulOp.of(x, x)),
    "sqrt": _op(graph.SqrtOp),
    "cbrt": _cbrt,
    "reciprocal": _reciprocal,
    "exp": _op(graph.ExpOp),
    "exp2": _scaled(graph.ExpOp, math.log(2)),
    "expm1": _expm1,
    "log": _op(graph.LogOp),
    "log2": _times(graph.LogOp, 1 / math.log(2)),
    "log10": _times(graph.LogOp, 1 / math.log(10)),
    "log1p": _log1p,
    "sin": _op(graph.SinOp),
    "cos": _op(graph.CosOp),
    "tan": _op(graph.TanOp),
    "arcsin": _op(graph.AsinOp),
    "arccos": _op(graph.AcosOp),
    "arctan": _op(graph.AtanOp),
    "sinh": _op(graph.SinhOp),
    "cosh": _op(graph.CoshOp),
    "tanh": _op(graph.TanhOp),
    "arcsinh": _op(graph.AsinhOp),
    "arccosh": _op(graph.AcoshOp),
    "arctanh": _op(graph.AtanhOp),
    "deg2rad": _degrees(math.pi / 180),
    "rad2deg": _degrees(180 / math.pi),
    "isnan": _asks(graph.IsNanOp),
    "isinf": _asks(graph.IsInfOp),
    "isfinite": _isfinite,
}

_ALIASES: Mapping[str, str] = {
    "true_divide": "divide", "mod": "remainder", "pow": "power", "abs": "absolute", "bitwise_not": "invert",
    "bitwise_invert": "invert", "bitwise_left_shift": "left_shift", "bitwise_right_shift": "right_shift",
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2", "asinh": "arcsinh", "acosh": "arccosh",
    "atanh": "arctanh", "radians": "deg2rad", "degrees": "rad2deg",
}  # fmt: skip
"""Further names that numpy has for them."""

UFUNCS: Mapping[str, Elementwise] = {
    name: Elementwise(getattr(np, of), _OPS[of]) for name, of in {**{name: name for name in _OPS}, **_ALIASES}.items()
}
