"""Memory of activations over a run: which values are there while a layer runs, if each runs by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xdsl.ir import Attribute, Operation, SSAValue

from neuralc.dialects.dims import product
from neuralc.dialects.graph import TrainingOp, derived
from neuralc.dialects.types import element_bytes, element_of, shape_of

VIEWS = {"graph.reshape", "graph.identity", *(op.name for op in derived(TrainingOp))}
"""Ops whose result is the memory of their operand."""


@dataclass(frozen=True)
class Memory:
    """For each op of a run: bytes of its new results, and bytes that are there while it runs."""

    made: Sequence[int]
    live: Sequence[int]
    at_start: int


def memory_of(
    ops: Sequence[Operation], arguments: Sequence[SSAValue], results: Sequence[SSAValue], sizes: Mapping[str, int]
) -> Memory:
    """Values live from the op that makes them to the last one that reads them; a view is its operand.

    The caller has arguments and results, before and behind the run.
    """
    root: dict[SSAValue, SSAValue] = {}
    last: dict[SSAValue, int] = {}
    for step, op in enumerate(ops):
        for operand in op.operands:
            last[root.get(operand, operand)] = step
        for result in op.results:
            root[result] = root.get(op.operands[0], op.operands[0]) if op.name in VIEWS and op.operands else result
    for value in (*arguments, *results):
        last[root.get(value, value)] = len(ops)
    present = {value: size_in_bytes(value.type, sizes) for value in arguments}
    at_start = total = sum(present.values())
    ends: dict[int, list[SSAValue]] = {}
    for value, step in last.items():
        ends.setdefault(step, []).append(value)
    made, live = [], []
    for step, op in enumerate(ops):
        new: dict[SSAValue, int] = {
            result: size_in_bytes(result.type, sizes) for result in op.results if root[result] is result
        }
        present |= new
        made.append(sum(new.values()))
        total += made[-1]
        live.append(total)
        gone = (*ends.get(step, ()), *(result for result in new if result not in last))
        total -= sum(present.pop(value, 0) for value in gone)
    return Memory(made, live, at_start)


def size_in_bytes(type_: Attribute, sizes: Mapping[str, int]) -> int:
    count = product(list(shape_of(type_))).evaluate(sizes)
    return max(0, count) * element_bytes(element_of(type_))
