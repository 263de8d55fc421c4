"""Instruments that print: IR before and after passes, what changed, and where the time went. All of it on stderr."""

from __future__ import annotations

import re
import sys
from typing import ClassVar, Literal, TextIO

from xdsl.dialects.builtin import ModuleOp

from neuralc.grammar.diagnostics import usage_error
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.manager import Instrument, Step
from neuralc.passes.printing import diff_text, print_module
from neuralc.passes.registry import format_pass


class PrintIr(Instrument):
    """`--print-ir-before=REGEX`, `--print-ir-after=REGEX`: the module around the passes whose name matches."""

    def __init__(self, before: str | None, after: str | None, *, locations: bool = False) -> None:
        self._before = _compile(before, "--print-ir-before")
        self._after = _compile(after, "--print-ir-after")
        self._locations = locations

    def before_pass(self, module: ModuleOp, each: ModulePass) -> None:
        if self._before is not None and self._before.search(each.name):
            self._print(module, f"before {format_pass(each)}")

    def after_pass(self, module: ModuleOp, step: Step) -> None:
        if self._after is not None and self._after.search(step.each.name):
            self._print(module, f"after {format_pass(step.each)}")

    def _print(self, module: ModuleOp, title: str) -> None:
        sys.stderr.write(f"// ----- IR {title} -----\n{print_module(module, locations=self._locations)}")


def _compile(pattern: str | None, flag: str) -> re.Pattern[str] | None:
    if pattern is None:
        return None
    try:
        return re.compile(pattern)
    except re.error as fault:
        raise usage_error("E0813", f"`{flag}={pattern}` is not a regular expression: {fault}") from None


class PrintChanged(Instrument):
    """`--print-changed[=diff]`: the module, or a diff of it, after each pass that changed something."""

    wants_texts: ClassVar[bool] = True

    def __init__(self, style: Literal["full", "diff"], *, color: bool = False) -> None:
        self._style = style
        self._color = color

    def start(self, module: ModuleOp, context: PassContext) -> None:
        if self._style == "full":
            sys.stderr.write(f"// ----- IR at start -----\n{print_module(module)}")

    def after_pass(self, module: ModuleOp, step: Step) -> None:
        name = format_pass(step.each)
        if not step.changed:
            sys.stderr.write(f"// ----- {name}: no change -----\n")
        elif self._style == "full":
            sys.stderr.write(f"// ----- IR after {name} -----\n{step.after}")
        else:
            sys.stderr.write(f"// ----- {name} -----\n")
            sys.stderr.write(diff_text(step.before, step.after, name, color=self._color))


class TimePasses(Instrument):
    """`--time-passes`: a table of wall times and op counts; `add` takes in what is not a pass (parse, emit)."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, float, str]] = []

    def add(self, name: str, seconds: float) -> None:
        self._rows.append((name, seconds, ""))

    def after_pass(self, module: ModuleOp, step: Step) -> None:
        ops = f"{step.ops_before} -> {step.ops_after}" if step.ops_before != step.ops_after else str(step.ops_after)
        self._rows.append((step.each.name, step.seconds, ops))

    def report(self, stream: TextIO | None = None) -> None:
        """Print the table, in the order things ran."""
        from rich.console import Console
        from rich.table import Table

        total = sum(seconds for _, seconds, _ in self._rows) or 1.0
        table = Table("step", title="time", title_justify="left", box=None)
        for heading in ("ms", "%", "ops"):
            table.add_column(heading, justify="right")
        for name, seconds, ops in self._rows:
            table.add_row(name, f"{seconds * 1e3:.1f}", f"{100 * seconds / total:.0f}", ops)
        table.add_row("total", f"{total * 1e3:.1f}", "100", "")
        Console(file=stream or sys.stderr, highlight=False).print(table)
