"""What control flow computes, on the graph and on the tensor level: regions are run by the evaluator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from xdsl.ir import Attribute

from neuralc.dialects.control import Choice, Scan, sliced
from neuralc.dialects.interp.evaluator import Evaluator
from neuralc.dialects.interp.numerics import Array
from neuralc.dialects.types import numpy_dtype

if TYPE_CHECKING:
    from neuralc.dialects.tensor import WhileOp


def scan(evaluator: Evaluator, op: Scan, *operands: Array) -> list[Array]:
    """The last carried values, and the stacked ones in the order of the slices they were made with."""
    carried, scanned, captured = split(operands, len(op.carried), len(op.scanned))
    trips = evaluator.size(op.trips.data)
    walked = [x[::-1] if flag else x for x, flag in zip(scanned, op.flags, strict=False)]
    rounds: list[Sequence[Array]] = []
    for i in range(trips):
        results = evaluator.block(op.block, [*carried, *(np.asarray(x[i]) for x in walked), *captured])
        carried, made = results[: len(carried)], results[len(carried) :]
        rounds.append(made)
    ends = op.res[len(op.carried) :]
    stacks = [stack(evaluator, end.type, [made[i] for made in rounds]) for i, end in enumerate(ends)]
    flags = op.flags[len(scanned) :]
    return [*carried, *(x[::-1] if flag else x for x, flag in zip(stacks, flags, strict=True))]


def stack(evaluator: Evaluator, type_: Attribute, values: Sequence[Array]) -> Array:
    """Values one behind the other; an empty array of the right shape where there is none."""
    if values:
        return np.stack([np.asarray(value) for value in values])
    slice_type = sliced(type_)
    return np.zeros((0, *evaluator.shape(slice_type)), numpy_dtype(slice_type.element_type))


def choose(evaluator: Evaluator, op: Choice, condition: Array, *operands: Array) -> list[Array]:
    """Only the region that is chosen is run."""
    then_values, else_values = split(operands, len(op.then_captured))
    if condition:
        return evaluator.block(op.then_body.block, then_values)
    return evaluator.block(op.else_body.block, else_values)


def repeat(evaluator: Evaluator, op: WhileOp, condition: Array, *operands: Array) -> list[Array]:
    carried, captured = split(operands, len(op.carried))
    limit = None if op.limit is None else evaluator.size(op.limit.data)
    rounds = 0
    while condition and (limit is None or rounds < limit):
        condition, *carried = evaluator.block(op.block, [*carried, *captured])
        rounds += 1
    return list(carried)


def split(values: Sequence[Array], *counts: int) -> list[list[Array]]:
    """Values by how many belong together; the rest last."""
    parts: list[list[Array]] = []
    start = 0
    for count in counts:
        parts.append(list(values[start : start + count]))
        start += count
    return [*parts, list(values[start:])]
