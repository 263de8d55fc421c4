"""Loads and stores as a formatter lays them out: long sums of addresses and masks are broken before their operators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from neuralc.emit.python.expressions import Expression
from neuralc.emit.python.writer import Writer


@dataclass(frozen=True)
class Chain:
    """An argument: operands joined by one operator, each written as it stands between two of them."""

    operator: str
    terms: tuple[str, ...]
    keyword: str = ""

    @property
    def text(self) -> str:
        return self.prefix + f" {self.operator} ".join(self.terms)

    @property
    def prefix(self) -> str:
        return f"{self.keyword}=" if self.keyword else ""

    def broken(self) -> list[str]:
        first, *others = self.terms
        return [self.prefix + first, *(f"{self.operator} {term}" for term in others)]


def single(value: Expression | str, keyword: str = "") -> Chain:
    """An argument that is not broken."""
    return Chain("", (str(value),), keyword)


def write_call(writer: Writer, before: str, function: str, arguments: Sequence[Chain]) -> None:
    """`before` followed by a call: on one line, with the arguments on the next, or an argument a line."""
    whole = f"{before}{function}({', '.join(argument.text for argument in arguments)})"
    if writer.fits(whole):
        writer.line(whole)
        return
    writer.line(f"{before}{function}(")
    with writer.indented():
        together = ", ".join(argument.text for argument in arguments)
        if writer.fits(together):
            writer.line(together)
        else:
            for argument in arguments:
                lines = [argument.text] if writer.fits(f"{argument.text},") else argument.broken()
                writer.lines([*lines[:-1], f"{lines[-1]},"])
    writer.line(")")
