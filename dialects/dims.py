"""Symbolic sizes: integer expressions over named dims, kept in one normal form so that equal sizes compare equal.

A `Dim` is a sum of terms, each an integer coefficient times a product of atoms; an atom is a symbol (`batch`) or one of
floordiv, ceildiv, mod, min, max of two dims. All values are non-negative integers at run time.

    Dim.parse("2 * (batch + 1)") == Dim.parse("batch * 2 + 2")
    str(Dim.parse("ceildiv(batch, 6) * 4"))  ->  "ceildiv(batch, 6) * 4"
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from xdsl.context import Context
from xdsl.parser import AttrParser, Parser
from xdsl.utils.exceptions import ParseError

FunctionName: TypeAlias = Literal["floordiv", "ceildiv", "mod", "min", "max"]

_FUNCTIONS: dict[FunctionName, Callable[[int, int], int]] = {
    "floordiv": lambda a, b: a // b,
    "ceildiv": lambda a, b: -(-a // b),
    "mod": lambda a, b: a % b,
    "min": min,
    "max": max,
}


@dataclass(frozen=True)
class Symbol:
    """A named size, declared by `graph.dim @name` or listed in `dims [name]` of a kernel."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Function:
    """An integer function of two dims that has no sum-of-products form."""

    name: FunctionName
    lhs: Dim
    rhs: Dim

    def __str__(self) -> str:
        return f"{self.name}({self.lhs}, {self.rhs})"


Atom: TypeAlias = Symbol | Function
Monomial: TypeAlias = tuple[Atom, ...]


