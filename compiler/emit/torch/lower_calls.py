"""graph.call -> a submodule applied, or a loop over a list of them."""

from __future__ import annotations

from neuralc.dialects.graph import CallOp
from neuralc.emit.python.expressions import call
from neuralc.emit.torch.loops import Chain
from neuralc.emit.torch.nodes import Kind, Node
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
