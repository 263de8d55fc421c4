"""Writes docs/forms.md from what was measured: `python -m neuralc.forms_docs` in the checkout, or `make docs`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neuralc.tables import forms

DOCS = Path(__file__).resolve().parents[1] / "docs"

EXACT, SINGLE = 1e-10, 1e-5

HEAD = """# Every op and layer in every form

Each op of the graph level and each layer of the language is written in PyTorch, Keras (on TensorFlow), JAX, ONNX and
`.nr`, run there, and held against the interpreter in float64. `python -m benchmarks.forms` does so and writes this.

* An op has small programs, drawn over its attributes, element types and ranks; a layer has its example of
  [layers.md](layers.md), with weights none of which is neutral. Each is run in float64 and in fp32.
* A framework runs what is written for it, in a process of its own. ONNX is run by onnxruntime, and by ONNX's reference
  evaluator where that has no code; what neither runs, and a `.nr` program, is read again and interpreted.
* A cell has the largest error in float64, then in fp32, relative to max(1, largest value). They have to stay within
  1e-10 and 1e-5; [exceptions](#not-to-1e-10) have a reason each. An op of integers has one number, and it is 0.
* Numbers in brackets are [uses that are refused](#refused); a form has no words for an op that is `refused` altogether.
  A letter is what a form [leaves open](#left-open) of NaN and infinity.
"""

Rows = Mapping[str, Mapping[str, Any]]


@dataclass
class Notes:
    """Reasons by form, numbered as they are met."""

    numbers: dict[tuple[str, str], int] = field(default_factory=dict)
    names: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def of(self, form: str, reason: str, name: str) -> int:
        key = form, reason
        self.names.setdefault(key, []).append(name)
        return self.numbers.setdefault(key, len(self.numbers) + 1)


def text(results: Mapping[str, Rows] | None = None) -> str:
    """docs/forms.md."""
    results = measured() if results is None else results
    notes = Notes()
    tables = [line for kind, rows in results.items() for line in _rows(kind, rows, notes)]
    lines = [HEAD, *_counts(results), *tables, *_inexact(results), *_open(), *_refused(notes)]
    return "\n".join(lines) + "\n"


def measured() -> Mapping[str, Rows]:
    """What `benchmarks.forms` found: kind, name, form."""
    found: Mapping[str, Rows] = json.loads((DOCS / "form_results.json").read_text("utf-8"))
    return found


def status(cell: Mapping[str, Any]) -> str:
    """Of a row in a form: `ok`, `in part`, `refused`, or `wrong`."""
    if cell.get("faults"):
        return "wrong"
    if not cell.get("programs"):
        return "refused"
    return "in part" if cell.get("refused") else "ok"


def _counts(results: Mapping[str, Rows]) -> Iterator[str]:
    yield "In part: some uses are refused.\n"
    yield _line("form", "programs run", "ops", "in part", "refused", "layers", "in part", "refused", "wrong")
    yield "|---|--:|--:|--:|--:|--:|--:|--:|--:|"
    for kind, form in forms.KINDS.items():
        cells = {rows: [row.get(kind, {}) for row in results[rows].values()] for rows in results}
        programs = sum(cell.get("programs", 0) for found in cells.values() for cell in found)
        found = [programs]
        for each in cells.values():
            told = [status(cell) for cell in each]
            found += [told.count("ok") + told.count("in part"), told.count("in part"), told.count("refused")]
        wrong = sum(status(cell) == "wrong" for each in cells.values() for cell in each)
        yield _line(form, *map(str, (*found, wrong)))
    yield ""
    yield from _others(results)


def _others(results: Mapping[str, Rows]) -> Iterator[str]:
    """What onnxruntime did not run."""
    ran: dict[str, dict[str, int]] = {}
    for rows in results.values():
        for name, row in rows.items():
            for by, count in row.get("onnx", {}).get("by", {}).items():
                ran.setdefault(by, {})[name] = count
    for by, names in ran.items():
        who = "ONNX's evaluator" if by == "onnx.reference" else by
        yield f"{sum(names.values())} programs of ONNX were run by {who}: of {_code(names)}.\n"


def _rows(kind: str, rows: Rows, notes: Notes) -> Iterator[str]:
    yield f"## {kind.capitalize()}s\n"
    yield _line(kind, *forms.KINDS.values())
    yield "|---|" + "---|" * len(forms.KINDS)
    for name, row in rows.items():
        shown = f"[{name}](layers.md#{name.lower()})" if kind == "layer" else f"`{name}`"
        yield _line(shown, *(_cell(form, name, row.get(form, {}), notes) for form in forms.KINDS))
    yield ""


def _cell(kind: str, name: str, cell: Mapping[str, Any], notes: Notes) -> str:
    parts = [f"{cell[each]:.0e}" if cell[each] else "0" for each in ("float64", "float32") if each in cell]
    if status(cell) in ("wrong", "refused"):
        parts = [status(cell)]
    if cell.get("open"):
        parts.append(_letter(kind, name))
    numbers = sorted(notes.of(forms.KINDS[kind], reason, name) for reason in cell.get("refused", {}))
    return " ".join([*parts, *([f"[{', '.join(map(str, numbers))}]"] if numbers else [])])


def _letter(kind: str, name: str) -> str:
    reasons = list(forms.LEFT_OPEN)
    return chr(ord("a") + reasons.index((forms.KINDS[kind], forms.left_open(kind, name))))


def _inexact(results: Mapping[str, Rows]) -> Iterator[str]:
    yield "## Not to 1e-10\n"
    yield "Results of float64 that are as near as the form has them; all are within 1e-5.\n"
    yield _line("form", "ops and layers", "largest error", "reason")
    yield "|---|---|---|---|"
    for (form, reason), names in forms.INEXACT.items():
        kind = next(key for key, shown in forms.KINDS.items() if shown == form)
        errors = {name: _worst(results, kind, name) for name in names}
        largest = max(errors.values())
        yield _line(form, _code(names), f"{largest:.0e}" if largest else "not run", reason)
    yield ""


def _worst(results: Mapping[str, Rows], kind: str, name: str) -> float:
    return max(float(rows.get(name, {}).get(kind, {}).get("float64", 0)) for rows in results.values())


def _open() -> Iterator[str]:
    yield "## Left open\n"
    yield _line("", "form", "ops", "what")
    yield "|---|---|---|---|"
    for index, ((form, reason), names) in enumerate(forms.LEFT_OPEN.items()):
        yield _line(chr(ord("a") + index), form, _code(names), reason)
    yield ""


def _refused(notes: Notes) -> Iterator[str]:
    yield "## Refused\n"
    yield "What these programs met of [all that forms refuse](ops.md#what-forms-refuse). The message is E0850; `..` is"
    yield "what it names.\n"
    yield _line("", "form", "ops and layers", "reason")
    yield "|---|---|---|---|"
    for (form, reason), number in notes.numbers.items():
        yield _line(str(number), form, _code(dict.fromkeys(notes.names[form, reason])), reason.replace("|", "\\|"))


def _code(names: Iterable[str]) -> str:
    return " ".join(f"`{name}`" for name in names)


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> int:
    """Write the file of the checkout that this module was imported from."""
    path = DOCS / "forms.md"
    path.write_text(text(), encoding="utf-8")
    sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
