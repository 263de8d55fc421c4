"""Reductions, in numpy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.dialects.interp.evaluator import Evaluator, Semantics
from neuralc.dialects.interp.numerics import Array
from neuralc.dialects.syntax import PlainOp

REDUCTIONS: dict[str, Callable[..., Any]] = {"sum": np.sum, "mean": np.mean, "maximum": np.max, "minimum": np.min}


def _reduce(evaluator: Evaluator, op: PlainOp, x: Array) -> Array:
    return np.asarray(REDUCTIONS[op.literal("kind")](x, axis=op.literal("axes"), keepdims=op.literal("keepdims")))


SEMANTICS: dict[type[Operation], Semantics] = {
    graph.ReduceOp: _reduce,
}
