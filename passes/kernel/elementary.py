"""Elementary functions of fp32 and fp64 tiles in kernel ops: the formulas kernel-expand-math writes.

Circular functions are in trigonometry.py, hyperbolic ones in hyperbolic.py, but for tanh of fp64.

Errors are against the exact result, with fused multiply-adds; tests/unit/passes_kernel/test_expand_math.py checks them,
and those without.

| function | form                                                              | fp32     | fp64    |
|----------|-------------------------------------------------------------------|----------|---------|
| exp      | x = n ln2 + r, a polynomial in r, times 2**n                      | 0.9 ulp  | 1 ulp   |
| log      | x = 2**e (1 + f), s = f / (2 + f), 2 atanh(s) + e ln2             | 0.85 ulp | 1 ulp   |
| tanh     | t / (t + 2) with t = exp(2x) - 1, which keeps its digits near 0   | -        | 3 ulp   |
| erf      | x + x q(x**2 - c) for small x, else 1 - p(x)**2 (fp64: **8)       | 0.85 ulp | 3 ulp   |
| pow      | 2**(y log2 x), both in fp64, with the special cases of C99        | 1 ulp    | -       |

The leading term of a sum is exact and comes last, so that its rounding is nearly all of the error. A polynomial in
x**2 - c, c amid its range, rounds less on the way than one in x**2, and costs the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from xdsl.dialects.builtin import f32, f64
from xdsl.ir import Attribute, Operation, SSAValue

from neuralc.dialects.kernel.tiles import ConvertOp, MapOp, SplatOp, as_tile
from neuralc.passes.kernel.coefficients import COEFFICIENTS, EXPM1, TANH_ONE

BESIDE_ONE = -80.0
"""exp of it, and of all below, is lost in a sum with 1, in fp64 too."""
EXP2_RANGE = 160.0
"""2**-160 and 2**160 are 0 and infinity in fp32 for certain."""


class Expression:
    """Collects the ops of one formula on tiles of one shape; equal constants are one op."""

    def __init__(self, like: SSAValue, element_type: Attribute) -> None:
        self.tile = as_tile(like.type)
        self.coefficients = COEFFICIENTS[element_type]
        self.element_type = element_type
        self.ops: list[Operation] = []
        self._constants: dict[tuple[str, Attribute], SSAValue] = {}

    def constant(self, value: float, element_type: Attribute | None = None) -> SSAValue:
        # As text, -0.0 is not 0.0.
        key = (repr(float(value)), element_type or self.element_type)
        if key not in self._constants:
            self._constants[key] = self._add(SplatOp.of(result=self.tile.with_element(key[1]), value=float(value)))
        return self._constants[key]

    def map(self, function: str, *args: SSAValue | float) -> SSAValue:
        """A scalar function; numbers become constants of the type of the other operands."""
        element_type = next(as_tile(arg.type).element_type for arg in reversed(args) if isinstance(arg, SSAValue))
        values = [arg if isinstance(arg, SSAValue) else self.constant(arg, element_type) for arg in args]
        return self._add(MapOp.of(*values, fn=function))

    def convert(self, value: SSAValue, element_type: Attribute) -> SSAValue:
        return self._add(ConvertOp.of(value, result=self.tile.with_element(element_type)))

    def rounded_product(self, a: SSAValue, b: SSAValue) -> SSAValue:
        """a * b that does not fuse into sums that take it: formulas with remainders need to know what was cut off."""
        return self.map("fma", a, b, -0.0)

    def clamp(self, x: SSAValue, low: float, high: float) -> SSAValue:
        """x within bounds; NaN stays NaN."""
        return self.map("minimum", self.map("maximum", x, low), high)

    def polynomial(self, x: SSAValue, coefficients: Sequence[float]) -> SSAValue:
        """Horner's rule, highest power first."""
        total = self.map("fma", coefficients[0], x, coefficients[1])
        for coefficient in coefficients[2:]:
            total = self.map("fma", total, x, coefficient)
        return total

    def _add(self, op: SplatOp | MapOp | ConvertOp) -> SSAValue:
        self.ops.append(op)
        return op.result


def odd_function(e: Expression, x: SSAValue, value: SSAValue) -> SSAValue:
    """`value`, that of the magnitude of x, with the sign of x."""
    return keep_zero(e, x, e.map("select", e.map("lt", x, 0.0), e.map("neg", value), value))


def keep_zero(e: Expression, x: SSAValue, value: SSAValue) -> SSAValue:
    """`value`, but x where that is 0.0 or -0.0."""
    return e.map("select", e.map("eq", x, 0.0), x, value)


def exp(e: Expression, x: SSAValue) -> SSAValue:
    # -inf becomes a number whose exp is exactly 0, so masked-out scores vanish.
    n, r = reduced(e, e.clamp(x, *e.coefficients.exp_bounds))
    return e.map("ldexp", e.polynomial(r, (*e.coefficients.exp, 1.0, 1.0)), n)


def exp_beside_one(e: Expression, x: SSAValue) -> SSAValue:
    """exp(x) for sums with 1 and nothing else, as sigmoid and softplus have: no result is subnormal."""
    n, r = reduced(e, e.clamp(x, BESIDE_ONE, e.coefficients.exp_bounds[1]))
    # Twice exp(r), as the largest 2**n is no number.
    terms = [2 * coefficient for coefficient in e.coefficients.exp]
    return e.map("scale", e.polynomial(r, (*terms, 2.0, 2.0)), e.map("sub", n, 1.0))


