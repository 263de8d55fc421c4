"""`neuralc explain`: what an error means, or what a layer, an optimizer, a loss, ... takes."""

from __future__ import annotations

import re
import sys

import click

from neuralc.explained import LISTS, explained, listed, topics
from neuralc.grammar.diagnostics import CODES, suggest, usage_error

EXAMPLES = """\b
Examples:
  neuralc explain E0401             an error or a warning, with an example
  neuralc explain Conv2D            a layer: shapes, parameters, source, example
  neuralc explain adam              an optimizer; also losses, metrics, schedules, initializers, ...
  neuralc explain train             what a section of a network may hold
  neuralc explain --list layers     the names of a kind of things
"""


@click.command("explain", epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("topic", required=False)
@click.option("--list", "kind", type=click.Choice(LISTS), help="List all of a kind (default: codes).")
def command(topic: str | None, kind: str | None) -> int:
    """Explain TOPIC: the code of a message, or a name of the language in any case."""
    if topic is None:
        sys.stdout.write(listed(kind or "codes"))
        return 0
    if kind is not None:
        raise usage_error("E0814", f"`--list {kind}` and `{topic}` are two things", help="leave one out")
    texts = explained(topic)
    if not texts:
        raise _unknown(topic)
    sys.stdout.write("\n".join(texts))
    return 0


def _unknown(topic: str) -> Exception:
    if re.fullmatch(r"[EeWw]\d\w*", topic):
        return usage_error(
            "E0813", f"there is no code {topic}", help=suggest(topic, CODES) or "`neuralc explain` lists all"
        )
    help = (
        suggest(topic, topics())
        or f"`neuralc explain --list layers` lists layers; there are also {', '.join(LISTS[2:])}"
    )
    return usage_error("E0813", f"nothing is called `{topic}`", help=help)
