"""The scalar table (dialects/scalar.py) in LLVM: one function of the table on scalars or on whole vectors.

Float minimum and maximum are compare-and-select in the operand order that x86, AArch64 and RISC-V have one instruction
for; NaN costs two more, and nothing where one operand is a constant. Integer division never traps. What
kernel-expand-math has left of exp, sin and the like calls the C library lane by lane, as `rem` of floats does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from llvmlite import ir
from xdsl.dialects.builtin import bf16, f16, f32, f64, i1
from xdsl.ir import Attribute

from neuralc.dialects.scalar import lookup
from neuralc.dialects.types import is_float
from neuralc.emit.llvm.halves import narrow_bfloat, narrow_half, widen_bfloat, widen_half
from neuralc.emit.llvm.instructions import (
    constant,
    declare,
    elementwise,
    integer_like,
    intrinsic,
    known_number,
    multiply_add,
    per_lane,
)
from neuralc.emit.llvm.powers import integer_power
from neuralc.emit.llvm.types import I32, Value, element, is_signed, lanes_of, scalar_of, with_lanes

CONTRACT = ("contract",)
"""The one fast-math flag of elementwise code: a product may fuse into the sum that takes it."""

MANTISSA_BITS: dict[Attribute, int] = {f16: 10, f32: 23, f64: 52}
BIAS: dict[Attribute, int] = {f16: 15, f32: 127, f64: 1023}
"""Of the exponent, by IEEE 754 format."""


@dataclass(frozen=True)
class Scalars:
    """Writes scalar functions at the builder's place."""

    builder: Any
    has_fma: bool
    has_halves: bool
    """Whether the target converts f16."""
    flags: tuple[str, ...] = CONTRACT

    @property
    def without_contraction(self) -> Scalars:
        """The same functions, each rounding once whatever takes its value."""
        return replace(self, flags=())

    def apply(self, name: str, element_type: Attribute, args: Sequence[Value]) -> Value:
        """Function `name` of operands whose (last) element type is `element_type`."""
        if self._is_bits(element_type) and name != "select":
            return self._by_way_of_fp32(name, element_type, args)
        if name in _LIBRARY and is_float(element_type):
            return self._library(name, element_type, args)
        table = _FLOAT if is_float(element_type) else _INTEGER
        return table[name](self, element_type, *args)

    def knows(self, name: str, element_type: Attribute) -> bool:
        if is_float(element_type):
            return name in _FLOAT or name in _LIBRARY
        return name in (_TRUTH if element_type == i1 else _INTEGER)

    # -- floats ------------------------------------------------------------------------------------------------------

    def arithmetic(self, opcode: str, *args: Value) -> Value:
        return getattr(self.builder, opcode)(*args, flags=self.flags)

    def fma(self, element_type: Attribute, a: Value, b: Value, c: Value) -> Value:
        if element_type == f16:  # computed in fp32, where a product of halves is exact
            return self._in_fp32(lambda *wide: multiply_add(self.builder, self.has_fma, *wide), a, b, c)
        return multiply_add(self.builder, self.has_fma, a, b, c)

    def _in_fp32(self, function: Callable[..., Value], *args: Value) -> Value:
        """A function of f16 by way of float."""
        return self.convert(f32, f16, function(*(self.convert(f16, f32, arg) for arg in args)))

    def _is_bits(self, element_type: Attribute) -> bool:
        """Whether a float type is no more than its bits: the target has no instructions for it, not even to convert."""
        return element_type == bf16 or (element_type == f16 and not self.has_halves)

    def _by_way_of_fp32(self, name: str, element_type: Attribute, args: Sequence[Value]) -> Value:
        """fp32 has more than twice the digits: what is rounded again is rounded right."""
        result = self.apply(name, f32, [self.convert(element_type, f32, arg) for arg in args])
        return result if lookup(name).kind == "compare" else self.convert(f32, element_type, result)

    def propagating(self, compare: str, a: Value, b: Value) -> Value:
        """maximum (`>`) or minimum (`<`) where a NaN operand gives NaN."""
        if _is_number(b):
            a, b = b, a
        # `a > b ? a : b` is b where either is NaN: right unless a is NaN and b is a number.
        chosen = self.builder.select(self.builder.fcmp_ordered(compare, a, b), a, b)
        if _is_number(a):
            return chosen
        return self.builder.select(self.builder.fcmp_unordered("uno", a, a), a, chosen)

    def ignoring(self, compare: str, a: Value, b: Value) -> Value:
        """maxnum (`>`) or minnum (`<`): a number where one operand is a number."""
        if _is_number(a):
            a, b = b, a
        # `a > b ? a : b` is b where either is NaN: right unless b is NaN and a is a number.
        chosen = self.builder.select(self.builder.fcmp_ordered(compare, a, b), a, b)
        if _is_number(b):
            return chosen
        return self.builder.select(self.builder.fcmp_unordered("uno", b, b), a, chosen)

    def ldexp(self, element_type: Attribute, x: Value, n: Value) -> Value:
        """x * 2**n in two factors, so that results may be subnormal; n beyond both factors' range saturates."""
        bits, bias = MANTISSA_BITS[element_type], BIAS[element_type]
        wide, narrow = integer_like(x.type), with_lanes(I32, lanes_of(x))
        low, high = constant(x.type, 2 - 2 * bias), constant(x.type, 2 * bias)
        # The selects take the bound for a NaN n: converting it would be undefined. Its product is NaN by way of x.
        n = self.builder.select(self.builder.fcmp_ordered(">", n, low), n, low)
        n = self.builder.select(self.builder.fcmp_ordered("<", n, high), n, high)
        # By way of 32 bits: AVX2 and others convert no vectors of doubles to 64.
        whole = self.builder.fptosi(n, narrow)
        half = self.builder.ashr(whole, constant(narrow, 1))
        for part in (half, self.builder.sub(whole, half)):
            biased = self._resized(self.builder.add(part, constant(narrow, bias)), wide)
            x = self.builder.fmul(x, self.builder.bitcast(self.builder.shl(biased, constant(wide, bits)), x.type))
        return x

    def scale(self, element_type: Attribute, x: Value, n: Value) -> Value:
        """x * 2**n where 2**n is a normal number."""
        bits, bias = MANTISSA_BITS[element_type], BIAS[element_type]
        wide = integer_like(x.type)
        # The sum has n in its last bits, and is never undefined as a conversion would be.
        whole = self.builder.bitcast(self.builder.fadd(n, constant(n.type, 1.5 * 2.0**bits)), wide)
        exponent = self.builder.shl(whole, constant(wide, bits))
        power = self.builder.add(exponent, constant(wide, bias << bits))
        return self.builder.fmul(x, self.builder.bitcast(power, x.type), flags=self.flags)

    def logb(self, element_type: Attribute, x: Value) -> Value:
        """The exponent of x as a float; -inf of 0, inf of infinities, NaN of NaN."""
        bits, bias = MANTISSA_BITS[element_type], BIAS[element_type]
        wide, narrow = integer_like(x.type), with_lanes(I32, lanes_of(x))
        magnitude = elementwise(self.builder, "fabs", x)
        subnormal = self.builder.fcmp_ordered("<", magnitude, constant(x.type, 2.0 ** (1 - bias)))
        normal = self.builder.select(subnormal, self.builder.fmul(magnitude, constant(x.type, 2.0**bits)), magnitude)
        biased = self.builder.lshr(self.builder.bitcast(normal, wide), constant(wide, bits))
        offset = self.builder.select(subnormal, constant(x.type, bias + bits), constant(x.type, bias))
        result = self.builder.fsub(self.builder.sitofp(self._resized(biased, narrow), x.type), offset)
        zero = self.builder.fcmp_ordered("==", magnitude, constant(x.type, 0.0))
        result = self.builder.select(zero, constant(x.type, -math.inf), result)
        # Infinity and NaN are their own exponents; an unordered comparison holds for NaN.
        special = self.builder.fcmp_unordered(">=", magnitude, constant(x.type, math.inf))
        return self.builder.select(special, magnitude, result)

    def _resized(self, x: Value, type_: Any) -> Value:
        """An integer in another width, with its sign."""
        before, after = scalar_of(x.type).width, scalar_of(type_).width
        if before == after:
            return x
        return self.builder.trunc(x, type_) if before > after else self.builder.sext(x, type_)

    def _library(self, name: str, element_type: Attribute, args: Sequence[Value]) -> Value:
        """exp, log .. of the C library, in float for halves."""
        if element_type == f16:
            return self._in_fp32(lambda *wide: self._library(name, f32, wide), *args)
        scalar = scalar_of(args[0].type)
        symbol = name + ("f" if element_type == f32 else "")
        function = declare(self.builder, symbol, scalar, [scalar] * len(args))
        return per_lane(self.builder, function, *args)

    # -- integers ----------------------------------------------------------------------------------------------------

    def divide(self, element_type: Attribute, a: Value, b: Value, *, remainder: bool) -> Value:
        """Toward zero, as C; x / 0 and x % 0 are 0, as numpy; the one overflowing quotient wraps."""
        signed = is_signed(element_type)
        opcode = getattr(self.builder, ("s" if signed else "u") + ("rem" if remainder else "div"))
        if known_number(b) not in (None, 0, -1):
            return opcode(a, b)
        zero, one = constant(b.type, 0), constant(b.type, 1)
        is_zero = self.builder.icmp_unsigned("==", b, zero)
        divisor = self.builder.select(is_zero, one, b)
        if signed:
            minus_one = self.builder.icmp_unsigned("==", b, constant(b.type, -1))
            divisor = self.builder.select(minus_one, one, divisor)
        result = self.builder.select(is_zero, zero, opcode(a, divisor))
        if signed:
            special = zero if remainder else self.builder.sub(zero, a)
            result = self.builder.select(minus_one, special, result)
        return result

    def shift(self, element_type: Attribute, a: Value, count: Value, *, left: bool) -> Value:
        """A count beyond the width, or below zero, shifts out all bits."""
        width = element(element_type).width
        if not left and is_signed(element_type):
            last = constant(count.type, width - 1)
            return self.builder.ashr(a, elementwise(self.builder, "umin", count, last))
        shifted = (self.builder.shl if left else self.builder.lshr)(a, count)
        inside = self.builder.icmp_unsigned("<", count, constant(count.type, width))
        return self.builder.select(inside, shifted, constant(a.type, 0))

    def power(self, element_type: Attribute, a: Value, exponent: Value) -> Value:
        function = integer_power(self.builder.module, element(element_type), signed=is_signed(element_type))
        return per_lane(self.builder, function, a, exponent)

    def extreme(self, element_type: Attribute, a: Value, b: Value, name: str) -> Value:
        return elementwise(self.builder, ("s" if is_signed(element_type) else "u") + name, a, b)

    def compare_integers(self, element_type: Attribute, operator: str, a: Value, b: Value) -> Value:
        compare = self.builder.icmp_signed if is_signed(element_type) else self.builder.icmp_unsigned
        return compare(operator, a, b)

    # -- between types -----------------------------------------------------------------------------------------------

    def convert(self, source: Attribute, target: Attribute, x: Value) -> Value:
        """Another element type, as `scalar.convert`: floats round once, float to integer saturates, NaN gives 0."""
        if source == target:
            return x
        type_ = with_lanes(element(target), lanes_of(x))
        width = 0 if is_float(target) else element(target).width
        if width == 1 and not self._is_bits(source):
            zero = constant(x.type, 0)
            if is_float(source):
                return self.builder.fcmp_unordered("!=", x, zero)
            return self.builder.icmp_unsigned("!=", x, zero)
        if self._is_bits(source):
            widen = widen_bfloat if source == bf16 else widen_half
            return self.convert(f32, target, widen(self.builder, x))
        if self._is_bits(target) and source == f32:
            return (narrow_bfloat if target == bf16 else narrow_half)(self.builder, x)
        if target in (f16, bf16) and source == f64:
            return self.convert(f32, target, self._rounded_to_odd(x))
        if self._is_bits(target):
            # Of whole numbers, what fp32 holds exactly goes there; the rounding of others is that of fp64.
            way = f32 if source == f16 or element(source).width <= MANTISSA_BITS[f32] else f64
            return self.convert(way, target, self.convert(source, way, x))
        if is_float(source) and is_float(target):
            wider = MANTISSA_BITS[target] > MANTISSA_BITS[source]
            return self.builder.fpext(x, type_) if wider else self.builder.fptrunc(x, type_)
        if is_float(source):
            name = "fptosi.sat" if is_signed(target) else "fptoui.sat"
            return intrinsic(self.builder, name, [x], type_, [type_, x.type])
        if is_float(target):
            return (self.builder.sitofp if is_signed(source) else self.builder.uitofp)(x, type_)
        if width < element(source).width:
            return self.builder.trunc(x, type_)
        if width == element(source).width:
            return x
        return (self.builder.sext if is_signed(source) else self.builder.zext)(x, type_)

    def _rounded_to_odd(self, x: Value) -> Value:
        """Doubles as floats whose last bit tells that something was cut off, so that rounding again rounds once.

        (Boldo and Melquiond, "When double rounding is odd".) A direct conversion to half would be a library call."""
        count = lanes_of(x)
        nearest = self.builder.fptrunc(x, with_lanes(element(f32), count))
        back = self.builder.fpext(nearest, x.type)
        bits = self.builder.bitcast(nearest, with_lanes(I32, count))
        outward = self.builder.fcmp_ordered(">", *(elementwise(self.builder, "fabs", value) for value in (back, x)))
        toward_zero = self.builder.select(outward, self.builder.sub(bits, constant(bits.type, 1)), bits)
        inexact = self.builder.zext(self.builder.fcmp_ordered("!=", back, x), bits.type)
        return self.builder.bitcast(self.builder.or_(toward_zero, inexact), nearest.type)


