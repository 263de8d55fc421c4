"""graph-canonicalize: one form for what can be written in several ways, and nothing for what does nothing.

    %0 = graph.reshape %x -> tensor<2x12xf32>
    %1 = graph.reshape %0 -> tensor<24xf32>              %1 = graph.reshape %x -> tensor<24xf32>
    %2 = graph.mul %one, %1 -> tensor<24xf32>     ->     %2 = graph.relu %1 -> tensor<24xf32>
    %3 = graph.maximum %2, %zero -> tensor<24xf32>

The forms: views composed and identities gone; weights and then constants on the right of ops that commute; a constant
no larger than it must be; `x + (-c)` for `x - c`; relu, relu6 and hard_swish for their spelling with others; the last
axis as -1, others counted from the front. No rule makes a module slower or changes a value, but for the sign of a
zero (`x + 0`). Nothing is reassociated: `(x * a) * b` stays, since rounding would differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.syntax import PlainOp, to_attribute
from neuralc.dialects.types import element_of, is_float, shape_of, tensor_type
from neuralc.passes import regions
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.driver import RewritePattern, Rewriter, rewrite
from neuralc.passes.graph import canonicalize_layers, canonicalize_values, canonicalize_views
from neuralc.passes.graph.canonicalize_views import number_of

COMMUTATIVE: tuple[type[PlainOp], ...] = (
    graph.AddOp, graph.MulOp, graph.MaximumOp, graph.MinimumOp, graph.EqualOp, graph.NotEqualOp,
    graph.LogicalAndOp, graph.LogicalOrOp, graph.LogicalXorOp,
    graph.BitwiseAndOp, graph.BitwiseOrOp, graph.BitwiseXorOp,
)  # fmt: skip
ELEMENTWISE: tuple[type[PlainOp], ...] = (*graph.BINARY,)


def _like(constant: SSAValue, value: float) -> graph.ConstantOp:
    return graph.ConstantOp.of(result=constant.type, value=value)


# -- functions of one value ------------------------------------------------------------------------------------------


class RemoveNothing(RewritePattern[PlainOp]):
    """Ops that hand on their operand: identity, dropout and noise of nothing, a pool of single places."""

    op_types = (graph.IdentityOp, graph.DropoutOp, graph.GaussianNoiseOp, graph.MaxPoolOp, graph.AveragePoolOp)

    def rewrite(self, op: PlainOp, rewriter: Rewriter) -> None:
        if isinstance(op, graph.DropoutOp) and op.literal("rate") != 0.0:
            return
        if isinstance(op, graph.GaussianNoiseOp) and op.literal("stddev") != 0.0:
            return
        if isinstance(op, graph.MaxPoolOp | graph.AveragePoolOp) and (
            {*op.literal("window"), *op.literal("strides")} != {1} or any(op.literal("pads"))
        ):
            return
        rewriter.replace(op, results=[op.operands[0]])


class CollapsePairs(RewritePattern[PlainOp]):
    """Two functions in a row that are one: relu of relu, abs of neg, neg of neg."""

    op_types = (graph.ReluOp, graph.Relu6Op, graph.AbsOp, graph.NegOp)
    SKIP_INNER: ClassVar[set[tuple[type, type]]] = {
        (graph.Relu6Op, graph.ReluOp),
        (graph.AbsOp, graph.NegOp),
    }
    """(outer, inner) where the outer one alone does the same."""
    SKIP_OUTER: ClassVar[set[tuple[type, type]]] = {
        (graph.ReluOp, graph.ReluOp),
        (graph.ReluOp, graph.Relu6Op),
        (graph.ReluOp, graph.SigmoidOp),
        (graph.ReluOp, graph.SoftmaxOp),
        (graph.Relu6Op, graph.Relu6Op),
        (graph.AbsOp, graph.AbsOp),
        (graph.AbsOp, graph.ReluOp),
        (graph.AbsOp, graph.Relu6Op),
    }
    """(outer, inner) where the outer one finds nothing left to do."""

    def rewrite(self, op: PlainOp, rewriter: Rewriter) -> None:
        inner = op.operands[0].owner
        if not isinstance(inner, PlainOp):
            return
        pair = (type(op), type(inner))
        if pair == (graph.NegOp, graph.NegOp):
            rewriter.replace(op, results=[inner.operands[0]])
        elif pair in self.SKIP_OUTER:
            rewriter.replace(op, results=[inner.results[0]])
        elif pair in self.SKIP_INNER:
            rewriter.replace(op, type(op).of(inner.operands[0]), fused=[inner])


class UnitReduction(RewritePattern[graph.ReduceOp]):
    """A reduction over dims of size 1 is a reshape."""

    op_types = (graph.ReduceOp,)

    def rewrite(self, op: graph.ReduceOp, rewriter: Rewriter) -> None:
        shape = shape_of(op.x.type)
        if all(shape[axis] == 1 for axis in op.literal("axes")):
            rewriter.replace(op, graph.ReshapeOp.of(op.x, result=op.result.type))


class CanonicalAxes(RewritePattern[PlainOp]):
    """Axes of a reduction sorted and counted from the front; one axis as -1 when it is the last."""

    op_types = (
        graph.ReduceOp, graph.SoftmaxOp, graph.LogSoftmaxOp, graph.BatchNormOp, graph.GroupNormOp, graph.LayerNormOp,
        graph.RmsNormOp, graph.LrnOp, graph.ArgReduceOp, graph.CumulateOp, graph.TopKOp,
    )  # fmt: skip

    def rewrite(self, op: PlainOp, rewriter: Rewriter) -> None:
        rank = len(shape_of(op.operands[0].type))
        if isinstance(op, graph.ReduceOp):
            name, axes = "axes", tuple(sorted(normalize_axis(axis, rank) for axis in op.literal("axes")))
            self._set(op, name, axes, rewriter)
            return
        axis = normalize_axis(op.literal("axis"), rank)
        self._set(op, "axis", -1 if axis == rank - 1 else axis, rewriter)

    def _set(self, op: PlainOp, name: str, value: Any, rewriter: Rewriter) -> None:
        if op.literal(name) != value:
            op.properties[name] = to_attribute(value)
            rewriter.modified(op)


# -- functions of two values -----------------------------------------------------------------------------------------


class ConstantsRight(RewritePattern[PlainOp]):
    """Constants stand right of weights, weights right of other values, where order does not matter."""

    op_types = COMMUTATIVE

    def rewrite(self, op: PlainOp, rewriter: Rewriter) -> None:
        lhs, rhs = op.operands
        if self._rank(lhs) > self._rank(rhs):
            rewriter.replace(op, type(op).of(rhs, lhs))

    def _rank(self, value: SSAValue) -> int:
        return {graph.GetWeightOp: 1, graph.ConstantOp: 2}.get(type(value.owner), 0)


class ScalarConstants(RewritePattern[PlainOp]):
    """A constant operand has no more dims than the result needs."""

    op_types = ELEMENTWISE

    def rewrite(self, op: PlainOp, rewriter: Rewriter) -> None:
        for index, (operand, other) in enumerate(zip(op.operands, reversed(op.operands), strict=True)):
            number = number_of(operand)
            if number is None or not shape_of(operand.type) or shape_of(other.type) != shape_of(op.results[0].type):
                continue
            scalar = graph.ConstantOp.of(result=tensor_type((), element_of(operand.type)), value=number)
            rewriter.insert_before(op, scalar)
            rewriter.set_operand(op, index, scalar.result)
            return


class NeutralOperand(RewritePattern[PlainOp]):
    """x + 0, x - 0, x * 1 and x / 1 are x, where the constant does not enlarge the result."""

    NEUTRAL: ClassVar[dict[type[Operation], float]] = {
        graph.AddOp: 0.0,
        graph.SubOp: 0.0,
        graph.MulOp: 1.0,
        graph.DivOp: 1.0,
    }
    op_types = tuple(NEUTRAL)

    def rewrite(self, op: PlainOp, rewriter: Rewriter) -> None:
        lhs, rhs = op.operands
        if number_of(rhs) == self.NEUTRAL[type(op)] and lhs.type == op.results[0].type:
            rewriter.replace(op, results=[lhs])


class SameOperands(RewritePattern[PlainOp]):
    """The larger or smaller of a value and itself is the value."""

    op_types = (graph.MaximumOp, graph.MinimumOp)

    def rewrite(self, op: PlainOp, rewriter: Rewriter) -> None:
        if op.operands[0] is op.operands[1]:
            rewriter.replace(op, results=[op.operands[0]])


class SubtractionOfConstant(RewritePattern[graph.SubOp]):
    """x - c is x + (-c), exactly; for floats only, the smallest integer has no negative."""

    op_types = (graph.SubOp,)

    def rewrite(self, op: graph.SubOp, rewriter: Rewriter) -> None:
        number = number_of(op.rhs)
        if number is not None and is_float(element_of(op.result.type)):
            negative = _like(op.rhs, -number)
            rewriter.replace(op, [negative, graph.AddOp.of(op.lhs, negative.result)])


class AddOrSubNegated(RewritePattern[PlainOp]):
    """x + -y is x - y, -x + y is y - x, and x - -y is x + y, exactly."""

    op_types = (graph.AddOp, graph.SubOp)

    def rewrite(self, op: PlainOp, rewriter: Rewriter) -> None:
        lhs, rhs = op.operands
        if isinstance(negation := rhs.owner, graph.NegOp):
            other = graph.SubOp if isinstance(op, graph.AddOp) else graph.AddOp
            rewriter.replace(op, other.of(lhs, negation.x), fused=[negation])
        elif isinstance(negation := lhs.owner, graph.NegOp) and isinstance(op, graph.AddOp):
            rewriter.replace(op, graph.SubOp.of(rhs, negation.x), fused=[negation])


class NamedClamps(RewritePattern[PlainOp]):
    """maximum(x, 0) is relu, minimum(relu(x), 6) is relu6."""

    op_types = (graph.MaximumOp, graph.MinimumOp)

    def rewrite(self, op: PlainOp, rewriter: Rewriter) -> None:
        x, limit = op.operands[0], number_of(op.operands[1])
        if x.type != op.results[0].type:
            return
        if isinstance(op, graph.MaximumOp) and limit == 0:
            rewriter.replace(op, graph.ReluOp.of(x))
        elif (
            isinstance(op, graph.MinimumOp)
            and limit == 6
            and isinstance(inner := x.owner, graph.ReluOp)
            and is_float(element_of(x.type))
        ):
            rewriter.replace(op, graph.Relu6Op.of(inner.x), fused=[inner])


class NamedHardSwish(RewritePattern[graph.DivOp]):
    """x * relu6(x + 3) / 6 is hard_swish: by the numbers of its definition, so exactly."""

    op_types = (graph.DivOp,)

    def rewrite(self, op: graph.DivOp, rewriter: Rewriter) -> None:
        product = op.lhs.owner
        if number_of(op.rhs) != 6 or not isinstance(product, graph.MulOp):
            return
        for x, gate in ((product.lhs, product.rhs), (product.rhs, product.lhs)):
            shifted = gate.owner.x.owner if isinstance(gate.owner, graph.Relu6Op) else None
            if not isinstance(shifted, graph.AddOp) or shifted.lhs is not x or number_of(shifted.rhs) != 3:
                continue
            if x.type == op.result.type:
                rewriter.replace(op, graph.HardSwishOp.of(x), fused=[product])
                return


PATTERNS: Sequence[RewritePattern[Any]] = (
    *canonicalize_views.PATTERNS,
    *canonicalize_values.PATTERNS,
    *canonicalize_layers.PATTERNS,
    RemoveNothing(),
    CollapsePairs(),
    UnitReduction(),
    CanonicalAxes(),
    ConstantsRight(),
    ScalarConstants(),
    NeutralOperand(),
    SameOperands(),
    NamedClamps(),
    NamedHardSwish(),
    SubtractionOfConstant(),
    AddOrSubNegated(),
)


@dataclass(frozen=True)
class CanonicalizePass(ModulePass):
    name = "graph-canonicalize"

    def run(self, module: ModuleOp, context: PassContext) -> None:
        rewrite(module, [*PATTERNS, *regions.PATTERNS], context)
