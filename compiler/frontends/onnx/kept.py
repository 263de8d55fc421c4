"""Puts back into a module what its ONNX keeps beside the graph: states, and how weights begin and are trained."""

from __future__ import annotations

from xdsl.dialects.builtin import ArrayAttr, ModuleOp, StringAttr, TensorType

from neuralc.dialects.graph import GetStateOp, ModelOp, ReturnOp, SetStateOp, StateOp, WeightOp
from neuralc.frontends.onnx.metadata import NEXT, TRAINABLE, Metadata, initial
from neuralc.frontends.onnx.scope import invalid
from neuralc.frontends.refusals import shown


def keep(module: ModuleOp, model: ModelOp, kept: Metadata) -> None:
    """Raises NeuralcError E0612 where an entry does not fit the model."""
    for op in module.body.block.ops:
        if isinstance(op, WeightOp):
            for name, rule in kept.weights.get(op.sym_name.data, {}).items():
                (op.attributes if name == TRAINABLE else op.properties)[name] = rule
    for name, text in kept.states.items():
        if name in model.inputs and name + NEXT in model.outputs:
            _state(module, model, name, initial(name, text))


def _state(module: ModuleOp, model: ModelOp, name: str, first: bool | int | float | str) -> None:
    """An input and an output become a state: the one is what a run finds, the other what it leaves."""
    found, left = model.inputs.index(name), model.outputs.index(name + NEXT)
    block, end = model.block, model.terminator
    argument, following = block.args[found], end.operands[left]
    if argument.type != following.type or not isinstance(argument.type, TensorType):
        raise invalid(f"the state `{shown(name)}` is {argument.type}, its next value {following.type}")
    module.body.block.insert_op_before(StateOp(name, argument.type, first), model)
    read = GetStateOp(name, argument.type)
    read.results[0].name_hint = argument.name_hint
    block.insert_op_before(read, block.first_op or end)
    argument.replace_all_uses_with(read.results[0])
    block.erase_arg(argument)
    kept = [value for index, value in enumerate(end.operands) if index != left]
    block.insert_ops_before([SetStateOp(name, end.operands[left]), ReturnOp(kept)], end)
    block.erase_op(end)
    model.input_names = _without(model.input_names, found)
    model.output_names = _without(model.output_names, left)
    model.returns = ArrayAttr([value.type for value in kept])


def _without(names: ArrayAttr[StringAttr], index: int) -> ArrayAttr[StringAttr]:
    return ArrayAttr([name for i, name in enumerate(names) if i != index])
