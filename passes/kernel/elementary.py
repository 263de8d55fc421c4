"""Elementary functions of fp32 tiles as polynomials in kernel ops: the formulas kernel-expand-math writes.

Errors are against the exact result, over every fp32 input (tests/unit/passes_kernel/test_expand_math.py):

| function | form                                                                  | error   |
|----------|-----------------------------------------------------------------------|---------|
| exp      | x = n ln2 + r, a polynomial of degree 6 in r, times 2**n              | 1 ulp   |
| log      | x = 2**e (1 + f), f - f**2/2 + f**3 R(f), plus e ln2                   | 1 ulp   |
| tanh     | t / (t + 2) with t = exp(2x) - 1, which keeps its digits near 0        | 3 ulp   |
| erf      | x P(x**2) for small x, else 1 - p(x)**8 (after Abramowitz-Stegun 7.1.28) | 3 ulp   |
| pow      | 2**(y log2 x) with both parts in fp64, and the special cases of C99    | 1 ulp   |

The coefficients are minimax fits of the relative error (Lawson's weighting, 40 digits). Constants in two parts
(`ln2`) follow Cody and Waite, Software Manual for the Elementary Functions: n times the first part is exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from xdsl.dialects.builtin import f32, f64
from xdsl.ir import Attribute, Operation, SSAValue

from neuralc.dialects.kernel.tiles import ConvertOp, MapOp, SplatOp, as_tile

LN2_HIGH, LN2_LOW = 0.693359375, -2.12194440e-4
EXP_TAYLOR = (1.3814782525802549e-3, 8.368838355492524e-3, 4.166839541484295e-2, 0.16666519639534813, 0.4999999337275172)
"""Of (exp(r) - 1 - r) / r**2 for |r| <= ln2 / 2, highest power first, as all that follow."""
EXP_LOW, EXP_HIGH = -104.0, 89.0
"""Where exp is 0 and infinity in fp32 for certain."""

LOG_SERIES = (
    6.746097490963668e-2, -0.11675007425529407, 0.11888076393709403, -0.12405699419210887, 0.14219576536971848,
    -0.16667989369800584, 0.20002117332354824, -0.25000009741295026, 0.33333312621998706,
)  # fmt: skip
"""Of (log(1 + f) - f + f**2 / 2) / f**3 for sqrt(1/2) - 1 <= f <= sqrt(2) - 1."""

EXPM1_TAYLOR = (
    1.984604107500279e-4, 1.3940826813477474e-3, 8.333389549322674e-3, 4.166635853927789e-2, 0.16666666367973734,
    0.5000000044685381,
)  # fmt: skip
"""Of (exp(r) - 1 - r) / r**2, relative to exp(r) - 1."""
TANH_ONE = 9.1
"""From here on tanh rounds to 1."""

ERF_SMALL_END = 1.25
ERF_SMALL = (
    -7.572945638907632e-6, 1.039386633609834e-4, -8.339567691858988e-4, 5.209016062220854e-3, -2.68602473896608e-2,
    0.11283675025011222, -0.3761263004413684, 1.1283791659753561,
)  # fmt: skip
"""Of erf(x) / x in x**2, up to the end of the small ones."""
ERFC_ROOT = (
    1.7221193270910935e-4, -2.716911010178843e-3, 1.404219476994732e-2, -1.4012229631340665e-2, -5.7980729461653675e-2,
    -0.14741946394319655, 1.001496782343008,
)  # fmt: skip
"""Of erfc(x)**(1/8), from there on."""
ERF_ONE = 3.95
"""From here on erf rounds to 1."""

EXP2_RANGE = 160.0
"""2**-160 and 2**160 are 0 and infinity in fp32 for certain."""


class Expression:
    """Collects the ops of one formula on tiles of one shape; equal constants are one op."""

    def __init__(self, like: SSAValue) -> None:
        self.tile = as_tile(like.type)
        self.ops: list[Operation] = []
        self._constants: dict[tuple[float, Attribute], SSAValue] = {}

    def constant(self, value: float, element_type: Attribute = f32) -> SSAValue:
        key = (value, element_type)
        if key not in self._constants:
            self._constants[key] = self._add(SplatOp.of(result=self.tile.with_element(element_type), value=float(value)))
        return self._constants[key]

    def map(self, function: str, *args: SSAValue | float) -> SSAValue:
        """A scalar function; numbers become constants of the type of the other operands."""
        element_type = next(as_tile(arg.type).element_type for arg in reversed(args) if isinstance(arg, SSAValue))
        values = [arg if isinstance(arg, SSAValue) else self.constant(arg, element_type) for arg in args]
        return self._add(MapOp.of(*values, fn=function))

    def convert(self, value: SSAValue, element_type: Attribute) -> SSAValue:
        return self._add(ConvertOp.of(value, result=self.tile.with_element(element_type)))

    def polynomial(self, x: SSAValue, coefficients: Sequence[float]) -> SSAValue:
        """Horner's rule, highest power first."""
        total: SSAValue | float = coefficients[0]
        for coefficient in coefficients[1:]:
            total = self.map("fma", total, x, coefficient)
        return total if isinstance(total, SSAValue) else self.constant(total)

    def _add(self, op: SplatOp | MapOp | ConvertOp) -> SSAValue:
        self.ops.append(op)
        return op.result