def _is_number(value: Value) -> bool:
    """Whether a value is a constant that is not NaN."""
    number = known_number(value)
    return number is not None and not math.isnan(number)


Rule = Callable[..., Value]


def _binary(opcode: str) -> Rule:
    return lambda self, _, a, b: self.arithmetic(opcode, a, b)


def _ordered(operator: str) -> Rule:
    return lambda self, _, a, b: self.builder.fcmp_ordered(operator, a, b)


def _compared(operator: str) -> Rule:
    return lambda self, type_, a, b: self.compare_integers(type_, operator, a, b)


def _intrinsic(name: str) -> Rule:
    return lambda self, _, x: elementwise(self.builder, name, x)


def _plain(opcode: str) -> Rule:
    return lambda self, _, *args: getattr(self.builder, opcode)(*args)


def _select(self: Scalars, _: Attribute, condition: Value, a: Value, b: Value) -> Value:
    return self.builder.select(condition, a, b)


def _rsqrt(self: Scalars, _: Attribute, x: Value) -> Value:
    return self.builder.fdiv(constant(x.type, 1.0), elementwise(self.builder, "sqrt", x))


def _integer_abs(self: Scalars, type_: Attribute, x: Value) -> Value:
    if not is_signed(type_):
        return x
    false = constant(ir.IntType(1), 0)
    return intrinsic(self.builder, "abs", [x, false], x.type, [x.type])


