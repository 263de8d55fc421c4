"""Sizes of torch, which are texts of sympy expressions: read as sizes of ours, without evaluating the text."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from functools import reduce

from neuralc.dialects.dims import Dim, as_dim, simplest
from neuralc.frontends.refusals import Refused
from neuralc.frontends.sizes import Size, Undecided, exact_quotient, floor_quotient, remainder

LONGEST = 5000
"""Characters of an expression that is read."""

Symbols = Callable[[str], Size]
"""Gives the size that a symbol of torch stands for."""


def read(text: str, symbols: Symbols) -> Size:
    """A size. Raises Refused for an expression that is none of the compiler's."""
    if len(text) > LONGEST:
        raise Refused(f"a size is an expression of more than {LONGEST} characters")
    try:
        tree = ast.parse(text, mode="eval").body
        return simplest(as_dim(_Reader(symbols).size(tree)))
    except (SyntaxError, ValueError, RecursionError, MemoryError, Undecided) as problem:
        raise Refused(f"its size `{text[:80]}` is not one of the compiler's: {problem}") from None


class _Reader:
    def __init__(self, symbols: Symbols) -> None:
        self._symbols = symbols

    def size(self, tree: ast.expr) -> Size:
        match tree:
            case ast.Constant(value=int() as number):
                return number
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return simplest(-as_dim(self.size(operand)))
            case ast.Call(func=ast.Name(id="Symbol"), args=[ast.Constant(value=str() as name), *_]):
                return self._symbols(name)
            case ast.Call(func=ast.Name(id="Integer"), args=[number]):
                return self.size(number)
            case ast.Call(func=ast.Name(id="Float"), args=[ast.Constant(value=str() as number)]):
                if not float(number).is_integer():
                    raise ValueError(f"it has the factor {number}")
                return int(float(number))
            case ast.Call(
                func=ast.Name(id="CeilToInt" | "TruncToInt" | "FloorToInt" as rounded),
                args=[ast.Call(func=ast.Name(id="IntTrueDiv" | "FloatTrueDiv"), args=[number, divisor])],
            ):
                return self._quotient(rounded, self.size(number), self.size(divisor))
            case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
                if name not in FUNCTIONS or any(keyword.arg != "evaluate" for keyword in keywords):
                    raise ValueError(f"`{name}` is not known")
                return simplest(as_dim(FUNCTIONS[name]([self.size(arg) for arg in args])))
            case ast.Attribute(value=ast.Name(id="S"), attr="One"):
                return 1
            case ast.Attribute(value=ast.Name(id="S"), attr="Zero"):
                return 0
        raise ValueError("its form is not known")

    def _quotient(self, rounded: str, number: Size, divisor: Size) -> Size:
        """Sizes are never negative: to truncate is to round down."""
        return simplest(as_dim(number).ceildiv(divisor)) if rounded == "CeilToInt" else floor_quotient(number, divisor)


def _power(args: Sequence[Size]) -> Size:
    base, exponent = args
    if not isinstance(exponent, int) or not 0 <= exponent <= 16:
        raise ValueError(f"a power of {exponent}")
    return reduce(lambda product, _: product * base, range(exponent), as_dim(1))


def _exact(args: Sequence[Size]) -> Size:
    found = exact_quotient(*args)
    if found is None:
        raise ValueError(f"{args[0]} / {args[1]} is no whole number")
    return found


FUNCTIONS: Mapping[str, Callable[[Sequence[Size]], Size]] = {
    "Add": lambda args: sum(map(as_dim, args), Dim(())),
    "Mul": lambda args: reduce(lambda a, b: a * b, args, as_dim(1)),
    "Pow": _power,
    "PowByNatural": _power,
    "FloorDiv": lambda args: floor_quotient(*args),
    "CleanDiv": _exact,
    "Mod": lambda args: remainder(*args),
    "PythonMod": lambda args: remainder(*args),
    "Max": lambda args: reduce(lambda a, b: a.max(b), args[1:], as_dim(args[0])),
    "Min": lambda args: reduce(lambda a, b: a.min(b), args[1:], as_dim(args[0])),
    "CeilToInt": lambda args: args[0],
    "TruncToInt": lambda args: args[0],
    "FloorToInt": lambda args: args[0],
    "ToFloat": lambda args: args[0],
    "Identity": lambda args: args[0],
    "IntTrueDiv": _exact,
    "FloatTrueDiv": _exact,
}
"""Functions of sympy and of torch.utils._sympy.functions."""
