"""`python -m benchmarks.readability`: is emitted code as short as that of an expert?

Beside this file stand three networks as they are written by hand in PyTorch, Keras and
JAX. Both codes are run with the same weights and have to give the same numbers. What is
counted is formatted code: lines that hold more than a comment or a docstring, and all.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from benchmarks.readability.lines import Lines
from benchmarks.readability.pairs import FORMS, NAMES, PAIRS, Pair
from benchmarks.readability.same import TOLERANCE, distance_of

BAR = 1.3
"""The most that emitted code may have of the lines of code by hand."""


@dataclass(frozen=True)
class Row:
    """What is found of a pair."""

    model: str
    form: str
    emitted: Lines
    by_hand: Lines
    difference: float | None
    """Of the results, where the codes were run."""

    @classmethod
    def of(cls, pair: Pair, *, run: bool) -> Row:
        text = pair.emitted()
        emitted, by_hand = Lines.of(text), Lines.of(pair.by_hand.read_text("utf-8"))
        difference = distance_of(pair, text) if run else None
        return cls(pair.model, pair.form, emitted, by_hand, difference)

    @property
    def code(self) -> float:
        return self.emitted.code / self.by_hand.code

    @property
    def all(self) -> float:
        return self.emitted.all / self.by_hand.all

    @property
    def holds(self) -> bool:
        same = self.difference is None or self.difference <= TOLERANCE
        return same and self.code <= BAR


@click.command()
@click.option("--models", default=",".join(NAMES), show_default=True)
@click.option("--forms", default=",".join(FORMS), show_default=True)
@click.option("--run/--count", default=True, help="Whether to run both codes too.")
@click.option("--json", "json_path", type=click.Path(path_type=Path))
def main(models: str, forms: str, run: bool, json_path: Path | None) -> None:
    """Compare emitted code with code by hand.

    Ends with an error where results differ, or where emitted code has more than 1.3
    times the lines of code.
    """
    rows = []
    for pair in PAIRS:
        if pair.model in models.split(",") and pair.form in forms.split(","):
            rows.append(Row.of(pair, run=run))
            told = f"{pair.model} {pair.form}: {rows[-1].code:.2f}"
            click.echo(f"{told} {rows[-1].difference}", err=True)
    _print(rows)
    if json_path is not None:
        found = [asdict(row) for row in rows]
        json_path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    raise SystemExit(not all(row.holds for row in rows))


def _print(rows: Sequence[Row]) -> None:
    table = Table(title="emitted / by hand")
    for column in ("model", "form"):
        table.add_column(column)
    for column in ("lines of code", "ratio", "all lines", "ratio", "difference"):
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(
            row.model,
            row.form,
            f"{row.emitted.code} / {row.by_hand.code}",
            f"{row.code:.2f}",
            f"{row.emitted.all} / {row.by_hand.all}",
            f"{row.all:.2f}",
            "" if row.difference is None else f"{row.difference:.1e}",
        )
    Console(width=88).print(table)


if __name__ == "__main__":
    main()
