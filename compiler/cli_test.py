"""`neuralc test`: what a program's `test` block says its outputs are, held against what the compiled model computes."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from neuralc.cli import make_options, shared_flags
from neuralc.cli_errors import ErrorFormat, report
from neuralc.cli_run import read_array
from neuralc.grammar.diagnostics import error
from neuralc.verify.progress import working

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from neuralc.dialects.graph import ModelOp
    from neuralc.dialects.graph.configuration import TestAttr
    from neuralc.driver import Compilation
    from neuralc.verify.report import Report

    Array = NDArray[np.generic]

TOLERANCE = 1e-5
"""Of a block that names none: the largest difference, relative to the largest value of an output."""

EXAMPLES = """\b
Examples:
  neuralc test model.nr                       what its block says: test { inputs: "x.npy" expect: "y.npy" }
  neuralc test model.nr --target interp       is the compiler wrong, or the expectation?
  neuralc test *.nr                           all of them; the last line counts

\b
Files are those of the block, in the model's folder. Values agree where |ours - theirs| <= tolerance * max|theirs|,
whole numbers where they are equal; a block without `tolerance` has 1e-5.

\b
Exit codes: 0 all agree, 1 one does not (or cannot run), 2 the command line is wrong.
"""


@click.command("test", epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("models", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="MODEL..")
@click.option("--target", type=click.Choice(["cpu", "interp"]), default="cpu", help="What runs the model.")
@click.option("--json", "as_json", is_flag=True, help="The comparisons as JSON.")
@shared_flags
def command(models: Sequence[Path], target: str, as_json: bool, error_format: ErrorFormat, **flags: Any) -> int:
    """Run each MODEL on the inputs of its `test` block and compare its outputs with those the block expects."""
    from neuralc import driver
    from neuralc.execution import with_execution

    options = make_options(**flags)
    outcomes: list[Report] = []
    for model in models:
        with working(f"reading {model.name}"):
            compilation = driver.load(model, with_execution(model, options, target_given=True))
        report(compilation.notices, error_format)
        outcomes.append(_tested(model, compilation, target))
        if not as_json:
            outcomes[-1].print(sys.stdout)
    if as_json:
        sys.stdout.write(json.dumps([each.as_dict() for each in outcomes], indent=1) + "\n")
    elif len(outcomes) > 1:
        sys.stdout.write(f"{sum(each.agrees for each in outcomes)} of {len(outcomes)} models agree\n")
    return 0 if all(each.agrees for each in outcomes) else 1


def _tested(path: Path, compilation: Compilation, target: str) -> Report:
    from neuralc import api
    from neuralc.verify.compare import compare
    from neuralc.verify.report import Report

    model, block = _block(path, compilation)
    inputs = _arrays(path.parent, model.inputs, block.literal("inputs", ()), "inputs")
    expected = _arrays(path.parent, model.outputs, block.literal("expect", ()), "outputs")
    tolerance = block.literal("tolerance", TOLERANCE)
    with api.as_diagnostics():
        with working(f"compiling {path.name}"):
            compiled = api.finish(compilation, target)
        results = compiled(**inputs)
    outputs = results if isinstance(results, tuple) else (results,)
    compared = [
        compare(port.name, array, expected[port.name], 0.0, tolerance)
        for port, array in zip(compiled.outputs, outputs, strict=True)
    ]
    return Report(path.name, "its `test` block", compared, settings={"tolerance": tolerance})


def _block(path: Path, compilation: Compilation) -> tuple[ModelOp, TestAttr]:
    from neuralc.dialects.graph import the_model
    from neuralc.dialects.graph.configuration import TestAttr

    model = the_model(compilation.module) if compilation.level == "graph" else None
    block = None if model is None else model.attributes.get("test")
    if model is None or not isinstance(block, TestAttr):
        help = 'write one: `test { inputs: "x.npy" expect: "y.npy" }`'
        raise error("E0815", f"{path.name} has no `test` block", help=help)
    return model, block


def _arrays(folder: Path, ports: Sequence[str], files: Sequence[str], what: str) -> dict[str, Array]:
    """The arrays of files, by the names of the model's inputs or outputs, in whose order they are."""
    if len(files) != len(ports):
        message = f"the `test` block names {len(files)} files of {what}, the model has {len(ports)}"
        raise error("E0815", message, note=f"its {what}: {', '.join(ports)}")
    return {port: read_array(folder / file) for port, file in zip(ports, files, strict=True)}
