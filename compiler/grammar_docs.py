"""Writes docs/language/grammar.md from the grammars of the language: `python -m neuralc.grammar_docs`, or `make docs`.

Rules lose what only the parser needs: names of alternatives, and tokens that look ahead to tell a clause from a layer.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from neuralc.frontends.nr.expressions.functions import ATTRIBUTES, FUNCTIONS, METHODS
from neuralc.frontends.nr.expressions.walk import CONSTANTS, TYPES

HEAD = """# The grammar of the language

Written by `make docs` from [grammar/neural.lark](../../grammar/neural.lark), the LALR grammar that the parser is made
of; tests hold this page against it, and parse the programs of the documents with it. What each construct means:
[reference.md](reference.md).

Notation: `*` any number, `+` at least one, `?` at most one, `|` one of both, quotes around what is written so.
"""

TELLING = """
A name is told by what follows it, past blanks and comments: `name:` begins a clause, `name: {` a branch, `name =` or
`a, b =` an assignment, of at most 64 names. `input` and `layers` before a colon, and the words of SECTION before a
block, are no other names there; before `HPO(` a search begins. No word is reserved elsewhere.
"""

LAMBDA = """
## Expressions

What a [Lambda](reference.md#lambda) computes, from [grammar/expression.lark](../../grammar/expression.lark):
"""

WIDTH = 110

_RULE = re.compile(r"^\??(\w+)(?:\.\d+)?:\s*(.*)$")
_TOKEN = re.compile(r'"[^"]*"|\w+|\S|\s+')
_AT_MOST = re.compile(r"\{1,\d+\}$")
_LOOK_AHEAD = re.compile(r"\(\?=.*\)$|\\b$")
_NAME = "[A-Za-z_][A-Za-z0-9_]*"


def text() -> str:
    """docs/language/grammar.md."""
    return (
        "\n".join([HEAD, *_grammar("neural.lark"), TELLING, LAMBDA, *_grammar("expression.lark"), "", *_names()]) + "\n"
    )


def _grammar(file: str) -> Iterator[str]:
    """The rules of a file, and the regular expressions of its words."""
    rules, terminals = read(files("neuralc.grammar").joinpath(file).read_text("utf-8"))
    yield "```ebnf"
    yield "\n".join(_rules(rules, terminals)).strip()
    yield "```"
    yield ""
    yield "| word | regular expression |"
    yield "|---|---|"
    for name, body in terminals.items():
        if body.startswith("/"):
            yield f"| {name} | `{body.strip('/').replace('|', chr(92) + '|')}` |"


def _names() -> Iterator[str]:
    """What an expression may name besides its parameters."""
    kinds = {
        "functions": (*FUNCTIONS, "len"),
        "methods of a value": (f".{name}" for name in METHODS),
        "of a value": (f".{name}" for name in (*ATTRIBUTES, "dtype")),
        "constants": CONSTANTS,
        "types, for `.astype` or called": TYPES,
    }
    yield "Names may have `np.` or `numpy.` in front."
    yield ""
    for kind, names in kinds.items():
        yield f"* {kind}: {', '.join(f'`{name}`' for name in sorted(names, key=str.lower))}"


def read(grammar: str) -> tuple[dict[str, str], dict[str, str]]:
    """Rules and terminals by name. Titles of parts of the grammar stand among the rules, without a body."""
    rules: dict[str, str] = {}
    terminals: dict[str, str] = {}
    name = ""
    for line in grammar.splitlines():
        found = _RULE.match(line)
        if found is not None:
            name = found[1]
            (terminals if name.isupper() else rules)[name] = found[2]
        elif line.startswith("// ---"):
            rules[f"/* {line.strip('/ -')} */"] = ""
        elif line.strip() and not line.startswith(("//", "%")):
            rules[name] += f"\n{line.strip()}"
    return rules, {name: _terminal(body) for name, body in terminals.items()}


def _terminal(body: str) -> str:
    """A terminal without its look-ahead: as a rule says it where it can, else its regular expression."""
    if not body.startswith("/"):
        return body
    plain = _LOOK_AHEAD.sub("", body[1:-1])
    if re.fullmatch(r"\w+", plain):
        return f'"{plain}"'
    if re.fullmatch(r"\(\w+(\|\w+)*\)", plain):
        return " | ".join(f'"{word}"' for word in plain.strip("()").split("|"))
    if plain == _NAME and plain != body[1:-1]:
        return "NAME"
    if plain != body[1:-1]:
        return _AT_MOST.sub("+", plain).replace(_NAME, "NAME").replace(r"(\s*,\s*", ' ("," ')
    return body


def _rules(rules: dict[str, str], terminals: dict[str, str]) -> Iterator[str]:
    inline = {name: body for name, body in terminals.items() if re.fullmatch(r'"[^"]*"|NAME', body)}
    for name, body in rules.items():
        yield _production(name, _body(body, inline)) if body else f"\n{name}"
    for name, body in terminals.items():
        if name not in inline and not body.startswith("/"):
            yield _production(name, body)


def _production(name: str, body: str) -> str:
    name = f"{_plain(name)} ::="
    if len(body) > WIDTH and "\n" not in body:
        body = textwrap.fill(body.replace("| ", "|"), WIDTH - len(name)).replace("|", "| ").replace(" \n", "\n")
    return f"{name} {body}".replace("\n", "\n" + " " * (len(name) - 1))


def _body(body: str, inline: dict[str, str]) -> str:
    body = re.sub(r"[ ]*->[ ]*\w+", "", body)
    parts = [_part(token, inline) for token in _TOKEN.findall(body)]
    return re.sub(r"\((\w+)\)\?", r"\1?", "".join(parts).rstrip())


def _part(token: str, inline: dict[str, str]) -> str:
    if token in "[]":
        return "(" if token == "[" else ")?"
    return inline.get(token, _plain(token)) if re.fullmatch(r"\w+", token) else token


def _plain(name: str) -> str:
    """`import_` is called so because of Python."""
    return name.rstrip("_")


def main() -> int:
    """Write the file of the checkout that this module was imported from."""
    path = Path(__file__).resolve().parents[1] / "docs" / "language" / "grammar.md"
    path.write_text(text(), encoding="utf-8")
    sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
