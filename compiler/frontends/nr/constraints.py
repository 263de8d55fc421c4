"""What a `where` clause says beyond the bounds of one name: `T == 2 * S`, `H % 16 == 0`."""

from __future__ import annotations

from collections.abc import Iterator

from neuralc.dialects.dims import Dim, as_dim
from neuralc.dialects.types import ShapeError
from neuralc.frontends.symbols import Symbols
from neuralc.grammar import tree as t
from neuralc.grammar.diagnostics import Diagnostic
from neuralc.grammar.program import Program


def apply_constraints(program: Program, symbols: Symbols) -> Iterator[Diagnostic]:
    """Makes the sizes what the constraints say; errors for those that cannot hold or are not of a form that is known.

    An equation makes a name an expression of the others, a remainder of 0 makes it a multiple of a new name; both are
    checked when the model runs, since the sizes of its inputs have to be these expressions.
    """
    for constraint in program.constraints:
        try:
            lhs, rhs = (_size(side, symbols) for side in (constraint.lhs, constraint.rhs))
            if constraint.comparison != "==":
                yield _unknown(constraint)
            elif not _multiple(constraint, symbols):
                symbols.solve(lhs, rhs)
        except (ShapeError, ValueError) as problem:
            yield Diagnostic("E0407", f"`{constraint.span.text}` cannot hold: {problem}", constraint.span)


def _multiple(constraint: t.Constraint, symbols: Symbols) -> bool:
    """`H % 16 == 0`: whether the constraint has this form and a multiple of a new name makes it true."""
    lhs, rhs = constraint.lhs, constraint.rhs
    if not isinstance(lhs, t.Arithmetic) or lhs.operator != "%" or not isinstance(rhs, t.Number) or rhs.value != 0:
        return False
    size, divisor = _size(lhs.lhs, symbols), _size(lhs.rhs, symbols)
    if size.is_static and divisor.is_static and divisor.value and size.value % divisor.value:
        raise ShapeError(f"{size} leaves {size.value % divisor.value}")
    return not size.is_static and divisor.is_static and symbols.divisible(size, divisor)


def _size(size: t.Size, symbols: Symbols) -> Dim:
    match size:
        case t.Number():
            return Dim.constant(int(size.value))
        case t.Name():
            return as_dim(symbols.named(size.value, str(size.span)))
        case t.Arithmetic():
            lhs, rhs = _size(size.lhs, symbols), _size(size.rhs, symbols)
            match size.operator:
                case "+":
                    return lhs + rhs
                case "-":
                    return lhs - rhs
                case "*":
                    return lhs * rhs
                case "%":
                    return lhs % rhs


def _unknown(constraint: t.Constraint) -> Diagnostic:
    return Diagnostic(
        "E0407",
        f"`{constraint.span.text}` is not a form that is checked",
        constraint.span,
        ("bounds of one name, equations and remainders of 0 are: `S <= 512`, `T == 2 * S`, `H % 16 == 0`",),
    )
