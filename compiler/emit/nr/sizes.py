"""Sizes in formulas: numbers, and for a symbolic one the place where it stands in the shape of a value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from xdsl.ir import Operation

from neuralc.dialects.dims import Dim, Function, Monomial, Symbol, as_dim
from neuralc.dialects.graph.module import declared_dims
from neuralc.dialects.types import Shape
from neuralc.emit.python.expressions import Expression, Precedence, binary, call, name, negated
from neuralc.frontends.sizes import LARGEST, Bounds

Places: TypeAlias = dict[str, str]
"""Symbol -> what reads it, such as `x.shape[0]`."""

_OPERATORS = {"floordiv": "//", "mod": "%"}


def places_of(shape: Shape) -> dict[str, int]:
    """The axes whose sizes are one symbol."""
    found: dict[str, int] = {}
    for axis, size in enumerate(shape):
        symbol = symbol_of(size)
        if symbol is not None:
            found.setdefault(symbol, axis)
    return found


def bounds_at(op: Operation) -> Bounds:
    """What the module of an op says of its sizes."""
    found, module = Bounds(), op.get_toplevel_object()
    for symbol, dim in declared_dims(module).items() if isinstance(module, Operation) else ():
        high = LARGEST if dim.maximum is None else dim.maximum.data.value
        found.symbols[symbol] = float(dim.minimum.data.value), float(high)
    return found


def symbol_of(size: int | Dim) -> str | None:
    """The name of a size that is one symbol."""
    if isinstance(size, int) or len(size.terms) != 1:
        return None
    monomial, coefficient = size.terms[0]
    atom = monomial[0] if len(monomial) == 1 and coefficient == 1 else None
    return atom.name if isinstance(atom, Symbol) else None


def size_text(size: int | Dim, places: Mapping[str, str]) -> str:
    return _sum(as_dim(size), places).text


def _sum(size: Dim, places: Mapping[str, str]) -> Expression:
    result: Expression | None = None
    # Constants stand last, as one writes them.
    for monomial, coefficient in sorted(size.terms, key=lambda term: term[0] == ()):
        term = _product(monomial, abs(coefficient), places)
        if result is None:
            result = term if coefficient > 0 else negated(term)
        else:
            result = binary("+" if coefficient > 0 else "-", result, term)
    return name("0") if result is None else result


def _product(monomial: Monomial, coefficient: int, places: Mapping[str, str]) -> Expression:
    factors = [_atom(atom, places) for atom in monomial]
    if coefficient != 1 or not factors:
        factors.append(name(str(coefficient)))
    result, *others = factors
    for factor in others:
        result = binary("*", result, factor)
    return result


def _atom(atom: Symbol | Function, places: Mapping[str, str]) -> Expression:
    if isinstance(atom, Symbol):
        return name(places[atom.name])
    lhs, rhs = _sum(atom.lhs, places), _sum(atom.rhs, places)
    if atom.name in _OPERATORS:
        return binary(_OPERATORS[atom.name], lhs, rhs)
    if atom.name == "ceildiv":
        quotient = binary("//", Expression(f"({negated(lhs)})", precedence=Precedence.ATOM), rhs)
        return negated(quotient)
    return call(f"{atom.name}imum", lhs, rhs)
