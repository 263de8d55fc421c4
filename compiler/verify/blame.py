"""Whether a layer that differs is computed wrongly itself, or was handed other operands than the other framework's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import OpResult, SSAValue

from neuralc.dialects.graph import declared_dims, symbols, the_model
from neuralc.dialects.interp.binding import bind_dims
from neuralc.dialects.interp.evaluator import Evaluator, Weights
from neuralc.dialects.interp.numerics import Numerics
from neuralc.dialects.interp.states import States
from neuralc.dialects.weights import WeightStore

Array = NDArray[Any]


def recompute(
    module: ModuleOp, weights: WeightStore, inputs: Mapping[str, Array], found: Mapping[str, Array], name: str
) -> Array:
    """What the op that makes the value `name` gives in float64 for the operands it had: those in `found`.

    `module` has all its values as outputs (`layers.expose`), and `found` what they were in a run.
    """
    model = the_model(module)
    outputs = dict(zip(model.outputs, model.terminator.operands, strict=True))
    known: dict[SSAValue, Array] = {value: found[output] for output, value in outputs.items()}
    known.update((argument, inputs[port]) for port, argument in zip(model.inputs, model.arguments, strict=True))
    types = [argument.type for argument in model.arguments]
    sizes = bind_dims(model.inputs, types, [inputs[port].shape for port in model.inputs], declared_dims(module))
    table = symbols(module)
    values = Weights(table, weights)
    states = States(module, model, {}, lambda name: values.value(name, Numerics.EXACT), Numerics.EXACT, sizes)
    evaluator = Evaluator(table, values, Numerics.EXACT, sizes, states=states)

    def computed(value: SSAValue) -> Array:
        if value in known:
            return known[value]
        return result(value)  # a weight, a state at first, a constant, a size: it has no operands

    def result(value: SSAValue) -> Array:
        if not isinstance(value, OpResult):
            raise ValueError(f"`{name}` is not computed by an op")
        return evaluator.op(value.op, [computed(operand) for operand in value.op.operands])[value.index]

    with np.errstate(all="ignore"):
        return result(outputs[name])
