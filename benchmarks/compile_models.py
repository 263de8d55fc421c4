"""`python -m benchmarks.compile_models MODEL..`: seconds from nothing to a model, compiled and found in the cache.

Everything is a process of its own, the start of Python included: wall time, and in brackets the time of processors,
which other work on the machine changes less; the best of some. Byte code is there, as `pip install` leaves it, and the
cache is a folder of this run.

    object s     `neuralc MODEL --emit=obj`, which the cache has no part in; peak MB is the memory of this process
    compile s    `neuralc.compile(MODEL)`, kept
    so s         `neuralc MODEL -o m.so`, kept
    run s        `neuralc run MODEL --input .. -o ..`, kept

A figure above its bar has a `!`: object code as in `BARS`, what is kept in 0.6 s, a library in 1.1 times the bytes of
its weights and 200 KB.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile

import click
from rich.console import Console
from rich.table import Table

BARS = {"mlp": 1.0, "mnist": 1.2, "mobilenetv2": 5.0, "resnet50": 6.0, "minilm32": 4.0}
"""Seconds to object code, -O2, by the stem of a model."""
KEPT_BAR = 0.6


@dataclass(frozen=True)
class Took:
    """What a process took: seconds of wall time and of processors, bytes of memory at its peak."""

    seconds: float
    processor: float
    peak: int

    def against(self, bar: float | None) -> str:
        return f"{self.seconds:.2f}{'!' if bar is not None and self.seconds > bar else ''} ({self.processor:.2f})"


@dataclass(frozen=True)
class Figures:
    """One model; weights and library in bytes."""

    model: str
    object: Took
    compile: Took
    so: Took
    run: Took
    weights: int
    library: int

    @property
    def library_bar(self) -> float:
        return 1.1 * self.weights + 200e3

    def row(self) -> list[str]:
        kept = [took.against(KEPT_BAR) for took in (self.compile, self.so, self.run)]
        size = f"{self.library / 1e6:.2f} / {self.weights / 1e6:.2f}{'!' if self.library > self.library_bar else ''}"
        return [self.model, self.object.against(BARS.get(self.model)), f"{self.object.peak / 1e6:.0f}", *kept, size]


@click.command()
@click.argument("models", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("-O", "opt", default=2, show_default=True, help="Optimization level.")
@click.option("--rounds", default=3, show_default=True, help="Processes for each figure.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the figures here too.")
def main(models: Sequence[Path], opt: int, rounds: int, json_path: Path | None) -> None:
    """Measure how long models take to compile, and to be found again."""
    table = Table("model", "object s", "peak MB", "compile s", "so s", "run s", "library / weights MB", box=None)
    rows: list[Figures] = []
    with TemporaryDirectory(prefix="neuralc-compile-") as folder:
        bench = Bench(Path(folder), opt, rounds)
        for model in models:
            rows.append(bench.figures(model.absolute()))
            table.add_row(*rows[-1].row())
    Console(width=120).print(table)
    if json_path is not None:
        json_path.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", encoding="utf-8")


@dataclass(frozen=True)
class Bench:
    """Processes that work in a folder, where their cache and their byte code are."""

    folder: Path
    opt: int
    rounds: int

    def figures(self, model: Path) -> Figures:
        library, level = self.folder / "m.so", f"-O{self.opt}"
        command = [sys.executable, "-m", "neuralc", str(model), level]
        self._took([*command, "--emit=obj", "-o", str(self.folder / "m.o")])  # writes the byte code
        emitted = self._best([*command, "--emit=obj", "-o", str(self.folder / "m.o")])
        inputs, weights = self._inputs_and_weights(model)
        kept = [
            self._kept([sys.executable, "-c", COMPILE, str(model), str(self.opt)]),
            self._kept([*command, "-o", str(library)]),
            self._kept([sys.executable, "-m", "neuralc", "run", str(model), level, *inputs, "-o", str(self._outputs)]),
        ]
        return Figures(model.stem, emitted, *kept, weights, library.stat().st_size)

    @property
    def _outputs(self) -> Path:
        return self.folder / "y.npz"

    def _inputs_and_weights(self, model: Path) -> tuple[list[str], int]:
        """The flags of `neuralc run` for inputs that are zero, and the bytes of the weights."""
        command = [sys.executable, "-c", DESCRIBE, str(model), str(self.folder)]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=True)
        found = json.loads(done.stdout)
        return [f"--input={name}={file}" for name, file in found["inputs"].items()], found["weights"]

    def _kept(self, command: Sequence[str]) -> Took:
        self._took(command)
        return self._best(command)

    def _best(self, command: Sequence[str]) -> Took:
        found = [self._took(command) for _ in range(self.rounds)]
        return Took(*(min(values) for values in zip(*map(astuple, found), strict=True)))

    def _took(self, command: Sequence[str]) -> Took:
        with TemporaryFile("w+") as messages:
            started = time.perf_counter()
            process = subprocess.Popen(command, env=self._environment, stdout=subprocess.DEVNULL, stderr=messages)
            _, status, used = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - started
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                messages.seek(0)
                raise click.ClickException(f"{' '.join(command)}\n{messages.read()}")
        return Took(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)

    @property
    def _environment(self) -> dict[str, str]:
        ours = {"NEURALC_CACHE_DIR": str(self.folder / "cache"), "PYTHONPYCACHEPREFIX": str(self.folder / "code")}
        return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | ours


COMPILE = """
import sys
import neuralc
neuralc.compile(sys.argv[1], opt=int(sys.argv[2]))
"""
DESCRIBE = """
import json, sys
from pathlib import Path
import numpy as np
from neuralc import api, driver
model, folder = Path(sys.argv[1]), Path(sys.argv[2])
weights = driver.load(model, driver.Options()).weights
inputs = {}
for port in api.compile(model).inputs:
    shape = [size if isinstance(size, int) else 1 for size in port.shape]
    inputs[port.name] = str(folder / f"{len(inputs)}.npy")
    np.save(inputs[port.name], np.zeros(shape, port.dtype))
print(json.dumps({"inputs": inputs, "weights": sum(weights[name].nbytes for name in weights)}))
"""

if __name__ == "__main__":
    main()
