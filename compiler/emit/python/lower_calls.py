"""graph.call -> a submodule applied, or `for block in self.blocks: x = block(x)` over repeated blocks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from neuralc.dialects.graph import CallOp
from neuralc.emit.layouts import Layouts
from neuralc.emit.python.form import RUNNING, Form
from neuralc.emit.python.names import Names
from neuralc.emit.python.nodes import Kind, Node
from neuralc.emit.python.plan import Child, ClassPlan
from neuralc.emit.python.values import Values


@dataclass(frozen=True)
class Chain:
    """Calls of all items of a ModuleList in turn, each applied to nothing but the result of the one before."""

    calls: tuple[CallOp, ...]
    attribute: str
    input_index: int
    variable: str
    child: Child


def chains(plan: ClassPlan, layouts: Layouts, form: Form, taken: Iterable[str]) -> dict[CallOp, Chain]:
    """The chain each call belongs to, for calls that a loop can write; `taken` are names of other variables."""
    lists: dict[str, list[CallOp]] = {}
    for op, child in plan.child_at.items():
        if child.index is not None:
            lists.setdefault(child.attribute, []).append(op)
    found: dict[CallOp, Chain] = {}
    names = Names({*form.local_names, *RUNNING, *taken})
    for attribute, ops in lists.items():
        index = _data_index(plan, ops[0])
        if index is not None and _is_chain(plan, layouts, ops, index):
            chain = Chain(
                tuple(ops), attribute, index, names.claim(form.loop_variable(attribute)), plan.child_at[ops[0]]
            )
            found.update(dict.fromkeys(ops, chain))
    return found


def _data_index(plan: ClassPlan, op: CallOp) -> int | None:
    """Which operand is the only one that is not a weight; None where there are several, or several results."""
    data = [index for index, operand in enumerate(op.args) if operand not in plan.weight_names]
    return data[0] if len(data) == 1 and len(op.results) == 1 else None


def _is_chain(plan: ClassPlan, layouts: Layouts, ops: Sequence[CallOp], index: int) -> bool:
    children = [plan.child_at[op] for op in ops]
    if [child.index for child in children] != list(range(len(ops))):
        return False
    if len({child.plan.name for child in children}) != 1:
        return False
    return all(
        after.args[index] is before.results[0]
        and before.results[0].has_one_use()
        and layouts.orders[before.results[0]] == layouts.needs[after][index]
        for before, after in pairwise(ops)
    )


def lower_call(values: Values, op: CallOp) -> None:
    child = values.plan.child_at[op]
    arguments = values.layouts.callee(op).arguments
    data = [index for index, argument in enumerate(arguments) if argument not in child.plan.weight_names]
    inputs = [values.operand(op, index) for index in data]
    form, held = values.form, values.form.access(child.attribute, child.index)
    if len(op.results) == 1:
        values.define(op, Kind.CALL, inputs, lambda x: form.applied(child, held, x))
        return
    made = values.add(Kind.CALL, inputs, lambda x: form.applied(child, held, x), ())
    for index, result in enumerate(op.results):
        item = Node(Kind.ITEM, (made,), lambda x: x[0], values.shape(result, values.layouts.orders[result]))
        made.items.append(item)
        values.nodes.append(item)
        values.alias(op, item, index)


def lower_chain(values: Values, chain: Chain) -> None:
    """`for block in self.blocks: x = block(x)`, with the result of the last call."""
    x = values.operand(chain.calls[0], chain.input_index)
    form = values.form
    loop = values.define(chain.calls[-1], Kind.LOOP, [x], lambda x: form.applied(chain.child, chain.variable, x[:1]))
    loop.over, loop.name = form.access(chain.attribute), chain.variable
