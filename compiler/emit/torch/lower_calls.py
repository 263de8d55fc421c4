"""graph.call -> a submodule applied, or `for block in self.blocks: x = block(x)` over repeated blocks."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from neuralc.dialects.graph import CallOp
from neuralc.emit.python.expressions import call
from neuralc.emit.python.names import Names
from neuralc.emit.torch.layouts import Layouts
from neuralc.emit.torch.nodes import Kind, Node
from neuralc.emit.torch.plan import ClassPlan
from neuralc.emit.torch.reserved import LOCAL_NAMES
from neuralc.emit.torch.values import Values


def lower_call(values: Values, op: CallOp) -> None:
    child = values.plan.child_at[op]
    arguments = values.layouts.callee(op).arguments
    data = [index for index, argument in enumerate(arguments) if argument not in child.plan.weight_names]
    inputs = [values.operand(op, index) for index in data]
    if len(op.results) == 1:
        values.define(op, Kind.CALL, inputs, lambda x: call(child.access, *x))
        return
    made = values.add(Kind.CALL, inputs, lambda x: call(child.access, *x), ())
    for index, result in enumerate(op.results):
        item = Node(Kind.ITEM, (made,), lambda x: x[0], values.shape(result, values.layouts.orders[result]))
        made.items.append(item)
        values.nodes.append(item)
        values.alias(op, item, index)


def lower_chain(values: Values, chain: Chain) -> None:
    """`for block in self.blocks: x = block(x)`, with the result of the last call."""
    x = values.operand(chain.calls[0], chain.input_index)
    loop = values.define(chain.calls[-1], Kind.LOOP, [x], lambda x: call(chain.variable, x[0]))
    loop.over, loop.name = f"self.{chain.attribute}", chain.variable


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
