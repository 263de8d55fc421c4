"""Fits of the polynomials of kernel-expand-math: how the constants of its formulas came about.

Lawson's iteratively weighted least squares on Chebyshev nodes, with 40 digits. For fp32, the lowest coefficients are
rounded one after the other and the rest fitted again, so that the others take up what rounding did.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np

Real = Any
"""A number of mpmath, which has no types."""

NODES, ROUNDS = 100, 14


@dataclass(frozen=True)
class Fit:
    """A polynomial of `count` coefficients in x - centre that is close to `function` between low and high.

    `weight` times the distance is the error of the result that the polynomial goes into."""

    function: Callable[[Real], Real]
    weight: Callable[[Real], Real]
    low: float
    high: float
    count: int
    centre: float = 0.0
    rounded: int = 4

    def solve(self) -> tuple[list[float], float]:
        """The coefficients in fp32, highest power first, and the largest error before the last of them are rounded."""
        with mpmath.workdps(40):
            found, error = self._solve([])
            for known in range(1, min(self.rounded, self.count - 2) + 1):
                found, error = self._solve([nearest(value) for value in found[:known]])
            return [float(nearest(value)) for value in reversed(found)], float(error)

    def _solve(self, known: Sequence[Real]) -> tuple[list[Real], Real]:
        """All coefficients, lowest power first; the first of them are given."""
        low, high = mpmath.mpf(self.low), mpmath.mpf(self.high)
        angles = [mpmath.pi * (node + mpmath.mpf(1) / 2) / NODES for node in range(NODES)]
        places = [(low + high) / 2 - (high - low) / 2 * mpmath.cos(angle) for angle in angles]
        weights = [self.weight(x) for x in places]
        powers = range(len(known), self.count)
        basis = [[w * (x - self.centre) ** k for k in powers] for x, w in zip(places, weights, strict=True)]
        wanted = [w * (self.function(x) - self._value(known, x)) for x, w in zip(places, weights, strict=True)]
        shares = [mpmath.mpf(1) / NODES] * NODES
        best: tuple[list[Real], Real] | None = None
        for _ in range(ROUNDS):
            columns = [[row[k] for row in basis] for k in range(len(powers))]
            scaled = [[s * value for s, value in zip(shares, column, strict=True)] for column in columns]
            matrix = mpmath.matrix([[mpmath.fdot(a, b) for b in columns] for a in scaled])
            found = list(mpmath.lu_solve(matrix, mpmath.matrix([mpmath.fdot(a, wanted) for a in scaled])))
            errors = [abs(value - mpmath.fdot(row, found)) for row, value in zip(basis, wanted, strict=True)]
            if best is None or max(errors) < best[1]:
                best = ([*known, *found], max(errors))
            total = mpmath.fdot(shares, errors)
            shares = [max(s * error / total, mpmath.mpf(10) ** -12) for s, error in zip(shares, errors, strict=True)]
        assert best is not None
        return best

    def _value(self, coefficients: Sequence[Real], x: Real) -> Real:
        return sum((value * (x - self.centre) ** k for k, value in enumerate(coefficients)), mpmath.mpf(0))


def nearest(value: Real) -> Real:
    """The fp32 number closest to a value."""
    return mpmath.mpf(float(np.float32(float(value))))


def _ratio(function: Callable[[Real], Real]) -> Callable[[Real], Real]:
    """f(x) / x - 1 by x**2."""
    return lambda s: function(mpmath.sqrt(s)) / mpmath.sqrt(s) - 1


def _cubic(function: Callable[[Real], Real]) -> Callable[[Real], Real]:
    """(f(x) - x) / x**3 by x**2."""
    return lambda s: _ratio(function)(s) / s


FITS = {
    "TANH": Fit(_ratio(mpmath.tanh), lambda s: 1 / (1 + _ratio(mpmath.tanh)(s)), 1e-9, 1.067, 9, 73 / 128),
    "ATAN": Fit(_cubic(mpmath.atan), lambda s: s / (1 + _ratio(mpmath.atan)(s)), 1e-9, 0.25, 6),
    "erf": Fit(_ratio(mpmath.erf), lambda s: 1 / (1 + _ratio(mpmath.erf)(s)), 1e-9, 1.21, 8, 0.5),
    "erfc_root": Fit(
        lambda x: mpmath.sqrt(mpmath.erfc(x)), lambda x: 2 * mpmath.sqrt(mpmath.erfc(x)), 1.0, 3.95, 12, 1.5, rounded=3
    ),
}
"""By the name of the constant."""
