"""`python -m benchmarks.run`: the whole set beside the engines that people use, with the machine's limits.

Writes benchmarks/results/NAME.json after each row, NAME.md and NAME.png at the end. What is measured and how is that of
`neuralc bench` (compiler/bench); here are the set, the table and the picture.
"""

from __future__ import annotations

import platform
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

if __name__ == "__main__" and not __package__:  # `python benchmarks/run.py` finds the modules that `-m` finds
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from benchmarks import plot, report, startup
from benchmarks.measurement import Measurement, Wanted
from benchmarks.rows import Run
from benchmarks.suite import KERNEL_SUITE, MODELS, Subject
from neuralc.bench.contest import Effort
from neuralc.bench.peers import chosen
from neuralc.cli_bench import parse_counts
from neuralc.grammar.diagnostics import NeuralcError
from neuralc.machine import Machine, measure

RESULTS = Path(__file__).parent / "results"
PARTS = ("models", "kernels", "startup")
PATIENCE = 180.0
"""Seconds for a peer to get ready."""
CONSOLE = Console(stderr=True)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--only", default="", metavar="NAME,...", help=f"Models: {', '.join(each.name for each in MODELS)}.")
@click.option("--part", "parts", default=",".join(PARTS), show_default=True, help="What is measured.")
@click.option("--batch", "batches", default="1,8", show_default=True, help="Sizes of the batch.")
@click.option("--threads", default="1,2", show_default=True, help="Numbers of threads.")
@click.option("--compare", default="onnxruntime,openvino,torch", show_default=True, help="Engines of peers.toml.")
@click.option("--peer-python", "pythons", multiple=True, envvar="NEURALC_PEER_PYTHON", metavar="iree=PATH")
@click.option("--rounds", type=click.IntRange(3), default=15, show_default=True, help="Rounds of each engine.")
@click.option("--seconds", default=0.05, show_default=True, help="Length of a round; a longer call is a round.")
@click.option("--name", default="cpu", show_default=True, help="Of the files that are written.")
@click.option("-o", "output", type=click.Path(file_okay=False, path_type=Path), default=RESULTS, help="Their folder.")
@click.option("--models", "folder", type=click.Path(path_type=Path), help="Where trained models are, without pip.")
@click.option("--resume", is_flag=True, help="Go on where a run of this name was interrupted.")
def main(
    only: str,
    parts: str,
    batches: str,
    threads: str,
    compare: str,
    pythons: tuple[str, ...],
    rounds: int,
    seconds: float,
    name: str,
    output: Path,
    folder: Path | None,
    resume: bool,
) -> None:
    """Measure the set: every model at every batch and number of threads.

    Examples:

    \b
      python -m benchmarks.run                                         all of it, less than half an hour
      python -m benchmarks.run --only digits,lstm --threads 1          some of it
      python -m benchmarks.run --compare inductor --name inductor      another peer
      python -m benchmarks.run --resume                                after an interruption
    """
    try:
        engines = chosen([each for each in compare.split(",") if each], Path("model.nr"), pythons=pythons)
        selected = _selected(only, parts)
        pairs = [(b, t) for b in parse_counts("--batch", batches) for t in parse_counts("--threads", threads)]
    except NeuralcError as problem:
        raise click.ClickException(str(problem)) from None
    path = output / f"{name}.json"
    output.mkdir(parents=True, exist_ok=True)
    known = Run.load(path) if resume and path.exists() else None
    run = known or _begun({"rounds": rounds, "seconds": seconds, "compare": compare})
    measurement = Measurement(run, path, Machine(**run.machine), engines, Effort(rounds, seconds, PATIENCE), folder)
    _measure(measurement, measurement.missing(selected, pairs))
    if "startup" in parts.split(",") and not run.startup:
        CONSOLE.print("how long the command line takes")
        run.startup = [asdict(each) for each in startup.measure()]
        run.store(path)
    text = report.markdown(run)
    path.with_suffix(".md").write_text(text, encoding="utf-8")
    plot.draw(run, path.with_suffix(".png"))
    click.echo(text)


def _begun(settings: Mapping[str, Any]) -> Run:
    """A run without rows: the machine with its limits, and the versions of what takes part."""
    CONSOLE.print("the limits of this machine")
    return Run(shlex.join(["python", "-m", "benchmarks.run", *sys.argv[1:]]), asdict(measure()), _versions(), settings)


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in ("neuralc", "llvmlite", "numpy", "onnxruntime", "openvino", "torch", "jax"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _measure(measurement: Measurement, wanted: Sequence[Wanted]) -> None:
    """All rows with a bar: time remaining is that of the rows so far."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("left"), TimeRemainingColumn(), console=CONSOLE) as bar:
        task = bar.add_task("", total=len(wanted))
        for subject, batch, threads in wanted:
            what = f"{subject.title}, batch {batch}, {threads} thread{'s' if threads > 1 else ''}"
            row = measurement.add(
                subject, batch, threads, lambda step, what=what: bar.update(task, description=f"{what}: {step}")
            )
            bar.advance(task)
            CONSOLE.print(f"{what}: {report.line(row)}", highlight=False, markup=False, soft_wrap=True)


def _selected(only: str, parts: str) -> list[Subject]:
    """The models of `--only` and `--part`. Raises ClickException for names that there are not."""
    chosen_parts, names = parts.split(","), [each for each in only.split(",") if each]
    subjects = [*(MODELS if "models" in chosen_parts else ()), *(KERNEL_SUITE if "kernels" in chosen_parts else ())]
    known = [each.name for each in subjects]
    for kind, given, there in (("part", chosen_parts, PARTS), ("model", names, known)):
        for each in given:
            if each not in there:
                raise click.ClickException(f"there is no {kind} `{each}`; there are {', '.join(there)}")
    return [each for each in subjects if not names or each.name in names]


if __name__ == "__main__":
    main()
