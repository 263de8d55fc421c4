"""Whole models as users write them: numbers of Keras in float64, native code in float32, parameters by their names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.keras_import import agrees, imported, randomize
from support.keras_models import MODELS, Example
from support.keras_reference import keras
from support.pipelines import assert_native_agrees

pytestmark = pytest.mark.thorough

EACH = pytest.mark.parametrize("example", MODELS, ids=lambda example: example.name)


@EACH
def test_numbers_are_those_of_keras(example: Example, tmp_path: Path) -> None:
    keras.utils.clear_session()
    found = agrees(randomize(example.make()), example.inputs(), tmp_path)
    assert found.name == example.name


@EACH
def test_native_code_agrees_in_float32(example: Example, tmp_path: Path, single: Any) -> None:
    keras.utils.clear_session()
    model = randomize(example.make())
    found, _ = imported(model, tmp_path)
    arrays = [array.astype("float32") if array.dtype == np.float64 else array for array in example.inputs()]
    inputs = dict(zip(found.module.body.block.last_op.inputs, arrays, strict=True))  # type: ignore[union-attr]
    assert_native_agrees(found.module, found.weights, [inputs], 2)


@EACH
def test_parameters_have_the_names_and_values_of_keras(example: Example, tmp_path: Path) -> None:
    keras.utils.clear_session()
    model = randomize(example.make())
    found, _ = imported(model, tmp_path)
    variables = {each.path: each for each in model.weights if "seed_generator" not in each.path}
    for name, array in found.weights.items():
        if name.endswith(".constant"):
            continue  # an array that was written into the graph
        # On the way Keras has the names of sequential models and of cells too, and none of functional models.
        parts = name.split(".")
        paths = [path for path in variables if _within(parts, path.split("/"))]
        (path,) = paths or [path for path in variables if _within(parts[-2:], path.split("/"))]
        np.testing.assert_array_equal(array, keras.ops.convert_to_numpy(variables.pop(path).value))
    assert not variables


def _within(parts: list[str], path: list[str]) -> bool:
    """Whether parts stand in a path in their order, and end it."""
    rest = iter(path)
    return parts[-1] == path[-1] and all(part in rest for part in parts)
