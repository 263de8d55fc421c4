"""Repeated blocks that feed each other: `for block in self.blocks: x = block(x)` instead of one line each."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from neuralc.dialects.graph import CallOp
from neuralc.emit.python.names import Names
from neuralc.emit.torch.layouts import Layouts
from neuralc.emit.torch.reserved import LOCAL_NAMES
from neuralc.emit.torch.structure import ClassPlan


@dataclass(frozen=True)
class Chain:
    """Calls of all items of a ModuleList in turn, each applied to nothing but the result of the one before."""

    calls: tuple[CallOp, ...]
    attribute: str
    input_index: int
    variable: str


def chains(plan: ClassPlan, layouts: Layouts) -> dict[CallOp, Chain]:
    """The chain each call belongs to, for calls that a loop can write."""
    lists: dict[str, list[CallOp]] = {}
    for call, child in plan.child_at.items():
        if child.index is not None:
            lists.setdefault(child.attribute, []).append(call)
    found: dict[CallOp, Chain] = {}
    names = Names(LOCAL_NAMES | {"x", "y", "z"})
    for attribute, calls in lists.items():
        index = _data_index(plan, calls[0])
        if len(calls) > 1 and index is not None and _is_chain(plan, layouts, calls, index):
            chain = Chain(
                tuple(calls), attribute, index, names.claim(f"{attribute}_" if attribute in names else attribute)
            )
            found.update(dict.fromkeys(calls, chain))
    return found


def _data_index(plan: ClassPlan, call: CallOp) -> int | None:
    """Which operand is the one that is not a weight."""
    data = [index for index, operand in enumerate(call.args) if operand not in plan.weight_names]
    return data[0] if len(data) == 1 and len(call.results) == 1 else None


def _is_chain(plan: ClassPlan, layouts: Layouts, calls: list[CallOp], index: int) -> bool:
    if [plan.child_at[call].index for call in calls] != list(range(len(calls))):
        return False
    if len({plan.child_at[call].plan.name for call in calls}) != 1:
        return False
    return all(
        after.args[index] is before.results[0]
        and before.results[0].has_one_use()
        and layouts.orders[before.results[0]] == layouts.needs[after][index]
        for before, after in pairwise(calls)
    )
