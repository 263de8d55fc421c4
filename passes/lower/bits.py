"""The bits of a float as an integer and back, in functions of the scalar table that every target has.

    bits(1.5) = 0x3fc00000: the exponent is logb, the fraction ldexp(|x|, ..) as an integer, the sign one bit on top

IEEE 754-2019, clause 3.4. Which NaN it is has no influence on any arithmetic, so all have the bits of one.
"""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.builtin import bf16, f16, f32, f64, i32, i64
from xdsl.ir import Attribute, SSAValue

from neuralc.passes.lower.scalar_functions import ScalarBuilder


@dataclass(frozen=True)
class Format:
    """An interchange format: its digits behind the point, its bias, and the types that its parts are computed in."""

    fraction: int
    bias: int
    number: Attribute
    integer: Attribute

    @property
    def infinity(self) -> int:
        """The bits of positive infinity: an exponent of ones."""
        return (2 * self.bias + 1) << self.fraction

    @property
    def nan(self) -> int:
        return self.infinity | 1 << (self.fraction - 1)

    @property
    def sign(self) -> int:
        """The sign bit and those above it: a number of the integer type that is negative."""
        return -(1 << (self.fraction + self.bias.bit_length() + 1))


FORMATS: dict[Attribute, Format] = {
    f16: Format(10, 15, f32, i32),
    bf16: Format(7, 127, f32, i32),
    f32: Format(23, 127, f32, i32),
    f64: Format(52, 1023, f64, i64),
}


def to_bits(b: ScalarBuilder, x: SSAValue, result: Attribute) -> SSAValue:
    """The bits of a float as an integer of its width."""
    form = FORMATS[x.type]
    x = b.convert(x, form.number)
    magnitude = b.call("abs", x)
    # Subnormal numbers have the exponent of the least normal one, and no leading one.
    exponent = b.call("maximum", b.call("logb", b.call("select", _is_finite(b, magnitude), x, 1.0)), 1.0 - form.bias)
    digits = b.convert(b.call("ldexp", magnitude, b.call("sub", float(form.fraction), exponent)), form.integer)
    biased = b.convert(b.call("add", exponent, float(form.bias - 1)), form.integer)
    bits = b.call("add", b.call("shift_left", biased, form.fraction), digits)
    bits = b.call("select", b.call("eq", magnitude, float("inf")), b.number(form.infinity, bits), bits)
    zero = b.call("eq", x, 0.0)
    negative = b.call("lt", b.call("select", zero, b.call("div", 1.0, x), x), 0.0)
    signed = b.call("select", negative, b.call("add", bits, form.sign), bits)
    return b.convert(b.call("select", b.call("ne", x, x), b.number(form.nan, signed), signed), result)


def _is_finite(b: ScalarBuilder, magnitude: SSAValue) -> SSAValue:
    return b.call("lt", magnitude, float("inf"))


def from_bits(b: ScalarBuilder, bits: SSAValue, result: Attribute) -> SSAValue:
    """The float that the bits of an integer of its width say."""
    form = FORMATS[result]
    bits = b.convert(bits, form.integer)
    magnitude = b.call("bit_and", bits, form.infinity | ((1 << form.fraction) - 1))
    exponent = b.call("shift_right", magnitude, form.fraction)
    fraction = b.call("bit_and", magnitude, (1 << form.fraction) - 1)
    leading = b.call("select", b.call("gt", exponent, 0), b.number(1 << form.fraction, bits), b.number(0, bits))
    digits = b.convert(b.call("add", fraction, leading), form.number)
    scale = b.convert(b.call("sub", b.call("maximum", exponent, 1), form.bias + form.fraction), form.number)
    finite = b.call("ldexp", digits, scale)
    special = b.call(
        "select", b.call("gt", fraction, 0), b.number(float("nan"), finite), b.number(float("inf"), finite)
    )
    value = b.call("select", b.call("eq", exponent, 2 * form.bias + 1), special, finite)
    sign = b.call("ne", b.call("bit_and", bits, form.sign), 0)
    return b.convert(b.call("select", sign, b.call("neg", value), value), result)
