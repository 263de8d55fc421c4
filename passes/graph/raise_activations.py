"""The rules of graph-raise-idioms for activations: products with a function of the same value.

%y = %x * (0.5 * (1 + graph.erf (%x * 0.7071)))      ->     graph.gelu %x
%y = %x * graph.sigmoid %x                           ->     graph.silu %x
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.passes.driver import RewritePattern, Rewriter
from neuralc.passes.graph.raise_values import factors, is_about, made_by, number, operands_both_ways

ROOT = math.sqrt(2 / math.pi)
CUBIC = 0.044715
"""The constants of the tanh form of gelu (Hendrycks and Gimpel 2016)."""


class Sigmoid(RewritePattern[graph.DivOp]):
    """1 / (1 + exp(-x))."""

    op_types = (graph.DivOp,)

    def rewrite(self, op: graph.DivOp, rewriter: Rewriter) -> None:
        add = op.rhs.owner
        if number(op.lhs) != 1 or not isinstance(add, graph.AddOp):
            return
        for one, power in operands_both_ways(add):
            exp = power.owner
            negated = exp.x.owner if isinstance(exp, graph.ExpOp) else None
            if number(one) == 1 and isinstance(negated, graph.NegOp) and negated.x.type == op.result.type:
                rewriter.replace(op, graph.SigmoidOp.of(negated.x))
                return


class Silu(RewritePattern[graph.MulOp]):
    """x * sigmoid(x)."""

    op_types = (graph.MulOp,)

    def rewrite(self, op: graph.MulOp, rewriter: Rewriter) -> None:
        for x, gate in operands_both_ways(op):
            if isinstance(gate.owner, graph.SigmoidOp) and gate.owner.x is x:
                rewriter.replace(op, graph.SiluOp.of(x))
                return


class Gelu(RewritePattern[graph.MulOp]):
    """x / 2 * (1 + erf(x / sqrt(2))), also with erfc, and its tanh form; the factors in any order."""

    op_types = (graph.MulOp,)

    def rewrite(self, op: graph.MulOp, rewriter: Rewriter) -> None:
        parts = factors(op.result)
        halves = [part for part in parts if number(part) == 0.5]
        rest = [part for part in parts if number(part) is None]
        if len(halves) != 1 or len(rest) != 2 or len(parts) != 3:
            return
        for x, gate in (rest, rest[::-1]):
            approximate = self._form(x, gate)
            if approximate is not None and x.type == op.result.type:
                rewriter.replace(op, graph.GeluOp.of(x, approximate=approximate))
                return

    def _form(self, x: SSAValue, gate: SSAValue) -> bool | None:
        """False for the exact form, True for the one by tanh, None for something else."""
        inner = _one_plus(gate)
        if inner is None:
            return None
        if (erf := made_by(inner, graph.ErfOp)) is not None:
            return False if _is_multiple(erf.x, x, math.sqrt(0.5)) else None
        tanh = made_by(inner, graph.TanhOp)
        return True if tanh is not None and _is_cubic(tanh.x, x) else None


def _one_plus(gate: SSAValue) -> SSAValue | None:
    """The y of 1 + y. Of 1 - erf(-y), as erfc has it, -erf(-y) = erf(y): the rule for odd functions makes it 1 + erf(y)."""
    add = made_by(gate, graph.AddOp)
    for one, other in operands_both_ways(add) if add is not None else ():
        if number(one) == 1:
            return other
    return None


class OneLessOdd(RewritePattern[graph.SubOp]):
    """1 - erf(-x) is 1 + erf(x), exactly: the function is odd."""

    op_types = (graph.SubOp,)

    def rewrite(self, op: graph.SubOp, rewriter: Rewriter) -> None:
        erf = op.rhs.owner
        if number(op.lhs) != 1 or not isinstance(erf, graph.ErfOp) or erf.x.type != op.result.type:
            return
        flipped = _negated(erf.x)
        if flipped is not None:
            inner, *ops = flipped
            new = graph.ErfOp.of(inner)
            rewriter.replace(op, [*ops, new, graph.AddOp.of(op.lhs, new.result)], fused=[erf])


def _negated(value: SSAValue) -> tuple[Any, ...] | None:
    """The value of which this is the negative, and the ops that make it: -x, or x times a negative number."""
    op = value.owner
    if isinstance(op, graph.NegOp):
        return (op.x,)
    if isinstance(op, graph.MulOp):
        for x, other in operands_both_ways(op):
            if isinstance(x.owner, graph.NegOp) and x.type == value.type:
                product = graph.MulOp.of(x.owner.x, other)
                return product.result, product
    return None


def _is_multiple(value: SSAValue, x: SSAValue, factor: float) -> bool:
    """Whether a value is x times a number, or x divided by its reciprocal."""
    op = value.owner
    if isinstance(op, graph.MulOp):
        return any(other is x and is_about(scale, factor) for other, scale in operands_both_ways(op))
    return isinstance(op, graph.DivOp) and op.lhs is x and is_about(op.rhs, 1 / factor)


def _is_cubic(value: SSAValue, x: SSAValue) -> bool:
    """sqrt(2 / pi) * (x + 0.044715 * x ** 3)."""
    outer = value.owner
    if not isinstance(outer, graph.MulOp):
        return False
    for total, root in operands_both_ways(outer):
        add = total.owner
        if not is_about(root, ROOT) or not isinstance(add, graph.AddOp):
            continue
        if any(first is x and _is_cube(second, x) for first, second in operands_both_ways(add)):
            return True
    return False


def _is_cube(value: SSAValue, x: SSAValue) -> bool:
    """0.044715 * x ** 3, the power as a product or as such."""
    parts = factors(value)
    scales = [part for part in parts if number(part) is not None]
    rest = [part for part in parts if number(part) is None]
    if len(scales) != 1 or not is_about(scales[0], CUBIC):
        return False
    if all(part is x for part in rest):
        return len(rest) == 3
    power = rest[0].owner if len(rest) == 1 else None
    if isinstance(power, graph.PowOp):
        return power.lhs is x and number(power.rhs) == 3
    square = [part for part in rest if part is not x]
    return len(rest) == 2 and len(square) == 1 and _is_square(square[0], x)


def _is_square(value: SSAValue, x: SSAValue) -> bool:
    op = value.owner
    return isinstance(op, graph.MulOp) and op.lhs is x and op.rhs is x


PATTERNS: Sequence[RewritePattern[Any]] = (Sigmoid(), Silu(), OneLessOdd(), Gelu())
