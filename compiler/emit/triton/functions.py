"""The scalar table in Triton's words, and the few functions Triton has no word for.

Only `triton.language` itself is used: `libdevice` has no meaning in Triton's interpreter. Its exp, log and the like
take fp32 and fp64, so fp16 goes through fp32. `tl.max` and a plain `tl.maximum` drop NaN, which is `maxnum` here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xdsl.dialects.builtin import bf16, f16, f64
from xdsl.ir import Attribute

from neuralc.dialects.types import element_bytes, is_float
from neuralc.emit.python.expressions import Expression, Precedence, binary, call, method, name, negated
from neuralc.emit.triton.types import ELEMENTS

Spelling = Callable[[Sequence[Expression], Attribute], Expression]

HELPERS: dict[str, str] = {
    "maximum": '''
@triton.jit
def maximum(a, b):
    """The larger one, and NaN where one of them is NaN."""
    return tl.maximum(a, b, propagate_nan=tl.PropagateNan.ALL)
''',
    "minimum": '''
@triton.jit
def minimum(a, b):
    """The smaller one, and NaN where one of them is NaN."""
    return tl.minimum(a, b, propagate_nan=tl.PropagateNan.ALL)
''',
    "maximum_number": """
@triton.jit
def maximum_number(a, b):
    return tl.maximum(a, b)
""",
    "minimum_number": """
@triton.jit
def minimum_number(a, b):
    return tl.minimum(a, b)
""",
    "multiply": """
@triton.jit
def multiply(a, b):
    return a * b
""",
    "both": """
@triton.jit
def both(a, b):
    return a & b
""",
    "either": """
@triton.jit
def either(a, b):
    return a | b
""",
    "tanh": """
@triton.jit
def tanh(x):
    return 2 * tl.sigmoid(2 * x) - 1
""",
    "round_even": '''
@triton.jit
def round_even(x):
    """The nearest integer, the even one of two."""
    low = tl.floor(x)
    rest = x - low
    odd = low - 2 * tl.floor(low * 0.5)
    return tl.where((rest > 0.5) | ((rest == 0.5) & (odd == 1)), low + 1, low)
''',
    "power": '''
@triton.jit
def power(x, y):
    """x ** y through fp64 logarithms (IEEE 754 pow): a negative x takes integral y only."""
    base, exponent = tl.abs(x).to(tl.float64), y.to(tl.float64)
    size = tl.where((y == 0) | (base == 1), 1.0, tl.exp(exponent * tl.log(base)))
    integral = tl.floor(exponent) == exponent
    odd = integral & (tl.floor(exponent * 0.5) * 2 != exponent)
    defined = integral | (base == 0) | (base == float("inf"))
    negative = tl.where(defined, tl.where(odd, -size, size), float("nan"))
    return tl.where((x < 0) | (1 / x < 0), negative, size).to(x.dtype)
''',
    "tan": """
@triton.jit
def tan(x):
    return tl.sin(x) / tl.cos(x)
""",
    "atan": '''
@triton.jit
def atan(x):
    """Of a quarter of the angle the series needs eleven terms."""
    size = tl.abs(x)
    t = tl.where(size > 1, 1 / size, size)
    t = t / (1 + tl.sqrt(1 + t * t))
    t = t / (1 + tl.sqrt(1 + t * t))
    square, series = t * t, t * 0
    for k in tl.static_range(10, -1, -1):
        series = 1 / (2 * k + 1) - square * series
    angle = 4 * t * series
    angle = tl.where(size > 1, 1.5707963267948966 - angle, angle)
    return tl.where(x < 0, -angle, angle)
''',
    "asin": """
@triton.jit
def asin(x):
    return atan(x / tl.sqrt((1 - x) * (1 + x)))
""",
    "acos": """
@triton.jit
def acos(x):
    return 2 * atan(tl.sqrt((1 - x) / (1 + x)))
""",
    "sinh": '''
@triton.jit
def sinh(x):
    """Near 0 by its series: the difference of exponentials would lose digits there."""
    square, series = x * x, x * 0 + 1
    for k in tl.static_range(8, 0, -1):
        series = 1 + series * square / (2 * k * (2 * k + 1))
    half = tl.exp(tl.abs(x) * 0.5)
    large = 0.5 * half * half - 0.5 / (half * half)
    return tl.where(tl.abs(x) < 1, x * series, tl.where(x < 0, -large, large))
''',
    "cosh": """
