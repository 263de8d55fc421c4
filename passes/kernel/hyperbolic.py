"""Hyperbolic functions of fp32 tiles in kernel ops: formulas for kernel-expand-math, as elementary.py has the others.

| function | form                                                                    | fp32     |
|----------|-------------------------------------------------------------------------|----------|
| tanh     | x + x q(x**2 - c), beyond 1.03 1 - 2 / (exp(2x) + 1)                    | 0.85 ulp |
| sinh     | a polynomial up to 1, then h - 1 / 4h with h = exp(abs(x)) / 2 in fp64  | 0.85 ulp |
| cosh     | h + 1 / 4h                                                              | 0.6 ulp  |
| asinh    | log(a + sqrt(a**2 + 1)) with a = abs(x), in fp64                        | 0.55 ulp |
| acosh    | log(x + sqrt((x - 1) (x + 1))), in fp64                                 | 0.55 ulp |
| atanh    | log((1 + a) / (1 - a)) / 2 with a = abs(x), in fp64                     | 0.55 ulp |

tanh is in the inner loops of models and stays in fp32; the others are rare, and simple in fp64, where squares of fp32
numbers do not overflow. fp64 has no formula here; there the emitter calls the C library. (That of tanh stands in
elementary.py.)
"""

from __future__ import annotations

import math
from collections.abc import Callable

from xdsl.dialects.builtin import f32, f64
from xdsl.ir import Attribute, SSAValue

from neuralc.passes.kernel.elementary import Expression, odd_function, reduced, split_exponent

# 5.6e-11: (sinh(x) - x) / x**3 in x**2, for |x| <= 1
SINH = (2.817435967143913e-06, 0.00019836066889944074, 0.008333350594824932, 0.16666666488761375)

# 9.9e-10: tanh(x) / x - 1 in x**2 - TANH_CENTRE, for |x| <= TANH_SMALL
TANH = (
    0.00010755306720966473, -0.0002922632556874305, 0.0008324118098244071, -0.002542697824537754, 0.007732916623353958,
    -0.0234955046325922, 0.07152830064296722, -0.22134868800640106, -0.15486839413642883,
)  # fmt: skip
TANH_CENTRE = 73 / 128
TANH_SMALL = 1.03
"""Beyond, tanh(x) / x - 1 would pass -1/4 and have a digit less."""
TANH_ONE = 9.1
"""From here on tanh rounds to 1."""


def tanh(e: Expression, x: SSAValue) -> SSAValue:
    a = e.map("minimum", e.map("abs", x), TANH_ONE)
    centred = e.map("fma", x, x, -TANH_CENTRE)
    small = e.map("fma", x, e.polynomial(centred, TANH), x)
    # exp(2a) + 1 is rounded once, and so little is taken from 1 that the errors of the quotient hardly show.
    n, r = reduced(e, e.map("add", a, a))
    less = e.map("fma", e.map("mul", r, r), e.polynomial(r, e.coefficients.exp), r)
    scale = e.map("scale", e.constant(1.0), n)
    large = e.map("sub", 1.0, e.map("div", 2.0, e.map("fma", scale, less, e.map("add", scale, 1.0))))
    large = e.map("select", e.map("lt", x, 0.0), e.map("neg", large), large)
    return e.map("select", e.map("lt", a, TANH_SMALL), small, large)


def sinh(e: Expression, x: SSAValue) -> SSAValue:
    magnitude = e.map("abs", x)
    square = e.map("mul", x, x)
    small = e.map("fma", e.map("mul", square, magnitude), e.polynomial(square, SINH), magnitude)
    half = _half_exp(e, magnitude)
    large = e.convert(e.map("sub", half, e.map("div", 0.25, half)), f32)
    return odd_function(e, x, e.map("select", e.map("lt", magnitude, 1.0), small, large))


def cosh(e: Expression, x: SSAValue) -> SSAValue:
    half = _half_exp(e, e.map("abs", x))
    return e.convert(e.map("add", half, e.map("div", 0.25, half)), f32)


def _half_exp(e: Expression, x: SSAValue) -> SSAValue:
    """exp(x) / 2 in fp64, as exact as fp32 needs; x is at least 0."""
    x = e.convert(e.map("minimum", x, e.coefficients.exp_bounds[1] + 2), f64)
    n = e.map("round_even", e.map("mul", x, 1 / math.log(2)))
    r = e.map("fma", n, -math.log(2), x)
    return e.map("ldexp", e.polynomial(r, (*e.coefficients.exp, 1.0, 1.0)), e.map("sub", n, 1.0))


def asinh(e: Expression, x: SSAValue) -> SSAValue:
    a = e.map("abs", x)
    wide = e.convert(a, f64)
    root = e.map("sqrt", e.map("fma", wide, wide, 1.0))
    large = e.convert(_log(e, e.map("add", wide, root)), f32)
    return odd_function(e, x, _unless_small(e, a, -1 / 6, large))


def acosh(e: Expression, x: SSAValue) -> SSAValue:
    wide = e.convert(x, f64)
    t = e.map("sub", wide, 1.0)
    root = e.map("sqrt", e.map("mul", t, e.map("add", wide, 1.0)))
    result = e.convert(_log(e, e.map("add", wide, root)), f32)
    return e.map("select", e.map("lt", x, 1.0), e.constant(math.nan, f32), result)


def atanh(e: Expression, x: SSAValue) -> SSAValue:
    a = e.map("abs", x)
    wide = e.convert(a, f64)
    ratio = e.map("div", e.map("add", wide, 1.0), e.map("sub", 1.0, wide))
    large = e.convert(e.map("mul", _log(e, ratio), 0.5), f32)
    return odd_function(e, x, _unless_small(e, a, 1 / 3, large))


def _unless_small(e: Expression, a: SSAValue, cubic: float, large: SSAValue) -> SSAValue:
    """`large`, but the first two terms of the series where a is small: there 1 + a has too few digits of a."""
    series = e.map("fma", e.map("mul", e.map("mul", a, a), cubic), a, a)
    return e.map("select", e.map("lt", a, 0.01), series, large)


def _log(e: Expression, x: SSAValue) -> SSAValue:
    """The logarithm in fp64, as exact as fp32 needs: infinite for infinity, NaN below 0."""
    exponent, f = split_exponent(e, x)
    s = e.map("div", f, e.map("add", f, 2.0))
    square = e.map("mul", s, s)
    series = e.polynomial(square, (*e.coefficients.log, 2.0))
    result = e.map("fma", exponent, math.log(2), e.map("mul", s, series))
    result = e.map("select", e.map("eq", x, math.inf), x, result)
    return e.map("select", e.map("lt", x, 0.0), e.constant(math.nan, f64), result)


FORMULAS: dict[tuple[str, Attribute], Callable[..., SSAValue]] = {
    (function.__name__, f32): function for function in (tanh, sinh, cosh, asinh, acosh, atanh)
}
