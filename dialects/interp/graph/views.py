"""Values in another shape or order, and constants, in numpy."""

from __future__ import annotations

import numpy as np
from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.dialects.interp.evaluator import Evaluator, Semantics
from neuralc.dialects.interp.graph.forms import with_properties
from neuralc.dialects.interp.numerics import Array
from neuralc.dialects.syntax import PlainOp
from neuralc.dialects.types import element_of, is_float, numpy_dtype


def _constant(evaluator: Evaluator, op: PlainOp) -> Array:
    type_ = op.results[0].type
    element = element_of(type_)
    return np.full(
        evaluator.shape(type_), op.literal("value"), np.float64 if is_float(element) else numpy_dtype(element)
    )


SEMANTICS: dict[type[Operation], Semantics] = {
    graph.ReshapeOp: lambda evaluator, op, x: x.reshape(evaluator.shape(op.results[0].type)),
    graph.TransposeOp: with_properties(np.transpose, "perm"),
    graph.ConstantOp: _constant,
}
