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
    yield from _unchecked_bounds(program, symbols)


def _unchecked_bounds(program: Program, symbols: Symbols) -> Iterator[Diagnostic]:
    """Errors for bounds of names that equations made expressions of several others, of which they do not follow."""
    for size in program.sizes:
        value = as_dim(symbols.named(size.name, size.origin))
        low, high = symbols.bounds.interval(value)
        bounds = [f">= {size.minimum}"] if low < size.minimum and size.minimum > 1 else []
        bounds += [f"<= {size.maximum}"] if size.maximum is not None and high > size.maximum else []
        place = next((each.span for each in program.constraints if size.name in _names(each.lhs, each.rhs)), None)
        if len(value.symbols) > 1 and bounds:
            message = (
                f"`{size.name} {bounds[0]}` does not follow from `{size.name} == {value}`, and is not checked beside it"
            )
            yield Diagnostic("E0407", message, place, (), f"give bounds to {' and '.join(sorted(value.symbols))}")


def _names(*sizes: t.Size) -> Iterator[str]:
    for size in sizes:
        match size:
            case t.Name():
                yield size.value
            case t.Arithmetic():
                yield from _names(size.lhs, size.rhs)


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
