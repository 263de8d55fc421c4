"""`neuralc verify`: what neuralc computes for a model, held against another framework, value by value."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from neuralc.cli import make_options, shared_flags
from neuralc.cli_errors import ErrorFormat, report
from neuralc.cli_run import read_array
from neuralc.grammar.diagnostics import suggest, usage_error
from neuralc.verify.progress import working
from neuralc.verify.reference import FRAMEWORKS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from xdsl.ir import SSAValue

    from neuralc.driver import Compilation, Options
    from neuralc.verify.compare import Comparison
    from neuralc.verify.reference import Limits, Reference
    from neuralc.verify.report import Report

    Array = NDArray[np.generic]

EXAMPLES = """\b
Examples:
  neuralc verify model.onnx --against onnxruntime
  neuralc verify model.onnx --against onnxruntime --layers      which layer goes wrong first?
  neuralc verify model.onnx --against onnxruntime --sizes batch=3,S=17
  neuralc verify model.onnx --input ids=ids.npy --input mask=mask.npy
  neuralc verify model.nr --against torch                       the PyTorch code that neuralc writes for it
  neuralc verify model.pt2 --against jax --layers               its JAX code; keras, onnxruntime alike
  neuralc verify model.nr --against interp --layers -O0         the numpy reference in float64

\b
Values agree where |ours - theirs| <= rtol * |theirs| + atol * max|theirs|; whole numbers where they are equal.
Inputs that are not given are random: normal floats, whole numbers as large as what they index, masks of 0 and 1.

\b
Exit codes: 0 the values agree, 1 they differ (or a model cannot run), 2 the command line is wrong.
"""


@dataclass(frozen=True)
class Request:
    """What to compare, and how near is near enough."""

    model: Path
    against: str
    layers: bool
    target: str
    seed: int
    rtol: float | None
    atol: float | None
    limits: Limits


@click.command("verify", epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--against", type=click.Choice(FRAMEWORKS), default="interp", help="What to compare with (interp).")
@click.option("--layers", is_flag=True, help="Compare the values inside too, and name the first that differs.")
@click.option("--input", "inputs", multiple=True, metavar="[NAME=]FILE", help="An input array (.npy); else random.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Of random inputs (default 0).")
@click.option("--sizes", metavar="S=3,T=5", help="Symbolic sizes of the run; the compiled model keeps them open.")
@click.option("--rtol", type=click.FloatRange(0), metavar="X", help="Difference allowed of a value (1e-3; fp16 1e-2).")
@click.option("--atol", type=click.FloatRange(0), metavar="X", help="Of the largest value (1e-4; fp16 1e-2).")
@click.option(
    "--timeout", type=click.FloatRange(0, min_open=True), default=600, metavar="SECONDS", help="For the other."
)
@click.option("--target", type=click.Choice(["cpu", "interp"]), default="cpu", help="What runs the model here.")
@click.option("--json", "as_json", is_flag=True, help="The comparison as JSON.")
@click.option("-o", "output", metavar="REPORT", help="Write the comparison to a file (.json: as JSON).")
@shared_flags
def command(
    model: Path,
    against: str,
    layers: bool,
    inputs: Sequence[str],
    seed: int,
    sizes: str | None,
    rtol: float | None,
    atol: float | None,
    timeout: float,
    target: str,
    as_json: bool,
    output: str | None,
    error_format: ErrorFormat,
    **flags: Any,
) -> int:
    """Compare what neuralc computes for MODEL with another framework, on random or given inputs."""
    from neuralc.api import as_diagnostics
    from neuralc.verify.reference import Limits

    chosen = parse_sizes(sizes)
    options = make_options(**flags)
    limits = Limits(threads=options.threads or 1, seconds=timeout)
    request = Request(model, against, layers, target, seed, rtol, atol, limits)
    with working(f"reading {model.name}"):
        compilation, names = _load(request, options)
    report(compilation.notices, error_format)
    given = _given(compilation, inputs)
    sizes_of_run, arrays = _inputs(compilation, given, chosen, seed)
    with as_diagnostics():
        outcome = _compare(request, compilation, names, arrays)
    settings = {
        "opt": target if target != "cpu" else options.opt,
        "sizes": sizes_of_run,
        "inputs": "given" if len(given) == len(arrays) else f"random (seed {seed})",
    }
    _write(replace(outcome, settings=settings), output, as_json=as_json)
    return 0 if outcome.agrees else 1


def _write(outcome: Report, output: str | None, *, as_json: bool) -> None:
    """The report to the file, and to stdout what a reader there wants."""
    from io import StringIO

    from neuralc.files import write_product

    text = json.dumps(outcome.as_dict(), indent=1) + "\n"
    if output is not None:
        if as_json or output.endswith(".json"):
            write_product(output, text)
        else:
            outcome.print(stream := StringIO())
            write_product(output, stream.getvalue())
        if output != "-":
            sys.stdout.write(f"{outcome.verdict}\n")
    elif as_json:
        sys.stdout.write(text)
    else:
        outcome.print(sys.stdout)


# --- the two sides -----------------------------------------------------------------------------------------------
def _load(request: Request, options: Options) -> tuple[Compilation, Mapping[str, SSAValue]]:
    """The model; with layers also the values in it that its file names, and no functions, which would hide theirs."""
    from neuralc import driver
    from neuralc.passes.graph.inline import InlinePass
    from neuralc.verify.layers import has_functions

    compilation = driver.load(request.model, options)
    if compilation.level != "graph":
        raise usage_error(
            "E0814",
            f"{request.model.name} is on the {compilation.level} level: there is nothing to compare it with",
            help="verify the model it was made from; `--check-each` compares the levels",
        )
    if not request.layers:
        return compilation, {}
    if has_functions(compilation.module):
        InlinePass().run(compilation.module, compilation.context)
    return compilation, compilation.values


def _compare(
    request: Request, compilation: Compilation, names: Mapping[str, SSAValue], arrays: Mapping[str, Array]
) -> Report:
    """The other one's values first: what it cannot run need not be compiled."""
    from neuralc.verify import reference as other
    from neuralc.verify.layers import expose
    from neuralc.verify.report import Report

    itself = request.against == "onnxruntime" and request.model.suffix == ".onnx"
    if itself:
        with working("running onnxruntime"):
            expected = other.onnxruntime(request.model, arrays, request.limits, layers=request.layers)
    plain = _copy(compilation) if request.layers else compilation
    inside = expose(compilation.module, names) if request.layers else []
    if request.against == "interp":
        with working("running the interpreter"):
            expected = other.interpreted(compilation.module, compilation.weights, arrays)
    elif not itself:
        with working(f"running {request.against}"):
            expected = other.written(request.against, compilation, arrays, request.limits)
    outputs = _compared(request, _run(plain, request, arrays), expected)
    if not request.layers:
        return Report(request.model.name, expected.who, outputs)
    kept = _copy(compilation)
    values = _run(compilation, request, arrays)
    known = {layer.name: layer for layer in inside if layer.name in expected.values}
    compared = _compared(request, {name: values[name] for name in known}, expected)
    first = next((each.name for each in compared if not each.agrees), None)
    return Report(
        request.model.name,
        expected.who,
        outputs,
        compared,
        known,
        left_out=len(expected.values) - len({*known, *(each.name for each in outputs)} & {*expected.values}),
        alone=None if first is None else _alone(request, kept, arrays, values, first),
    )


