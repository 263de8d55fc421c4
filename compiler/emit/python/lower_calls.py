"""graph.call -> a submodule applied, or `for block in self.blocks: x = block(x)` over repeated blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from neuralc.dialects.graph import CallOp
from neuralc.emit.layouts import Layouts
from neuralc.emit.python.expressions import Expression
from neuralc.emit.python.form import RUNNING, Form
from neuralc.emit.python.names import Names
from neuralc.emit.python.nodes import Kind, Node
from neuralc.emit.python.plan import Child, ClassPlan
from neuralc.emit.python.values import Values

_LOOPING = ("block", "layer", "part")
"""What a loop calls the parts of the model where their own name is taken."""


@dataclass(frozen=True)
class Chain:
    """Calls of all items of a ModuleList in turn, each applied to what the one before gives, and to the same others."""

    calls: tuple[CallOp, ...]
    attribute: str
    data: tuple[int, ...]
    """The operands that are no weights; the first of them that changes is the result of the call before."""
    carried: int
    """Which of these that is."""
    variable: str
    over: Callable[[], str]
    child: Child


def chains(plan: ClassPlan, layouts: Layouts, form: Form, taken: Iterable[str]) -> dict[CallOp, Chain]:
    """The chain each call belongs to, for calls that a loop can write; `taken` are names of other variables."""
    lists: dict[str, list[CallOp]] = {}
    for op, child in plan.child_at.items():
        if child.index is not None:
            lists.setdefault(child.attribute, []).append(op)
    found: dict[CallOp, Chain] = {}
    reserved = {*form.local_names, *RUNNING, *taken}
    for attribute, ops in lists.items():
        data = plan.data_of(ops[0])
        carried = _carried(ops, data)
        if carried is not None and _is_chain(plan, layouts, ops, data, carried):
            variable, over = form.loop(form, attribute)
            free = next((name for name in (variable, *_LOOPING) if name not in reserved), variable)
            name, child = Names(reserved).claim(free), plan.child_at[ops[0]]
            chain = Chain(tuple(ops), attribute, data, carried, name, over, child)
            found.update(dict.fromkeys(ops, chain))
    return found


def _carried(ops: Sequence[CallOp], data: Sequence[int]) -> int | None:
    """Which operand of a call is the result of the one before; None where none is, or a call has several results."""
    if len(ops) < 2 or len(ops[0].results) != 1:
        return None
    return next((place for place, index in enumerate(data) if ops[1].args[index] is ops[0].results[0]), None)


def _is_chain(plan: ClassPlan, layouts: Layouts, ops: Sequence[CallOp], data: Sequence[int], carried: int) -> bool:
    children = [plan.child_at[op] for op in ops]
    if [child.index for child in children] != list(range(len(ops))):
        return False
    if len({child.plan.name for child in children}) != 1:
        return False
    index, others = data[carried], [each for place, each in enumerate(data) if place != carried]
    return all(
        after.args[index] is before.results[0]
        and all(after.args[other] is before.args[other] for other in others)
        and all(layouts.needs[after][other] == layouts.needs[before][other] for other in others)
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
    inputs = [values.operand(chain.calls[0], index) for index in chain.data]
    inputs.insert(0, inputs.pop(chain.carried))
    form = values.form

    def applied(x: Sequence[Expression]) -> Expression:
        arguments = list(x[1:])
        arguments.insert(chain.carried, x[0])
        return form.applied(chain.child, chain.variable, arguments)

    loop = values.define(chain.calls[-1], Kind.LOOP, inputs, applied)
    loop.over, loop.name = chain.over, chain.variable
