"""Sizes as Python expressions: of a kernel's arguments inside it, of the inputs' shapes on the host."""

from __future__ import annotations

from collections.abc import Mapping

from neuralc.dialects.dims import Dim, Symbol
from neuralc.emit.python.expressions import Expression, binary, call, name

KERNEL_WORDS: Mapping[str, str] = {"ceildiv": "tl.cdiv", "min": "tl.minimum", "max": "tl.maximum"}
HOST_WORDS: Mapping[str, str] = {"ceildiv": "triton.cdiv", "min": "min", "max": "max"}
_OPERATORS: Mapping[str, str] = {"floordiv": "//", "mod": "%"}


def size_expression(size: int | Dim, names: Mapping[str, str], words: Mapping[str, str] = KERNEL_WORDS) -> Expression:
    """The expression of a size, symbols by the Python names they have."""
    if isinstance(size, int):
        return name(str(size))
    total: Expression | None = None
    for monomial, coefficient in size.terms:
        term: Expression | None = None
        for atom in monomial:
            if isinstance(atom, Symbol):
                factor = name(names[atom.name])
            else:
                lhs, rhs = (size_expression(side, names, words) for side in (atom.lhs, atom.rhs))
                factor = (
                    binary(_OPERATORS[atom.name], lhs, rhs)
                    if atom.name in _OPERATORS
                    else call(words[atom.name], lhs, rhs)
                )
            term = factor if term is None else binary("*", term, factor)
        count = name(str(abs(coefficient)))
        if term is None:
            term = count
        elif abs(coefficient) != 1:
            term = binary("*", term, count)
        if total is None:
            total = term if coefficient > 0 else binary("-", name("0"), term)
        else:
            total = binary("+" if coefficient > 0 else "-", total, term)
    return name("0") if total is None else total