@triton.jit
def cosh(x):
    half = tl.exp(tl.abs(x) * 0.5)
    return 0.5 * half * half + 0.5 / (half * half)
""",
    "log1p": '''
@triton.jit
def log1p(x):
    """log(1 + x); the quotient makes up for what the sum has cut off."""
    total = 1 + x
    exact = (total == 1) | (total == float("inf"))
    return tl.where(exact, x, tl.log(total) * (x / tl.where(exact, 1, total - 1)))
''',
    "asinh": """
@triton.jit
def asinh(x):
    size = tl.abs(x)
    square = size * size
    near = log1p(size + square / (1 + tl.sqrt(1 + square)))
    result = tl.where(size > 1e9, tl.log(size) + 0.6931471805599453, near)
    return tl.where(x < 0, -result, result)
""",
    "acosh": """
@triton.jit
def acosh(x):
    above = x - 1
    near = log1p(above + tl.sqrt(above * (above + 2)))
    result = tl.where(x > 1e9, tl.log(x) + 0.6931471805599453, near)
    return tl.where(x < 1, float("nan"), result)
""",
    "atanh": """
@triton.jit
def atanh(x):
    size = tl.abs(x)
    result = 0.5 * log1p(2 * size / (1 - size))
    return tl.where(x < 0, -result, result)
