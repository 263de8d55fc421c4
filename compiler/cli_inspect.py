"""`neuralc inspect`: what a model takes and gives, its layers, and what they cost, without compiling it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from neuralc.cli import make_options, shared_flags
from neuralc.cli_errors import ErrorFormat, report
from neuralc.cli_verify import parse_sizes

if TYPE_CHECKING:
    from neuralc.driver import Options
    from neuralc.inspection.summary import Summary

EXAMPLES = """\b
Examples:
  neuralc inspect model.nr
  neuralc inspect model.nr --depth 1                      blocks instead of layers
  neuralc inspect model.onnx --sizes batch=8,S=128        costs at these sizes
  neuralc inspect model.nr --format=html -o model.html    a page to look at
  neuralc inspect model.nr --format=svg -o model.svg      a picture for a document
  neuralc inspect model.onnx --format=json | jq .unsupported      what stands in the way
"""


@click.command("inspect", epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--format", "kind", type=click.Choice(["text", "json", "svg", "html"]), default="text", help="How to show it."
)
@click.option("-o", "output", metavar="PATH", help="Where it goes. Default: stdout; from a terminal, beside MODEL.")
@click.option("--sizes", metavar="S=3,T=5", help="Symbolic sizes that costs are for (default: a batch of 1).")
@click.option("--depth", type=click.IntRange(1), metavar="N", help="Put layers together by the first N parts of names.")
@click.option("--summary", is_flag=True, help="Leave out the table of layers (text).")
@shared_flags
def command(
    model: Path,
    kind: str,
    output: str | None,
    sizes: str | None,
    depth: int | None,
    summary: bool,
    error_format: ErrorFormat,
    **flags: Any,
) -> int:
    """Show MODEL: a .nr program, an ONNX model, or IR (.mlir) of the graph level."""
    if (definitions := _definitions(model, kind, output)) is not None:
        return definitions
    found = _summary(model, make_options(**flags), parse_sizes(sizes), error_format)
    if kind == "text":
        _text(found, output, depth, layers=not summary)
    else:
        _write(RENDERERS[kind](found, depth), output, model.with_suffix(f".{kind}"), page=kind != "json")
    return 0


def _definitions(model: Path, kind: str, output: str | None) -> int | None:
    """A program without a network has macros and notes to show; None for all others."""
    import json

    from neuralc.files import STDOUT, write_product
    from neuralc.grammar.diagnostics import usage_error
    from neuralc.inspection.definitions import definitions

    found = definitions(model)
    if found is None:
        return None
    if kind not in ("text", "json"):
        raise usage_error("E0814", f"{model.name} holds no network to draw", help="`--format=text` lists its macros")
    content = found.text() if kind == "text" else json.dumps(found.as_dict(), indent=1) + "\n"
    write_product(output or STDOUT, content)
    return 0


def _summary(model: Path, options: Options, sizes: Mapping[str, int], error_format: ErrorFormat) -> Summary:
    from neuralc import driver
    from neuralc.dialects.graph import ModelOp
    from neuralc.frontends.refusals import UnsupportedModel
    from neuralc.grammar.diagnostics import usage_error
    from neuralc.inspection.graph_level import summarize
    from neuralc.inspection.names import keep_paths
    from neuralc.passes.graph.bound_dims import BoundDimsPass
    from neuralc.passes.graph.inline import InlinePass
    from neuralc.passes.verifier import verify_module
    from neuralc.verify.inputs import chosen_sizes

    try:
        compilation = driver.load(model, options)
    except UnsupportedModel as problem:
        from neuralc.inspection.onnx_level import summarize_file

        return summarize_file(model, problem.refusals)
    report(compilation.notices, error_format)
    if compilation.level != "graph":
        raise usage_error(
            "E0814", f"{model.name} is IR of the {compilation.level} level", help="inspect the graph level"
        )
    models = [op for op in compilation.module.body.block.ops if isinstance(op, ModelOp)]
    if len(models) != 1:
        raise usage_error("E0814", f"{model.name} holds {len(models)} models", help="inspect a module with one")
    verify_module(compilation.module)
    keep_paths(compilation.module)
    InlinePass().run(compilation.module, compilation.context)
    BoundDimsPass().run(compilation.module, compilation.context)
    return summarize(model.name, compilation.module, chosen_sizes(compilation.module, sizes, batch=1))


# --- formats -----------------------------------------------------------------------------------------------------
def _json(summary: Summary, depth: int | None) -> str:
    import json

    return json.dumps(summary.as_dict(), indent=1) + "\n"


def _svg(summary: Summary, depth: int | None) -> str:
    from neuralc.inspection.poster import render_svg

    return render_svg(summary, depth)


def _html(summary: Summary, depth: int | None) -> str:
    from neuralc.inspection.page import render_page

    return render_page(summary, depth)


RENDERERS: Mapping[str, Callable[[Summary, int | None], str]] = {"json": _json, "svg": _svg, "html": _html}


def _text(summary: Summary, output: str | None, depth: int | None, *, layers: bool) -> None:
    from io import StringIO

    from neuralc.files import STDOUT, write_product
    from neuralc.inspection.terminal import print_summary

    if output in (None, STDOUT):
        print_summary(summary, sys.stdout, depth=depth, layers=layers)
        return
    print_summary(summary, stream := StringIO(), depth=depth, layers=layers)
    write_product(output, stream.getvalue())


def _write(content: str, output: str | None, beside: Path, *, page: bool) -> None:
    """A page or picture is nothing to read in a terminal: there it goes beside the model."""
    from neuralc.files import STDOUT, write_product

    if output is None and page and sys.stdout.isatty():
        write_product(beside, content)
        sys.stdout.write(f"wrote {beside}\n")
    else:
        write_product(output or STDOUT, content)
