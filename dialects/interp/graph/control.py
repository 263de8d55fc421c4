"""Choices, repetitions and recurrences, in numpy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.dialects.interp.control import choose, scan, split, stack
from neuralc.dialects.interp.evaluator import Evaluator, Semantics
from neuralc.dialects.interp.numerics import Array
from neuralc.grammar.diagnostics import error


def _loop(evaluator: Evaluator, op: graph.LoopOp, *operands: Array) -> list[Array]:
    limits, conditions, carried, captured = split(
        operands, int(op.limit is not None), int(op.condition is not None), len(op.carried)
    )
    bounds = [int(limit) for limit in limits] + ([] if op.trips is None else [evaluator.size(op.trips.data)])
    going, number = all(conditions), 0
    rounds: list[Sequence[Array]] = []
    while going and all(number < bound for bound in bounds):
        results = evaluator.block(op.block, [np.asarray(number, np.int64), *carried, *captured])
        if conditions:
            going = bool(results.pop(0))
        carried, made = results[: len(carried)], results[len(carried) :]
        rounds.append(made)
        number += 1
    ends = op.res[len(carried) :]
    if ends and op.trips is not None and number != evaluator.size(op.trips.data):
        raise error("E9901", f"graph.loop ran {number} rounds, its stacked results are of {op.trips.data}")
    return [*carried, *(stack(evaluator, end.type, [made[i] for made in rounds]) for i, end in enumerate(ends))]


SEMANTICS: dict[type[Operation], Semantics] = {
    graph.IfOp: choose,
    graph.LoopOp: _loop,
    graph.ScanOp: scan,
}
