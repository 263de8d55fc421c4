"""`neuralc fmt`: writes models in one layout, or says which are not."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from neuralc.cli_errors import ErrorFormat, report
from neuralc.grammar.diagnostics import NeuralcError, Source, usage_error

SUFFIXES = (".nr", ".neural", ".rnr")

EXAMPLES = """\b
Examples:
  neuralc fmt model.nr              rewrite it in place
  neuralc fmt examples/             every .nr, .neural and .rnr file of a folder
  neuralc fmt --check .             change nothing; exit code 1 if a file is not in the layout
  neuralc fmt --diff model.nr       show what would change
  neuralc fmt - < model.nr          from stdin to stdout
"""


@click.command("fmt", epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, allow_dash=True))
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 where a file would change.")
@click.option("--diff", is_flag=True, help="Write nothing; print the changes.")
@click.option(
    "--error-format", type=click.Choice(["text", "json"]), default="text", help="Messages for people or editors."
)
def command(paths: tuple[Path, ...], check: bool, diff: bool, error_format: ErrorFormat) -> int:
    """Write models in one layout: two blanks a level, 100 columns, comments kept."""
    if paths == (Path("-"),):
        return _stdin(check, diff)
    changed: list[Path] = []
    failed = False
    for path in model_files(paths):
        try:
            changed += [path] if _one(path, write=not (check or diff), diff=diff) else []
        except NeuralcError as problem:
            report(problem.diagnostics, error_format)
            failed = True
    if not diff:
        for path in changed:
            sys.stderr.write(f"{'would change' if check else 'changed'} {path}\n")
    return 1 if failed or (changed and (check or diff)) else 0


def model_files(paths: Iterable[Path]) -> Iterator[Path]:
    """The models among files and in folders. Raises UsageError for a file that is none."""
    for path in paths:
        if path.is_dir():
            yield from sorted(found for found in path.rglob("*") if found.suffix in SUFFIXES)
        elif path.suffix in SUFFIXES or not path.exists():
            yield path
        else:
            raise usage_error("E0813", f"`{path}` is no model", help=f"models are {', '.join(SUFFIXES)} files")


def _one(path: Path, *, write: bool, diff: bool) -> bool:
    """Whether the file was not in the layout."""
    from neuralc.grammar.format import format_source
    from neuralc.grammar.parser import read_source

    source = read_source(path)
    text = format_source(source)
    if text == source.text:
        return False
    if diff:
        _print_diff(str(path), source.text, text)
    if write:
        path.write_text(text, encoding="utf-8")
    return True


def _stdin(check: bool, diff: bool) -> int:
    from neuralc.grammar.format import format_source

    source = Source("<stdin>", sys.stdin.read())
    text = format_source(source)
    if diff:
        _print_diff(source.name, source.text, text)
    elif not check:
        sys.stdout.write(text)
    return 1 if (check or diff) and text != source.text else 0


def _print_diff(name: str, before: str, after: str) -> None:
    lines = difflib.unified_diff(before.splitlines(True), after.splitlines(True), name, f"{name} (formatted)")
    sys.stdout.writelines(lines)
