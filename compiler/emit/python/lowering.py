"""From the ops of a function to expressions of a framework: finds the lowering of each op and runs them in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from xdsl.ir import Block, Operation

from neuralc.dialects.graph import (
    CallOp,
    FuncOp,
    GetStateOp,
    GetWeightOp,
    ReshapeOp,
    ReturnOp,
    SetStateOp,
    TransposeOp,
    YieldOp,
)
from neuralc.emit.layouts import Layouts
from neuralc.emit.python.form import Form
from neuralc.emit.python.lower_calls import Chain, chains, lower_call, lower_chain
from neuralc.emit.python.nodes import Node
from neuralc.emit.python.plan import ClassPlan
from neuralc.emit.python.values import Values
from neuralc.emit.refusals import Refusals


@dataclass(frozen=True)
class Lowered:
    """The expressions of one class's `forward`."""

    nodes: Sequence[Node]
    inputs: Sequence[Node]
    results: Sequence[Node]
    helpers: frozenset[str]
    """Functions of the file that the body uses."""
    kept: Mapping[str, Node] = field(default_factory=dict)
    """The states that the next run finds."""


def lower(plan: ClassPlan, layouts: Layouts, form: Form, refusals: Refusals, input_names: Sequence[str]) -> Lowered:
    """Lower the function of a class; what the form cannot say goes to `refusals`."""
    values = Values(plan, layouts, form, refusals)
    inputs = [values.add_input(value, wanted) for value, wanted in zip(plan.inputs, input_names, strict=True)]
    results = lower_block(values, plan.function.block, chains(plan, layouts, form, input_names))
    return Lowered(values.nodes, inputs, results, frozenset(values.helpers), values.kept)


def lower_block(values: Values, block: Block, in_loops: Mapping[CallOp, Chain]) -> list[Node]:
    """Lower the ops of a block; what it returns or yields."""
    plan, form = values.plan, values.form
    results: list[Node] = []
    for op in block.ops:
        if isinstance(op, ReturnOp | YieldOp):
            results = [values.operand(op, index) for index in range(len(op.operands))]
        elif isinstance(op, CallOp):
            _lower_call(values, op, in_loops.get(op))
        elif type(op) in form.lowerings:
            if not _only_carries_weight(op, plan):
                form.lowerings[type(op)](values, op)
        elif isinstance(op, GetStateOp | SetStateOp):
            values.refuse(op, "a module that keeps values between calls is not written yet")
        elif not isinstance(op, GetWeightOp):
            values.refuse(op, form.without_code.get(op.name, "neuralc does not know how to write this op"))
        elif isinstance(plan.function, FuncOp):
            values.refuse(op, "a function takes its weights as arguments")
    return results


def _lower_call(values: Values, op: CallOp, chain: Chain | None) -> None:
    """A call, or with the last call of a chain the loop that makes them all."""
    if chain is None:
        lower_call(values, op)
    elif op is chain.calls[-1]:
        lower_chain(values, chain)


def _only_carries_weight(op: Operation, plan: ClassPlan) -> bool:
    """True for a reshape or a transpose of a weight on its way into a layer, which the weights table does."""
    if not isinstance(op, ReshapeOp | TransposeOp):
        return False
    if op.operands[0] not in plan.weight_names or op.operands[0] in plan.free:
        return False
    return all(use.operation in plan.layer_at for use in op.results[0].uses)
