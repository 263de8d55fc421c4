"""Sizes in a `forward`: numbers, and for a symbolic size what finds it in the shapes of the arguments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from neuralc.dialects.dims import Dim, Function, Monomial, Symbol, as_dim
from neuralc.emit.python.expressions import Expression, binary, call, name, negated
from neuralc.emit.python.nodes import Node

ENTRY = "{}.shape[{}]"
"""A size of an array along an axis."""

_FUNCTIONS = {"floordiv": "//", "mod": "%"}


@dataclass(frozen=True)
class Sized:
    """A size as a function of the arguments of `forward`: the nodes it reads, and its expression over them."""

    nodes: tuple[Node, ...]
    size: Dim

    def expression(self, arguments: tuple[Expression, ...], entry: str = ENTRY) -> Expression:
        """The size as Python computes it from the shapes of `arguments`, which stand for the nodes.

        `entry` is how a size along an axis is written.
        """
        places: dict[str, Expression] = {}
        for node, argument in zip(self.nodes, arguments, strict=True):
            for axis, size in enumerate(node.shape):
                symbol = _symbol(size)
                if symbol is not None:
                    places.setdefault(symbol, name(entry.format(argument, axis)))
        return _sum(self.size, places)


def sized(size: int | Dim, inputs: tuple[Node, ...]) -> Sized | None:
    """How to find a size in the shapes of the inputs; None where a symbol of it stands in none of them alone."""
    wanted, nodes = set(as_dim(size).symbols), []
    for node in inputs:
        found = {symbol for each in node.shape if (symbol := _symbol(each)) is not None}
        if wanted & found:
            wanted -= found
            nodes.append(node)
    return None if wanted else Sized(tuple(nodes), as_dim(size))


class Sizes:
    """Sizes that one expression writes: numbers, and for symbolic ones what finds them in the shapes of arguments."""

    def __init__(self, wanted: Sequence[int | Dim], inputs: Sequence[Node]) -> None:
        self._wanted = wanted
        self._found = [
            sized(size, tuple(inputs)) if isinstance(size, Dim) and not size.is_static else None for size in wanted
        ]
        self.nodes = tuple(node for found in self._found if found is not None for node in found.nodes)
        """What the expression reads for them."""

    @property
    def absent(self) -> Dim | None:
        """A size that no argument has."""
        pairs = zip(self._wanted, self._found, strict=True)
        return next((size for size, found in pairs if isinstance(size, Dim) and not size.is_static and not found), None)

    def written(self, arguments: Sequence[Expression], entry: str = ENTRY) -> list[Expression]:
        """The sizes, with the expressions of `nodes` as arguments; `entry` is how one along an axis is written."""
        rest = iter(arguments)
        return [
            name(str(as_dim(size).value))
            if found is None
            else found.expression(tuple(next(rest) for _ in found.nodes), entry)
            for size, found in zip(self._wanted, self._found, strict=True)
        ]


def written(size: int | Dim, places: dict[str, Expression]) -> Expression:
    """A size over symbols that are each found at a place."""
    return _sum(as_dim(size), places)


def _symbol(size: int | Dim) -> str | None:
    """The name of a size that is one symbol."""
    if isinstance(size, int) or len(size.terms) != 1:
        return None
    monomial, coefficient = size.terms[0]
    atom = monomial[0] if len(monomial) == 1 and coefficient == 1 else None
    return atom.name if isinstance(atom, Symbol) else None


def _sum(size: Dim, places: dict[str, Expression]) -> Expression:
    result: Expression | None = None
    # Constants stand last, as one writes them.
    for monomial, coefficient in sorted(size.terms, key=lambda term: term[0] == ()):
        term = _product(monomial, abs(coefficient), places)
        if result is None:
            result = term if coefficient > 0 else negated(term)
        else:
            result = binary("+" if coefficient > 0 else "-", result, term)
    return name("0") if result is None else result


def _product(monomial: Monomial, coefficient: int, places: dict[str, Expression]) -> Expression:
    factors = [_atom(atom, places) for atom in monomial]
    if coefficient != 1 or not factors:
        factors.append(name(str(coefficient)))
    result, *others = factors
    for factor in others:
        result = binary("*", result, factor)
    return result


def _atom(atom: Symbol | Function, places: dict[str, Expression]) -> Expression:
    if isinstance(atom, Symbol):
        return places[atom.name]
    lhs, rhs = _sum(atom.lhs, places), _sum(atom.rhs, places)
    if atom.name in _FUNCTIONS:
        return binary(_FUNCTIONS[atom.name], lhs, rhs)
    if atom.name == "ceildiv":
        return negated(binary("//", negated(lhs), rhs))
    return call(atom.name, lhs, rhs)
