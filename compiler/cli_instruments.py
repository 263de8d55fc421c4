"""The flags that watch a pipeline, shared by `neuralc` and `neuralc-opt`, and the instruments they stand for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from neuralc.cli_errors import use_color
from neuralc.grammar.diagnostics import suggest, usage_error

if TYPE_CHECKING:
    from neuralc.passes.instruments import TimePasses
    from neuralc.passes.manager import Instrument
    from neuralc.passes.remarks import Remarks

F = TypeVar("F", bound=Callable[..., Any])

REMARK_KINDS = ("passed", "missed", "analysis")

_FLAGS: tuple[Callable[[F], F], ...] = (
    click.option("--print-ir-before", metavar="REGEX", help="Print the IR before passes whose name matches."),
    click.option("--print-ir-after", metavar="REGEX", help="Print the IR after passes whose name matches."),
    click.option(
        "--print-changed",
        type=click.Choice(["full", "diff"]),
        is_flag=False,
        flag_value="full",
        help="Print the IR, or a diff of it, after each pass that changed something.",
    ),
    click.option(
        "--dump-ir",
        metavar="DIR",
        type=click.Path(path_type=Path),
        help="Write the IR after each pass that changed something, an index.html, and the weights.",
    ),
    click.option(
        "--check-each", is_flag=True, help="Run the IR before and after each pass; stop where results differ."
    ),
    click.option("--time-passes", is_flag=True, help="Print a table of times."),
    click.option(
        "--remarks", metavar="KINDS", help="Print what passes did or did not do: passed, missed, analysis (by comma)."
    ),
    click.option(
        "--reproducer",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="Where to write the IR before a pass that fails (default: a temporary file).",
    ),
)


def instrument_flags(function: F) -> F:
    """Add the flags to a click command; it receives them as keyword arguments, see `Watch.from_flags`."""
    for flag in reversed(_FLAGS):
        function = flag(function)
    return function


@dataclass(frozen=True)
class Watch:
    """What a user wants to see of a pipeline."""

    print_ir_before: str | None = None
    print_ir_after: str | None = None
    print_changed: Literal["full", "diff"] | None = None
    dump_ir: Path | None = None
    check_each: bool = False
    time_passes: bool = False
    remarks: tuple[str, ...] = ()
    reproducer: Path | None = None

    @classmethod
    def from_flags(cls, *, remarks: str | None, **flags: Any) -> Watch:
        """From the keyword arguments that `instrument_flags` gives. Raises UsageError for an unknown remark kind."""
        kinds = tuple(kind.strip() for kind in (remarks or "").split(",") if kind.strip())
        for kind in kinds:
            if kind not in REMARK_KINDS:
                help = suggest(kind, REMARK_KINDS) or f"the kinds are {', '.join(REMARK_KINDS)}"
                raise usage_error("E0813", f"`--remarks`: unknown kind `{kind}`", help=help)
        return cls(remarks=kinds, **flags)

    def instruments(self, clock: TimePasses | None = None) -> list[Instrument]:
        """The instruments, in the order they look at a pass: printing first, so that it shows what a check rejects."""
        from neuralc.passes.instruments import PrintChanged, PrintIr

        found: list[Instrument] = []
        if self.print_ir_before or self.print_ir_after:
            found.append(PrintIr(self.print_ir_before, self.print_ir_after))
        if self.print_changed:
            found.append(PrintChanged(self.print_changed, color=use_color(sys.stderr.isatty())))
        if self.dump_ir is not None:
            from neuralc.passes.dump import DumpIr

            found.append(DumpIr(self.dump_ir))
        if self.check_each:
            from neuralc.passes.check import CheckEach

            found.append(CheckEach())
        if clock is not None:
            found.append(clock)
        return found


def print_remarks(remarks: Remarks, kinds: Sequence[str]) -> None:
    if kinds:
        sys.stderr.writelines(f"{remark}\n" for remark in remarks.of_kind(*kinds))
