"""`python -m benchmarks.round_trips`: every model in every form, run there and read again: is it the same?

Each model is read from its framework, written in each form, and run there in a process of its own; outputs are held
against the original framework's at 1e-5 of the largest value, and where a model amplifies the noise of single precision
against the exact result, which may be twice as far away as from the original. Code saves its weights, model files are
read again: weights are equal by name. Gradients of PyTorch code are those of the original module.

With `--through nr` every model is written as a program first, and what is read of it goes on; `onnx` likewise. No
number of the weights may be lost. Behind a program the PyTorch code has the classes and parameters that it has without
the detour, behind ONNX the program has the layers that it has without: `changed` where they are others.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from rich.console import Console
from rich.table import Table

from benchmarks.round_trip.compare import Different
from benchmarks.round_trip.models import FAMILIES
from benchmarks.round_trip.original import Subject
from benchmarks.round_trip.report import write_results
from benchmarks.round_trip.through import WAYS, structure, through
from benchmarks.round_trip.trip import TRIPS, Forms, Loaded, Outcome
from neuralc.grammar.diagnostics import NeuralcError

RESULTS = Path(__file__).parent / "results"
Row = dict[str, Outcome]
STYLES = {"ok": "green", "refused": "yellow", "changed": "yellow", "wrong": "bold red", "fails": "red"}


@click.command()
@click.argument("folders", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--models", default=",".join(FAMILIES), show_default=True, help="Families of models.")
@click.option("--forms", default=",".join(TRIPS), show_default=True, help="Forms that they are written in.")
@click.option("--only", default="", help="Only models whose name contains this.")
@click.option("--through", "way", type=click.Choice(list(WAYS)), help="A form that models go through first.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the outcomes here too.")
@click.option("--results", is_flag=True, help="Add the outcomes to benchmarks/results/round_trips.{json,md}.")
def main(
    folders: tuple[Path, ...],
    models: str,
    forms: str,
    only: str,
    way: str | None,
    json_path: Path | None,
    results: bool,
) -> None:
    """Send models around. FOLDERS hold ONNX models, or graphs of nnsmith as pickles: {"model": bytes, "data": ..}.

    Ends with an error where a result is wrong, or what was written cannot be run.
    """
    import torch

    torch.set_num_threads(1)
    chosen = [each for each in forms.split(",") if each]
    rows: dict[str, Row] = {}
    trips = Forms()
    try:
        for subject in _subjects(models.split(","), folders, only):
            rows[f"{subject.family}/{subject.name}"] = row = trip(subject, chosen, trips, way)
            told = " ".join(f"{form}={found.kind}" for form, found in row.items())
            click.echo(f"{subject.family}/{subject.name}: {told}", err=True)
            if json_path is not None:
                found = {name: {form: asdict(each) for form, each in row.items()} for name, row in rows.items()}
                json_path.write_text(json.dumps(found, indent=1) + "\n")
    finally:
        trips.stop()
    _print(rows, [*([] if way is None else ["through"]), *chosen])
    if results:
        write_results(
            {name: {form: asdict(each) for form, each in row.items()} for name, row in rows.items()},
            list(TRIPS),
            RESULTS,
        )
    raise SystemExit(any(found.kind in ("wrong", "fails") for row in rows.values() for found in row.values()))


def trip(subject: Subject, forms: Sequence[str], trips: Forms, way: str | None = None) -> Row:
    """A model in each form; where it is not read, `import` says why, and `through` what became of it on its way."""
    with TemporaryDirectory(prefix="neuralc-original-") as folder:
        try:
            loaded = Loaded.of(subject.make(Path(folder)))
        except NeuralcError as problem:
            return {"import": Outcome("refused", problem.diagnostics[0].message)}
        except Different as problem:
            return {"import": Outcome("wrong", str(problem))}
        except Exception as problem:  # what a framework has against its own model, or against the inputs
            return {"import": Outcome("fails", " ".join(f"{type(problem).__name__}: {problem}".split()))}
        if way is None:
            return {form: trips.outcome(form, loaded) for form in forms}
        row, behind = detour(way, loaded, Path(folder))
        return row if behind is None else {**row, **{form: trips.outcome(form, behind) for form in forms}}


def detour(way: str, loaded: Loaded, folder: Path) -> tuple[Row, Loaded | None]:
    """What a model is behind another form, and what became of it."""
    behind: Loaded | None = None
    try:
        behind, kept = through(way, loaded, folder)
        try:
            found = Outcome("ok", f"{kept}, {structure(way, loaded, behind)}")
        except Different as problem:
            found = Outcome("changed", f"{kept}, {problem}")
    except Different as problem:
        found = Outcome("wrong", str(problem))
    except NeuralcError as problem:
        first = problem.diagnostics[0]
        refused = first.code == "E0850"
        found = Outcome("refused" if refused else "fails", " ".join(" ".join([first.message, *first.notes]).split()))
    return {"through": found}, behind


def _subjects(families: Sequence[str], folders: Sequence[Path], only: str) -> Iterator[Subject]:
    for family in families:
        if family not in FAMILIES:
            raise click.ClickException(f"no models of `{family}`; there are {', '.join(FAMILIES)}")
        yield from (each for each in FAMILIES[family](folders) if only in each.name)


def _print(rows: dict[str, Row], forms: Sequence[str]) -> None:
    table = Table("model", *forms)
    for name, row in rows.items():
        known = row.get("import", Outcome("-"))
        kinds = [row.get(form, known).kind for form in forms]
        table.add_row(name, *(f"[{STYLES.get(kind, 'dim')}]{kind}[/]" for kind in kinds))
    console = Console()
    console.print(table)
    for name, row in rows.items():
        for form, found in row.items():
            if found.detail:
                click.echo(f"{name} -> {form}: {found.kind}: {found.detail[:300]}")
    for form in forms:
        counts = Counter(row[form].kind if form in row else f"import {row['import'].kind}" for row in rows.values())
        click.echo(f"{form}: " + ", ".join(f"{count} {kind}" for kind, count in counts.most_common()))


if __name__ == "__main__":
    main()
