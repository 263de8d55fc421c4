"""`neuralc bench`: how long a model takes, beside other engines and the machine's limits, and which kernel takes it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from neuralc.cli import make_options, shared_flags
from neuralc.cli_errors import ErrorFormat, report
from neuralc.cli_verify import parse_sizes
from neuralc.grammar.diagnostics import usage_error

if TYPE_CHECKING:
    from neuralc.bench.measure import Outcome
    from neuralc.bench.peers import Peer
    from neuralc.driver import Options
    from neuralc.machine import Machine

EXAMPLES = """\b
Examples:
  neuralc bench model.onnx
  neuralc bench model.onnx --compare onnxruntime,openvino
  neuralc bench model.nr --compare torch,inductor,xla --batch 8 --threads 2
  neuralc bench model.onnx --profile                      which kernel takes the time?
  neuralc bench model.onnx --sizes batch=1,S=128 --json -o times.json

\b
Every engine runs in a process of its own, the rounds of all take turns, every other one backwards. The figure of
a round is the median of its calls, the figure of an engine the median of its rounds with a bootstrap interval;
`times neuralc` is above 1 where neuralc is faster, and compares the rounds that stand beside each other.
The limit is that of multiply-adds in registers, or of reading what a call must read at least, whichever is more;
`neuralc targets` measures both. Engines run with the settings in neuralc/bench/peers.toml, on the model's own file
where they read it. Their outputs are compared with ours before their times count.

\b
A busy machine gives wide intervals: close what else runs, or take more `--rounds`.
"""

SHOWN = 25
"""Launches of a profile on a terminal; --json has all."""


@dataclass(frozen=True)
class Plan:
    """What to measure, and for how long."""

    model: Path
    options: Options
    peers: Sequence[Peer]
    sizes: Mapping[str, int]
    batch: int
    rounds: int
    seconds: float
    profiled: bool
    seed: int
    error_format: ErrorFormat
    cache: bool

    @property
    def threads(self) -> int:
        return self.options.threads or 1


@click.command("bench", epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--compare", default="", metavar="ENGINE,...", help="onnxruntime, openvino, torch, inductor, xla.")
@click.option("--batch", type=click.IntRange(1), default=1, help="The first dim of inputs, if symbolic (default 1).")
@click.option("--sizes", metavar="S=3,T=5", help="Symbolic sizes of the run (default 16); the model keeps them open.")
@click.option("--rounds", type=click.IntRange(3), default=15, help="Rounds of each engine (default 15).")
@click.option("--seconds", type=click.FloatRange(0.001), default=0.1, help="Length of a round (default 0.1).")
@click.option("--profile", "profiled", is_flag=True, help="Time each kernel alone, with the layer it is of.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Of random inputs (default 0).")
@click.option("--json", "as_json", is_flag=True, help="All figures as JSON; times are in seconds.")
@click.option("-o", "output", metavar="PATH", help="Write the figures to a file (.json: as JSON).")
@click.option("--no-cache", is_flag=True, help="Compile: getting ready takes what it takes of a model never seen.")
@shared_flags
def command(
    model: Path,
    compare: str,
    batch: int,
    sizes: str | None,
    rounds: int,
    seconds: float,
    profiled: bool,
    seed: int,
    as_json: bool,
    output: str | None,
    error_format: ErrorFormat,
    no_cache: bool,
    **flags: Any,
) -> int:
    """Time MODEL on this machine, beside other engines and the machine's limits."""
    from neuralc.bench.peers import chosen
    from neuralc.machine import measure

    options = make_options(**flags)
    peers = chosen([name for name in compare.split(",") if name], model)
    given = parse_sizes(sizes)
    plan = Plan(model, options, peers, given, batch, rounds, seconds, profiled, seed, error_format, not no_cache)
    with _steps() as step:
        outcome = _measured(plan, machine := measure(0.2, progress=step), step)
    _write(outcome, machine, output, as_json=as_json)
    return 0


def _measured(plan: Plan, machine: Machine, step: Callable[[str], None]) -> Outcome:
    from neuralc import driver
    from neuralc.api import as_diagnostics
    from neuralc.bench.measure import Outcome, measure_launches, measure_rounds, work_of_model
    from neuralc.verify.inputs import chosen_sizes, make_inputs

    step(f"reading {plan.model.name}")
    compilation = driver.load(plan.model, plan.options)
    report(compilation.notices, plan.error_format)
    if compilation.level != "graph":
        raise usage_error(
            "E0814",
            f"{plan.model.name} is IR of the {compilation.level} level",
            help="measure the model it was made from",
        )
    sizes = chosen_sizes(compilation.module, plan.sizes, batch=plan.batch)
    arrays = make_inputs(compilation.module, sizes, plan.seed, {})
    work = work_of_model(compilation, sizes)
    with as_diagnostics():
        engines = measure_rounds(
            plan.model,
            {**_for_python(plan.options), "cache": plan.cache},
            compilation,
            arrays,
            plan.peers,
            threads=plan.threads,
            rounds=plan.rounds,
            seconds=plan.seconds,
            progress=step,
        )
    launches = measure_launches(compilation, sizes, step) if plan.profiled else []
    limit = machine.limit_seconds(work.flops or 0.0, work.bytes, plan.threads)
    return Outcome(plan.model.name, plan.threads, sizes, work, limit, engines, launches)


def _for_python(options: Options) -> dict[str, Any]:
    """The options as `neuralc.compile` takes them, as JSON."""
    return {
        "opt": options.opt,
        "dims": dict(options.dims),
        "weights": None if options.weights is None else str(options.weights.resolve()),
        "network": options.network,
        "set": dict(options.set),
        "winograd": options.winograd,
    }


@contextmanager
def _steps() -> Iterator[Callable[[str], None]]:
    """Tells on a terminal what is being done; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda what: None
        return
    from rich.console import Console

    with Console(stderr=True).status("measuring") as status:
        yield lambda what: status.update(f"measuring: {what}")


def _write(outcome: Outcome, machine: Machine, output: str | None, *, as_json: bool) -> None:
    from dataclasses import asdict
    from io import StringIO

    from neuralc.bench.report import print_outcome
    from neuralc.files import write_product

    data = json.dumps({"machine": asdict(machine), **outcome.as_dict(machine)}, indent=1) + "\n"
    if output is not None:
        print_outcome(outcome, machine, stream := StringIO(), None)
        write_product(output, data if as_json or output.endswith(".json") else stream.getvalue())
    elif as_json:
        sys.stdout.write(data)
    else:
        print_outcome(outcome, machine, sys.stdout, SHOWN if sys.stdout.isatty() else None)
