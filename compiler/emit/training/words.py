"""Formulas of training, said in the words of a framework.

`mean(square(p - t))` is `(p - t).square().mean(dim=-1)` in PyTorch and `jnp.square(p - t).mean(-1)` in JAX. A form has
a word for each function that formulas call: an expression of the arguments `a`, `b` and `c`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping

Words = Mapping[str, str]


def worded(lines: Iterable[str], words: Words) -> list[str]:
    """The statements with every function that `words` has replaced by its word."""
    replaced = _Replaced(words)
    return [_text(replaced.visit(statement)) for line in lines for statement in ast.parse(line).body]


class _Replaced(ast.NodeTransformer):
    def __init__(self, words: Words) -> None:
        self._words = words

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.func, ast.Name) or node.func.id not in self._words:
            return node
        given = dict(zip("abc", node.args, strict=False))
        found: ast.AST = _Filled(given).visit(ast.parse(self._words[node.func.id], mode="eval").body)
        return found


class _Filled(ast.NodeTransformer):
    def __init__(self, given: Mapping[str, ast.expr]) -> None:
        self._given = given

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return self._given.get(node.id, node)


def _text(node: ast.AST) -> str:
    """The source as `ruff format` has it, with double quotes."""
    return hugged(ast.unparse(node).replace("'", '"'))


def hugged(text: str) -> str:
    """A text whose powers of names and numbers have no spaces, as `ruff format` writes them."""
    return re.sub(r"(?<![\w.)\]])([\w.]+) \*\* (-?[\w.]+)(?![\w.(\[])", r"\1**\2", text)
