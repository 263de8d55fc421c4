"""`neuralc explain E0201`: what an error means, what to do, and an example that triggers it."""

from __future__ import annotations

import sys
import textwrap

import click

from neuralc.grammar.diagnostics import CODES, suggest, usage_error


@click.command("explain", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("code", required=False)
def command(code: str | None) -> int:
    """Explain an error CODE; without one, list all codes."""
    if code is None:
        for name, entry in CODES.items():
            sys.stdout.write(f"{name}  {entry.title}\n")
        return 0
    name = code.upper()
    if name not in CODES:
        raise usage_error(
            "E0813", f"there is no code {code}", help=suggest(name, CODES) or "`neuralc explain` lists all"
        )
    entry = CODES[name]
    sys.stdout.write(f"{name}: {entry.title}\n\n{textwrap.fill(entry.explanation, 100)}\n")
    sys.stdout.write(f"\nExample:\n\n{textwrap.indent(entry.example.strip(), '    ')}\n")
    return 0