def exp(e: Expression, x: SSAValue) -> SSAValue:
    # NaN passes both bounds; -inf becomes a number whose exp is exactly 0, so masked-out scores vanish.
    x = e.map("minimum", e.map("maximum", x, EXP_LOW), EXP_HIGH)
    n = e.map("round_even", e.map("mul", x, 1 / math.log(2)))
    r = e.map("fma", n, -LN2_LOW, e.map("fma", n, -LN2_HIGH, x))
    return e.map("ldexp", e.polynomial(r, (*EXP_TAYLOR, 1.0, 1.0)), n)


def log(e: Expression, x: SSAValue) -> SSAValue:
    exponent, f = _split(e, x)
    square = e.map("mul", f, f)
    tail = e.map("mul", e.map("mul", f, square), e.polynomial(f, LOG_SERIES))
    tail = e.map("fma", exponent, LN2_LOW, tail)
    small = e.map("add", e.map("fma", -0.5, square, tail), f)
    result = e.map("fma", exponent, LN2_HIGH, small)
    result = e.map("select", e.map("eq", x, math.inf), x, result)
    result = e.map("select", e.map("eq", x, 0.0), e.constant(-math.inf), result)
    return e.map("select", e.map("lt", x, 0.0), e.constant(math.nan), result)


def _split(e: Expression, x: SSAValue) -> tuple[SSAValue, SSAValue]:
    """x = 2**exponent * (1 + f) with 1 + f between sqrt(1/2) and sqrt(2)."""
    exponent = e.map("logb", x)
    significand = e.map("ldexp", x, e.map("neg", exponent))
    large = e.map("gt", significand, math.sqrt(2))
    significand = e.map("select", large, e.map("mul", significand, 0.5), significand)
    exponent = e.map("select", large, e.map("add", exponent, 1.0), exponent)
    return exponent, e.map("sub", significand, 1.0)


def tanh(e: Expression, x: SSAValue) -> SSAValue:
    x = e.map("minimum", e.map("maximum", x, -TANH_ONE), TANH_ONE)
    double = e.map("add", x, x)
    n = e.map("round_even", e.map("mul", x, 2 / math.log(2)))
    r = e.map("fma", n, -LN2_LOW, e.map("fma", n, -LN2_HIGH, double))
    small = e.map("fma", e.map("mul", r, r), e.polynomial(r, EXPM1_TAYLOR), r)
    scale = e.map("ldexp", e.constant(1.0), n)
    # exp(2x) - 1 without cancellation near 0; at the ends its error hardly matters to the quotient.
    t = e.map("fma", scale, small, e.map("sub", scale, 1.0))
    return e.map("div", t, e.map("add", t, 2.0))


