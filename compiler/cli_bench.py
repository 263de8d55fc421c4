"""`neuralc bench`: how long a model takes, beside other engines and the machine's limits, and which kernel takes it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from neuralc.cli import make_options, model_flags
from neuralc.cli_errors import ErrorFormat, report
from neuralc.cli_verify import parse_sizes
from neuralc.grammar.diagnostics import usage_error

if TYPE_CHECKING:
    from neuralc.bench.measure import Outcome
    from neuralc.grammar.diagnostics import Diagnostic, NeuralcError
    from neuralc.machine import Machine

EXAMPLES = """\b
Examples:
  neuralc bench model.onnx
  neuralc bench model.onnx --compare onnxruntime,openvino
  neuralc bench model.nr --compare torch,inductor,xla --batch 1,8 --threads 1,2
  neuralc bench model.onnx --compare torch --also model.pt2
  neuralc bench model.onnx --compare onnxruntime,openvino --dim batch=8     sizes are fixed for every engine
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


@click.command("bench", epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--compare", default="", metavar="ENGINE,...", help="onnxruntime, openvino, torch, inductor, xla, iree, tvm."
)
@click.option(
    "--also",
    "others",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The same model in another file.",
)
@click.option(
    "--peer-python",
    "pythons",
    multiple=True,
    envvar="NEURALC_PEER_PYTHON",
    metavar="iree=PATH",
    help="Interpreter that has an engine; also by the environment variable NEURALC_PEER_PYTHON.",
)
@click.option(
    "--batch", "batches", default="1", metavar="N,...", help="The first dim of inputs, if symbolic (default 1)."
)
@click.option("--sizes", metavar="S=3,T=5", help="Symbolic sizes of the run (default 16); the model keeps them open.")
@click.option("--rounds", type=click.IntRange(3), default=15, help="Rounds of each engine (default 15).")
@click.option("--seconds", type=click.FloatRange(0.001), default=0.1, help="Length of a round (default 0.1).")
@click.option("--profile", "profiled", is_flag=True, help="Time each kernel alone, with the layer it is of.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Of random inputs (default 0).")
@click.option("--json", "as_json", is_flag=True, help="All figures as JSON; times are in seconds.")
@click.option("-o", "output", metavar="PATH", help="Write the figures to a file (.json: as JSON).")
@click.option("--no-cache", is_flag=True, help="Compile: getting ready takes what it takes of a model never seen.")
@click.option("--threads", default="1", metavar="N,...", help="Threads at run time (default 1).")
@model_flags
def command(
    model: Path,
    compare: str,
    others: tuple[Path, ...],
    pythons: tuple[str, ...],
    threads: str,
    batches: str,
    sizes: str | None,
    rounds: int,
    seconds: float,
    profiled: bool,
    seed: int,
    as_json: bool,
    output: str | None,
    no_cache: bool,
    error_format: ErrorFormat,
    **flags: Any,
) -> int:
    """Time MODEL on this machine, beside other engines and the machine's limits."""
    from neuralc.bench.contest import Effort
    from neuralc.bench.measure import Plan, measure_model
    from neuralc.bench.peers import chosen
    from neuralc.machine import measure

    options = make_options(**flags)
    peers = chosen([name for name in compare.split(",") if name], model, others, pythons)
    effort, given = Effort(rounds, seconds), parse_sizes(sizes)
    plan = Plan(model, options, peers, others, given, 1, effort, profiled, seed, cache=not no_cache)
    runs = [
        replace(plan, batch=batch, options=replace(options, threads=count))
        for count in parse_counts("--threads", threads)
        for batch in parse_counts("--batch", batches)
    ]

    def told(diagnostics: Sequence[Diagnostic]) -> None:
        report(diagnostics, error_format)

    with _steps() as step:
        machine = measure(0.2, progress=step)
        outcomes = [measure_model(each, machine, step, _refuse, told) for each in runs]
    _write(outcomes, machine, output, as_json=as_json)
    return 0


def parse_counts(option: str, text: str) -> list[int]:
    """`1,8` as numbers. Raises UsageError E0813."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdigit() and int(part) > 0 for part in parts):
        raise usage_error("E0813", f"`{option} {text}`: not a list of counts", help=f"write them as `{option} 1,8`")
    return list(dict.fromkeys(map(int, parts)))


def _refuse(engine: str, problem: NeuralcError) -> None:
    """A peer that was asked for and cannot run the model ends the comparison."""
    raise problem


@contextmanager
def _steps() -> Iterator[Callable[[str], None]]:
    """Tells on a terminal what is being done; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda what: None
        return
    from rich.console import Console

    with Console(stderr=True).status("measuring") as status:
        yield lambda what: status.update(f"measuring: {what}")


def _write(outcomes: Sequence[Outcome], machine: Machine, output: str | None, *, as_json: bool) -> None:
    """One run as an object, several as a list of them; for people a table each."""
    from dataclasses import asdict
    from io import StringIO

    from neuralc.bench.report import print_outcomes
    from neuralc.files import write_product

    found = [{"machine": asdict(machine), **each.as_dict(machine)} for each in outcomes]
    data = json.dumps(found if len(found) > 1 else found[0], indent=1) + "\n"
    if output is not None:
        print_outcomes(outcomes, machine, stream := StringIO(), None)
        write_product(output, data if as_json or output.endswith(".json") else stream.getvalue())
    elif as_json:
        sys.stdout.write(data)
    else:
        print_outcomes(outcomes, machine, sys.stdout, SHOWN if sys.stdout.isatty() else None)
