"""Sizes that a model only works with where they are multiples: `H // 4 * 4 == H` says that H is one of 4."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import reduce
from itertools import combinations, islice, product
from operator import and_

from neuralc.dialects.dims import Dim, Function, Symbol, as_dim
from neuralc.frontends.sizes import Size

LARGEST = 256
"""The largest factor that is tried."""

MOST = 4
"""Symbols that are looked at together."""

MOST_TOGETHER = 512
"""Sets of factors that are tried for the same symbols: all powers of two for three of them."""

Factors = Mapping[str, int]


def multiples(
    sizes: Iterable[Size], holds: Callable[[Mapping[str, Dim]], bool], divisor: int = 1, most: int | None = None
) -> Factors | None:
    """The smallest factors of as few symbols as possible with which `holds` of all their multiples; None: no such ones.

    Tried are products of the numbers that `sizes` divide by, and of `divisor`; `most` says how many times.
    """
    found: dict[str, set[int]] = {}
    for size in sizes:
        for symbol, number in _divided(as_dim(size), divisor):
            found.setdefault(symbol, set()).add(number)
    choices = {symbol: _products(numbers) for symbol, numbers in sorted(found.items())[:MOST]}
    for chosen in islice(_candidates(choices), most):
        if holds({name: Dim.symbol(name) * factor for name, factor in chosen.items()}):
            return chosen
    return None


def _candidates(choices: Mapping[str, list[int]]) -> Iterator[Factors]:
    """Factors for one symbol, for two, and so on; the small ones first."""
    for count in range(1, len(choices) + 1):
        few = int(MOST_TOGETHER ** (1 / count) + 0.5)
        for names in combinations(choices, count):
            for factors in sorted(product(*(choices[name][:few] for name in names)), key=math.prod):
                yield dict(zip(names, factors, strict=True))


def in_lowest_terms(lhs: Size, rhs: Size) -> tuple[Dim, Dim]:
    """Both without the factors that all their terms have."""
    a, b = as_dim(lhs), as_dim(rhs)
    terms = [*a.terms, *b.terms]
    number = math.gcd(*(coefficient for _, coefficient in terms)) or 1
    counts = [Counter(monomial) for monomial, _ in terms]
    common = list(reduce(and_, counts).elements()) if counts else []
    return _without(a, common, number), _without(b, common, number)


def _without(size: Dim, common: Iterable[Symbol | Function], number: int) -> Dim:
    terms = []
    for monomial, coefficient in size.terms:
        left = list(monomial)
        for atom in common:
            left.remove(atom)
        terms.append((tuple(left), coefficient // number))
    return sum((Dim((term,)) for term in terms), Dim(()))


def _divided(size: Dim, divisor: int) -> set[tuple[str, int]]:
    """Each symbol with each number that something with it in is divided by."""
    found: set[tuple[str, int]] = set()
    for monomial, _ in size.terms:
        for atom in monomial:
            inside = {(atom.name, divisor)} if isinstance(atom, Symbol) else _of(atom)
            found |= inside | {(symbol, divisor) for symbol, _ in inside}
    return found


def _of(atom: Function) -> set[tuple[str, int]]:
    number = atom.rhs.value if atom.name in ("floordiv", "ceildiv", "mod") and atom.rhs.is_static else 1
    around = {(symbol, number) for symbol in atom.lhs.symbols}
    return around | _divided(atom.lhs, 1) | _divided(atom.rhs, 1)


def _products(numbers: Iterable[int]) -> list[int]:
    """All products of the numbers, repeated as well, up to the largest that is tried."""
    found = {1}
    for number in {number for number in numbers if number > 1}:
        for power in range(1, int(math.log(LARGEST, number)) + 1):
            found |= {each * number**power for each in list(found) if each * number**power <= LARGEST}
    return sorted(found - {1})
