"""`python -m benchmarks`: measures, writes results/NAME.json, NAME.md and NAME.png."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks import harness, report, startup
from benchmarks.cases import ROOT, SUITES, Case
from neuralc.machine import Machine

CONSOLE = Console(stderr=True)


@click.command()
@click.option("--suite", "suites", multiple=True, type=click.Choice([*SUITES, "startup"]), help="Default: all.")
@click.option("--rounds", default=21, show_default=True, help="Rounds of each engine and case.")
@click.option("--seconds", default=0.05, show_default=True, help="Length of a round.")
@click.option("--only", default="", help="Only cases whose name contains this.")
@click.option("--name", default="latest", show_default=True, help="Name of the result files in benchmarks/results.")
def main(suites: tuple[str, ...], rounds: int, seconds: float, only: str, name: str) -> None:
    """Measure neuralc beside its peers, with the machine's limits.

    Examples:

    \b
      python -m benchmarks                                  everything, a few minutes
      python -m benchmarks --suite models --only digits     one model
    """
    chosen = suites or (*SUITES, "startup")
    limits = _machine()
    results: dict[str, object] = {"machine": asdict(limits), "versions": _versions(), "suites": {}}
    measured: dict[str, list[dict[str, object]]] = {}
    for suite in (each for each in chosen if each in SUITES):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([sys.executable, "-m", "benchmarks.prepare", suite, folder], cwd=ROOT, check=True)
            measured[suite] = _suite(suite, Path(folder), rounds, seconds, only, limits)
    results["suites"] = measured
    results["startup"] = [asdict(each) for each in startup.measure()] if "startup" in chosen else []
    target = Path(__file__).parent / "results" / name
    target.with_suffix(".json").write_text(json.dumps(results, indent=1) + "\n")
    text = report.markdown(results)
    target.with_suffix(".md").write_text(text)
    if measured:
        report.plot(results, target.with_suffix(".png"))
    click.echo(text)


def _machine() -> Machine:
    """This machine's limits, measured in a process where no engine's threads are around."""
    command = [sys.executable, "-m", "neuralc", "targets", "--json"]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, encoding="utf-8")
    return Machine(**json.loads(done.stdout)["measured"])


def _suite(
    suite: str, folder: Path, rounds: int, seconds: float, only: str, limits: Machine
) -> list[dict[str, object]]:
    cases = [case for case in SUITES[suite]() if only in case.name and case.model.exists()]
    rows: list[dict[str, object]] = []
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=CONSOLE) as progress:
        task = progress.add_task(suite, total=sum(rounds * len(case.engines) for case in cases))
        for case in cases:
            progress.update(task, description=case.name)
            result = harness.run_case(suite, case, folder, rounds, seconds, lambda what: progress.advance(task))
            rows.append(result.as_dict() | {"limit": _limit(case, limits)})
    return rows


def _limit(case: Case, limits: Machine) -> float | None:
    """The least seconds a call can take on this machine."""
    from benchmarks.cost import cost_of

    flops, bytes_ = cost_of(case)
    return limits.limit_seconds(flops, bytes_, case.threads)


def _versions() -> dict[str, str]:
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for package in ("neuralc", "llvmlite", "numpy", "onnxruntime", "torch"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "absent"
    return found


if __name__ == "__main__":
    main()
