"""`python -m benchmarks.forms`: every op and layer in every form, run there: docs/forms.md.

For each op of the graph level there are small programs in fp32 and in float64, for each layer of the language its
example. Each is written in a form, run by the framework in a process of its own, and held against the interpreter in
float64: 1e-10 in doubles, 1e-5 in single precision, of max(1, largest value).
"""

from __future__ import annotations

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks.forms.programs import Subject, layer_subjects, op_subjects
from benchmarks.forms.results import RESULTS, Cell, merged, write
from benchmarks.forms.trial import Trials
from neuralc import forms_docs
from neuralc.tables import forms as tables

PROGRAMS = 4
"""For each op, of makers of random programs and as many of tables of cases."""


@click.command()
@click.option("--forms", default=",".join(tables.KINDS), show_default=True, help="Forms to try.")
@click.option("--only", default="", help="Only ops and layers whose name contains this.")
@click.option("--seeds", default=PROGRAMS, show_default=True, help="Programs for each op, of makers and of tables.")
@click.option("--dry", is_flag=True, help="Leave the page as it is.")
def main(forms: str, only: str, seeds: int, dry: bool) -> None:
    """Write docs/forms.md. Ends with an error where a result is wrong, or what was written cannot be run."""
    chosen = forms.split(",")
    for form in chosen:
        if form not in tables.KINDS:
            raise click.ClickException(f"no form `{form}`; there are {', '.join(tables.KINDS)}")
    subjects = [*op_subjects(only, seeds), *layer_subjects(only)]
    trials = Trials()
    try:
        cells = [cell for form in chosen for cell in tried(form, subjects, trials)]
    finally:
        trials.stop()
    if not dry:
        write(RESULTS, merged(RESULTS, cells, tables.rows()))
        forms_docs.main()
    raise SystemExit(any(cell.faults for cell in cells))


def tried(form: str, subjects: list[Subject], trials: Trials) -> list[Cell]:
    """A cell for each subject."""
    columns = (TextColumn("{task.description:28}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    cells = []
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(form, total=sum(len(subject.programs) for subject in subjects))
        for subject in subjects:
            progress.update(task, description=f"{form} {subject.name}")
            cell = Cell(form, subject.kind, subject.name)
            for program in subject.programs:
                cell.add(program, trials.outcome(form, program))
                progress.advance(task)
            cell.end()
            for fault in cell.faults:
                click.echo(f"{cell.kind} {cell.name} in {cell.form}: {fault}")
            cells.append(cell)
    return cells


if __name__ == "__main__":
    main()
