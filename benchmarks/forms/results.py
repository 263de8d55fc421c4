"""What was found, by row and form: added up, held against the bars, kept in docs/form_results.json."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.forms.programs import DOUBLE, SINGLE, Program
from benchmarks.forms.trial import Outcome
from benchmarks.round_trip import compare
from benchmarks.suite import ROOT
from neuralc.tables import forms

RESULTS = ROOT / "docs" / "form_results.json"

STATES = ("get_state", "set_state")
"""Rows of the ops that use a state, whose declaration is what some forms refuse."""

BARS = {DOUBLE: compare.EXACT, SINGLE: compare.SINGLE}


@dataclass
class Cell:
    """A row in a form."""

    form: str
    kind: str
    name: str
    programs: int = 0
    """How many were run."""
    worst: dict[str, float] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    by: Counter[str] = field(default_factory=Counter)
    """What has run them, where it was not the framework itself."""
    open: int = 0
    """Programs with NaN or infinity, whose results the form leaves open."""
    faults: list[str] = field(default_factory=list)

    def add(self, program: Program, outcome: Outcome) -> None:
        meant = {self.name, "state"} if self.name in STATES else {self.name}
        reasons = [reason for op, reason in outcome.refused if self.kind == "layer" or op in meant]
        if outcome.failed:
            self.faults.append(f"{program.name} in {program.precision} fails: {outcome.failed[:400]}")
        elif outcome.refused:  # what is refused for another op says nothing about this one
            self.refused.update(map(self._as_in_the_code, reasons))
        elif outcome.lacking and program.precision == DOUBLE and forms.inexact(self.form, self.name):
            return
        elif outcome.lacking:
            self.faults.append(f"{program.name} in {program.precision} has no code: {outcome.lacking[:400]}")
        elif outcome.error is not None:
            self.programs += 1
            if self.form == "onnx" and not outcome.by.startswith("onnxruntime"):
                self.by[outcome.by] += 1
            self._compare(program, outcome.error)

    def _compare(self, program: Program, error: float) -> None:
        if error == float("inf") and program.is_special and forms.left_open(self.form, self.name):
            self.open += 1
            return
        self.worst[program.precision] = max(self.worst.get(program.precision, 0.0), error)
        bar = BARS[program.precision]
        if forms.inexact(self.form, self.name):
            bar = compare.SINGLE
        if not error <= bar:
            self.faults.append(f"{program.name} in {program.precision} is {error:.1e} off")

    def end(self) -> None:
        """After all programs: where none was run the form has no words for the op, or an example is missing."""
        reason = forms.without_code(forms.KINDS[self.form], self.name) if self.kind == "op" else ""
        if reason and not self.programs:
            self.refused[reason] += 1
        elif not (self.programs or self.refused or self.faults):
            self.faults.append("no program has it")

    def _as_in_the_code(self, reason: str) -> str:
        """With `..` for what is another word each time."""
        return forms.pattern(self.form, reason) or reason

    def entry(self) -> dict[str, Any]:
        """For the file: errors with one digit, rounded up."""
        found: dict[str, Any] = {"programs": self.programs}
        found.update({precision: _rounded(error) for precision, error in sorted(self.worst.items())})
        if self.refused:
            found["refused"] = dict(sorted(self.refused.items()))
        if self.by:
            found["by"] = dict(sorted(self.by.items()))
        if self.open:
            found["open"] = self.open
        if self.faults:
            found["faults"] = len(self.faults)
        return found


def _rounded(error: float) -> float:
    return float(f"{error:.0e}") if error < float("inf") else 1.0


def merged(path: Path, cells: Iterable[Cell], rows: Mapping[str, Iterable[str]]) -> dict[str, Any]:
    """What the file says, with new cells in the place of old ones, and no row that there is not."""
    before = json.loads(path.read_text("utf-8")) if path.exists() else {}
    found = {kind: {name: dict(before.get(kind, {}).get(name, {})) for name in names} for kind, names in rows.items()}
    for cell in cells:
        found[cell.kind][cell.name][cell.form] = cell.entry()
    return found


def write(path: Path, results: Mapping[str, Any]) -> None:
    """One line a row, so that a change is seen as one."""
    kinds = []
    for kind, rows in results.items():
        lines = [f"  {json.dumps(name)}: {json.dumps(row, sort_keys=True)}" for name, row in rows.items()]
        kinds.append(f" {json.dumps(kind)}: {{\n" + ",\n".join(lines) + "\n }")
    path.write_text("{\n" + ",\n".join(kinds) + "\n}\n", encoding="utf-8")
