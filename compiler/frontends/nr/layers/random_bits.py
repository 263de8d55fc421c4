"""Random numbers from a key: Threefry-2x32 with 20 rounds, and normal ones from its bits.

A number is a function of a key and a counter (Salmon et al. 2011, Parallel Random Numbers: As Easy as 1, 2, 3): there
is no state, and integers give the same bits on every target. Normal numbers are those of Box and Muller 1958.
"""

from __future__ import annotations

import math
from typing import TypeAlias

from xdsl.dialects.builtin import IntegerType, Signedness, f32, f64, i64
from xdsl.ir import Attribute, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import shape_of
from neuralc.frontends.nr.layers.values import cast, number, part, positions, reshape, scaled
from neuralc.frontends.nr.site import Site

ui32 = IntegerType(32, Signedness.UNSIGNED)

Pair: TypeAlias = tuple[SSAValue, SSAValue]
"""Two words of 32 bits."""

ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
"""Of four rounds and of the next four (table 2 of the paper)."""
PARITY = 0x1BD11BDA
"""What the third word of the key is exclusive-ored with."""
BLOCKS = 5
"""Four rounds each, with a part of the key added behind."""


def threefry(site: Site, key: Pair, counter: Pair) -> Pair:
    """Two random words for each key and counter; their shapes broadcast."""

    def add(lhs: SSAValue, rhs: SSAValue) -> SSAValue:
        return site.add(graph.AddOp.of(lhs, rhs), "bits")

    def xor(lhs: SSAValue, rhs: SSAValue) -> SSAValue:
        return site.add(graph.BitwiseXorOp.of(lhs, rhs), "bits")

    def rotated(x: SSAValue, count: int) -> SSAValue:
        high = site.add(graph.ShiftLeftOp.of(x, number(site, count, ui32, "count")), "bits")
        low = site.add(graph.ShiftRightOp.of(x, number(site, 32 - count, ui32, "count")), "bits")
        return site.add(graph.BitwiseOrOp.of(high, low), "bits")

    words = (*key, xor(xor(*key), number(site, PARITY, ui32, "parity")))
    x, y = add(counter[0], key[0]), add(counter[1], key[1])
    for block in range(BLOCKS):
        for count in ROTATIONS[block % 2]:
            x = add(x, y)
            y = xor(rotated(y, count), x)
        x = add(x, words[(block + 1) % 3])
        y = add(add(y, words[(block + 2) % 3]), number(site, block + 1, ui32, "block"))
    return x, y


def words_of(site: Site, key: SSAValue) -> Pair:
    """The low and the high half of keys of 64 bits; a key of fewer bits is extended."""
    key = cast(site, key, i64, "key")
    high = site.add(graph.ShiftRightOp.of(key, number(site, 32, key, "half")), "key")
    return cast(site, key, ui32, "key"), cast(site, high, ui32, "key")


def normals(site: Site, key: SSAValue, count: int, stream: int, element: Attribute) -> SSAValue:
    """[batch] keys -> [batch, count] independent normal numbers; other streams of a key give other ones."""
    (batch,) = shape_of(key.type)
    half = -(-count // 2)
    low, high = words_of(site, reshape(site, key, (batch, 1), "key"))
    index = cast(site, positions(site, half, 1, 2, "counter"), ui32, "counter")
    first, second = threefry(site, (low, high), (index, number(site, stream, ui32, "stream")))
    wide = f64 if element == f64 else f32
    radius = site.add(graph.LogOp.of(_uniform(site, first, wide)), "radius")
    radius = site.add(graph.SqrtOp.of(scaled(site, radius, -2.0, "radius")), "radius")
    angle = scaled(site, _uniform(site, second, wide), 2.0 * math.pi, "angle")
    both = [
        site.add(graph.MulOp.of(radius, site.add(op.of(angle), "angle")), "normal") for op in (graph.CosOp, graph.SinOp)
    ]
    joined = site.add(graph.ConcatOp.of(*both, axis=1), "normal")
    return cast(site, part(site, joined, 1, 0, count, suffix="normal"), element, "normal")


def _uniform(site: Site, bits: SSAValue, element: Attribute) -> SSAValue:
    """A number between 0 and 1, neither of them, from 23 bits: exact in single precision."""
    whole = site.add(graph.ShiftRightOp.of(bits, number(site, 9, bits, "count")), "uniform")
    middle = cast(site, whole, element, "uniform")
    middle = site.add(graph.AddOp.of(middle, number(site, 0.5, middle, "half")), "uniform")
    return scaled(site, middle, 2.0**-23, "uniform")