_COMPARISONS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}

_FLOAT: dict[str, Rule] = {
    "add": _binary("fadd"),
    "sub": _binary("fsub"),
    "mul": _binary("fmul"),
    "div": _binary("fdiv"),
    "rem": _plain("frem"),
    "fma": lambda self, type_, a, b, c: self.fma(type_, a, b, c),
    "neg": _plain("fneg"),
    "abs": _intrinsic("fabs"),
    "maximum": lambda self, _, a, b: self.propagating(">", a, b),
    "minimum": lambda self, _, a, b: self.propagating("<", a, b),
    "maxnum": lambda self, _, a, b: self.ignoring(">", a, b),
    "minnum": lambda self, _, a, b: self.ignoring("<", a, b),
    "sqrt": _intrinsic("sqrt"),
    "rsqrt": _rsqrt,
    "floor": _intrinsic("floor"),
    "ceil": _intrinsic("ceil"),
    "round_even": _intrinsic("roundeven"),
    "ldexp": lambda self, type_, x, n: self.ldexp(type_, x, n),
    "scale": lambda self, type_, x, n: self.scale(type_, x, n),
    "logb": lambda self, type_, x: self.logb(type_, x),
    "select": _select,
    **{name: _ordered(operator) for name, operator in _COMPARISONS.items() if name != "ne"},
    "ne": lambda self, _, a, b: self.builder.fcmp_unordered("!=", a, b),
}

