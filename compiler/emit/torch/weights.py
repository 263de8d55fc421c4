"""The weights of an emitted model: `load` and `save`, and what a file of its `state_dict` has."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from xdsl.dialects.builtin import Float16Type, Float64Type

from neuralc.dialects.types import element_of, is_float
from neuralc.emit.placements import Type, WeightPlan
from neuralc.emit.python.plan import ClassPlan
from neuralc.emit.python.structure import Structure
from neuralc.emit.python.writer import Writer


def weight_plan(structure: Structure) -> WeightPlan:
    """The parameters and buffers by their names in the `state_dict` of the model."""
    floats = float_type(structure.model)
    neutral = [replace(each, dtype=floats) if each.dtype.kind == "f" else each for each in structure.model.neutral()]
    return WeightPlan(structure.placements(structure.rows, floats), neutral)


def float_type(model: ClassPlan) -> Type:
    """The type of all floats of the model: torch makes parameters in float32, a model of another precision casts."""
    types = [element_of(value.type) for value in model.weight_names if is_float(element_of(value.type))]
    for kind, name in ((Float64Type, "float64"), (Float16Type, "float16")):
        if any(isinstance(each, kind) for each in types):
            return np.dtype(name)
    return np.dtype(np.float32)


def write_files(body: Writer, model: str) -> None:
    """`load` and `save`."""
    body.blank(2)
    with body.block(f"def load(path: str) -> {model}:"):
        body.docstring("The model with the weights of a safetensors file.")
        body.line(f"model = {model}()")
        body.line("model.load_state_dict(load_file(path))")
        body.line("return model")
    body.blank(2)
    with body.block(f"def save(model: {model}, path: str) -> None:"):
        body.docstring("Write the weights to a safetensors file that neuralc reads.")
        body.line("save_file(model.state_dict(), path)")
