"""What torch has assumed of the sizes of inputs while it exported: kept as bounds, equal sizes and multiples.

    L['x'].size()[1] <= 24        L['x'].size()[2] % 4 == 0        L['x'].size()[0] == L['y'].size()[0]

That a size is not some number is what torch notes of memory formats: nothing follows from it here.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from neuralc.dialects.dims import as_dim, simplest
from neuralc.dialects.types import Shape
from neuralc.frontends.sizes import LARGEST, Size, Undecided, floor_quotient, remainder
from neuralc.frontends.symbols import Symbols


def keep(guard: str, shapes: Mapping[str, Shape], symbols: Symbols) -> bool:
    """Make a condition hold in every run; False for one that is not understood. Raises ShapeError where it cannot."""
    try:
        tree = ast.parse(guard, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return _keep(tree, shapes, symbols)


def _keep(tree: ast.expr, shapes: Mapping[str, Shape], symbols: Symbols) -> bool:
    match tree:
        case ast.BoolOp(op=ast.And(), values=values):
            return all(_keep(value, shapes, symbols) for value in values)
        case ast.Compare(left=left, ops=[ast.NotEq()]):
            return True
        case ast.Compare(left=ast.BinOp(left=size, op=ast.Mod(), right=divisor), ops=[ast.Eq()], comparators=[zero]):
            number, by = _size(size, shapes), _size(divisor, shapes)
            return number is not None and by is not None and _size(zero, shapes) == 0 and _multiple(number, by, symbols)
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            sides = [_size(side, shapes) for side in (left, *comparators)]
            pairs = zip(sides, ops, sides[1:], strict=False)
            return all(_compared(a, op, b, symbols) for a, op, b in pairs)
    return False


def _multiple(number: Size, by: Size, symbols: Symbols) -> bool:
    left = remainder(number, by)
    return left == 0 or symbols.divisible(number, by)


def _compared(a: Size | None, op: ast.cmpop, b: Size | None, symbols: Symbols) -> bool:
    if a is None or b is None:
        return False
    if isinstance(op, ast.Eq):
        symbols.solve(a, b)
        return True
    if isinstance(op, ast.Gt | ast.GtE):
        a, b = b, a
    low = 1 if isinstance(op, ast.Lt | ast.Gt) else 0
    if not isinstance(op, ast.Lt | ast.LtE | ast.Gt | ast.GtE):
        return False
    difference = as_dim(b) - a
    if symbols.bounds.interval(difference)[0] >= low:
        return True
    if len(difference.symbols) != 1 or any(len(monomial) > 1 for monomial, _ in difference.terms):
        return False
    symbols.within(simplest(difference), low, LARGEST)
    return True


def _size(tree: ast.expr, shapes: Mapping[str, Shape]) -> Size | None:
    """A size of an input, a number, or arithmetic on them."""
    match tree:
        case ast.Constant(value=int() as number):
            return number
        case ast.Subscript(
            value=ast.Call(
                func=ast.Attribute(value=ast.Subscript(slice=ast.Constant(value=str() as name)), attr="size"), args=[]
            ),
            slice=ast.Constant(value=int() as axis),
        ):
            shape = shapes.get(name, ())
            return shape[axis] if axis < len(shape) else None
        case ast.BinOp(left=left, op=op, right=right):
            return _arithmetic(_size(left, shapes), op, _size(right, shapes))
    return None


def _arithmetic(a: Size | None, op: ast.operator, b: Size | None) -> Size | None:
    if a is None or b is None:
        return None
    try:
        match op:
            case ast.Add():
                return simplest(as_dim(a) + b)
            case ast.Sub():
                return simplest(as_dim(a) - b)
            case ast.Mult():
                return simplest(as_dim(a) * b)
            case ast.FloorDiv():
                return floor_quotient(a, b)
            case ast.Mod():
                return remainder(a, b)
    except (Undecided, ZeroDivisionError):
        return None
    return None
