"""Names values of an imported model: a layer as the tree of its weights has it, other values by what they are.

%dot_general = graph.dense %x, %w      with weight `encoder.dense_1.kernel`    ->    %dense_1 = ..
%div = graph.softmax %y                                                        ->    %softmax = ..
"""

from __future__ import annotations

from collections.abc import Iterator

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.syntax import PlainOp
from neuralc.passes.scopes import scopes_of

UNNAMED = (graph.GetWeightOp,)
"""Ops whose results have their names already."""


def name_values(module: ModuleOp) -> dict[str, SSAValue]:
    """Give the results of ops names that are unique in the model; and what they are called by their whole paths."""
    paths: dict[str, SSAValue] = {}
    for model in module.body.block.ops:
        if not isinstance(model, graph.ModelOp):
            continue
        taken = {argument.name_hint for argument in model.block.args}
        taken |= {op.results[0].name_hint for op in model.block.ops if isinstance(op, UNNAMED)}
        for op in _ops(model.block):
            for value in op.results:
                value.name_hint = _unique(_layer_of(op) or _kind_of(op), taken)
                taken.add(value.name_hint)
                if op.parent_block() is model.block:
                    paths[_unique(_path_of(op) or value.name_hint, set(paths))] = value
    return paths


def _path_of(op: Operation) -> str:
    """The path of a layer, or of the module around an op with what it is; nothing outside of all modules."""
    if layer := _layer_path(op):
        return layer
    scopes = scopes_of(op.location) if isinstance(op, PlainOp) else ()
    return f"{scopes[-1].path}.{_kind_of(op)}" if scopes else ""


def _ops(block: Block) -> Iterator[Operation]:
    for op in block.ops:
        if op.results and not isinstance(op, UNNAMED):
            yield op
        for region in op.regions:
            for inner in region.blocks:
                yield from _ops(inner)


def _layer_of(op: Operation) -> str:
    """The module that holds the weights of an op, by the end of its path: `dense_1`, `layers_0`."""
    parts = _layer_path(op).split(".")
    return "_".join(parts[-2:] if parts[-1].isdigit() else parts[-1:])


def _layer_path(op: Operation) -> str:
    """That path; nothing for an op that is no layer."""
    path = next((path for operand in op.operands[1:] if (path := _weight(operand))), "")
    return path.rpartition(".")[0] if isinstance(op, LAYERS) else ""


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
