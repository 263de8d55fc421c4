"""Writes docs/errors.md from the table of codes: `python -m neuralc.errors_docs` in the checkout, or `make docs`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from neuralc.explained import shown
from neuralc.grammar.codes import CODES, Code

HEAD = """# Errors, warnings and notes

Written by `make docs` from the table of codes (grammar/codes/); a test fails where it is out of date. Each example
gives the message it stands under; `neuralc explain E0401` prints the same.

A message has a code, a place, the reason, and the fix where there is one. All independent errors of a model are told in
one run. Errors (E) end a command: with exit code 1 where the model or its use is wrong, 2 for the command line, 3 for a
fault of neuralc. Warnings and notes (W) do not.
"""

GROUPS: Mapping[str, str] = {
    "E01": "Syntax",
    "E02": "Names",
    "E03": "Arguments",
    "E04": "Shapes and types",
    "E05": "Weights",
    "E06": "Import",
    "E07": "Unsupported",
    "E08": "Target and emission",
    "E09": "Artifact and run",
    "E99": "Faults of neuralc",
    "W": "Warnings and notes",
}
"""What the codes that begin like this are about."""


def text() -> str:
    """docs/errors.md."""
    parts = [HEAD, *(f"* [{title}](#{_anchor(title)})" for title in GROUPS.values())]
    for start, title in GROUPS.items():
        parts += ["", f"## {title}"]
        for name in sorted(name for name in CODES if name.startswith(start)):
            parts += ["", *_code(name, CODES[name])]
    return "\n".join(parts) + "\n"


def _code(name: str, code: Code) -> Iterator[str]:
    yield f"### {name}: {code.title}"
    yield ""
    yield code.explanation
    yield ""
    yield f"```{_language(name, code.example)}"
    yield shown(code.example)
    yield "```"


def _language(name: str, example: str) -> str:
    """The language of an example; that of a model says which code it gives."""
    if example.startswith("$ "):
        return "sh"
    if example.startswith(">>> "):
        return "python"
    if shown(example) != example.strip():
        return "text"
    return f"nr {'error' if name.startswith('E') else 'warning'} {name}"


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")


def main() -> int:
    """Write the file of the checkout that this module was imported from."""
    path = Path(__file__).resolve().parents[1] / "docs" / "errors.md"
    path.write_text(text(), encoding="utf-8")
    sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