def reduced(e: Expression, x: SSAValue) -> tuple[SSAValue, SSAValue]:
    """x = n ln2 + r with |r| at most ln2 / 2."""
    high, low = e.coefficients.ln2
    n = e.map("round_even", e.map("mul", x, 1 / math.log(2)))
    return n, e.map("fma", n, -low, e.map("fma", n, -high, x))


def log(e: Expression, x: SSAValue) -> SSAValue:
    high, low = e.coefficients.ln2
    exponent, f = split_exponent(e, x)
    s = e.map("div", f, e.map("add", f, 2.0))
    square = e.map("mul", s, s)
    # 2 atanh(s) = f - (h - s (h + s**2 G)), h = f**2 / 2: the leading term is exact, the others are small.
    half = e.map("mul", e.map("mul", f, 0.5), f)
    tail = e.map("fma", square, e.polynomial(square, e.coefficients.log), half)
    tail = e.map("fma", s, tail, e.map("mul", exponent, low))
    result = e.map("fma", exponent, high, e.map("sub", f, e.map("sub", half, tail)))
    result = e.map("select", e.map("eq", x, math.inf), x, result)
    result = e.map("select", e.map("eq", x, 0.0), e.constant(-math.inf), result)
    return e.map("select", e.map("lt", x, 0.0), e.constant(math.nan), result)


def split_exponent(e: Expression, x: SSAValue) -> tuple[SSAValue, SSAValue]:
    """x = 2**exponent * (1 + f) with 1 + f between sqrt(1/2) and sqrt(2)."""
    exponent = e.map("logb", x)
    significand = e.map("ldexp", x, e.map("neg", exponent))
    large = e.map("gt", significand, math.sqrt(2))
    significand = e.map("select", large, e.map("mul", significand, 0.5), significand)
    exponent = e.map("select", large, e.map("add", exponent, 1.0), exponent)
    return exponent, e.map("sub", significand, 1.0)


def tanh(e: Expression, x: SSAValue) -> SSAValue:
    x = e.clamp(x, -TANH_ONE, TANH_ONE)
    n, r = reduced(e, e.map("add", x, x))
    small = e.map("fma", e.map("mul", r, r), e.polynomial(r, EXPM1), r)
    scale = e.map("scale", e.constant(1.0), n)
    # exp(2x) - 1 without cancellation near 0; at the ends its error hardly matters to the quotient.
    t = e.map("fma", scale, small, e.map("sub", scale, 1.0))
    return e.map("div", t, e.map("add", t, 2.0))


def erf(e: Expression, x: SSAValue) -> SSAValue:
    numbers = e.coefficients
    x = e.clamp(x, -numbers.erf_one, numbers.erf_one)
    # The leading term comes last and is exact, in both: x + x q(x**2 - centre), 1 - p**2.
    centred = e.map("fma", x, x, -numbers.erf_centre)
    small = e.map("fma", x, e.polynomial(centred, numbers.erf), x)
    magnitude = e.map("abs", x)
    centred = e.map("fma", magnitude, 1 / numbers.erfc_radius, -numbers.erfc_centre / numbers.erfc_radius)
    power = e.polynomial(centred, numbers.erfc_root)
    for _ in range(numbers.erfc_halvings - 1):
        power = e.map("mul", power, power)
    large = e.map("fma", power, e.map("neg", power), 1.0)
    large = e.map("select", e.map("lt", x, 0.0), e.map("neg", large), large)
    return e.map("select", e.map("lt", magnitude, numbers.erf_small), small, large)


def pow_(e: Expression, x: SSAValue, y: SSAValue) -> SSAValue:
    magnitude = e.convert(_exp2(e, e.map("mul", e.convert(y, f64), _log2(e, e.map("abs", x)))), f32)
    # A base of -1 has magnitude 1 for infinite exponents too, where the product above is inf * 0.
    magnitude = e.map("select", e.map("eq", e.map("abs", x), 1.0), e.constant(1.0), magnitude)
    magnitude = e.map("select", e.map("ne", y, y), y, magnitude)

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


def _log2(e: Expression, x: SSAValue) -> SSAValue:
    """log2 of fp32 values >= 0 in fp64, to 2**-40: -inf of 0, inf of inf."""
    exponent, f = split_exponent(e, x)
    wide = e.convert(f, f64)
    s = e.map("div", wide, e.map("add", wide, 2.0))
    # log(1 + f) = 2 atanh(s); s**2 is below 0.03, so that eight terms of the series are enough.
    series = e.polynomial(e.map("mul", s, s), [2 / math.log(2) / (2 * k + 1) for k in range(7, -1, -1)])
    result = e.map("fma", s, series, e.convert(exponent, f64))
    ends = e.map("or", e.map("eq", x, 0.0), e.map("eq", x, math.inf))
    return e.map("select", ends, e.convert(exponent, f64), result)


def _exp2(e: Expression, t: SSAValue) -> SSAValue:
    """2**t in fp64, to 2**-32; beyond fp32's range in either direction it stays there."""
    t = e.clamp(t, -EXP2_RANGE, EXP2_RANGE)
    n = e.map("round_even", t)
    r = e.map("sub", t, n)
    terms = [math.log(2) ** k / math.factorial(k) for k in range(9, -1, -1)]
    return e.map("ldexp", e.polynomial(r, terms), n)


FORMULAS: dict[tuple[str, Attribute], Callable[..., SSAValue]] = {
    **{("exp", type_): exp for type_ in COEFFICIENTS},
    **{("log", type_): log for type_ in COEFFICIENTS},
    ("tanh", f64): tanh,
    **{("erf", type_): erf for type_ in COEFFICIENTS},
    ("pow", f32): pow_,
}
"""By function and the element type they compute in."""
