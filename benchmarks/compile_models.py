"""`python -m benchmarks.compile_models MODEL.onnx`: seconds and peak memory of compiling, each in its own process.

Memory is the peak resident size of the process, beside the bytes of the model file; the process holds Python, xDSL and
LLVM too, which `baseline` measures with the smallest model there is.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table


@click.command()
@click.argument("models", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("-O", "opt", default=2, show_default=True, help="Optimization level.")
@click.option("--threads", default=1, show_default=True)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the figures here too.")
@click.option("--one", is_flag=True, hidden=True)
def main(models: tuple[Path, ...], opt: int, threads: int, json_path: Path | None, one: bool) -> None:
    """Measure how long a model takes to compile, and how much memory."""
    if one:
        click.echo(json.dumps(_measure(models[0], opt, threads)))
        return
    table = Table("model", "file MB", "seconds", "peak MB", "peak / file")
    rows: list[dict[str, float | str]] = []
    for model in models:
        arguments = [sys.executable, "-m", "benchmarks.compile_models", "--one", f"-O{opt}", str(model)]
        done = subprocess.run(arguments, capture_output=True, text=True, check=False)
        if done.returncode:
            table.add_row(
                model.stem, f"{_megabytes(model):.1f}", "failed", done.stderr.strip().splitlines()[-1][:80], ""
            )
            continue
        row = json.loads(done.stdout.splitlines()[-1])
        rows.append(row)
        ratio = row["peak_mb"] / row["file_mb"]
        table.add_row(
            model.stem, f"{row['file_mb']:.1f}", f"{row['seconds']:.2f}", f"{row['peak_mb']:.0f}", f"{ratio:.2f}"
        )
    Console().print(table)
    if json_path is not None:
        json_path.write_text(json.dumps(rows, indent=1) + "\n")


def _measure(model: Path, opt: int, threads: int) -> dict[str, float | str]:
    import neuralc

    started = time.perf_counter()
    neuralc.compile(model, opt=opt, threads=threads)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"model": model.stem, "file_mb": _megabytes(model), "seconds": seconds, "peak_mb": peak}


def _megabytes(model: Path) -> float:
    return model.stat().st_size / 1e6


if __name__ == "__main__":
    main()
