"""Operations and bytes of a model, counted on its graph: what the limit of a case is computed from.

Operations are the multiply-adds of convolutions and dense layers, twice. Bytes are those that must move at least once a
call: inputs, outputs and weights. Both are lower bounds, so that the limit is one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from xdsl.ir import Attribute

from benchmarks.cases import Case
from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim
from neuralc.dialects.types import shape_of


def cost_of(case: Case) -> tuple[float, float]:
    """(operations, bytes) of one call."""
    if case.model.suffix != ".nr":
        return float(case.flops or 0), 4.0 * math.prod(case.shape) * 4
    from neuralc.frontends.nr import load
    from neuralc.passes.base import PassContext
    from neuralc.passes.graph.inline import InlinePass

    module = load(case.model).module
    InlinePass().run_in(module, PassContext())
    model = graph.the_model(module)
    sizes = {"batch": case.batch}
    flops = 0.0
    for op in model.block.ops:
        if isinstance(op, graph.ConvOp):
            kh, kw, depth, _ = (as_dim(size).value for size in shape_of(op.kernel.type))
            flops += 2.0 * _elements(op.result.type, sizes) * kh * kw * depth
        elif isinstance(op, graph.DenseOp):
            flops += 2.0 * _elements(op.result.type, sizes) * as_dim(shape_of(op.kernel.type)[0]).value
    arrays = [argument.type for argument in model.block.args] + list(model.returns)
    bytes_ = 4.0 * sum(_elements(type_, sizes) for type_ in arrays)
    weights = [op.type for op in graph.symbols(module).values() if isinstance(op, graph.WeightOp)]
    return flops, bytes_ + 4.0 * sum(_elements(type_, sizes) for type_ in weights)


def _elements(type_: Attribute, sizes: Mapping[str, int]) -> int:
    return math.prod(as_dim(size).evaluate(sizes) for size in shape_of(type_))
