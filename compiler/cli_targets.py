"""`neuralc targets`: this machine with its measured limits, and the processors and GPUs that code can be made for."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from neuralc.machine import Machine
    from neuralc.passes.target import Target

EXAMPLES = """\b
Examples:
  neuralc targets                              what this machine can do at best
  neuralc targets --json | jq .measured        the same for a script
  neuralc model.nr --mcpu neoverse-n1          code for another processor of the list
  neuralc model.nr --target cuda --arch sm_90  for a GPU of the list

\b
The peak is a loop of multiply-adds that touch only registers, the bandwidths are streams through arrays of half
a cache; both on one core, the best of short samples. A model is at the machine's limit when its multiply-adds or
its bytes take no less time than these allow.
"""


@click.command("targets", epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--measure/--no-measure", default=True, help="Measure this machine: takes two seconds (the default).")
@click.option("--json", "as_json", is_flag=True, help="All of it as JSON.")
def command(measure: bool, as_json: bool) -> int:
    """This machine with its measured limits, and the processors and GPUs that code can be made for."""
    from neuralc.passes.target import Target

    host = Target.host()
    machine = _measured() if measure else None
    if as_json:
        sys.stdout.write(f"{json.dumps(described(host, machine), indent=2)}\n")
        return 0
    from rich.console import Console

    terminal = sys.stdout.isatty()
    console = Console(file=sys.stdout, highlight=False, width=None if terminal else 120)
    _print_host(console, host, machine)
    console.print()
    console.print(_processors())
    console.print()
    console.print(_gpus())
    console.print("\ntpu: JAX code, lowered by XLA where the TPU is", soft_wrap=True)
    return 0


def described(host: Target, machine: Machine | None) -> dict[str, Any]:
    """The answer as data. Sizes are bytes, the peak GFLOP/s of fp32, bandwidths GB/s of one core that reads."""
    from neuralc.passes.target_table import CPUS, GPUS

    return {
        "host": {
            "triple": host.triple,
            "cpu": host.cpu_name,
            "vector_bytes": host.vector_bytes,
            "vector_registers": host.vector_registers,
            "fma": host.has_fma,
            "threads": host.threads,
            "caches": asdict(host.caches),
            "features": sorted(host.features),
        },
        "measured": None if machine is None else asdict(machine),
        "processors": {
            architecture: {name: sorted(features) for name, features in known.items()}
            for architecture, known in CPUS.items()
        },
        "gpus": {name: asdict(gpu) for name, gpu in GPUS.items()},
    }


def _measured() -> Machine:
    from rich.console import Console

    from neuralc.machine import measure

    console = Console(stderr=True)
    with console.status("measuring this machine") as status:
        return measure(progress=lambda what: status.update(f"measuring this machine: {what}"))


def _print_host(console: Console, host: Target, machine: Machine | None) -> None:
    from rich.table import Table

    from neuralc.inspection.units import bytes_text
    from neuralc.machine import LEVELS, processor_name

    console.print(f"This machine: {processor_name()}", style="bold", markup=False, soft_wrap=True)
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 2))
    table.add_row("triple", host.triple)
    table.add_row("code for", host.description)
    table.add_row("features", " ".join(deciding_features(host)))
    table.add_row("threads", str(host.threads))
    caches = asdict(host.caches)
    if machine is None:
        table.add_row("caches", ", ".join(f"{name.upper()} {bytes_text(size)}" for name, size in caches.items()))
        console.print(table)
        return
    table.add_row("fork and join", f"{1e6 * machine.fork_join:.2g} us of two threads, measured")
    table.add_row("peak", f"{machine.peak_gflops:.1f} GFLOP/s of fp32 on one core, measured")
    console.print(table)
    console.print()
    levels = Table("memory", _right("size"), _right("GB/s that one core reads"), box=None, padding=(0, 2, 0, 2))
    for name in LEVELS:
        size = bytes_text(caches[name]) if name in caches else ""
        levels.add_row(name.upper() if name in caches else name, size, f"{machine.bandwidth[name]:.0f}")
    console.print(levels)


def deciding_features(host: Target) -> list[str]:
    """Those features of this machine that some processor of the table is known for: they are what code depends on."""
    from neuralc.passes.target_table import CPUS, architecture_of

    known = frozenset[str]().union(*CPUS[architecture_of(host.triple)].values())
    return sorted(known & host.features)


def _processors() -> Table:
    from rich.table import Table

    from neuralc.passes.target import Target
    from neuralc.passes.target_table import CPUS

    table = Table("--mcpu", "architecture", _right("fp32 lanes"), _right("registers"), "features", box=None)
    for architecture, known in CPUS.items():
        for names, added in _rows(known):
            target = Target.cpu(names[0], triple=_triple(architecture))
            lanes, registers = str(target.lanes), str(target.vector_registers)
            table.add_row(" ".join(names), architecture, lanes, registers, added)
    return table


def _rows(known: Mapping[str, frozenset[str]]) -> Iterator[tuple[list[str], str]]:
    """Processors of equal features, and what they have beyond those of a row above."""
    groups: dict[frozenset[str], list[str]] = {}
    for name, features in known.items():
        groups.setdefault(features, []).append(name)
    seen: list[tuple[frozenset[str], str]] = []
    for features, names in groups.items():
        below = [(each, name) for each, name in seen if each < features]
        base, of = max(below, key=lambda each: len(each[0]), default=(frozenset[str](), ""))
        more = " ".join(sorted(features - base))
        seen.append((features, names[0]))
        yield names, f"{of} + {more}" if of else more


def _triple(architecture: str) -> str:
    from neuralc.passes.target_table import ARCHITECTURES

    return ARCHITECTURES[architecture].triple


def _gpus() -> Table:
    from rich.table import Table

    from neuralc.inspection.units import bytes_text
    from neuralc.passes.target_table import GPUS

    table = Table("--target cuda --arch", _right("shared memory a block"), _right("registers a thread"), box=None)
    for name, gpu in GPUS.items():
        table.add_row(name, bytes_text(gpu.shared_memory), str(gpu.registers_per_thread))
    return table


def _right(title: str) -> Any:
    from rich.table import Column

    return Column(title, justify="right")
