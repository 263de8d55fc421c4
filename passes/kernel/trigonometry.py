"""Circular functions of fp32 tiles in kernel ops: formulas for kernel-expand-math, as elementary.py has the others.

| function   | form                                                                    | fp32     |
|------------|-------------------------------------------------------------------------|----------|
| sin, cos   | x 2/pi = n + f in quarter turns, polynomials in f pi/2, n mod 4 chooses | 0.51 ulp |
| tan        | their quotient                                                          | 0.51 ulp |
| atan       | of x, (x - 1) / (x + 1) or -1 / x, a polynomial up to 1/2               | 0.75 ulp |
| asin, acos | a polynomial in x, beyond 1/2 in sqrt((1 - x) / 2)                      | 0.65 ulp |

Every fp32 number has its right sine, 1e38 as well: x times 2/pi is taken modulo 4 in fp64, in pieces whose products are
exact (Payne and Hanek, "Radian reduction for trigonometric functions", 1983, without their integers). The rest is too
short to leave fp64 for. The inverse functions stay in fp32: what rounding takes of a quotient, a root or the sum with
pi/2 is found by fused multiply-adds and added to the small terms; without them, the errors are up to 1 ulp.
fp64 has no formula here; there the emitter calls the C library.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from xdsl.dialects.builtin import f32, f64
from xdsl.ir import Attribute, SSAValue

from neuralc.passes.kernel.elementary import Expression, keep_zero, odd_function

QUARTER_TURNS = (
    0.636619770899415, 1.4681663246252086e-09, 2.2760100671971816e-18, 5.8812147387730434e-27,
    1.0346868700836215e-35, 3.7832563882960676e-45,
)  # fmt: skip
"""2 / pi in pieces of 29 bits: times 24 bits of an fp32 number they are exact in fp64. The last one has 53 bits, and is
so small that even 2**128 times it needs no reduction, nor a piece behind it."""

# Minimax fits of the relative error of the result, as in coefficients.py; the error is that of the fit.
# 4.9e-12: (sin(r) - r) / r**3 in r**2, for |r| <= pi / 4
SIN = (2.7183119886768502e-06, -0.00019839334889739707, 0.008333329386057934, -0.1666666664162798)
# 1.1e-10: (cos(r) - 1 + r**2 / 2) / r**4 in r**2
COS = (2.4438451402674587e-05, -0.0013887367511010573, 0.0416666468662569)
PI = (3.1415927410125732, -8.742277657347586e-08)
"""pi as the sum of two fp32 numbers."""
HUGE, TINY = 1e30, 1e-9
"""More than any argument atan tells from infinity; less than any root but 0 that asin takes."""

# 2.8e-10: (atan(x) - x) / x**3 in x**2, for |x| <= 1/2
ATAN = (
    0.039041996002197266, -0.08009069412946701, 0.10948409885168076, -0.14273107051849365, 0.19999554753303528,
    -0.333333283662796,
)  # fmt: skip
# 2.8e-10: (asin(x) - x) / x**3 in x**2, for |x| <= 1/2
ASIN = (
    0.0375633257660659, 0.01440398145315248, 0.03181723526658039, 0.044515767041934294, 0.075005106671281,
    0.16666659875851828,
)  # fmt: skip


def sin(e: Expression, x: SSAValue) -> SSAValue:
    turn, sine, cosine = _quadrant(e, x)
    return keep_zero(e, x, e.convert(_signed(e, turn, e.map("select", _is_odd(e, turn), cosine, sine)), f32))


def cos(e: Expression, x: SSAValue) -> SSAValue:
    turn, sine, cosine = _quadrant(e, x)
    following = e.map("add", turn, 1.0)
    following = e.map("select", e.map("eq", following, 4.0), e.constant(0.0, f64), following)
    return e.convert(_signed(e, following, e.map("select", _is_odd(e, turn), sine, cosine)), f32)


def tan(e: Expression, x: SSAValue) -> SSAValue:
    turn, sine, cosine = _quadrant(e, x)
    odd = _is_odd(e, turn)
    above = e.map("select", odd, e.map("neg", cosine), sine)
    quotient = e.map("div", above, e.map("select", odd, sine, cosine))
    return keep_zero(e, x, e.convert(quotient, f32))


def _quadrant(e: Expression, x: SSAValue) -> tuple[SSAValue, SSAValue, SSAValue]:
    """Of x = (n + f) pi/2 with |f| <= 1/2: n modulo 4, the sine and the cosine of f pi/2, all in fp64."""
    wide = e.convert(x, f64)
    parts = [_modulo_four(e, e.map("mul", wide, piece)) for piece in QUARTER_TURNS[:-1]]
    parts.append(e.map("mul", wide, QUARTER_TURNS[-1]))
    n = e.map("round_even", _sum(e, parts))
    # What is left of the large parts is exact; the small ones come after it, so that f keeps its digits near 0.
    f = _sum(e, [e.map("sub", parts[0], n), *parts[1:]])
    r = e.map("mul", f, math.pi / 2)
    square = e.map("mul", r, r)
    sine = e.map("fma", e.map("mul", square, r), e.polynomial(square, SIN), r)
    quartic = e.map("mul", e.map("mul", square, square), e.polynomial(square, COS))
    cosine = e.map("add", e.map("fma", square, -0.5, 1.0), quartic)
    return e.map("fma", e.map("floor", e.map("mul", n, 0.25)), -4.0, n), sine, cosine


def _sum(e: Expression, parts: Sequence[SSAValue]) -> SSAValue:
    """From the first to the last."""
    total = parts[0]
    for part in parts[1:]:
        total = e.map("add", total, part)
    return total


def _modulo_four(e: Expression, turns: SSAValue) -> SSAValue:
    """The rest after whole turns, exactly, between -2 and 2; what is small stays as it is."""
    return e.map("fma", e.map("round_even", e.map("mul", turns, 0.25)), -4.0, turns)


def _is_odd(e: Expression, turn: SSAValue) -> SSAValue:
    return e.map("or", e.map("eq", turn, 1.0), e.map("eq", turn, 3.0))


def _signed(e: Expression, turn: SSAValue, value: SSAValue) -> SSAValue:
    """In the third and fourth quarter of a turn, sin is negative."""
    return e.map("select", e.map("ge", turn, 2.0), e.map("neg", value), value)


def atan(e: Expression, x: SSAValue) -> SSAValue:
    # Beyond HUGE the result no longer changes, and infinities would make NaN of the remainders below.
    a = e.map("minimum", e.map("abs", x), HUGE)
    middle, large = e.map("ge", a, 0.5), e.map("ge", a, math.tan(3 * math.pi / 8))
    zero, one = e.constant(0.0), e.constant(1.0)
    # atan(a) = base + atan(above / below): a / 1, (a - 1) / (a + 1) or -1 / a; `rest` is what rounding takes of a + 1.
    taken, given = e.map("select", middle, a, zero), e.map("select", large, zero, one)
    above = e.map("sub", e.map("select", large, zero, a), e.map("select", middle, one, zero))
    below = e.map("add", taken, given)
    rest = e.map("sub", taken, e.map("sub", below, given))
    inverse = e.map("div", 1.0, below)
    y = e.rounded_product(above, inverse)
    remainder = e.map("fma", y, e.map("neg", rest), e.map("fma", y, e.map("neg", below), above))
    square = e.map("mul", y, y)
    curve = e.map("mul", square, e.polynomial(square, ATAN))
    tail = e.map("fma", y, curve, e.map("mul", remainder, inverse))

    def base(quarter: float) -> SSAValue:
        below_large = e.map("select", middle, e.constant(quarter), zero)
        return e.map("select", large, e.constant(2 * quarter), below_large)

    high, low = (base(part / 4) for part in PI)
    return odd_function(e, x, _sum_of_pair(e, high, y, e.map("add", tail, low)))


def asin(e: Expression, x: SSAValue) -> SSAValue:
    large, angle, rest = _half_angle(e, e.map("abs", x))
    high, low = (part / 2 for part in PI)
    wide = _sum_of_pair(e, e.constant(high), e.map("mul", angle, -2.0), e.map("fma", rest, -2.0, low))
    return odd_function(e, x, e.map("select", large, wide, e.map("add", angle, rest)))


def acos(e: Expression, x: SSAValue) -> SSAValue:
    large, angle, rest = _half_angle(e, e.map("abs", x))
    negative = e.map("lt", x, 0.0)
    # pi/2 - asin(x) near 0, 2 asin(root) near 1, pi - 2 asin(root) near -1.
    factor = e.map("select", large, e.constant(2.0), e.constant(-1.0))
    factor = e.map("select", negative, e.map("neg", factor), factor)

    def base(whole: float) -> SSAValue:
        end = e.map("select", negative, e.constant(whole), e.constant(0.0))
        return e.map("select", large, end, e.constant(whole / 2))

    high, low = (base(part) for part in PI)
    return _sum_of_pair(e, high, e.map("mul", angle, factor), e.map("fma", rest, factor, low))


def _half_angle(e: Expression, a: SSAValue) -> tuple[SSAValue, SSAValue, SSAValue]:
    """Whether a is above 1/2, and the arc sine of sqrt((1 - a) / 2), or of a where it is not; NaN beyond 1.

    The arc sine is in two parts: its argument, rounded, and the small rest."""
    large = e.map("gt", a, 0.5)
    square = e.map("fma", a, -0.5, 0.5)
    root = e.map("sqrt", square)
    # Half the remainder over the root is what rounding took of the root; at the end, the root is exactly 0.
    remainder = e.map("fma", root, e.map("neg", root), square)
    missing = e.map("div", remainder, e.map("maximum", e.map("add", root, root), TINY))
    missing = e.map("select", large, missing, e.constant(0.0))
    square = e.map("select", large, square, e.map("mul", a, a))
    angle = e.map("select", large, root, a)
    return large, angle, e.map("fma", angle, e.map("mul", square, e.polynomial(square, ASIN)), missing)


def _sum_of_pair(e: Expression, a: SSAValue, b: SSAValue, rest: SSAValue) -> SSAValue:
    """a + b + rest, rounded but once as far as rest is small; a is 0 or not below b (Dekker's fast sum, 1971)."""
    total = e.map("add", a, b)
    cut_off = e.map("add", e.map("sub", a, total), b)
    return e.map("add", total, e.map("add", cut_off, rest))


FORMULAS: dict[tuple[str, Attribute], Callable[..., SSAValue]] = {
    (function.__name__, f32): function for function in (sin, cos, tan, asin, acos, atan)
}
