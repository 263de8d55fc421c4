"""`neuralc cache`: where compiled models are kept, how many, how large; `neuralc cache clear` removes them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from neuralc.cli_errors import ErrorFormat
from neuralc.grammar.diagnostics import error

if TYPE_CHECKING:
    from neuralc.cache.store import Store

EXAMPLES = """\b
Examples:
  neuralc cache                     where it is, what is in it
  neuralc cache clear               remove everything

\b
The folder is that of NEURALC_CACHE_DIR, else the one where the system has such things; an empty NEURALC_CACHE_DIR
turns the cache off. `--no-cache` does so for one command, `-v` says what the cache had.
"""


@click.command("cache", epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("action", type=click.Choice(["show", "clear"]), default="show")
@click.option(
    "--error-format", type=click.Choice(["text", "json"]), default="text", help="Messages for people or editors."
)
def command(action: str, error_format: ErrorFormat) -> int:
    """Show what is kept of models that were compiled, or clear it."""
    from neuralc.cache.store import VARIABLE, NotKept, Store

    store = Store.of_user()
    if store is None:
        sys.stdout.write(f"off: {VARIABLE} is empty\n")
    elif action == "clear":
        try:
            store.clear()
        except NotKept as problem:
            raise error("E0990", str(problem)) from None
    else:
        _show(store)
    return 0


def _show(store: Store) -> None:
    from neuralc.inspection.units import bytes_text

    files = store.files()
    size = bytes_text(sum(file.size for file in files))
    models = sum(file.path.parent.name == "products" for file in files)
    sys.stdout.write(
        f"folder   {store.folder}\nmodels   {models}\nsize     {size} of at most {bytes_text(store.limit)}\n"
    )