_INTEGER: dict[str, Rule] = {
    "add": _plain("add"),
    "sub": _plain("sub"),
    "mul": _plain("mul"),
    "div": lambda self, type_, a, b: self.divide(type_, a, b, remainder=False),
    "rem": lambda self, type_, a, b: self.divide(type_, a, b, remainder=True),
    "pow": lambda self, type_, a, b: self.power(type_, a, b),
    "bit_and": _plain("and_"),
    "bit_or": _plain("or_"),
    "bit_xor": _plain("xor"),
    "bit_not": _plain("not_"),
    "shift_left": lambda self, type_, a, n: self.shift(type_, a, n, left=True),
    "shift_right": lambda self, type_, a, n: self.shift(type_, a, n, left=False),
    "fma": lambda self, _, a, b, c: self.builder.add(self.builder.mul(a, b), c),
    "neg": _plain("neg"),
    "abs": _integer_abs,
    "maximum": lambda self, type_, a, b: self.extreme(type_, a, b, "max"),
    "minimum": lambda self, type_, a, b: self.extreme(type_, a, b, "min"),
    "maxnum": lambda self, type_, a, b: self.extreme(type_, a, b, "max"),
    "minnum": lambda self, type_, a, b: self.extreme(type_, a, b, "min"),
    "and": _plain("and_"),
    "or": _plain("or_"),
    "xor": _plain("xor"),
    "not": _plain("not_"),
    "select": _select,
    **{name: _compared(operator) for name, operator in _COMPARISONS.items()},
}

_TRUTH = ("and", "or", "xor", "not", "select", "abs", "maximum", "minimum", "maxnum", "minnum", *_COMPARISONS)
"""What truth values have: arithmetic of single bits would wrap."""

_CIRCULAR = ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh")
_LIBRARY = ("exp", "log", "tanh", "erf", "pow", *_CIRCULAR)
"""Functions whose names in the C library are theirs here."""
