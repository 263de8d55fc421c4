"""Products with weights: dense layers with their bias, of the rank that their operand has.

%0 = graph.reshape %x -> tensor<32x768xf32>
%1 = graph.matmul %0, %w -> tensor<32x64xf32>            %3 = graph.dense %x, %w, %b -> tensor<1x32x64xf32>
%2 = graph.add %1, %b -> tensor<32x64xf32>        ->
%3 = graph.reshape %2 -> tensor<1x32x64xf32>
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import element_of, shape_of, tensor_type
from neuralc.passes.driver import RewritePattern, Rewriter
from neuralc.passes.graph.canonicalize_layers import BiasOfLayer, MatmulWithWeight
from neuralc.passes.graph.canonicalize_views import ComposeReshapes, ComposeTransposes
from neuralc.passes.graph.weight_values import is_known


class DenseOfRows(RewritePattern[graph.ReshapeOp]):
    """A dense layer works on the last dim whatever stands before: its operand need not be made a matrix for it."""

    op_types = (graph.ReshapeOp,)

    def rewrite(self, op: graph.ReshapeOp, rewriter: Rewriter) -> None:
        layer = op.x.owner
        if not isinstance(layer, graph.DenseOp) or not isinstance(rows := layer.x.owner, graph.ReshapeOp):
            return
        *outer, depth = shape_of(rows.result.type)
        before, after = shape_of(rows.x.type), shape_of(op.result.type)
        if len(outer) != 1 or not op.x.has_one_use():
            return
        if after[-1:] == shape_of(layer.result.type)[-1:]:
            leading = after[:-1]
        elif before[-1:] == (depth,):
            leading = before[:-1]
        else:
            return
        x = graph.ReshapeOp.of(rows.x, result=tensor_type((*leading, depth), element_of(rows.x.type)))
        whole = graph.DenseOp.of(x.result, *layer.operands[1:], **layer.literals())
        whole.result.name_hint = layer.result.name_hint
        rewriter.replace(op, [x, whole, graph.ReshapeOp.of(whole.result, result=op.result.type)], fused=[layer])


def patterns(known: Callable[[SSAValue], bool] = is_known) -> Sequence[RewritePattern[Any]]:
    """The rules; `known` says which values are weights."""
    return MatmulWithWeight(known), BiasOfLayer(known), DenseOfRows(), ComposeReshapes(), ComposeTransposes()


PATTERNS: Sequence[RewritePattern[Any]] = patterns()
