"""Statements as a formatter lays them out: long sums of addresses and masks are broken before their operators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from neuralc.emit.python.expressions import Expression
from neuralc.emit.python.writer import Writer


@dataclass(frozen=True)
class Argument:
    """An argument of a call and how it is broken where it does not fit on a line."""

    text: str
    broken: tuple[str, ...]


def chain(operator: str, terms: Sequence[str], keyword: str = "") -> Argument:
    """Operands joined by one operator, each written as it stands between two of them; broken before the operator."""
    prefix = f"{keyword}=" if keyword else ""
    first, *others = terms
    return Argument(prefix + f" {operator} ".join(terms), (prefix + first, *(f"{operator} {term}" for term in others)))


def single(value: Expression, keyword: str = "") -> Argument:
    """One expression; a call is broken between its arguments."""
    text = f"{keyword}={value}" if keyword else str(value)
    if value.arguments is None:
        return Argument(text, (text,))
    return Argument(text, (f"{value.head}(", f"    {', '.join(value.arguments)}", ")"))


def write_assignment(writer: Writer, variable: str, value: Expression) -> None:
    """`variable = value`; a value that is no call and does not fit is put into parentheses."""
    if value.arguments is not None or writer.fits(f"{variable} = {value}"):
        writer.statement(f"{variable} = ", value)
    else:
        writer.line(f"{variable} = (")
        with writer.indented():
            writer.line(str(value))
        writer.line(")")


def write_call(writer: Writer, before: str, function: str, arguments: Sequence[Argument]) -> None:
    """`before` followed by a call: on one line, with the arguments on the next, or an argument a line."""
    together = ", ".join(argument.text for argument in arguments)
    whole = f"{before}{function}({together})"
    if writer.fits(whole):
        writer.line(whole)
        return
    writer.line(f"{before}{function}(")
    with writer.indented():
        if writer.fits(together):
            writer.line(together)
        else:
            for argument in arguments:
                lines = (argument.text,) if writer.fits(f"{argument.text},") else argument.broken
                writer.lines([*lines[:-1], f"{lines[-1]},"])
    writer.line(")")
