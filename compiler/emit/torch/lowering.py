"""From the ops of a function to expressions of torch: finds the lowering of each op and runs them in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects.graph import CallOp, FuncOp, GetStateOp, GetWeightOp, ReshapeOp, ReturnOp, SetStateOp, TransposeOp
from neuralc.emit.torch import lower_axes, lower_functions, lower_indexing, lower_layers, lower_moves, lower_training
from neuralc.emit.torch.layouts import Layouts
from neuralc.emit.torch.lower_calls import Chain, chains, lower_call, lower_chain
from neuralc.emit.torch.nodes import Node
from neuralc.emit.torch.plan import ClassPlan
from neuralc.emit.torch.refusals import Refusals
from neuralc.emit.torch.values import Values

LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    **lower_layers.LOWERINGS,
    **lower_moves.LOWERINGS,
    **lower_indexing.LOWERINGS,
    **lower_functions.LOWERINGS,
    **lower_axes.LOWERINGS,
    **lower_training.LOWERINGS,
}
"""How each op that is neither a call nor part of a function's frame becomes torch code."""

WITHOUT_CODE = frozenset(
    [
        "arg_max_pool",
        "custom",
        "deform_conv",
        "dequantize",
        "fold",
        "gather_elements",
        "gather_nd",
        "grid_sample",
        "gru",
        "if",
        "loop",
        "lstm",
        "max_roi_pool",
        "quantize",
        "reverse_sequence",
        "rnn",
        "roi_align",
        "scan",
        "scatter_elements",
        "scatter_nd",
    ]
)
"""Ops of the graph level that E0850 names, as nobody has written them in torch's words yet."""


@dataclass(frozen=True)
class Lowered:
    """The expressions of one class's `forward`."""

    nodes: Sequence[Node]
    inputs: Sequence[Node]
    results: Sequence[Node]
    needs_average_pool: bool


def lower(plan: ClassPlan, layouts: Layouts, refusals: Refusals, input_names: Sequence[str]) -> Lowered:
    """Lower the function of a class; what torch code is not written for goes to `refusals`."""
    values = Values(plan, layouts, refusals)
    inputs = [values.add_input(value, wanted) for value, wanted in zip(plan.inputs, input_names, strict=True)]
    in_loops = chains(plan, layouts, input_names)
    results: list[Node] = []
    for op in plan.function.block.ops:
        if isinstance(op, ReturnOp):
            results = [values.operand(op, index) for index in range(len(op.operands))]
        elif isinstance(op, CallOp):
            _lower_call(values, op, in_loops.get(op))
        elif type(op) in LOWERINGS:
            if not _only_carries_weight(op, plan):
                LOWERINGS[type(op)](values, op)
        elif isinstance(op, GetStateOp | SetStateOp):
            values.refuse(op, "a module that keeps values between calls is not written yet")
        elif not isinstance(op, GetWeightOp):
            values.refuse(op, "neuralc does not know how to write this op")
        elif isinstance(plan.function, FuncOp):
            values.refuse(op, "a function takes its weights as arguments")
    return Lowered(values.nodes, inputs, results, values.needs_average_pool)


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
