"""`neuralc check`: what is wrong with models, without compiling them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from neuralc.cli import parse_dims, parse_settings
from neuralc.cli_errors import ErrorFormat, report
from neuralc.cli_fmt import model_files
from neuralc.grammar.diagnostics import NeuralcError

EXAMPLES = """\b
Examples:
  neuralc check model.nr                 all networks of the file: syntax, names, arguments, shapes, clauses
  neuralc check examples/                every .nr, .neural and .rnr file of a folder
  neuralc check model.nr --strict        warnings count too
  neuralc check model.nr --error-format=json       for an editor; `neuralc lsp` is a server for one

\b
A network that needs arguments is checked where others use it.
Exit codes: 0 nothing is wrong, 1 something is, 2 the command line is wrong.
"""


@click.command("check", epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--network", metavar="NAME", help="Only this network.")
@click.option("--dim", "dims", multiple=True, metavar="S=128", help="Fix a symbolic size; may be repeated.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Value of a search or a parameter.")
@click.option("--strict", is_flag=True, help="Exit with 1 for warnings too.")
@click.option(
    "--error-format", type=click.Choice(["text", "json"]), default="text", help="Messages for people or editors."
)
def command(
    paths: tuple[Path, ...],
    network: str | None,
    dims: Sequence[str],
    settings: Sequence[str],
    strict: bool,
    error_format: ErrorFormat,
) -> int:
    """Parse, resolve and check models: names, arguments, shapes and clauses. Nothing is compiled or written."""
    from neuralc.checked import check
    from neuralc.grammar.parser import read_source

    sizes, values = parse_dims(dims), parse_settings(settings)
    failed = False
    for path in model_files(paths):
        try:
            names, messages = check(read_source(path), network, sizes, values)
        except NeuralcError as problem:
            names, messages = (), problem.diagnostics
        report(messages, error_format)
        counts = {kind: sum(each.severity == kind for each in messages) for kind in ("error", "warning")}
        failed |= counts["error"] > 0 or (strict and counts["warning"] > 0)
        if error_format == "text":
            sys.stdout.write(f"{path}: {_summary(names, counts)}\n")
    return 1 if failed else 0


def _summary(names: Sequence[str], counts: dict[str, int]) -> str:
    told = [f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in counts.items() if count]
    networks = [f"{len(names)} network{'s' if len(names) > 1 else ''}"] if names else []
    return ", ".join([*networks, *(told or ["nothing is wrong"])])
