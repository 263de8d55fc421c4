"""Holds what neuralc makes of Keras models, live and from a file, against Keras on PyTorch.

agrees(keras.Sequential([keras.Input((8,)), layers.Dense(4)]), [x])
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from support.compare import assert_close
from support.keras_reference import keras

from neuralc.dialects.graph import ModelOp
from neuralc.dialects.interp import run_module
from neuralc.dialects.types import element_of, numpy_dtype
from neuralc.frontends.keras.load import from_keras, load
from neuralc.imported import ImportedModel

Array = NDArray[Any]

CENTER = {"moving_variance": 2.0, "variance": 2.0, "gamma": 1.0, "scale": 1.0}
"""Around what the values of weights lie, by their names; around 0 for all others."""


def randomize(model: Any, seed: int = 0) -> Any:
    """The model with random weights, the same ones in every precision."""
    generator = np.random.default_rng(seed)
    for variable in model.weights:
        if "float" in str(variable.dtype) and "seed_generator" not in variable.path:
            values = CENTER.get(variable.name, 0.0) + 0.3 * generator.normal(size=variable.shape)
            variable.assign(values.astype("float32"))
    return model


def expected(model: Any, inputs: Sequence[Array]) -> list[Array]:
    """What Keras gives for inputs, all outputs in the order in which the model lists them."""
    given: Any = list(inputs) if len(inputs) > 1 else inputs[0]
    structure = getattr(model, "input", None)
    if isinstance(structure, dict):
        given = dict(zip(structure, inputs, strict=True))
    results = model(given, training=False)
    if isinstance(results, dict):  # a call sorts the names
        results = [results[name] for name in json.loads(model.to_json())["config"]["output_layers"]]
    named = keras.tree.flatten(results)
    return [np.asarray(keras.ops.convert_to_numpy(result)) for result in named]


def imported(model: Any, folder: Path) -> tuple[ImportedModel, ImportedModel]:
    """The model from a file and live."""
    path = folder / "model.keras"
    model.save(path)
    return load(path), from_keras(model)


def _model(found: ImportedModel) -> ModelOp:
    return next(op for op in found.module.body.block.ops if isinstance(op, ModelOp))


def agrees(model: Any, inputs: Sequence[Array], folder: Path, tolerance: float = 1e-10) -> ImportedModel:
    """Holds the reference semantics of the imported model against Keras, and its weights by their names.

    The model is in float64, where the tolerance is the usual one. Gives what was imported from the file."""
    wanted = expected(model, inputs)
    found = imported(model, folder)
    for each in found:
        each.module.verify()
        results = run_module(each.module, list(inputs), each.weights)
        assert [result.shape for result in results] == [reference.shape for reference in wanted]
        types = [numpy_dtype(element_of(value.type)) for value in _model(each).terminator.operands]
        for result, reference, type_ in zip(results, wanted, types, strict=True):
            assert type_ == reference.dtype
            assert_close(result, reference, tolerance)
    assert str(found[0].module) == str(found[1].module)
    assert list(found[0].weights) == list(found[1].weights)
    for name in found[0].weights:
        np.testing.assert_array_equal(found[0].weights[name], found[1].weights[name])
    return found[0]
