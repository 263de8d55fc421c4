"""Products of matrices, in numpy."""

from __future__ import annotations

import numpy as np
from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.dialects.interp.evaluator import Evaluator, Semantics
from neuralc.dialects.interp.numerics import Array
from neuralc.dialects.syntax import PlainOp


def _dense(evaluator: Evaluator, op: PlainOp, x: Array, kernel: Array, bias: Array | None = None) -> Array:
    result = x @ kernel
    return np.asarray(result if bias is None else result + bias)


SEMANTICS: dict[type[Operation], Semantics] = {
    graph.DenseOp: _dense,
}
