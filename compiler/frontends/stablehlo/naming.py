"""Names values of an imported model: a layer as the tree of its weights has it, other values by what they are.

%dot_general = graph.dense %x, %w      with weight `encoder.dense_1.kernel`    ->    %dense_1 = ..
%div = graph.softmax %y                                                        ->    %softmax = ..
"""

from __future__ import annotations

from collections.abc import Iterator

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, SSAValue

from neuralc.dialects import graph

UNNAMED = (graph.GetWeightOp,)
"""Ops whose results have their names already."""


def name_values(module: ModuleOp) -> None:
    """Give the results of ops names that are unique in the model."""
    for model in module.body.block.ops:
        if not isinstance(model, graph.ModelOp):
            continue
        taken = {argument.name_hint for argument in model.block.args}
        taken |= {op.results[0].name_hint for op in model.block.ops if isinstance(op, UNNAMED)}
        for op in _ops(model.block):
            for value in op.results:
                value.name_hint = _unique(_layer_of(op) or _kind_of(op), taken)
                taken.add(value.name_hint)


def _ops(block: Block) -> Iterator[Operation]:
    for op in block.ops:
        if op.results and not isinstance(op, UNNAMED):
            yield op
        for region in op.regions:
            for inner in region.blocks:
                yield from _ops(inner)


def _layer_of(op: Operation) -> str:
    """The module that holds the weights of an op, by the end of its path: `dense_1`, `layers_0`."""
    path = next((path for operand in op.operands[1:] if (path := _weight(operand))), "")
    parts = path.split(".")[:-1]
    if not parts or not isinstance(op, LAYERS):
        return ""
    return "_".join(parts[-2:] if parts[-1].isdigit() else parts[-1:])


LAYERS = (
    graph.DenseOp, graph.ConvOp, graph.ConvTransposeOp, graph.EinsumOp, graph.BatchNormOp, graph.LayerNormOp,
    graph.RmsNormOp, graph.GroupNormOp,
)  # fmt: skip
"""Ops that are a layer with weights of its own."""


def _weight(value: SSAValue) -> str:
    """The weight that a value is a view of."""
    while isinstance(value.owner, graph.TransposeOp | graph.ReshapeOp):
        value = value.owner.operands[0]
    return value.owner.weight_name if isinstance(value.owner, graph.GetWeightOp) else ""


def _kind_of(op: Operation) -> str:
    kind = op.literal("kind") if isinstance(op, graph.ReduceOp | graph.CumulateOp) else op.name
    return str(kind).removeprefix("graph.")


def _unique(name: str, taken: set[str | None]) -> str:
    found, count = name, 0
    while found in taken:
        count += 1
        found = f"{name}_{count}"
    return found