def _alone(
    request: Request, kept: Compilation, arrays: Mapping[str, Array], values: Mapping[str, Array], name: str
) -> Comparison:
    """One layer by itself: our value against that of float64 from the operands that ours had."""
    from neuralc.verify.blame import recompute
    from neuralc.verify.compare import compare

    with working("computing the first wrong layer in float64"):
        exact = recompute(kept.module, kept.weights, arrays, values, name)
    return compare(name, values[name], exact, request.rtol, request.atol)


def _copy(compilation: Compilation) -> Compilation:
    """The same model to be compiled on its own: passes change modules and add weights."""
    from neuralc.dialects.weights import WeightStore

    context = replace(compilation.context, weights=WeightStore(dict(compilation.weights)))
    return replace(compilation, module=compilation.module.clone(), context=context)


def _run(compilation: Compilation, request: Request, arrays: Mapping[str, Array]) -> dict[str, Array]:
    from neuralc import api

    with working(f"compiling {request.model.name}"):
        compiled = api.finish(compilation, request.target)
    with working(f"running {request.model.name}"):
        results = compiled(**arrays)
    outputs = results if isinstance(results, tuple) else (results,)
    return {port.name: array for port, array in zip(compiled.outputs, outputs, strict=True)}


def _compared(request: Request, found: Mapping[str, Array], expected: Reference) -> list[Comparison]:
    from neuralc.verify.compare import compare, missing

    return [
        compare(name, array, expected.values[name], request.rtol, request.atol)
        if name in expected.values
        else missing(name, array, expected.who)
        for name, array in found.items()
    ]


# --- inputs ------------------------------------------------------------------------------------------------------
def _given(compilation: Compilation, texts: Sequence[str]) -> dict[str, Array]:
    """Arrays from files, by the names of the model's inputs."""
    from neuralc.dialects.graph import the_model

    names = the_model(compilation.module).inputs
    arrays: dict[str, Array] = {}
    for place, text in enumerate(texts):
        name, equals, file = text.partition("=")
        if not equals:
            if place >= len(names):
                raise usage_error("E0814", f"{len(texts)} inputs are given, the model has {len(names)}")
            name, file = names[place], text
        if name not in names:
            help = suggest(name, names) or f"it has {', '.join(names)}"
            raise usage_error("E0813", f"the model has no input `{name}`", help=help)
        arrays[name] = read_array(Path(file))
    return arrays


def _inputs(
    compilation: Compilation, given: Mapping[str, Array], sizes: Mapping[str, int], seed: int
) -> tuple[dict[str, int], dict[str, Array]]:
    """The sizes of the run, and an array for every input."""
    from neuralc.passes.graph.bound_dims import BoundDimsPass
    from neuralc.verify.inputs import make_inputs, sizes_of, varied_sizes

    module = compilation.module
    BoundDimsPass().run(module, compilation.context)
    chosen = varied_sizes(module, {**sizes_of(module, given), **sizes})
    return chosen, make_inputs(module, chosen, seed, given)


def parse_sizes(text: str | None) -> dict[str, int]:
    """`S=3,T=5` as sizes by name. Raises UsageError E0813."""
    sizes: dict[str, int] = {}
    for part in filter(None, (text or "").split(",")):
        name, _, size = part.partition("=")
        if not (name and size.isdigit() and int(size) > 0):
            raise usage_error("E0813", f"`--sizes {part}`: not a size", help="write them as `--sizes batch=3,S=17`")
        sizes[name] = int(size)
    return sizes
