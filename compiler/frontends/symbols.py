"""The symbolic sizes of a model: their names, what is known about them, and those that turn out to be one size."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from xdsl.ir import Attribute, Block

from neuralc.dialects.dims import Dim, Function, Monomial, Symbol, as_dim, simplest
from neuralc.dialects.graph import DimOp
from neuralc.dialects.types import Shape, ShapeError
from neuralc.frontends.multiples import in_lowest_terms, multiples
from neuralc.frontends.sizes import LARGEST, Bounds, Size, exact_quotient
from neuralc.grammar.diagnostics import suggest, usage_error
from neuralc.pin_dims import Substitution

WORDS = {"min", "max", "mod", "floordiv", "ceildiv"}
"""Names with a meaning in size expressions."""

UNNAMED = {"", "?", "None", "-1", "unk"}
"""What exporters write for a size that has no name: equal ones need not be equal sizes."""


LONGEST = 2000
"""Characters of a size expression: what grows with every layer is no size of a model."""

MOST_FACTORS = 200
"""Factors of all terms of a size that another one is put into: powers of sums grow without end."""

MOST = 1000
"""Symbols of one model."""

MOST_TRIED = 4000
"""Times that factors are tried for the sizes of one model: each equation that has none tries all that there are."""


class Sized(Protocol):
    """Something beside the IR that holds sizes."""

    def resize(self, change: Substitution) -> None:
        """Put other sizes in the place of symbols."""
        ...


class Symbols:
    """The symbols of one model. `blocks` and `values` are where they are used so far."""

    def __init__(self, sizes: Mapping[str, int] | None = None) -> None:
        self._fixed = dict(sizes or {})
        """Sizes that the user gives symbols: `--dim batch=1`."""
        self.bounds = Bounds()
        self.blocks: list[Block] = []
        self.values: list[Sized] = []
        self._origins: dict[str, str] = {}
        self._named: dict[str, str] = {}
        self._equal: dict[str, Size] = {}
        self._checked: set[Dim] = set()
        self._tries = MOST_TRIED

    def watch(self, block: Block) -> None:
        """From now on sizes in a block follow those that become equal."""
        if block not in self.blocks:
            self.blocks.append(block)

    # --- names ---------------------------------------------------------------------------------------------------
    def named(self, text: str, origin: str) -> Size:
        """The symbol of a size that the model names; the same one wherever it has that name."""
        if text not in self._named:
            self._named[text] = self._new(text, origin)
        return simplest(Dim.symbol(self._named[text]).substitute(self._equal))

    def has(self, text: str) -> bool:
        """True where the model has named a size so, or one became a symbol of this name."""
        return text in self._named or text in self._origins

    def fresh(self, text: str, origin: str) -> Size:
        """A new symbol of about this name."""
        return simplest(Dim.symbol(self._new(text, origin)).substitute(self._equal))

    def _new(self, text: str, origin: str) -> str:
        base = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_")[:60] or "size"
        base = f"n{base}" if base[0].isdigit() else base
        name, count = base, 0
        while name in self._origins or name in WORDS:
            count += 1
            name = f"{base}_{count}"
        if len(self._origins) == MOST:
            raise ShapeError(f"the model has more than {MOST} symbolic sizes")
        self._origins[name] = origin
        if name in self._fixed:
            self._equal[name] = self._fixed[name]
        return name

    def check_sizes(self) -> None:
        """Raise UsageError E0813 where the user fixed a size that the model does not have."""
        for name, size in self._fixed.items():
            if name not in self._origins:
                known = ", ".join(self._origins) or "none"
                raise usage_error(
                    "E0813", f"`--dim {name}={size}`: the model has no size `{name}`",
                    note=f"its sizes: {known}", help=suggest(name, self._origins),
                )  # fmt: skip

    def declare(self, text: str, origin: str, low: int, high: int) -> None:
        """A size that the model names, and from where to where it goes; one value is that number.

        Raises UsageError E0813 where the user fixed it elsewhere."""
        self.named(text, origin)
        name, fixed = self._named[text], self._fixed.get(self._named[text])
        if fixed is not None and not low <= fixed <= high:
            told = f"from {low} to {high}" if low < high < LARGEST else f"at least {low}" if low < high else str(low)
            raise usage_error("E0813", f"`--dim {name}={fixed}`: `{name}` is {told}", note=origin)
        self.bounds.symbols[name] = float(low), float(high)
        if low == high:
            self._becomes(name, Dim.constant(low))

    def declarations(self) -> list[DimOp]:
        return [
            DimOp(name, self.bounds.minimum(name), self.bounds.maximum(name), origin)
            for name, origin in self._origins.items()
            if name not in self._equal
        ]

    # --- equal sizes ---------------------------------------------------------------------------------------------
    def unify(self, lhs: Size, rhs: Size) -> None:
        """Make two sizes one, everywhere; a run that gives them different values is refused. Raises ShapeError."""
        a, b = (as_dim(as_dim(size).substitute(self._equal)) for size in (lhs, rhs))
        if a == b or self._limited(a, b) or self._limited(b, a):
            return
        name, value = self._solved(a, b) or self._solved(b, a) or (None, a)
        if name is None:
            if self.equal_multiples(a, b):
                return
            raise ShapeError(f"sizes {a} and {b} have to be equal")
        self._becomes(name, value)

    def solve(self, lhs: Size, rhs: Size) -> None:
        """As `unify`, for linear equations too: `S + U == T + 3` gives T, `2 * S == 8` gives S. Raises ShapeError."""
        a, b = (as_dim(as_dim(size).substitute(self._equal)) for size in (lhs, rhs))
        solution = linear_solution(a - b, list(self._origins))
        if solution is None or _plain(a) is not None or _plain(b) is not None:
            self.unify(a, b)
        else:
            self._becomes(*solution)

    def equal_multiples(self, lhs: Size, rhs: Size) -> bool:
        """Make symbols multiples with which two sizes are equal; False where none are found."""
        a, b = in_lowest_terms(lhs, rhs)
        return self.assume_multiples((a, b), lambda sizes: a.substitute(sizes) == b.substitute(sizes))

    def divisible(self, lhs: Size, rhs: Size) -> bool:
        """Make symbols multiples with which `rhs` divides `lhs`; False where none are found."""
        a, b = in_lowest_terms(lhs, rhs)
        number = math.gcd(*(coefficient for _, coefficient in b.terms))
        return self.assume_multiples(
            (a, b), lambda sizes: exact_quotient(a.substitute(sizes), b.substitute(sizes)) is not None, number
        )

    def assume_multiples(
        self, sizes: Iterable[Size], holds: Callable[[Mapping[str, Dim]], bool], divisor: int = 1
    ) -> bool:
        """Make symbols multiples with which `holds` is true; a run of other sizes is refused. False: none are found."""

        def counted(chosen: Mapping[str, Dim]) -> bool:
            self._tries -= 1
            return holds(chosen)

        factors = multiples(sizes, counted, divisor, self._tries)
        for name, factor in (factors or {}).items():
            part = self._new(f"{name}_by_{factor}", f"{self._origins[name]} divided by {factor}")
            self._becomes(name, Dim.symbol(part) * factor)
        return factors is not None

    def _becomes(self, name: str, value: Dim) -> None:
        """Raises ShapeError where sizes would grow into expressions that no model has."""
        self._bound(name, value)
        for size in (value, *self._equal.values()):
            if _factors_with(as_dim(size), name, value) > MOST_FACTORS:
                raise ShapeError(f"with its value in the place of `{name}` a size has more than {MOST_FACTORS} factors")
        self._equal = {symbol: simplest(as_dim(size).substitute({name: value})) for symbol, size in self._equal.items()}
        self._equal[name] = simplest(value)
        self._rewrite(Substitution({name: value}))

    def _bound(self, name: str, value: Dim) -> None:
        """What is known about a symbol holds for what it becomes. Raises ShapeError where it cannot."""
        low, high = self.bounds.minimum(name), self.bounds.maximum(name)
        if value.is_static and not low <= value.value <= high:
            raise ShapeError(f"`{name}` would have to be {value}, and is from {low} to {high}")
        step = _linear(value)
        if step is None:
            return
        try:
            self._limit(*step, low, high)
        except ShapeError as problem:
            raise ShapeError(f"{problem} that makes {value} one that `{name}` may be") from None

    def within(self, size: Size, low: int, high: int) -> None:
        """Make a size at least and at most so large. Raises ShapeError where it is not, or that cannot be checked."""
        size = as_dim(as_dim(size).substitute(self._equal))
        least, most = self.bounds.interval(size)
        if low <= least and (most <= high or high >= LARGEST):
            return
        step = _linear(size)
        if step is None:
            raise ShapeError(f"{size} is not from {low} to {high}")
        self._limit(*step, low, high)

    def _limit(self, name: str, factor: int, offset: int, low: int, high: int) -> None:
        """Bounds of a symbol that keep `factor * symbol + offset` within others. Raises ShapeError."""
        ends = sorted((end - offset) / factor for end in (low, high if high < LARGEST else math.inf))
        low = math.ceil(max(ends[0], self.bounds.minimum(name)))
        high = math.floor(min(ends[1], self.bounds.maximum(name)))
        if low > high:
            raise ShapeError(f"`{name}` has no value within its bounds")
        self.bounds.symbols[name] = float(low), float(high)

    def _limited(self, a: Dim, b: Dim) -> bool:
        """Of `S == min(c, S)` follows that S is at most c: a table of c entries has no more."""
        symbol, atom = _plain(a), _only_atom(b)
        if symbol is None or not isinstance(atom, Function) or atom.name != "min":
            return False
        limit = atom.rhs if atom.lhs == a else atom.lhs
        if a not in (atom.lhs, atom.rhs) or not limit.is_static:
            return False
        self.bounds.limit(symbol, limit.value)
        self._rewrite(_Simplification(self.bounds))
        return True

    def _solved(self, a: Dim, b: Dim) -> tuple[str, Dim] | None:
        """A symbol of `a` alone that becomes `b`; of two symbols the one the model did not name first goes."""
        symbol = _plain(a)
        if symbol is None or symbol in b.symbols:
            return None
        if b.is_static and b.value < 1:
            return None
        other = _plain(b)
        if other is not None and other in self._origins:
            order = list(self._origins)
            keep_a = self._rank(symbol, order) < self._rank(other, order)
            return (other, a) if keep_a else (symbol, b)
        return symbol, b

    def _rank(self, name: str, order: list[str]) -> tuple[bool, int]:
        return name not in self._named.values(), order.index(name)

    def _rewrite(self, change: Substitution) -> None:
        for block in self.blocks:
            change.arguments(block)
            change.ops(op for top in block.ops for op in top.walk())
        for value in self.values:
            value.resize(change)

    # --- names that were given up ------------------------------------------------------------------------------------
    def current(self, shape: Iterable[Size]) -> Shape:
        """Sizes computed earlier, with the symbols of now."""
        return tuple(simplest(self._change().size(as_dim(size))) for size in shape)

    def check(self, sizes: Iterable[Size]) -> None:
        """Raise ShapeError for a size that is a longer expression than any model has."""
        for size in sizes:
            if isinstance(size, Dim) and size not in self._checked:
                if len(str(size)) > LONGEST:
                    raise ShapeError(f"the size {str(size)[:80]}.. is an expression of more than {LONGEST} characters")
                self._checked.add(size)

    def attribute(self, attribute: Attribute) -> Attribute:
        """A type or a property made earlier, with the symbols of now."""
        return self._change().attribute(attribute) if self._equal or self.bounds.symbols else attribute

    def _change(self) -> Substitution:
        return _Simplification(self.bounds, {name: as_dim(size) for name, size in self._equal.items()})


class _Simplification(Substitution):
    """Sizes in the place of symbols, and what the bounds decide in the place of minima and maxima."""

    def __init__(self, bounds: Bounds, sizes: Mapping[str, Dim] | None = None) -> None:
        super().__init__(sizes or {})
        self._bounds = bounds

    def size(self, size: Dim) -> Dim:
        return self._bounds.simplified(super().size(size))


def _factors_with(size: Dim, name: str, value: Dim) -> int:
    """Most factors that a size can have with a value in the place of a symbol: sums multiply, and powers add up."""
    terms, degree = len(value.terms), max((len(monomial) for monomial, _ in value.terms), default=0)
    factors = 0
    for monomial, _ in size.terms:
        inside = [atom for atom in monomial if isinstance(atom, Function)]
        power = sum(atom == Symbol(name) for atom in monomial)
        factors += terms**power * (len(monomial) - power + degree * power + 1)
        factors += sum(_factors_with(part, name, value) for atom in inside for part in (atom.lhs, atom.rhs))
    return factors


def linear_solution(difference: Dim, order: Sequence[str]) -> tuple[str, Dim] | None:
    """A symbol and what it has to be for a difference to be 0; the one that is last in `order`, if there is a choice.

    None for what is not linear in it, or has no whole solution.
    """
    factors = {
        monomial[0].name: factor
        for monomial, factor in difference.terms
        if len(monomial) == 1 and isinstance(monomial[0], Symbol)
    }
    alone = [name for name in factors if sum(name in _symbols(monomial) for monomial, _ in difference.terms) == 1]
    for name in sorted(alone, key=order.index, reverse=True):
        rest = Dim.symbol(name) * factors[name] - difference
        if all(factor % factors[name] == 0 for _, factor in rest.terms):
            return name, Dim(tuple((monomial, factor // factors[name]) for monomial, factor in rest.terms))
    return None


def _linear(size: Dim) -> tuple[str, int, int] | None:
    """Symbol, factor and offset of a size that is `factor * symbol + offset`."""
    offset = sum(factor for monomial, factor in size.terms if not monomial)
    rest = [(monomial, factor) for monomial, factor in size.terms if monomial]
    if len(rest) != 1:
        return None
    monomial, factor = rest[0]
    atom = monomial[0]
    return (atom.name, factor, offset) if len(monomial) == 1 and isinstance(atom, Symbol) else None


def _symbols(monomial: Monomial) -> frozenset[str]:
    return Dim(((monomial, 1),)).symbols


def _only_atom(dim: Dim) -> Symbol | Function | None:
    """The atom of a size that is one and nothing else."""
    if len(dim.terms) != 1 or len(dim.terms[0][0]) != 1 or dim.terms[0][1] != 1:
        return None
    return dim.terms[0][0][0]


def _plain(dim: Dim) -> str | None:
    """The name of a size that is one symbol and nothing else."""
    atom = _only_atom(dim)
    return atom.name if isinstance(atom, Symbol) else None
