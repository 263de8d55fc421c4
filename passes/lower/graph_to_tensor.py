"""graph-to-tensor: layers become loops.

    %1 = graph.conv %x, %k, %b {pads = [1, 1, 1, 1]}        %0 = tensor.pad %x {low = [0, 1, 1, 0], ..}
                                                            %1 = tensor.window %0 {dims = [1, 2], sizes = [3, 3], ..}
                                                     ->     %2 = tensor.contract "nhwijc,ijco->nhwo" %1, %k
                                                            %3 = tensor.map "nhwo,o->nhwo" %2, %b { add }

Convolution is a contraction over windows, pooling a reduction over them, softmax four loops. What runs together is
decided later by rule (tensor-fuse-groups), not by the layer's name. Expects an inlined model without training-only
ops: graph-inline and graph-specialize-inference stand before it in every pipeline.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.rewriter import Rewriter

from neuralc.dialects import graph
from neuralc.dialects.control import blocks_in
from neuralc.dialects.types import as_tensor, format_shape, shape_of
from neuralc.grammar.diagnostics import Diagnostic, NeuralcError
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.locations import span_of
from neuralc.passes.lower.layers import (
    control,
    convolution,
    dense,
    determinant,
    einsum,
    elementwise,
    indexing,
    norms,
    pooling,
    quantization,
    recurrent,
    reductions,
    regions,
    resampling,
    sampling,
    views,
)
from neuralc.passes.lower.lowering import Conversion, Lowering

CONVERSIONS: Mapping[type[Operation], Conversion] = {
    **control.CONVERSIONS,
    **convolution.CONVERSIONS,
    **dense.CONVERSIONS,
    **determinant.CONVERSIONS,
    **einsum.CONVERSIONS,
    **elementwise.CONVERSIONS,
    **indexing.CONVERSIONS,
    **norms.CONVERSIONS,
    **pooling.CONVERSIONS,
    **quantization.CONVERSIONS,
    **recurrent.CONVERSIONS,
    **reductions.CONVERSIONS,
    **regions.CONVERSIONS,
    **resampling.CONVERSIONS,
    **sampling.CONVERSIONS,
    **views.CONVERSIONS,
}
"""How each op of the graph level is written in loops."""

KEPT = (graph.GetWeightOp, graph.GetStateOp, graph.SetStateOp, graph.ReturnOp, graph.YieldOp)
"""Ops that both levels share, and the ends of regions, which follow the op around them."""


@dataclass(frozen=True)
class GraphToTensorPass(ModulePass):
    """Rewrites every graph.model and the regions of derived weights stay as they are: they run at compile time."""

    name = "graph-to-tensor"

    def run(self, module: ModuleOp, context: PassContext) -> None:
        model = graph.the_model(module)
        ops = [op for block in blocks_in(model.block) for op in block.ops if not isinstance(op, KEPT)]
        _refuse_custom(ops)
        unknown = [op for op in ops if op.name.startswith("graph.") and type(op) not in CONVERSIONS]
        if unknown:
            problems = [f"{op.name} has no form in loops; which pass should have removed it?" for op in unknown]
            raise NeuralcError(
                [Diagnostic("E0701", text, span_of(op.location)) for text, op in zip(problems, unknown, strict=True)]
            )
        for op in ops:
            if not op.name.startswith("graph."):
                continue
            found = CONVERSIONS[type(op)](Lowering(op), op)
            values = [found] if isinstance(found, SSAValue) else list(found)
            for old, new in zip(op.results, values, strict=True):
                _check_type(op, old.type, new.type)
                if new.name_hint is None:
                    new.name_hint = old.name_hint
                old.replace_all_uses_with(new)
            Rewriter.erase_op(op)
            context.count(op.name)


def _refuse_custom(ops: Sequence[Operation]) -> None:
    custom = [op for op in ops if isinstance(op, graph.CustomOp)]
    graph.refuse_custom(custom, span_of(custom[0].location) if custom else None)


def _check_type(op: Operation, wanted: Attribute, found: Attribute) -> None:
    if found != wanted:
        expected, got = format_shape(shape_of(wanted)), format_shape(shape_of(as_tensor(found)))
        raise RuntimeError(f"{op.name} was lowered to shape {got}, its result is {expected}")
