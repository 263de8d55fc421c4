"""Hyperbolic functions of fp32 tiles in kernel ops: formulas for kernel-expand-math, as elementary.py has the others.

| function | form                                                                   | fp32  |
|----------|------------------------------------------------------------------------|-------|
| tanh     | a polynomial up to 1, then 1 - 2 / (exp(2x) + 1)                       | 1 ulp |
| sinh     | a polynomial up to 1, then h - 1 / 4h with h = exp(abs(x)) / 2         | 3 ulp |
| cosh     | h + 1 / 4h                                                             | 3 ulp |
| asinh    | log1p(a + a**2 / (1 + sqrt(1 + a**2))) with a = abs(x)                 | 4 ulp |
| acosh    | log1p(t + sqrt(t (t + 2))) with t = x - 1                              | 4 ulp |
| atanh    | log1p(2a / (1 - a)) / 2 with a = abs(x)                                | 4 ulp |

fp64 has no formula here; there the emitter calls the C library. (That of tanh stands in elementary.py.)
"""

from __future__ import annotations

import math
from collections.abc import Callable

from xdsl.dialects.builtin import f32
from xdsl.ir import Attribute, SSAValue

from neuralc.passes.kernel.elementary import Expression, log, odd_function, reduced

# 5.6e-11: (sinh(x) - x) / x**3 in x**2, for |x| <= 1
SINH = (2.817435967143913e-06, 0.00019836066889944074, 0.008333350594824932, 0.16666666488761375)

# 6.5e-9: tanh(x) / x - 1 in x**2 - 1/2, for |x| <= 1
TANH = (
    0.0002350216673221439, -0.0003502870968077332, 0.0009227429982274771, -0.0029270106460899115, 0.008703941479325294,
    -0.02580215036869049, 0.07672227174043655, -0.23176689445972443, -0.13894282281398773,
)  # fmt: skip
TANH_ONE = 9.1
"""From here on tanh rounds to 1."""

LARGE = 1e9
"""From here on, asinh(x) and acosh(x) are log(2x): squares would overflow before the functions do."""


def tanh(e: Expression, x: SSAValue) -> SSAValue:
    a = e.map("minimum", e.map("abs", x), TANH_ONE)
    centred = e.map("fma", x, x, -0.5)
    small = e.map("fma", x, e.polynomial(centred, TANH), x)
    # exp(2a) + 1 is rounded once, and so little is taken from 1 that the errors of the quotient hardly show.
    n, r = reduced(e, e.map("add", a, a))
    less = e.map("fma", e.map("mul", r, r), e.polynomial(r, e.coefficients.exp), r)
    scale = e.map("ldexp", e.constant(1.0), n)
    large = e.map("sub", 1.0, e.map("div", 2.0, e.map("fma", scale, less, e.map("add", scale, 1.0))))
    large = e.map("select", e.map("lt", x, 0.0), e.map("neg", large), large)
    return e.map("select", e.map("lt", a, 1.0), small, large)


def sinh(e: Expression, x: SSAValue) -> SSAValue:
    magnitude = e.map("abs", x)
    square = e.map("mul", x, x)
    small = e.map("fma", e.map("mul", square, magnitude), e.polynomial(square, SINH), magnitude)
    half = _half_exp(e, magnitude)
    large = e.map("sub", half, e.map("div", 0.25, half))
    return odd_function(e, x, e.map("select", e.map("lt", magnitude, 1.0), small, large))


def cosh(e: Expression, x: SSAValue) -> SSAValue:
    half = _half_exp(e, e.map("abs", x))
    return e.map("add", half, e.map("div", 0.25, half))


def _half_exp(e: Expression, x: SSAValue) -> SSAValue:
    """exp(x) / 2, which is finite where exp(x) no longer is; x is at least 0."""
    n, r = reduced(e, e.map("minimum", x, e.coefficients.exp_bounds[1] + 2))
    return e.map("ldexp", e.polynomial(r, (*e.coefficients.exp, 1.0, 1.0)), e.map("sub", n, 1.0))


def asinh(e: Expression, x: SSAValue) -> SSAValue:
    a = e.map("abs", x)
    square = e.map("mul", a, a)
    root = e.map("sqrt", e.map("add", square, 1.0))
    small = e.map("add", a, e.map("div", square, e.map("add", root, 1.0)))
    return odd_function(e, x, _log_of(e, a, small))


def acosh(e: Expression, x: SSAValue) -> SSAValue:
    t = e.map("sub", x, 1.0)
    small = e.map("add", t, e.map("sqrt", e.map("mul", t, e.map("add", t, 2.0))))
    return e.map("select", e.map("lt", x, 1.0), e.constant(math.nan), _log_of(e, x, small))


def _log_of(e: Expression, x: SSAValue, u: SSAValue) -> SSAValue:
    """log1p(u), or log(2x) of a large x, for which u has overflowed."""
    large = e.map("gt", x, LARGE)
    result = _log1p(e, e.map("select", large, x, u))
    return e.map("select", large, e.map("add", result, math.log(2)), result)


def atanh(e: Expression, x: SSAValue) -> SSAValue:
    a = e.map("abs", x)
    ratio = e.map("div", e.map("add", a, a), e.map("sub", 1.0, a))
    return odd_function(e, x, e.map("mul", _log1p(e, ratio), 0.5))


def _log1p(e: Expression, u: SSAValue) -> SSAValue:
    """log(1 + u); what is cut off of u in the sum is added as its first-order term."""
    w = e.map("add", u, 1.0)
    rest = e.map("div", e.map("sub", u, e.map("sub", w, 1.0)), w)
    rest = e.map("select", e.map("eq", w, math.inf), e.constant(0.0), rest)
    return e.map("add", log(e, w), rest)


FORMULAS: dict[tuple[str, Attribute], Callable[..., SSAValue]] = {
    (function.__name__, f32): function for function in (tanh, sinh, cosh, asinh, acosh, atanh)
}
