"""Sizes as jax.export writes them, `2*b + floordiv(s, 3)`, as expressions over symbols of the model."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping

from neuralc.dialects.dims import Dim, as_dim, simplest
from neuralc.dialects.types import ShapeError
from neuralc.frontends.sizes import Size

FUNCTIONS: Mapping[str, Callable[[Dim, Dim], Dim]] = {
    "floordiv": lambda a, b: a // b,
    "mod": lambda a, b: a % b,
    "max": lambda a, b: a.max(b),
    "min": lambda a, b: a.min(b),
}
"""Functions of jax's symbolic expressions (jax.export.symbolic_shape)."""


def parse_size(text: str, named: Callable[[str], Size]) -> Size:
    """The size of an expression; `named` gives the symbol of a name. Raises ShapeError."""
    try:
        tree = ast.parse(text.replace("^", "**"), mode="eval").body
        return simplest(_size(tree, named))
    except (SyntaxError, ValueError, RecursionError) as problem:
        raise ShapeError(f"the size `{text[:80]}` cannot be read: {problem}") from None


def _size(node: ast.expr, named: Callable[[str], Size]) -> Dim:
    match node:
        case ast.Constant(value=int(number)):
            return as_dim(number)
        case ast.Name(id=name):
            return as_dim(named(name))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_size(operand, named)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _size(left, named) + _size(right, named)
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return _size(left, named) - _size(right, named)
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return _size(left, named) * _size(right, named)
        case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=int(power))) if 0 <= power <= 16:
            total = as_dim(1)
            for _ in range(power):
                total *= _size(left, named)
            return total
        case ast.Call(func=ast.Name(id=name), args=[lhs, rhs]) if name in FUNCTIONS:
            return FUNCTIONS[name](_size(lhs, named), _size(rhs, named))
        case _:
            raise ValueError(f"no size: {ast.unparse(node)[:60]}")
