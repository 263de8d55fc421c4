"""Threads in the host program: all of them go through it, and wait for each other at barriers.

    kernel.launch @dense[batch](%x, %w, %h) {parallel}       each thread runs a part of the programs
    kernel.barrier                                           all are here before one goes on
    kernel.launch @few[batch](%h, %s) {parallel = 11}        the first thread alone, below a grid of 11
    kernel.barrier if batch >= 11                            no barrier where both launches are the first thread's
    kernel.launch @sum[](%s, %y)                             the first thread alone

All threads take the same way: it depends on sizes, and on values in memory that they read behind a barrier. Between two
launches of which one writes what the other reads or writes stands a barrier, unless the first thread runs both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from xdsl.irdl import IRDLOperation, irdl_op_definition, opt_prop_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from neuralc.dialects.dims import Dim, parse_dim
from neuralc.dialects.syntax import IntsAttr
from neuralc.dialects.types import DimsAttr


class Enough(NamedTuple):
    """Holds where a grid has so many programs that threads share it."""

    grid: Dim
    programs: int

    def __str__(self) -> str:
        return f"{self.grid} >= {self.programs}"


@irdl_op_definition
class BarrierOp(IRDLOperation):
    """`kernel.barrier`, or `kernel.barrier if batch >= 11, batch * 8 >= 20` where any of these has to hold.

    Behind it all threads see what any of them has written before it."""

    name = "kernel.barrier"
    grids = opt_prop_def(DimsAttr)
    programs = opt_prop_def(IntsAttr)

    def __init__(self, conditions: Sequence[Enough] = ()) -> None:
        grids, programs = tuple(each.grid for each in conditions), tuple(each.programs for each in conditions)
        super().__init__(
            properties={"grids": DimsAttr(grids), "programs": IntsAttr(programs)} if conditions else {},
        )

    @property
    def conditions(self) -> tuple[Enough, ...]:
        """Empty for a barrier that always stands."""
        if self.grids is None or self.programs is None:
            return ()
        return tuple(Enough(*each) for each in zip(self.grids.data, self.programs.data, strict=True))

    def verify_(self) -> None:
        counts = [0 if each is None else len(each.data) for each in (self.grids, self.programs)]
        if counts[0] != counts[1]:
            raise VerifyException(f"a barrier compares {counts[0]} grids with {counts[1]} numbers")

    def print(self, printer: Printer) -> None:
        if self.conditions:
            printer.print_string(" if " + ", ".join(map(str, self.conditions)))

    @classmethod
    def parse(cls, parser: Parser) -> BarrierOp:
        if not parser.parse_optional_keyword("if"):
            return cls()
        return cls(parser.parse_comma_separated_list(parser.Delimiter.NONE, lambda: _parse_enough(parser)))


def _parse_enough(parser: Parser) -> Enough:
    grid = parse_dim(parser)
    parser.parse_punctuation(">")
    parser.parse_punctuation("=")
    return Enough(grid, parser.parse_integer())