@dataclass(frozen=True)
class Dim:
    """A size in normal form: `terms` maps each product of atoms to its non-zero coefficient, ordered by text."""

    terms: tuple[tuple[Monomial, int], ...]

    @staticmethod
    def constant(value: int) -> Dim:
        return Dim((((), value),) if value else ())

    @staticmethod
    def symbol(name: str) -> Dim:
        return Dim((((Symbol(name),), 1),))

    @staticmethod
    def parse(text: str) -> Dim:
        """Read the syntax `str` writes. Raises ValueError where the text is not a dim expression."""
        parser = Parser(Context(), text)
        try:
            dim = parse_dim(parser)
            if text[parser.pos :].strip():
                parser.raise_error("end of dim expression expected")
        except ParseError as problem:
            raise ValueError(f"`{text}` is not a dim expression") from problem
        return dim

    # -- queries -----------------------------------------------------------------------------------------------------

    @property
    def is_static(self) -> bool:
        return not self.terms or (len(self.terms) == 1 and not self.terms[0][0])

    @property
    def value(self) -> int:
        """The integer of a static dim; raises ValueError for a symbolic one."""
        if not self.is_static:
            raise ValueError(f"`{self}` is not a constant")
        return self.terms[0][1] if self.terms else 0

    @property
    def symbols(self) -> frozenset[str]:
        return frozenset(self._symbols())

    def _symbols(self) -> Iterator[str]:
        for monomial, _ in self.terms:
            for atom in monomial:
                if isinstance(atom, Symbol):
                    yield atom.name
                else:
                    yield from atom.lhs._symbols()
                    yield from atom.rhs._symbols()

    @property
    def linear(self) -> tuple[str, int, int] | None:
        """Symbol, factor and offset of a size like `S`, `S * 4` or `S * 2 + 1`, which gives S; None for others."""
        factors = dict(self.terms)
        offset = factors.pop((), 0)
        if len(factors) != 1:
            return None
        (monomial, factor) = next(iter(factors.items()))
        atom = monomial[0]
        return (atom.name, factor, offset) if len(monomial) == 1 and isinstance(atom, Symbol) and factor > 0 else None

    def evaluate(self, env: Mapping[str, int]) -> int:
        """The size under `env`; raises KeyError for a symbol that has no value there."""
        total = 0
        for monomial, coefficient in self.terms:
            product = coefficient
            for atom in monomial:
                if isinstance(atom, Symbol):
                    product *= env[atom.name]
                else:
                    product *= _FUNCTIONS[atom.name](atom.lhs.evaluate(env), atom.rhs.evaluate(env))
            total += product
        return total

    def substitute(self, env: Mapping[str, int | Dim]) -> Dim:
        """Replace symbols by sizes; what `env` does not name stays symbolic."""
        if env.keys().isdisjoint(self._symbols()):
            return self
        total = Dim(())
        for monomial, coefficient in self.terms:
            product = Dim.constant(coefficient)
            for atom in monomial:
                if isinstance(atom, Symbol):
                    product *= as_dim(env.get(atom.name, Dim.symbol(atom.name)))
                else:
                    product *= _function(atom.name, atom.lhs.substitute(env), atom.rhs.substitute(env))
            total += product
        return total

    def divisible_by(self, divisor: int) -> bool:
        """True when every value of the dim is known to be a multiple of `divisor`."""
        return all(coefficient % divisor == 0 for _, coefficient in self.terms)

    # -- arithmetic --------------------------------------------------------------------------------------------------

    def __add__(self, other: int | Dim) -> Dim:
        other = as_dim(other)
        for dim, number in ((self, other), (other, self)):
            if number.is_static:
                return dim._plus(number.value)
        terms = dict(self.terms)
        for monomial, coefficient in other.terms:
            terms[monomial] = terms.get(monomial, 0) + coefficient
        return _normal(terms)

    def _plus(self, number: int) -> Dim:
        """The constant is the last term: the others stay in order."""
        others = self.terms[:-1] if self.terms and not self.terms[-1][0] else self.terms
        total = number + (self.terms[-1][1] if len(others) < len(self.terms) else 0)
        return Dim((*others, ((), total)) if total else others)

    def __radd__(self, other: int) -> Dim:
        return self + other

    def __neg__(self) -> Dim:
        return self * -1

    def __sub__(self, other: int | Dim) -> Dim:
        return self + as_dim(other) * -1

    def __rsub__(self, other: int) -> Dim:
        return as_dim(other) - self

    def __mul__(self, other: int | Dim) -> Dim:
        other = as_dim(other)
        for dim, number in ((self, other), (other, self)):
            if number.is_static:
                factor = number.value
                return Dim(tuple((monomial, a * factor) for monomial, a in dim.terms) if factor else ())
        terms: dict[Monomial, int] = {}
        for left, a in self.terms:
            for right, b in other.terms:
                monomial = tuple(sorted(left + right, key=str))
                terms[monomial] = terms.get(monomial, 0) + a * b
        return _normal(terms)

    def __rmul__(self, other: int) -> Dim:
        return self * other

    def __floordiv__(self, other: int | Dim) -> Dim:
        return _function("floordiv", self, as_dim(other))

    def __mod__(self, other: int | Dim) -> Dim:
        return _function("mod", self, as_dim(other))

    def ceildiv(self, other: int | Dim) -> Dim:
        return _function("ceildiv", self, as_dim(other))

    def min(self, other: int | Dim) -> Dim:
        return _function("min", self, as_dim(other))

    def max(self, other: int | Dim) -> Dim:
        return _function("max", self, as_dim(other))

    def __str__(self) -> str:
        if not self.terms:
            return "0"
        out = ""
        for monomial, coefficient in self.terms:
            size = abs(coefficient)
            factors = [str(atom) for atom in monomial] + ([str(size)] if size != 1 or not monomial else [])
            sign = ("-" if coefficient < 0 else "") if not out else (" - " if coefficient < 0 else " + ")
            out += sign + " * ".join(factors)
        return out


def as_dim(value: int | str | Dim) -> Dim:
    """A Dim of an integer, of a symbol's name, or of a Dim."""
    if isinstance(value, Dim):
        return value
    return Dim.symbol(value) if isinstance(value, str) else Dim.constant(value)


def simplest(value: int | Dim) -> int | Dim:
    """An int where the dim is a constant, the Dim otherwise."""
    return value.value if isinstance(value, Dim) and value.is_static else value


TYPICAL = 1009
"""What a symbol counts as where sizes are compared before they are known: more than what models fix."""


def typical(value: int | Dim) -> int:
    """A size to compare others with; symbols count as `TYPICAL`."""
    return value if isinstance(value, int) else int(value.evaluate(dict.fromkeys(value.symbols, TYPICAL)))


def product(values: tuple[int | Dim, ...] | list[int | Dim]) -> Dim:
    total = Dim.constant(1)
    for value in values:
        total *= value
    return total


