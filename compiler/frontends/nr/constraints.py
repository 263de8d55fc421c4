"""What a `where` clause says beyond the bounds of one name: `T == 2 * S`, `H % 16 == 0`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from neuralc.dialects.dims import Dim, as_dim
from neuralc.dialects.types import ShapeError
from neuralc.frontends.nr.site import LayerError
from neuralc.frontends.sizes import LARGEST, Size
from neuralc.frontends.symbols import Symbols
from neuralc.grammar import tree as t
from neuralc.grammar.diagnostics import Diagnostic
from neuralc.grammar.program import Callee, Program

Sizes: TypeAlias = Callable[[str], Dim]
"""The size that a name stands for."""


def apply_constraints(program: Program, symbols: Symbols) -> Iterator[Diagnostic]:
    """Makes the sizes what the constraints say; errors for those that cannot hold or are not of a form that is known.

    An equation makes a name an expression of the others, a remainder of 0 makes it a multiple of a new name; both are
    checked when the model runs, since the sizes of its inputs have to be these expressions.
    """

    def named(name: str) -> Dim:
        return as_dim(symbols.named(name, str(program.span)))

    for constraint in program.constraints:
        try:
            _apply(constraint, named, symbols)
        except ShapeError as problem:
            yield Diagnostic("E0407", str(problem), constraint.span, (), getattr(problem, "help", None))
    yield from _unchecked_bounds(program, symbols)


def apply_to_call(callee: Callee, sizes: Mapping[str, Size], symbols: Symbols) -> None:
    """Makes the sizes of the values that a network is applied to what its `where` says of them. Raises LayerError."""
    for size in callee.sizes:
        if size.name in sizes and (size.minimum > 1 or size.maximum is not None):
            found, most = sizes[size.name], size.maximum or LARGEST
            try:
                symbols.within(found, size.minimum, most)
            except ShapeError:
                bounds = f"{size.minimum} to {most}" if size.maximum else f"{size.minimum} upward"
                raise LayerError(f"its `{size.name}` is {found}, it takes {bounds}", "E0407") from None
    # A constraint may change what the names of the next one stand for.
    for constraint in callee.constraints:
        _apply(constraint, lambda name: as_dim(symbols.current((sizes[name],))[0]), symbols)


def _apply(constraint: t.Constraint, sizes: Sizes, symbols: Symbols) -> None:
    """Raises LayerError."""
    try:
        if constraint.comparison != "==":
            raise _unknown(constraint)
        if not _multiple(constraint, sizes, symbols):
            symbols.solve(_size(constraint.lhs, sizes), _size(constraint.rhs, sizes))
    except LayerError:
        raise
    except (ShapeError, ValueError) as problem:
        raise LayerError(f"`{constraint.span.text}` cannot hold: {problem}", "E0407") from None


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


def _multiple(constraint: t.Constraint, sizes: Sizes, symbols: Symbols) -> bool:
    """`H % 16 == 0`: whether the constraint has this form and a multiple of a new name makes it true."""
    lhs, rhs = constraint.lhs, constraint.rhs
    if not isinstance(lhs, t.Arithmetic) or lhs.operator != "%" or not isinstance(rhs, t.Number) or rhs.value != 0:
        return False
    size, divisor = _size(lhs.lhs, sizes), _size(lhs.rhs, sizes)
    if size.is_static and divisor.is_static and divisor.value and size.value % divisor.value:
        raise ShapeError(f"{size} leaves {size.value % divisor.value}")
    return not size.is_static and divisor.is_static and symbols.divisible(size, divisor)


def _size(size: t.Size, sizes: Sizes) -> Dim:
    match size:
        case t.Number():
            return Dim.constant(int(size.value))
        case t.Name():
            return sizes(size.value)
        case t.Arithmetic():
            lhs, rhs = _size(size.lhs, sizes), _size(size.rhs, sizes)
            match size.operator:
                case "+":
                    return lhs + rhs
                case "-":
                    return lhs - rhs
                case "*":
                    return lhs * rhs
                case "%":
                    return lhs % rhs


def _unknown(constraint: t.Constraint) -> LayerError:
    return LayerError(
        f"`{constraint.span.text}` is not a form that is checked",
        "E0407",
        "bounds of one name, equations and remainders of 0 are: `S <= 512`, `T == 2 * S`, `H % 16 == 0`",
    )
