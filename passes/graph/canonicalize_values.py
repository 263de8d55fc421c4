"""The rules of graph-canonicalize for conversions, choices, truth values, powers.

    %0 = graph.cast %x -> tensor<4xf32>            // %x: tensor<4xf16>
    %1 = graph.cast %0 -> tensor<4xi32>                                        %1 = graph.cast %x -> tensor<4xi32>
    %2 = graph.where %true, %1, %z -> tensor<4xi32>              ->            %3 = graph.mul %1, %1 -> tensor<4xi32>
    %3 = graph.pow %2, %two -> tensor<4xi32>

The forms: no conversion by way of a type that holds every value; the branch of a condition that is known; no two
negations in a row; a product for the powers 2 and 3. A comparison of floats is never turned around: with NaN both a
relation and its opposite are false.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from xdsl.dialects.builtin import IntegerType, Signedness, bf16, f16, f32, f64, i1
from xdsl.ir import Attribute, Operation

from neuralc.dialects import graph
from neuralc.dialects.scalar import convert, is_integer
from neuralc.dialects.syntax import PlainOp
from neuralc.dialects.types import element_of, is_float, numpy_dtype
from neuralc.passes.driver import RewritePattern, Rewriter
from neuralc.passes.graph.canonicalize_views import number_of

DIGITS: dict[Attribute, int] = {bf16: 8, f16: 11, f32: 24, f64: 53}
"""Significant bits of the floats."""

WIDER: dict[Attribute, tuple[Attribute, ...]] = {bf16: (f32, f64), f16: (f32, f64), f32: (f64,), f64: ()}
"""The floats that hold all values of another, in digits and exponents."""


def holds_all(narrow: Attribute, wide: Attribute) -> bool:
    """Whether each value of an element type is one of the other."""
    if narrow in (wide, i1):
        return True
    if wide == i1:
        return False
    if not isinstance(narrow, IntegerType):
        return wide in WIDER.get(narrow, ())
    if not isinstance(wide, IntegerType):
        # The least f16 integer that is not held is 2**11 + 1, the greatest number 65504: bits decide for both.
        return wide in DIGITS and _bits(narrow) <= DIGITS[wide]
    return _bits(narrow) <= _bits(wide) and (_is_unsigned(narrow) or not _is_unsigned(wide))


def _is_unsigned(element: IntegerType) -> bool:
    return element.signedness.data is Signedness.UNSIGNED


def _bits(element: IntegerType) -> int:
    """Bits of the magnitude."""
    return element.width.data - (0 if _is_unsigned(element) else 1)


class SimplerCast(RewritePattern[graph.CastOp]):
    """A cast to the same type goes; one of a cast that lost nothing starts from its operand; a constant is one."""

    op_types = (graph.CastOp,)

    def rewrite(self, op: graph.CastOp, rewriter: Rewriter) -> None:
        inner, target = op.x.owner, element_of(op.result.type)
        if op.result.type == op.x.type:
            rewriter.replace(op, results=[op.x])
        elif isinstance(inner, graph.CastOp) and self._is_detour(inner, op):
            rewriter.replace(op, graph.CastOp.of(inner.x, result=op.result.type), fused=[inner])
        elif (number := number_of(op.x)) is not None:
            source = np.asarray(number, numpy_dtype(element_of(op.x.type)))
            value = convert(source, numpy_dtype(target)).item()
            rewriter.replace(
                op, graph.ConstantOp.of(result=op.result.type, value=int(value) if target == i1 else value)
            )

    def _is_detour(self, first: graph.CastOp, second: graph.CastOp) -> bool:
        source, between, target = (element_of(type_) for type_ in (first.x.type, second.x.type, second.result.type))
        # From a float an integer saturates, from another integer it keeps the low bits.
        wraps = is_integer(source) and is_float(between) and is_integer(target)
        return holds_all(source, between) and (not wraps or holds_all(source, target))


class KnownChoice(RewritePattern[graph.WhereOp]):
    """A condition that is known leaves its branch, and so does a choice between a value and itself."""

    op_types = (graph.WhereOp,)

    def rewrite(self, op: graph.WhereOp, rewriter: Rewriter) -> None:
        known, chosen = number_of(op.condition), op.on
        if known is not None:
            chosen = op.on if known else op.off
        elif op.on is not op.off:
            return
        if chosen.type == op.result.type:
            rewriter.replace(op, results=[chosen])


class DoubleNegation(RewritePattern[PlainOp]):
    """Two negations undo each other; one of an equality is the other equality, NaN or not."""

    op_types = (graph.LogicalNotOp, graph.BitwiseNotOp)
    OPPOSITE: ClassVar[dict[type[Operation], type[PlainOp]]] = {
        graph.EqualOp: graph.NotEqualOp,
        graph.NotEqualOp: graph.EqualOp,
    }

    def rewrite(self, op: PlainOp, rewriter: Rewriter) -> None:
        inner = op.operands[0].owner
        if isinstance(inner, graph.LogicalNotOp | graph.BitwiseNotOp):
            rewriter.replace(op, results=[inner.x])
        elif isinstance(inner, graph.EqualOp | graph.NotEqualOp):
            rewriter.replace(op, self.OPPOSITE[type(inner)].of(*inner.operands), fused=[inner])


class RoundedTwice(RewritePattern[PlainOp]):
    """A number that is integral already is not rounded again."""

    op_types = (graph.CeilOp, graph.FloorOp, graph.RoundOp)

    def rewrite(self, op: PlainOp, rewriter: Rewriter) -> None:
        if isinstance(op.operands[0].owner, self.op_types):
            rewriter.replace(op, results=[op.operands[0]])


class KnownTruth(RewritePattern[PlainOp]):
    """x and true, x or false are x, where the constant does not enlarge the result."""

    op_types = (graph.LogicalAndOp, graph.LogicalOrOp)

    def rewrite(self, op: PlainOp, rewriter: Rewriter) -> None:
        known = number_of(op.operands[1])
        neutral = isinstance(op, graph.LogicalAndOp)
        if known is not None and bool(known) is neutral and op.operands[0].type == op.results[0].type:
            rewriter.replace(op, results=[op.operands[0]])


class SmallPower(RewritePattern[graph.PowOp]):
    """x to the power of 1, 2 or 3 is x or a product: as exact, and without a logarithm."""

    op_types = (graph.PowOp,)

    def rewrite(self, op: graph.PowOp, rewriter: Rewriter) -> None:
        x, exponent = op.lhs, number_of(op.rhs)
        if x.type != op.result.type or exponent not in (1, 2, 3):
            return
        if exponent == 1:
            rewriter.replace(op, results=[x])
            return
        square = graph.MulOp.of(x, x)
        rewriter.replace(op, [square, *([graph.MulOp.of(square.result, x)] if exponent == 3 else [])])


PATTERNS: Sequence[RewritePattern[Any]] = (
    SimplerCast(),
    KnownChoice(),
    DoubleNegation(),
    RoundedTwice(),
    KnownTruth(),
    SmallPower(),
)
