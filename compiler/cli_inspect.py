"""`neuralc inspect`: what a model takes and gives, its layers, and what they cost, without compiling it."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from neuralc.cli import make_options, shared_flags
from neuralc.cli_errors import ErrorFormat, report
from neuralc.cli_verify import parse_sizes

if TYPE_CHECKING:
    from onnx import ValueInfoProto
    from rich.console import Console

    from neuralc.driver import Options
    from neuralc.frontends.onnx.refusals import UnsupportedModel
    from neuralc.inspection import Port, Summary

EXAMPLES = """\b
Examples:
  neuralc inspect model.nr
  neuralc inspect model.onnx --sizes batch=8,S=128      costs at these sizes
  neuralc inspect model.onnx --json | jq .unsupported   what stands in the way
"""


UNBOUNDED = 1 << 28
"""A size that may be so large has no bound worth showing: the ONNX front end gives every size this one."""


@click.command("inspect", epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--sizes", metavar="S=3,T=5", help="Symbolic sizes that costs are for (default: a batch of 1).")
@click.option("--summary", is_flag=True, help="Leave out the table of layers.")
@click.option("--json", "as_json", is_flag=True, help="Everything as JSON on stdout.")
@shared_flags
def command(
    model: Path, sizes: str | None, summary: bool, as_json: bool, error_format: ErrorFormat, **flags: Any
) -> int:
    """Show MODEL: a .nr program, an ONNX model, or IR (.mlir) of the graph level."""
    options = make_options(**flags)
    found = _summary(model, options, parse_sizes(sizes), error_format)
    if as_json:
        sys.stdout.write(json.dumps(found.as_dict(), indent=1) + "\n")
    else:
        _print(found, layers=not summary)
    return 0


def _summary(model: Path, options: Options, sizes: Mapping[str, int], error_format: ErrorFormat) -> Summary:
    from neuralc import driver
    from neuralc.frontends.onnx.refusals import UnsupportedModel
    from neuralc.grammar.diagnostics import usage_error
    from neuralc.inspection import summarize
    from neuralc.passes.graph.bound_dims import BoundDimsPass
    from neuralc.passes.graph.inline import InlinePass
    from neuralc.verify.inputs import chosen_sizes

    try:
        compilation = driver.load(model, options)
    except UnsupportedModel as problem:
        return _refused(model, problem)
    report(compilation.notices, error_format)
    if compilation.level != "graph":
        raise usage_error(
            "E0814", f"{model.name} is IR of the {compilation.level} level", help="inspect the graph level"
        )
    InlinePass().run(compilation.module, compilation.context)
    BoundDimsPass().run(compilation.module, compilation.context)
    return summarize(model.name, compilation.module, chosen_sizes(compilation.module, sizes, batch=1))


def _refused(path: Path, problem: UnsupportedModel) -> Summary:
    """What the file says of a model that is not compiled."""
    import onnx

    from neuralc.inspection import Summary, Unsupported

    graph = onnx.load(str(path), load_external_data=False).graph
    weights = {tensor.name for tensor in graph.initializer}
    return Summary(
        path.name,
        [_declared(port) for port in graph.input if port.name not in weights],
        [_declared(port) for port in graph.output],
        dict(Counter(node.op_type for node in graph.node).most_common()),
        unsupported=[
            Unsupported(operator, reason, len(nodes), nodes[0])
            for (operator, reason), nodes in sorted(problem.refusals.found.items())
        ],
    )


def _declared(port: ValueInfoProto) -> Port:
    from neuralc.frontends.onnx.element_types import name_of
    from neuralc.inspection import Port

    tensor = port.type.tensor_type
    sizes = [dim.dim_value if dim.HasField("dim_value") else dim.dim_param or "?" for dim in tensor.shape.dim]
    return Port(port.name, name_of(tensor.elem_type), tuple(sizes))


# --- the terminal ------------------------------------------------------------------------------------------------
def _print(found: Summary, *, layers: bool) -> None:
    from rich.console import Console

    console = Console(file=sys.stdout, highlight=False)
    _ports(console, found)
    if layers and found.layers:
        _layers(console, found)
    if found.unsupported:
        _unsupported(console, found)
    counts = ", ".join(f"{name} {count}" for name, count in found.operators.items())
    console.print(f"\nops: {counts}", markup=False)
    if not found.layers:
        return
    at = ", ".join(f"{size.name} = {size.value}" for size in found.sizes)
    console.print(f"parameters: {found.parameters:,} ({bytes_text(found.weight_bytes)})", markup=False)
    console.print(f"flops: {number_text(found.flops)}{f' at {at}' if at else ''}", markup=False)
    console.print(f"activations: at most {bytes_text(found.peak_bytes)} at a time, without fusion", markup=False)


def _ports(console: Console, found: Summary) -> None:
    from rich.markup import escape

    console.print(found.name, markup=False)
    table = _table(["", "name", "type", "shape"])
    for kind, ports in (("input", found.inputs), ("output", found.outputs)):
        for port in ports:
            table.add_row(kind, escape(port.name), port.dtype, escape(_shape(port.shape)))
    for state in found.states:
        shape = f"{_shape(state.shape)}, {bytes_text(state.bytes)}"
        table.add_row("state", escape(state.name), state.dtype, escape(shape))
    for size in found.sizes:
        bounded = size.maximum is not None and size.maximum < UNBOUNDED
        bounds = f"{size.minimum} to {size.maximum}" if bounded else f"from {size.minimum}"
        table.add_row("size", escape(size.name), bounds, escape(size.origin))
    console.print(table)


def _layers(console: Console, found: Summary) -> None:
    from rich.markup import escape

    table = _table(["layer", "op", "type", "shape"], ["parameters", "flops"])
    for layer in found.layers:
        parameters = f"{layer.parameters:,}" if layer.parameters else "-"
        flops = number_text(layer.flops) if layer.flops else "-"
        table.add_row(escape(layer.name), layer.op, layer.dtype, escape(_shape(layer.shape)), parameters, flops)
    console.print()
    console.print(table)


def _unsupported(console: Console, found: Summary) -> None:
    from rich.markup import escape

    table = _table(["not compiled", "times", "first node", "reason"])
    for each in found.unsupported:
        table.add_row(escape(each.operator), str(each.count), escape(each.first), escape(each.reason), style="red")
    console.print()
    console.print(table)


def _table(texts: Sequence[str], numbers: Sequence[str] = ()) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in texts:
        table.add_column(heading, overflow="fold")
    for heading in numbers:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _shape(shape: Sequence[int | str]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def number_text(number: int) -> str:
    """With three digits and a unit: 4.09 G."""
    for unit, name in ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= unit:
            return f"{number / unit:.3g} {name}"
    return str(number)


def bytes_text(count: int) -> str:
    """97.5 MiB."""
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count} bytes"
