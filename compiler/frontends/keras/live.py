"""A Keras model in memory: its configuration as a file would hold it, and its arrays, shared where they can be."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from neuralc.dialects.weights import Array
from neuralc.frontends.keras.archive import Entry
from neuralc.frontends.keras.model_config import CONTAINERS
from neuralc.frontends.keras.names import identifier
from neuralc.frontends.nr.functions import WeightDeclaration
from neuralc.grammar.diagnostics import NeuralcError, error, usage_error

UNUSED = ("seed_generator", "count")
"""Variables that no run reads: states of random numbers, and how often `Normalization.adapt` counted."""


def graph_of_layers(model: Any) -> Any:
    """The model itself where it is sequential or functional; else the graph of the layers that its call applies.

    Raises UsageError for what is no model of Keras 3, NeuralcError E0644 where a call is no graph of layers.
    """
    keras = sys.modules.get("keras")
    if keras is None or not isinstance(model, keras.Model):
        kind = f"{type(model).__module__}.{type(model).__qualname__}"
        raise usage_error("E0813", f"`from_keras` takes a model of Keras 3, not `{kind}`")
    if type(model).__name__ in CONTAINERS:
        return model
    try:
        found = model.get_build_config()
        shape = found["input_shape"] if found and "input_shape" in found else None
        if shape is None:
            raise TypeError("it was never called on one value, so that nothing says the shape of its input")
        inputs = keras.tree.map_shape_structure(lambda each: keras.Input((*each[1:],)), shape)
        return keras.Model(inputs, model.call(inputs), name=model.name)
    except NeuralcError:
        raise
    except Exception as fault:  # whatever the code of the model raises
        raise _no_graph(type(model).__name__, str(fault)) from None


def _no_graph(name: str, reason: str) -> NeuralcError:
    return error(
        "E0644",
        f"`{name}` is a class of its own, and its call is no graph of layers",
        note=f"on symbolic values it fails: {reason.strip().splitlines()[0] if reason.strip() else 'no reason given'}",
        help="make it functional: `x = keras.Input(shape)`, `keras.Model(x, ...)` of layers and keras.ops",
    )


def configuration(model: Any) -> Any:
    """A sequential or functional model as the JSON that a file would hold."""
    return json.loads(json.dumps(sys.modules["keras"].saving.serialize_keras_object(model), default=str))


class Variables:
    """The arrays of the layers of a live model."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def find(self, path: str, declared: Sequence[WeightDeclaration]) -> Sequence[Entry]:
        """The arrays of the layer at a path, in the order of its weights."""
        layer = self._model
        for name in path.split("."):
            layer = next(each for each in layer.layers if identifier(each.name) == name)
        variables = [each for each in layer.weights if not set(each.path.split("/")[1:]) & set(UNUSED)]
        by_name = {variable.name: variable for variable in variables}
        names = [weight.name.rpartition(".")[2] for weight in declared]
        if len(by_name) == len(variables) and set(names) <= set(by_name):
            variables = [by_name[name] for name in names]
        return [_entry(variable) for variable in variables]


def _entry(variable: Any) -> Entry:
    return Entry(tuple(variable.shape), str(variable.dtype), partial(_array, variable), id(variable))


def _array(variable: Any) -> Array:
    """The values of a variable: the memory of the model itself where its backend gives it away."""
    keras, value = sys.modules["keras"], variable.value
    backend = keras.config.backend()
    if backend == "torch" and str(variable.dtype) != "bfloat16":  # for which numpy has no type of its own
        array: Array = value.detach().cpu().numpy()
    elif backend == "jax":
        array = np.asarray(value)
    else:
        array = keras.ops.convert_to_numpy(value)
    return array
