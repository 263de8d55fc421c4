"""How long Python code is: lines of code, and all lines."""

from __future__ import annotations

import ast
import io
import tokenize
from dataclasses import dataclass

_SILENT = (
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
)
"""Tokens that make no line of code."""


@dataclass(frozen=True)
class Lines:
    """Of a text that is formatted, as `ruff format` does it with 88 columns."""

    code: int
    """Lines that hold more than a comment or a docstring."""
    all: int
    """With comments, docstrings and empty lines."""

    @classmethod
    def of(cls, text: str) -> Lines:
        documented = {
            line for docstring in _docstrings(ast.parse(text)) for line in docstring
        }
        held = {
            line
            for token in tokenize.generate_tokens(io.StringIO(text).readline)
            if token.type not in _SILENT
            for line in range(token.start[0], token.end[0] + 1)
        }
        return cls(len(held - documented), len(text.splitlines()))


def _docstrings(tree: ast.Module) -> list[range]:
    found = []
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and ast.get_docstring(node) is not None
        ):
            statement = node.body[0]
            found.append(range(statement.lineno, (statement.end_lineno or 0) + 1))
    return found
