"""graph-fold-batch-norm: a batch norm disappears into the weights of the layer before it: conv, conv_transpose, dense.

    %1 = graph.conv %0, %k -> ..                             %s = gamma * rsqrt(variance + epsilon)
    %2 = graph.batch_norm %1, %gamma, %beta,          ->     %w = %k * %s
             %mean, %variance -> ..                          %b = (bias - mean) * %s + beta
                                                             %2 = graph.conv %0, %w, %b -> ..

The output channels are the last dim of every kernel, so the scale broadcasts as it is; only a transposed convolution in
groups has them in (group, channel in group). What is computed here from weights alone becomes derived weights in
graph-fold-constants: nothing of the norm is left at run time.

A norm that stands elsewhere becomes `x * scale + shift`, one multiply-add an element. Must not fold into a layer whose
output has other users (they want the value before the norm), along another axis than the channels, or where the weights
are computed at run time. Remarks say which.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue

from neuralc.dialects.graph import (
    AddOp,
    BatchNormOp,
    ConstantOp,
    ConvOp,
    ConvTransposeOp,
    DenseOp,
    MulOp,
    ReshapeOp,
    RsqrtOp,
    SubOp,
)
from neuralc.dialects.graph.shapes import CHANNEL, normalize_axis, static_shape
from neuralc.dialects.syntax import PlainOp
from neuralc.dialects.types import element_of, shape_of, tensor_type
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.driver import RewritePattern, Rewriter, rewrite
from neuralc.passes.graph.weight_values import is_known


class Affine(NamedTuple):
    """A batch norm as `x * scale + shift`, and the ops that compute the two."""

    ops: list[Operation]
    scale: SSAValue
    shift: SSAValue


def _affine(norm: BatchNormOp, bias: SSAValue | None = None) -> Affine:
    """The scale and shift of a norm whose operand still lacks `bias`."""
    epsilon = ConstantOp.of(result=tensor_type((), element_of(norm.x.type)), value=norm.literal("epsilon"))
    shifted = AddOp.of(norm.variance, epsilon.result)
    root = RsqrtOp.of(shifted.result)
    scale = MulOp.of(norm.gamma, root.result)
    ops: list[PlainOp] = [epsilon, shifted, root, scale]
    if bias is None:
        moved = MulOp.of(norm.mean, scale.result)
        ops += [moved, SubOp.of(norm.beta, moved.result)]
    else:
        centred = SubOp.of(bias, norm.mean)
        scaled = MulOp.of(centred.result, scale.result)
        ops += [centred, scaled, AddOp.of(scaled.result, norm.beta)]
    return Affine([*ops], scale.result, ops[-1].results[0])


class FoldIntoLayer(RewritePattern[BatchNormOp]):
    """A layer, then batch norm along its channels -> the layer with other weights."""

    op_types = (BatchNormOp,)

    def rewrite(self, op: BatchNormOp, rewriter: Rewriter) -> None:
        layer = op.x.owner
        if not isinstance(layer, ConvOp | ConvTransposeOp | DenseOp):
            return
        if (reason := self._obstacle(op, layer)) is not None:
            rewriter.remark("missed", op, f"not folded into `{layer.name}`: {reason}")
            return
        ops, scale, bias = _affine(op, layer.bias)
        groups = layer.literal("groups") if isinstance(layer, ConvTransposeOp) else 1
        scaled = _scaled_groups(layer.kernel, scale, groups) if groups > 1 else [MulOp.of(layer.kernel, scale)]
        new = type(layer).of(layer.x, scaled[-1].results[0], bias, **layer.literals())
        rewriter.remark("passed", op, f"folded into the weights of `{layer.name}`")
        rewriter.replace(op, [*ops, *scaled, new], fused=[layer])

    def _obstacle(self, op: BatchNormOp, layer: ConvOp | ConvTransposeOp | DenseOp) -> str | None:
        rank = len(shape_of(op.x.type))
        channel = rank - 1 if isinstance(layer, DenseOp) else CHANNEL[layer.literal("data_format")]
        if normalize_axis(op.literal("axis"), rank) != channel:
            return "it normalizes along another axis than the channels"
        if op.x.uses.get_length() > 1:
            return "the layer's output has several users"
        if not all(is_known(value) for value in (*layer.operands[1:], *op.operands[1:])):
            return "weights are not known at compile time"
        return None


def _scaled_groups(kernel: SSAValue, scale: SSAValue, groups: int) -> list[PlainOp]:
    """A kernel [*window, in, out/groups] times a scale [out], group by group."""
    *window, depth, per_group = static_shape("kernel", kernel.type)
    element = element_of(kernel.type)
    split = ReshapeOp.of(kernel, result=tensor_type((*window, groups, depth // groups, per_group), element))
    scales = ReshapeOp.of(scale, result=tensor_type((groups, 1, per_group), element))
    scaled = MulOp.of(split.result, scales.result)
    return [split, scales, scaled, ReshapeOp.of(scaled.result, result=kernel.type)]


class ScaleAndShift(RewritePattern[BatchNormOp]):
    """A norm of known statistics -> multiply and add, broadcast along its axis."""

    op_types = (BatchNormOp,)

    def rewrite(self, op: BatchNormOp, rewriter: Rewriter) -> None:
        if not all(is_known(value) for value in op.operands[1:]):
            rewriter.remark("missed", op, "statistics are not known at compile time")
            return
        ops, scale, shift = _affine(op)
        rank = len(shape_of(op.x.type))
        trailing = rank - 1 - normalize_axis(op.literal("axis"), rank)
        if trailing:
            aligned = tensor_type((*shape_of(scale.type), *(1,) * trailing), element_of(scale.type))
            views = [ReshapeOp.of(value, result=aligned) for value in (scale, shift)]
            ops.extend(views)
            scale, shift = (view.result for view in views)
        scaled = MulOp.of(op.x, scale)
        rewriter.remark("passed", op, "became a scale and a shift")
        rewriter.replace(op, [*ops, scaled, AddOp.of(scaled.result, shift)])


@dataclass(frozen=True)
class FoldBatchNormPass(ModulePass):
    name = "graph-fold-batch-norm"
    PATTERNS: ClassVar = (FoldIntoLayer(), ScaleAndShift())

    def run(self, module: ModuleOp, context: PassContext) -> None:
        rewrite(module, self.PATTERNS, context)
