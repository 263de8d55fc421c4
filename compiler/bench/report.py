"""The figures for people: a table of engines, and one of launches, the slowest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

import numpy as np

from neuralc.bench.contest import Engine
from neuralc.bench.measure import Outcome
from neuralc.bench.rounds import bootstrap
from neuralc.inspection.units import bytes_text, number_text, shortened

if TYPE_CHECKING:
    from rich.table import Table

    from neuralc.machine import Machine

WIDE = 200
"""Letters of a line where no terminal limits them."""
NAME = 36
"""Letters of a kernel or a layer."""


def print_outcomes(outcomes: Sequence[Outcome], machine: Machine, file: TextIO, most: int | None) -> None:
    """One below the other."""
    for index, outcome in enumerate(outcomes):
        if index:
            file.write("\n")
        print_outcome(outcome, machine, file, most)


def print_outcome(outcome: Outcome, machine: Machine, file: TextIO, most: int | None) -> None:
    """All of it; of launches the `most` that take longest, None for all."""
    from rich.console import Console

    console = Console(file=file, highlight=False, width=None if file.isatty() else WIDE)
    sizes = "".join(f", {name} = {size}" for name, size in outcome.sizes.items())
    threads = f"{outcome.threads} thread{'s' if outcome.threads > 1 else ''}"
    console.print(f"{outcome.model}, {threads}{sizes}", style="bold", markup=False, soft_wrap=True)
    if outcome.defaults:
        given = ",".join(f"{name}={outcome.sizes[name]}" for name in outcome.defaults)
        console.print(
            f"sizes that were not given: --sizes {given} says the same", style="dim", markup=False, soft_wrap=True
        )
    peak = f"{machine.peak_gflops:.1f} GFLOP/s of fp32 a core"
    console.print(f"{machine.name}, {peak}", style="dim", markup=False, soft_wrap=True)
    flops, bytes_ = outcome.work.flops or 0.0, outcome.work.bytes
    console.print(
        f"{number_text(int(flops))}FLOP in products, {bytes_text(int(bytes_))} of inputs, outputs and weights: "
        f"no less than {seconds_text(bootstrap(outcome.limit.medians).median)}",
        markup=False,
        soft_wrap=True,
    )
    console.print(_engines(outcome))
    if any(each.written for each in outcome.engines):
        console.print("* runs the code or the ONNX model that neuralc writes of the program", soft_wrap=True)
    if outcome.launches:
        console.print()
        console.print(_launches(outcome, machine, most))


def _engines(outcome: Outcome) -> Table:
    from rich.table import Column, Table

    titles = ("min", "median", "95 %", "p99", "GFLOP/s", "of the limit", "times neuralc", "ready in")
    table = Table("engine", *(Column(title, justify="right", no_wrap=True) for title in titles), box=None)
    ours = outcome.engines[0]
    for engine in outcome.engines:
        median = bootstrap(engine.times.medians)
        table.add_row(
            f"{engine.name}{' *' if engine.written else ''}",
            seconds_text(min(engine.times.calls)),
            seconds_text(median.median),
            f"{seconds_text(median.low)} - {seconds_text(median.high)}",
            seconds_text(float(np.percentile(engine.times.calls, 99))),
            f"{(outcome.work.flops or 0.0) / median.median / 1e9:.1f}",
            f"{100 * outcome.limit.ratio_to(engine.times).median:.0f} %",
            "" if engine is ours else _ratio(engine, ours),
            seconds_text(engine.ready),
        )
    return table


def _ratio(engine: Engine, ours: Engine) -> str:
    figure = engine.times.ratio_to(ours.times)
    return f"{figure.median:.2f} [{figure.low:.2f}, {figure.high:.2f}]"


def _launches(outcome: Outcome, machine: Machine, most: int | None) -> Table:
    from rich.table import Column, Table

    right = [Column(title, justify="right", no_wrap=True) for title in ("alone", "share", "GFLOP/s", "of the limit")]
    table = Table("kernel", "layer", *right, box=None)
    total = sum(each.seconds for each in outcome.launches)
    slowest = sorted(outcome.launches, key=lambda each: -each.seconds)
    for launch in slowest[:most]:
        share = launch.share(machine)
        table.add_row(
            shortened(launch.kernel, NAME),
            shortened(launch.layer, NAME),
            seconds_text(launch.seconds),
            f"{100 * launch.seconds / total:.1f} %",
            "" if launch.work.flops is None else f"{launch.work.flops / launch.seconds / 1e9:.1f}",
            "" if share is None else f"{100 * share:.0f} %",
        )
    if most is not None and len(slowest) > most:
        rest = sum(each.seconds for each in slowest[most:])
        table.add_row(f"{len(slowest) - most} more", "", seconds_text(rest), f"{100 * rest / total:.1f} %", "", "")
    table.add_row("all", "", seconds_text(total), "", "", "")
    return table


def seconds_text(seconds: float) -> str:
    """Three digits and a unit: 70.1 ms."""
    for unit, name in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")):
        if seconds >= unit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds / 1e-9:.3g} ns"
