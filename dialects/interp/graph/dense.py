"""Sums of products over shared dims, in numpy. Integers wrap around, so their width does not matter on the way."""

from __future__ import annotations

import numpy as np
from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.dialects.interp.evaluator import Evaluator, Semantics
from neuralc.dialects.interp.graph.forms import from_operands
from neuralc.dialects.interp.numerics import Array
from neuralc.dialects.syntax import PlainOp


def _dense(evaluator: Evaluator, op: PlainOp, x: Array, kernel: Array, bias: Array | None = None) -> Array:
    result = x @ kernel
    return np.asarray(result if bias is None else result + bias)


def _einsum(evaluator: Evaluator, op: PlainOp, *xs: Array) -> Array:
    return np.asarray(np.einsum(op.literal("spec").replace(" ", ""), *xs, optimize=len(xs) > 2))


SEMANTICS: dict[type[Operation], Semantics] = {
    graph.DenseOp: _dense,
    graph.DetOp: from_operands(np.linalg.det),
    graph.EinsumOp: _einsum,
    graph.MatmulOp: from_operands(np.matmul),
}
