"""Two forms that many ops have: a function of the operands, and one of operands and properties."""

from __future__ import annotations

from collections.abc import Callable

from neuralc.dialects.interp.evaluator import Semantics
from neuralc.dialects.interp.numerics import Array


def from_operands(function: Callable[..., Array]) -> Semantics:
    """An op that is a function of its operands alone."""
    return lambda evaluator, op, *operands: function(*operands)


def with_properties(function: Callable[..., Array], *names: str) -> Semantics:
    """An op that is a function of its operands and of the named properties."""
    return lambda evaluator, op, *operands: function(*operands, *(op.literal(name) for name in names))
