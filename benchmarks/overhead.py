"""What a call from Python adds to the call in C: `python -m benchmarks.overhead [MODEL]`.

The C call is made by a loop in machine code, on the inputs and outputs that Python's calls use. Rounds of all take
turns; a figure is the median of its rounds.
"""

from __future__ import annotations

import ctypes
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.table import Table

import neuralc
from benchmarks.suite import ROOT
from neuralc.emit.llvm.jit import compile_module
from neuralc.passes.target import Target

CALLS = 200
"""Calls of a round."""

LOOP = """
define void @loop(ptr %run, ptr %context, ptr %inputs, ptr %dims, ptr %outputs, i64 %calls) {
entry:
  br label %body
body:
  %number = phi i64 [ 0, %entry ], [ %next, %body ]
  %status = call i32 %run(ptr %context, ptr %inputs, ptr %dims, ptr %outputs)
  %next = add i64 %number, 1
  %more = icmp slt i64 %next, %calls
  br i1 %more, label %body, label %done
done:
  ret void
}
"""


@click.command()
@click.argument("model", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=ROOT / "examples/mlp.nr")
@click.option("--threads", default=1, show_default=True)
@click.option("--rounds", default=31, show_default=True)
def main(model: Path, threads: int, rounds: int) -> None:
    """Time calls of MODEL from Python and from machine code; symbolic sizes are 1."""
    compiled = neuralc.compile(model, threads=threads)
    arrays = [
        np.ones([size if isinstance(size, int) else 1 for size in port.shape], port.dtype) for port in compiled.inputs
    ]
    out = compiled(*arrays)
    ways = {
        "C": c_calls(compiled, arrays, out),
        "Python": _repeated(lambda: compiled(*arrays)),
        "Python, out=": _repeated(lambda: compiled(*arrays, out=out)),
    }
    table = Table("call", "us", "above C, us")
    found = measure(ways, rounds)
    for name, seconds in found.items():
        table.add_row(name, f"{seconds * 1e6:.2f}", f"{(seconds - found['C']) * 1e6:.2f}")
    Console().print(table)


def measure(ways: Mapping[str, Callable[[int], None]], rounds: int) -> Mapping[str, float]:
    """Seconds of a call, by way."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, run in ways.items():
            start = time.perf_counter()
            run(CALLS)
            times[name].append((time.perf_counter() - start) / CALLS)
    return {name: statistics.median(found) for name, found in times.items()}


def _repeated(call: Callable[[], Any]) -> Callable[[int], None]:
    def run(calls: int) -> None:
        for _ in range(calls):
            call()

    return run


def c_calls(model: Any, arrays: list[np.ndarray[Any, Any]], out: Any) -> Callable[[int], None]:
    """A loop in machine code around `nrc_run`, on a context of its own."""
    library = compile_module(LOOP, Target.host())
    loop = library.function("loop", *[ctypes.c_void_p] * 5, ctypes.c_int64)
    context = model._context()
    context.run(arrays)
    outputs = [out] if isinstance(out, np.ndarray) else list(out)
    inputs, results = (
        (ctypes.c_void_p * len(group))(*(array.ctypes.data for array in group)) for group in (arrays, outputs)
    )
    address = ctypes.cast(model._interface.run, ctypes.c_void_p)
    dims = ctypes.addressof(context._sizes.dims)
    keep = (inputs, results)
    return lambda count: loop(
        address, context._native, ctypes.addressof(keep[0]), dims, ctypes.addressof(keep[1]), count
    )


if __name__ == "__main__":
    main()
