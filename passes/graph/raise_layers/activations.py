"""Activations in their parts: gelu by erf or tanh, silu, mish, hard sigmoid and hard swish.

A product is looked at by its factors, so that it does not matter in which order an exporter multiplied.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import pi, sqrt
from typing import Any

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.syntax import PlainOp
from neuralc.dialects.types import element_of, is_float
from neuralc.passes.driver import RewritePattern, Rewriter
from neuralc.passes.graph.canonicalize_views import number_of
from neuralc.passes.graph.raise_layers.matching import Product, is_close, plus_number, product_of, same

PRODUCTS = (graph.MulOp, graph.DivOp)
"""Ops that may be the last one of a product with numbers in it."""


class GatedByItself(RewritePattern[PlainOp]):
    """x times a function of x: which activation that is."""

    op_types = PRODUCTS

    def rewrite(self, op: PlainOp, rewriter: Rewriter) -> None:
        (result,) = op.results
        product = product_of(result)
        if len(product.factors) != 2 or not is_float(element_of(result.type)):
            return
        for x, gate in (product.factors, reversed(product.factors)):
            found = _activation(x, gate, product.number)
            if found is not None and x.type == result.type:
                rewriter.replace(op, found)
                return


def _activation(x: SSAValue, gate: SSAValue, number: float) -> PlainOp | None:
    """The activation that is `number * x * gate`."""
    op = gate.owner
    if isinstance(op, graph.SigmoidOp) and number == 1.0 and same(op.x, x):
        return graph.SiluOp.of(x)
    if isinstance(op, graph.TanhOp) and number == 1.0 and _is_softplus(op.x, x):
        return graph.MishOp.of(x)
    if (line := _hard_sigmoid(gate)) is not None and same(line[0], x):
        return graph.HardSwishOp.of(x) if _is_swish(number, *line[1:]) else None
    shifted = plus_number(gate)
    if shifted is not None and shifted[1] == 1.0 and is_close(number, 0.5):
        return _gelu(x, shifted[0])
    return None


def _is_softplus(value: SSAValue, x: SSAValue) -> bool:
    return isinstance(value.owner, graph.SoftplusOp) and same(value.owner.x, x)


def _gelu(x: SSAValue, curve: SSAValue) -> PlainOp | None:
    """0.5 * x * (1 + erf(x / sqrt(2))), or 0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))."""
    op = curve.owner
    if isinstance(op, graph.ErfOp):
        inside = product_of(op.x)
        if is_close(inside.number, sqrt(0.5)) and inside.takes(x) and not inside.factors:
            return graph.GeluOp.of(x)
    if isinstance(op, graph.TanhOp) and _is_cubic(op.x, x):
        return graph.GeluOp.of(x, approximate=True)
    return None


def _is_cubic(value: SSAValue, x: SSAValue) -> bool:
    """sqrt(2 / pi) * (x + 0.044715 * x**3), or with x taken out: sqrt(2 / pi) * x * (1 + 0.044715 * x**2)."""
    outer = product_of(value)
    if not is_close(outer.number, sqrt(2 / pi)):
        return False
    if outer.takes(x):
        inner = plus_number(outer.only) if outer.only is not None else None
        return inner is not None and inner[1] == 1.0 and _is_power(product_of(inner[0]), x, 2)
    total = outer.only.owner if outer.only is not None else None
    if not isinstance(total, graph.AddOp):
        return False
    pairs = ((total.lhs, total.rhs), (total.rhs, total.lhs))
    return any(same(plain, x) and _is_power(product_of(cubed), x, 3) for plain, cubed in pairs)


def _is_power(product: Product, x: SSAValue, times: int) -> bool:
    taken = all(product.takes(x) for _ in range(times))
    return taken and not product.factors and is_close(product.number, 0.044715)


# -- lines between two limits ----------------------------------------------------------------------------------------


def _hard_sigmoid(value: SSAValue) -> tuple[SSAValue, float, float, float] | None:
    """x, a, b and the upper limit of min(max(a * x + b, 0), limit)."""
    op = value.owner
    if isinstance(op, graph.HardSigmoidOp):
        return op.x, op.literal("alpha"), op.literal("beta"), 1.0
    if isinstance(op, graph.Relu6Op):
        line, limit = op.x, 6.0
    elif isinstance(op, graph.MinimumOp) and (top := number_of(op.rhs)) and isinstance(op.lhs.owner, graph.ReluOp):
        line, limit = op.lhs.owner.x, top
    else:
        return None
    shifted = plus_number(line)
    if shifted is None:
        return None
    slope = product_of(shifted[0])
    if slope.only is None:
        return None
    return slope.only, slope.number, shifted[1], limit


def _is_swish(number: float, slope: float, shift: float, limit: float) -> bool:
    """Whether number * x * line is x * relu6(x + 3) / 6."""
    return is_close(number * limit, 1.0) and is_close(slope / limit, 1 / 6) and is_close(shift / limit, 0.5)


class HardSigmoid(RewritePattern[PlainOp]):
    """relu6(x + 3) / 6, and other lines from 0 to 1."""

    op_types = (*PRODUCTS, graph.MinimumOp)

    def rewrite(self, op: PlainOp, rewriter: Rewriter) -> None:
        (result,) = op.results
        product = product_of(result)
        line = _hard_sigmoid(product.only) if product.only is not None else None
        if line is None or not is_close(product.number * line[3], 1.0) or line[0].type != result.type:
            return
        x, slope, shift, limit = line
        if is_close(slope / limit, 1 / 6) and is_close(shift / limit, 0.5):
            rewriter.replace(op, graph.HardSigmoidOp.of(x))
        else:
            rewriter.replace(op, graph.HardSigmoidOp.of(x, alpha=slope / limit, beta=shift / limit))


class Sigmoid(RewritePattern[graph.DivOp]):
    """1 / (1 + exp(-x))."""

    op_types = (graph.DivOp,)

    def rewrite(self, op: graph.DivOp, rewriter: Rewriter) -> None:
        shifted = plus_number(op.rhs)
        exp = shifted[0].owner if shifted is not None and shifted[1] == 1.0 else None
        negated = exp.x.owner if isinstance(exp, graph.ExpOp) else None
        if number_of(op.lhs) == 1.0 and isinstance(negated, graph.NegOp) and negated.x.type == op.result.type:
            rewriter.replace(op, graph.SigmoidOp.of(negated.x))


class OddCurve(RewritePattern[graph.SubOp]):
    """1 - erf(-x) is 1 + erf(x), exactly: so a gelu by erfc is one by erf."""

    op_types = (graph.SubOp,)

    def rewrite(self, op: graph.SubOp, rewriter: Rewriter) -> None:
        erf = op.rhs.owner
        if number_of(op.lhs) != 1.0 or not isinstance(erf, graph.ErfOp) or erf.x.type != op.result.type:
            return
        inner = erf.x.owner
        if isinstance(inner, graph.NegOp):
            new = graph.ErfOp.of(inner.x)
            rewriter.replace(op, [new, graph.AddOp.of(new.result, op.lhs)], fused=[erf])
        elif isinstance(inner, graph.MulOp):
            for x, factor in ((inner.lhs, inner.rhs), (inner.rhs, inner.lhs)):
                if isinstance(x.owner, graph.NegOp) and x.type == erf.x.type:
                    product = graph.MulOp.of(x.owner.x, factor)
                    curve = graph.ErfOp.of(product.result)
                    rewriter.replace(op, [product, curve, graph.AddOp.of(curve.result, op.lhs)], fused=[erf])
                    return


PATTERNS: Sequence[RewritePattern[Any]] = (Sigmoid(), OddCurve(), GatedByItself(), HardSigmoid())