def _normal(terms: Mapping[Monomial, int]) -> Dim:
    kept = [(monomial, coefficient) for monomial, coefficient in terms.items() if coefficient]
    # Symbols first, the constant last, each group by text: a stable order that reads as a person writes it.
    kept.sort(key=lambda term: (not term[0], [str(atom) for atom in term[0]]))
    return Dim(tuple(kept))


def _function(name: FunctionName, lhs: Dim, rhs: Dim) -> Dim:
    if name in ("floordiv", "ceildiv", "mod"):
        if rhs.is_static and rhs.value <= 0:
            raise ValueError(f"{name} by {rhs}")
        return _divided(name, lhs, rhs.value) if rhs.is_static else Dim((((Function(name, lhs, rhs),), 1),))
    if lhs == rhs:
        return lhs
    if lhs.is_static and rhs.is_static:
        return Dim.constant(_FUNCTIONS[name](lhs.value, rhs.value))
    if str(rhs) < str(lhs):
        lhs, rhs = rhs, lhs
    return Dim((((Function(name, lhs, rhs),), 1),))


def _divided(name: FunctionName, size: Dim, divisor: int) -> Dim:
    """A quotient or a remainder in its one form.

    Multiples of the divisor stand outside: floor((c * q + r) / c) = q + floor(r / c). A quotient is rounded up, with a
    constant from 2 - c to 0 (floor(r / c) = ceil((r - c + 1) / c)), or it is floordiv(r, c). What is divided is not
    negative then; a sum with negative terms, which it depends on its constant whether that is so, stays as it is.
    """
    by, constant = Dim.constant(divisor), next((c for monomial, c in size.terms if not monomial), 0)
    multiple = Dim(tuple((m, c // divisor) for m, c in size.terms if m and c % divisor == 0))
    rest = Dim(tuple((m, c) for m, c in size.terms if m and c % divisor))
    if any(coefficient < 0 for _, coefficient in rest.terms):
        return Dim((((Function(name, size, by),), 1),))
    if name == "mod":
        rest = rest + constant % divisor
        return rest if rest.is_static else Dim((((Function(name, rest, by),), 1),))
    over = constant if name == "ceildiv" else constant - divisor + 1
    whole = -(-over // divisor)
    if not rest.terms:
        return multiple + whole
    less = whole * divisor - over
    if less == divisor - 1:
        return multiple + whole + _quotient("floordiv", rest, divisor)
    return multiple + whole + _quotient("ceildiv", rest - less, divisor)


def _quotient(name: FunctionName, size: Dim, divisor: int) -> Dim:
    """A quotient; one of a quotient of the same kind is divided once, by both divisors."""
    match size.terms:
        case (((Function(inner, lhs, rhs),), 1),) if inner == name and rhs.is_static:
            return _divided(name, lhs, rhs.value * divisor)
    return Dim((((Function(name, size, Dim.constant(divisor)),), 1),))


def parse_dim(parser: AttrParser) -> Dim:
    """Parse `expr := term (('+'|'-') term)*`, `term := factor ('*' factor)*` at the parser's position."""
    sign = -1 if parser.parse_optional_punctuation("-") else 1
    total = _parse_term(parser) * sign
    while True:
        if parser.parse_optional_punctuation("+"):
            total += _parse_term(parser)
        elif parser.parse_optional_punctuation("-"):
            total -= _parse_term(parser)
        else:
            return total


def _parse_term(parser: AttrParser) -> Dim:
    total = _parse_factor(parser)
    while parser.parse_optional_punctuation("*"):
        total *= _parse_factor(parser)
    return total


def _parse_factor(parser: AttrParser) -> Dim:
    if parser.parse_optional_punctuation("("):
        inner = parse_dim(parser)
        parser.parse_punctuation(")")
        return inner
    number = parser.parse_optional_integer(allow_boolean=False, allow_negative=False)
    if number is not None:
        return Dim.constant(number)
    name = parser.parse_identifier("dim expression")
    if name in _FUNCTIONS and parser.parse_optional_punctuation("("):
        lhs = parse_dim(parser)
        parser.parse_punctuation(",")
        rhs = parse_dim(parser)
        parser.parse_punctuation(")")
        return _function(name, lhs, rhs)
    return Dim.symbol(name)