""",
    "shift_left": '''
@triton.jit
def shift_left(x, count, width: tl.constexpr):
    """A count beyond the width, or below 0, shifts out all bits."""
    inside = (count >= 0) & (count < width)
    return tl.where(inside, x << tl.where(inside, count, 0), 0)
''',
    "shift_right": '''
@triton.jit
def shift_right(x, count, width: tl.constexpr):
    """A count beyond the width, or below 0, leaves the sign alone."""
    inside = (count >= 0) & (count < width)
    return tl.where(inside, x >> tl.where(inside, count, 0), tl.where(x < 0, -1, 0))
''',
    "to_integer": '''
@triton.jit
def to_integer(x, dtype: tl.constexpr, low: tl.constexpr, high: tl.constexpr):
    """Toward zero; what is out of range becomes the nearest limit, and NaN becomes 0."""
    wide = x.to(tl.float64)
    whole = tl.where((wide > low) & (wide < high), wide, 0.0).to(dtype)
    limit = tl.where(wide >= high, high, tl.where(wide <= low, low, 0)).to(dtype)
    return tl.where((wide > low) & (wide < high), whole, limit)
''',
}
"""Functions that a module defines where its kernels use them. Each may use those above it."""

COMBINE: dict[tuple[str, bool], str] = {
    ("maximum", True): "maximum", ("minimum", True): "minimum",
    ("maximum", False): "maximum_number", ("minimum", False): "minimum_number",
    ("mul", True): "multiply", ("mul", False): "multiply",
    ("and", False): "both", ("or", False): "either",
}  # fmt: skip
"""(reduction, on floats) -> the helper that joins two values; `add` is `tl.sum`."""


def _operator(symbol: str) -> Spelling:
    return lambda operands, _: binary(symbol, operands[0], operands[1])


def _division(float_symbol: str, integer_symbol: str) -> Spelling:
    def spell(operands: Sequence[Expression], element: Attribute) -> Expression:
        quotient = binary(float_symbol if is_float(element) else integer_symbol, operands[0], operands[1])
        # Triton divides fp16 in fp32 and leaves the result there.
        return cast(quotient, element) if element in (f16, bf16) else quotient

    return spell


def _nan_aware(function: str) -> Spelling:
    def spell(operands: Sequence[Expression], element: Attribute) -> Expression:
        if not is_float(element):
            return call(f"tl.{function}", *operands)
        return call(f"tl.{function}", *operands, propagate_nan=name("tl.PropagateNan.ALL"))

    return spell


def _plain(function: str) -> Spelling:
    return lambda operands, _: call(function, *operands)


def _wide(function: str) -> Spelling:
    """A function of fp32 and fp64 alone."""

    def spell(operands: Sequence[Expression], element: Attribute) -> Expression:
        if element not in (f16, bf16):
            return call(function, *operands)
        widened = [method(operand, "to", name("tl.float32")) for operand in operands]
        return cast(call(function, *widened), element)

    return spell


def _square_root(operands: Sequence[Expression], element: Attribute) -> Expression:
    # On fp32, tl.sqrt is an approximation; IEEE 754 wants the nearest value, as tl.sqrt_rn gives it.
    return _wide("tl.sqrt" if element == f64 else "tl.sqrt_rn")(operands, element)


def _inverted(operand: Expression) -> Expression:
    return Expression(f"~{operand.within(Precedence.UNARY)}", precedence=Precedence.UNARY)


def _shift(function: str) -> Spelling:
    return lambda operands, element: call(function, *operands, element_bytes(element) * 8)


SPELLINGS: dict[str, Spelling] = {
    "add": _operator("+"),
    "sub": _operator("-"),
    "mul": _operator("*"),
    "div": _division("/", "//"),
    "rem": _division("%", "%"),
    "fma": lambda operands, _: binary("+", binary("*", operands[0], operands[1]), operands[2]),
    "neg": lambda operands, _: negated(operands[0]),
    "abs": _plain("tl.abs"),
    "maximum": _nan_aware("maximum"),
    "minimum": _nan_aware("minimum"),
    "maxnum": _plain("tl.maximum"),
    "minnum": _plain("tl.minimum"),
    "exp": _wide("tl.exp"),
    "log": _wide("tl.log"),
    "sqrt": _square_root,
    "rsqrt": _wide("tl.rsqrt"),
    "erf": _wide("tl.erf"),
    "floor": _wide("tl.floor"),
    "ceil": _wide("tl.ceil"),
    "tanh": _wide("tanh"),
    "round_even": _wide("round_even"),
    "pow": _wide("power"),
    "sin": _wide("tl.sin"),
    "cos": _wide("tl.cos"),
    "tan": _wide("tan"),
    "atan": _wide("atan"),
    "asin": _wide("asin"),
    "acos": _wide("acos"),
    "sinh": _wide("sinh"),
    "cosh": _wide("cosh"),
    "asinh": _wide("asinh"),
    "acosh": _wide("acosh"),
    "atanh": _wide("atanh"),
    "bit_and": _operator("&"),
    "bit_or": _operator("|"),
    "bit_xor": _operator("^"),
    "bit_not": lambda operands, _: _inverted(operands[0]),
    "shift_left": _shift("shift_left"),
    "shift_right": _shift("shift_right"),
    "ldexp": lambda operands, element: binary("*", operands[0], _wide("tl.exp2")(operands[1:], element)),
    "eq": _operator("=="),
    "ne": _operator("!="),
    "lt": _operator("<"),
    "le": _operator("<="),
    "gt": _operator(">"),
    "ge": _operator(">="),
    "and": _operator("&"),
    "or": _operator("|"),
    "xor": _operator("^"),
    "not": lambda operands, _: _inverted(operands[0]),
    "select": _plain("tl.where"),
}
"""Scalar function -> its Triton expression, given the operands and their element type."""

_COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")

TAKES_NUMBERS = frozenset(
    ("add", "sub", "mul", "div", "rem", "fma", "maximum", "minimum", "maxnum", "minnum", "select", *_COMPARISONS)
)
"""Functions whose operands may be Python numbers, as long as one is a tensor."""

CALLED_HELPERS: dict[str, tuple[str, ...]] = {
    **{
        function: (function,)
        for function in ("tanh", "round_even", "tan", "atan", "sinh", "cosh", "shift_left", "shift_right")
    },
    **{function: ("log1p", function) for function in ("asinh", "acosh", "atanh")},
    **{function: ("atan", function) for function in ("asin", "acos")},
    "pow": ("power",),
}
"""Scalar function -> the helper its spelling calls, behind those which that calls."""


def cast(value: Expression, element: Attribute) -> Expression:
    return method(value, "to", name(ELEMENTS[element].triton))
