"""Arithmetic on sizes that are symbolic: exact division, bounds, and comparisons where the bounds decide them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from neuralc.dialects.dims import Dim, Function, Monomial, as_dim, simplest
from neuralc.dialects.types import ShapeError

Size: TypeAlias = int | Dim
Interval: TypeAlias = tuple[float, float]
"""Smallest and largest value, both inclusive and possibly infinite."""

LARGEST = 1 << 28
"""The largest value of a symbolic size: what bounds are compared with that exporters write for "to the end"."""

MAX_BOUNDS = 3
"""Functions of sizes that are replaced by their bounds in one comparison."""

MAX_STEPS = 64
"""Terms of a quotient that are looked for."""


class Undecided(Exception):
    """A question about symbolic sizes whose answer differs between runs."""


class Bounds:
    """What is known about the values of sizes."""

    def __init__(self) -> None:
        self.symbols: dict[str, Interval] = {}

    def interval(self, size: Size) -> Interval:
        low, high = self._sum(size)
        return max([low, *(self._sum(lower)[0] for lower in _lower(as_dim(size)))]), high

    def _sum(self, size: Size) -> Interval:
        """Of each term alone."""
        low = high = 0.0
        for monomial, coefficient in as_dim(size).terms:
            term = (float(coefficient), float(coefficient))
            for atom in monomial:
                term = _times(term, self._function(atom) if isinstance(atom, Function) else self._symbol(atom.name))
            low, high = low + term[0], high + term[1]
        return low, high

    def limit(self, symbol: str, largest: int) -> None:
        """From now on the symbol is at most so large."""
        low, high = self._symbol(symbol)
        self.symbols[symbol] = low, min(high, float(largest))

    def minimum(self, symbol: str) -> int:
        return int(self._symbol(symbol)[0])

    def maximum(self, symbol: str) -> int:
        return int(self._symbol(symbol)[1])

    def simplified(self, size: Dim) -> Dim:
        """The size without minima and maxima that the bounds decide."""
        total = Dim(())
        for monomial, coefficient in size.terms:
            term = Dim.constant(coefficient)
            for atom in monomial:
                term *= self._atom(atom) if isinstance(atom, Function) else Dim.symbol(atom.name)
            total += term
        return total

    def _atom(self, atom: Function) -> Dim:
        lhs, rhs = self.simplified(atom.lhs), self.simplified(atom.rhs)
        match atom.name:
            case "min":
                return as_dim(self.smaller(lhs, rhs))
            case "max":
                return as_dim(self.larger(lhs, rhs))
            case "mod":
                return lhs % rhs
            case "floordiv":
                return lhs // rhs
            case _:
                return lhs.ceildiv(rhs)

    def _symbol(self, name: str) -> Interval:
        return self.symbols.get(name, (1.0, float(LARGEST)))

    def _function(self, atom: Function) -> Interval:
        (a, b), (c, d) = self.interval(atom.lhs), self.interval(atom.rhs)
        match atom.name:
            case "min":
                return min(a, c), min(b, d)
            case "max":
                return max(a, c), max(b, d)
            case "mod":
                return (0.0, min(b, d - 1)) if a >= 0 else (0.0, d - 1)
            case _:
                if c < 1:
                    return -math.inf, math.inf
                rounded = math.floor if atom.name == "floordiv" else math.ceil
                corners = [n / m if math.isfinite(n) or math.isfinite(m) else n for n in (a, b) for m in (c, d)]
                return _rounded(rounded, min(corners)), _rounded(rounded, max(corners))

    # --- comparisons ---------------------------------------------------------------------------------------------
    def less(self, lhs: Size, rhs: Size) -> bool:
        """lhs < rhs, where that is so in every run or in none. Raises Undecided."""
        if self.at_most(simplest(as_dim(lhs) + 1), rhs):
            return True
        if self.at_most(rhs, lhs):
            return False
        raise Undecided(f"{lhs} < {rhs}")

    def equal(self, lhs: Size, rhs: Size) -> bool:
        """lhs == rhs, where that is so in every run or in none. Raises Undecided."""
        difference = as_dim(lhs) - rhs
        if difference.is_static:
            return difference.value == 0
        low, high = self.interval(difference)
        if low > 0 or high < 0:
            return False
        raise Undecided(f"{lhs} == {rhs}")

    def at_most(self, lhs: Size, rhs: Size) -> bool:
        """lhs <= rhs in every run, as far as can be seen."""
        return self._never_negative(as_dim(rhs) - lhs, MAX_BOUNDS)

    def _never_negative(self, size: Dim, rounds: int) -> bool:
        """By the bounds of the symbols, else with something larger in the place of what is subtracted."""
        if self.interval(size)[0] >= 0:
            return True
        return rounds > 0 and any(self._never_negative(lower, rounds - 1) for lower in _lower(size))

    def smaller(self, lhs: Size, rhs: Size) -> Size:
        """The smaller one: one of the two where that is known, else their minimum."""
        if self.at_most(lhs, rhs):
            return lhs
        return rhs if self.at_most(rhs, lhs) else simplest(as_dim(lhs).min(rhs))

    def larger(self, lhs: Size, rhs: Size) -> Size:
        if self.at_most(lhs, rhs):
            return rhs
        return lhs if self.at_most(rhs, lhs) else simplest(as_dim(lhs).max(rhs))


def _lower(size: Dim) -> Iterator[Dim]:
    """Sizes that are never above this one: a function that is subtracted gives way to an upper bound of it."""
    for monomial, coefficient in size.terms:
        if coefficient > 0 or len(monomial) != 1 or not isinstance(monomial[0], Function):
            continue
        atom, rest = monomial[0], size - Dim(((monomial, coefficient),))
        if atom.name == "min":
            yield rest + atom.lhs * coefficient
            yield rest + atom.rhs * coefficient
        elif atom.name == "mod":
            yield rest + (atom.rhs - 1) * coefficient
        elif atom.name == "floordiv" and atom.rhs.is_static and coefficient % atom.rhs.value == 0:
            yield rest + atom.lhs * (coefficient // atom.rhs.value)


def _times(lhs: Interval, rhs: Interval) -> Interval:
    corners = [0.0 if 0 in (a, b) else a * b for a in lhs for b in rhs]
    return min(corners), max(corners)


def _rounded(how: object, value: float) -> float:
    return float(how(value)) if callable(how) and math.isfinite(value) else value


# --- division ----------------------------------------------------------------------------------------------------
def exact_quotient(lhs: Size, rhs: Size) -> Size | None:
    """lhs / rhs where that is a whole number for all values of the symbols, as far as can be seen."""
    quotient = _polynomial_quotient(as_dim(lhs), as_dim(rhs))
    if quotient is not None:
        return quotient
    written_out = _without_remainders(as_dim(lhs))
    return None if written_out == lhs else _polynomial_quotient(written_out, as_dim(rhs))


def _without_remainders(size: Dim) -> Dim:
    """x - floor(x / c) * c in the place of the remainder of x by a number c."""
    total = Dim(())
    for monomial, coefficient in size.terms:
        term = Dim.constant(coefficient)
        for atom in monomial:
            if isinstance(atom, Function) and atom.name == "mod" and atom.rhs.is_static:
                term *= atom.lhs - atom.lhs // atom.rhs * atom.rhs
            else:
                term *= Dim((((atom,), 1),))
        total += term
    return total


def up_to_multiple(size: Size, added: Size) -> Size:
    """What is added to a size, written so that the sum is seen to be a multiple where that is so: x + -x % 4."""
    written_out = _without_remainders(as_dim(added))
    divisors = {
        atom.rhs.value
        for monomial, _ in as_dim(added).terms
        for atom in monomial
        if isinstance(atom, Function) and atom.name == "mod" and atom.rhs.is_static
    }
    return simplest(written_out) if any((written_out + size).divisible_by(each) for each in divisors) else added


def _polynomial_quotient(rest: Dim, divisor: Dim) -> Size | None:
    if not divisor.terms:
        return None
    head, factor = _leading(divisor)
    quotient = Dim(())
    for _ in range(MAX_STEPS):
        if not rest.terms:
            return simplest(quotient)
        monomial, coefficient = _leading(rest)
        left = _without(monomial, head)
        if left is None or coefficient % factor:
            return None
        term = Dim(((left, coefficient // factor),))
        quotient, rest = quotient + term, rest - term * divisor
    return None


def floor_quotient(lhs: Size, rhs: Size) -> Size:
    """lhs // rhs. Raises Undecided where the divisor is or could be zero or less."""
    if isinstance(lhs, int) and isinstance(rhs, int) and rhs != 0:
        return lhs // rhs
    exact = exact_quotient(lhs, rhs)
    if exact is not None:
        return exact
    divisor = as_dim(rhs)
    if divisor.is_static and divisor.value < 1:
        raise Undecided(f"{lhs} // {rhs}")
    if not divisor.is_static:
        return simplest(as_dim(lhs) // divisor)
    # floor((c * q + r) / c) = q + floor(r / c)
    whole, rest = _split(as_dim(lhs), divisor.value)
    return simplest(whole + rest // divisor)


def remainder(lhs: Size, rhs: Size) -> Size:
    """lhs - (lhs // rhs) * rhs. Raises Undecided as floor_quotient."""
    if isinstance(lhs, int) and isinstance(rhs, int) and rhs != 0:
        return lhs % rhs
    if exact_quotient(lhs, rhs) is not None:
        return 0
    divisor = as_dim(rhs)
    if divisor.is_static and divisor.value < 1:
        raise Undecided(f"{lhs} % {rhs}")
    if not divisor.is_static:
        return simplest(as_dim(lhs) % divisor)
    # (c * q + x % c) % c = x % c
    inner = sum((_congruent(term, divisor) for term in as_dim(lhs).terms), Dim(()))
    return simplest(_split(inner, divisor.value)[1] % divisor)


def _congruent(term: tuple[Monomial, int], divisor: Dim) -> Dim:
    """A term that leaves the same remainder, itself not a remainder by the divisor."""
    monomial, coefficient = term
    size = Dim.constant(coefficient)
    for atom in monomial:
        inside = isinstance(atom, Function) and atom.name == "mod" and atom.rhs == divisor
        size *= atom.lhs if isinstance(atom, Function) and inside else Dim((((atom,), 1),))
    return size


def _split(dim: Dim, divisor: int) -> tuple[Dim, Dim]:
    """The quotient of the terms that `divisor` divides, and the other terms."""
    whole, rest = Dim(()), Dim(())
    for monomial, coefficient in dim.terms:
        quotient, left = divmod(coefficient, divisor)
        whole, rest = whole + Dim(((monomial, quotient),)), rest + (Dim(((monomial, left),)) if left else 0)
    return whole + 0, rest


def _leading(dim: Dim) -> tuple[Monomial, int]:
    """The first term in graded lexicographic order, which products keep (Cox, Little, O'Shea, section 2.2)."""
    atoms = sorted({atom for monomial, _ in dim.terms for atom in monomial}, key=str)
    return max(dim.terms, key=lambda term: (len(term[0]), [term[0].count(atom) for atom in atoms]))


def _without(monomial: Monomial, factor: Monomial) -> Monomial | None:
    """The monomial divided by a factor of it."""
    left = list(monomial)
    for atom in factor:
        if atom not in left:
            return None
        left.remove(atom)
    return tuple(left)


def total(sizes: Iterable[Size]) -> Size:
    """The product of sizes. Raises ShapeError for one of too many terms: n sums have 2**n."""
    out = Dim.constant(1)
    for size in sizes:
        out *= size
        if len(out.terms) > MAX_STEPS:
            raise ShapeError(f"a product of sizes has more than {MAX_STEPS} terms")
    return simplest(out)


def substituted(sizes: Iterable[Size], values: Mapping[str, Size]) -> tuple[Size, ...]:
    return tuple(simplest(as_dim(size).substitute(values)) for size in sizes)
