"""Conversions of half-width floats by the arithmetic of their bits: no processor needs an instruction for them.

| from, to  | how                                                                                  |
|-----------|--------------------------------------------------------------------------------------|
| bf16, f32 | bf16 is the upper half of f32                                                        |
| f32, bf16 | half of the last place is added, less one where the kept part is even, the rest cut  |
| f16, f32  | the exponent is moved by a multiplication, which makes subnormal numbers normal      |
| f32, f16  | likewise; what becomes subnormal is rounded by adding a number of the right exponent |

bf16 has no other form here; f16 has where the processor converts it (`converts_halves`). Everything rounds to the
nearest even number, and NaN stays NaN.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from neuralc.emit.llvm.instructions import constant
from neuralc.emit.llvm.types import BFLOAT, I16, I32, Value, lanes_of, with_lanes
from neuralc.passes.target import Target
from neuralc.passes.target_table import architecture_of

FLOAT, HALF = ir.FloatType(), ir.HalfType()

SIGN, INFINITY = 0x80000000, 0x7F800000


def converts_halves(target: Target) -> bool:
    """Whether f16 has conversions of the processor; LLVM would call a library elsewhere, for each of its operations."""
    architecture = architecture_of(target.triple)
    return architecture == "aarch64" or (architecture == "x86_64" and target.has("f16c"))


def widen_bfloat(builder: Any, x: Value) -> Value:
    count = lanes_of(x)
    bits = builder.shl(builder.zext(x, with_lanes(I32, count)), constant(with_lanes(I32, count), 16))
    return builder.bitcast(bits, with_lanes(FLOAT, count))


def narrow_bfloat(builder: Any, x: Value) -> Value:
    bits, number = _bits_of(builder, x)
    upper = builder.lshr(bits, number(16))
    odd = builder.and_(upper, number(1))
    rounded = builder.lshr(builder.add(bits, builder.add(odd, number(0x7FFF))), number(16))
    quiet = builder.or_(upper, number(0x40))
    chosen = builder.select(builder.fcmp_unordered("uno", x, x), quiet, rounded)
    return builder.trunc(chosen, with_lanes(BFLOAT, lanes_of(x)))


def widen_half(builder: Any, x: Value) -> Value:
    count = lanes_of(x)
    type_, wide = with_lanes(I32, count), with_lanes(FLOAT, count)

    def number(value: int) -> Value:
        return constant(type_, value)

    bits = builder.zext(builder.bitcast(x, with_lanes(I16, count)), type_)
    sign = builder.shl(builder.and_(bits, number(0x8000)), number(16))
    magnitude = builder.shl(builder.and_(bits, number(0x7FFF)), number(13))
    scaled = builder.fmul(builder.bitcast(magnitude, wide), constant(wide, 2.0**112))
    special = builder.icmp_unsigned(">=", magnitude, number(0x7C00 << 13))
    finite = builder.bitcast(scaled, type_)
    chosen = builder.select(special, builder.or_(magnitude, number(INFINITY)), finite)
    return builder.bitcast(builder.or_(chosen, sign), wide)


def narrow_half(builder: Any, x: Value) -> Value:
    bits, number = _bits_of(builder, x)
    wide = x.type
    sign = builder.and_(builder.lshr(bits, number(16)), number(0x8000))
    magnitude = builder.and_(bits, number(SIGN - 1))
    odd = builder.and_(builder.lshr(magnitude, number(13)), number(1))
    moved = builder.sub(builder.add(magnitude, builder.add(odd, number(0xFFF))), number(112 << 23))
    normal = builder.lshr(moved, number(13))
    # 0.5 has the last place of subnormal halves: the addition rounds to it, and its bits above 0.5 are the half.
    shifted = builder.fadd(builder.bitcast(magnitude, wide), constant(wide, 0.5))
    subnormal = builder.sub(builder.bitcast(shifted, bits.type), number(126 << 23))
    result = builder.select(builder.icmp_unsigned("<", magnitude, number(113 << 23)), subnormal, normal)
    # From 65536 on it is infinity; what rounds up to 65536 has become that by itself.
    result = builder.select(builder.icmp_unsigned(">=", magnitude, number(143 << 23)), number(0x7C00), result)
    result = builder.select(builder.icmp_unsigned(">", magnitude, number(INFINITY)), number(0x7E00), result)
    count = lanes_of(x)
    return builder.bitcast(builder.trunc(builder.or_(result, sign), with_lanes(I16, count)), with_lanes(HALF, count))


def _bits_of(builder: Any, x: Value) -> tuple[Value, Any]:
    """The bits of f32 values, and how to write a number of their type."""
    type_ = with_lanes(I32, lanes_of(x))
    return builder.bitcast(x, type_), lambda value: constant(type_, value)