def erf(e: Expression, x: SSAValue) -> SSAValue:
    x = e.map("minimum", e.map("maximum", x, -ERF_ONE), ERF_ONE)
    small = e.map("mul", x, e.polynomial(e.map("mul", x, x), ERF_SMALL))
    magnitude = e.map("abs", x)
    power = e.polynomial(magnitude, ERFC_ROOT)
    for _ in range(3):
        power = e.map("mul", power, power)
    large = e.map("sub", 1.0, power)
    large = e.map("select", e.map("lt", x, 0.0), e.map("neg", large), large)
    return e.map("select", e.map("lt", magnitude, ERF_SMALL_END), small, large)


def pow_(e: Expression, x: SSAValue, y: SSAValue) -> SSAValue:
    magnitude = e.convert(_exp2(e, e.map("mul", e.convert(y, f64), _log2(e, e.map("abs", x)))), f32)
    # A base of -1 has magnitude 1 for infinite exponents too, where the product above is inf * 0.
    magnitude = e.map("select", e.map("eq", e.map("abs", x), 1.0), e.constant(1.0), magnitude)
    magnitude = e.map("select", _is_nan(e, y), y, magnitude)

    integral = e.map("eq", e.map("floor", y), y)
    half = e.map("mul", y, 0.5)
    odd = e.map("and", integral, e.map("ne", e.map("floor", half), half))
    # 1 / x tells -0 from 0, x itself tells -inf from inf.
    negative = e.map("or", e.map("lt", x, 0.0), e.map("lt", e.map("div", 1.0, x), 0.0))
    result = e.map("select", e.map("and", negative, odd), e.map("neg", magnitude), magnitude)
    no_root = e.map("and", e.map("lt", x, 0.0), e.map("not", integral))
    no_root = e.map("and", no_root, e.map("gt", x, -math.inf))
    result = e.map("select", no_root, e.constant(math.nan), result)
    certain = e.map("or", e.map("eq", x, 1.0), e.map("eq", y, 0.0))
    return e.map("select", certain, e.constant(1.0), result)


def _is_nan(e: Expression, x: SSAValue) -> SSAValue:
    return e.map("ne", x, x)


def _log2(e: Expression, x: SSAValue) -> SSAValue:
    """log2 of fp32 values >= 0 in fp64, to 2**-40: -inf of 0, inf of inf."""
    exponent, f = _split(e, x)
    wide = e.convert(f, f64)
    s = e.map("div", wide, e.map("add", wide, 2.0))
    # log(1 + f) = 2 atanh(s); s**2 is below 0.03, so that eight terms of the series are enough.
    series = e.polynomial(e.map("mul", s, s), [2 / math.log(2) / (2 * k + 1) for k in range(7, -1, -1)])
    result = e.map("fma", s, series, e.convert(exponent, f64))
    ends = e.map("or", e.map("eq", x, 0.0), e.map("eq", x, math.inf))
    return e.map("select", ends, e.convert(exponent, f64), result)


def _exp2(e: Expression, t: SSAValue) -> SSAValue:
    """2**t in fp64, to 2**-32; beyond fp32's range in either direction it stays there."""
    t = e.map("minimum", e.map("maximum", t, -EXP2_RANGE), EXP2_RANGE)
    n = e.map("round_even", t)
    r = e.map("sub", t, n)
    terms = [math.log(2) ** k / math.factorial(k) for k in range(9, -1, -1)]
    return e.map("ldexp", e.polynomial(r, terms), n)


FORMULAS: dict[str, Callable[..., SSAValue]] = {"exp": exp, "log": log, "tanh": tanh, "erf": erf, "pow": pow_}
