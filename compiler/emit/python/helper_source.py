"""The source of the helper functions that a file uses, cut out of the modules of a folder with what those call."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Function:
    """A helper function, or a class: its text, and the names that it reads."""

    text: str
    reads: frozenset[str]


@cache
def functions_in(folder: Path) -> Mapping[str, Function]:
    """All helper functions of the modules of a folder by name."""
    found = {}
    for path in sorted(folder.glob("*.py")):
        text = path.read_text(encoding="utf-8")
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                reads = frozenset(name.id for name in ast.walk(node) if isinstance(name, ast.Name))
                lines = text.splitlines()[node.lineno - 1 : node.end_lineno]
                found[node.name] = Function("\n".join(lines), reads)
    return found


def closure(functions: Mapping[str, Function], names: Iterable[str]) -> list[str]:
    """The functions with those that they call, each behind what it calls."""
    order: list[str] = []

    def visit(name: str) -> None:
        if name in order or name not in functions:
            return
        for read in sorted(functions[name].reads - {name}):
            visit(read)
        order.append(name)

    for name in sorted(names):
        visit(name)
    return order
