"""Normalization layers against Keras, and InstanceNormalization against PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from support import nr_programs
from support.compare import assert_close
from support.keras_reference import agrees, layers, program_of, random_store
from support.pipelines import assert_native_agrees

from neuralc.dialects.graph import BatchNormOp, the_model
from neuralc.dialects.interp import run_module
from neuralc.grammar.diagnostics import NeuralcError

pytestmark = pytest.mark.thorough


def written(arguments: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in arguments.items())


# --- batch -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("arguments", "shape"),
    [
        ({}, (5,)),
        ({}, (4, 3, 2)),
        ({"axis": 1}, (4, 3, 2)),
        ({"axis": -2}, (4, 3, 2)),
        ({"center": False}, (3, 2)),
        ({"scale": False}, (3, 2)),
        ({"center": False, "scale": False, "epsilon": 0.5, "momentum": 0.9}, (3, 2)),
    ],
    ids=str,
)
def test_batch_normalization(arguments: dict[str, Any], shape: tuple[int, ...]) -> None:
    agrees(f"BatchNormalization({written(arguments)})", shape, layers.BatchNormalization(**arguments))


def test_batch_normalization_keeps_what_training_needs() -> None:
    text = 'BatchNormalization(momentum=0.8, gamma_regularizer=L2(0.01), beta_initializer="he_normal")'
    program = program_of(text, {"x": "(S, 3)"})
    (op,) = [op for op in the_model(program.module).block.ops if isinstance(op, BatchNormOp)]
    assert op.literal("momentum") == 0.8
    gamma, beta, mean, variance = program.weights
    assert gamma.regularizer is not None
    assert beta.initializer.name == "he_normal"
    assert (gamma.trainable, mean.trainable, variance.trainable) == (True, False, False)


# --- features of one example -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("arguments", "shape"),
    [
        ({}, (6,)),
        ({}, (4, 6)),
        ({"axis": [1, 2]}, (4, 6)),
        ({"axis": [-1, -2]}, (3, 4, 5)),
        ({"axis": [1, 3]}, (3, 4, 5)),
        ({"axis": [-3, -1], "center": False}, (3, 4, 5)),
        ({"scale": False, "epsilon": 0.25}, (4, 6)),
        ({"scale": False, "center": False}, (3, 4, 5)),
        ({"rms_scaling": True}, (4, 6)),
        ({"rms_scaling": True, "axis": [1, 3], "center": False, "epsilon": 0.1}, (3, 4, 5)),
    ],
    ids=str,
)
def test_layer_normalization(arguments: dict[str, Any], shape: tuple[int, ...]) -> None:
    agrees(f"LayerNormalization({written(arguments)})", shape, layers.LayerNormalization(**arguments))


@pytest.mark.parametrize(
    ("arguments", "shape"),
    [
        ({}, (6,)),
        ({"epsilon": 0.25}, (4, 6)),
        ({"axis": [1, 2]}, (4, 6)),
        ({"axis": [2, 3]}, (3, 4, 5)),
    ],
    ids=str,
)
def test_rms_normalization(arguments: dict[str, Any], shape: tuple[int, ...]) -> None:
    agrees(f"RMSNormalization({written(arguments)})", shape, layers.RMSNormalization(**arguments))


@pytest.mark.parametrize("axes", [(1,), (2,), (1, 3)], ids=str)
@pytest.mark.parametrize("layer", ["LayerNormalization", "RMSNormalization"])
def test_axes_in_the_middle(layer: str, axes: tuple[int, ...]) -> None:
    """By the definitions: Keras on PyTorch fails at one axis that is not the last, and at any scale along it."""
    program = program_of(f"{layer}({list(axes)}, epsilon=0.125)", {"x": "(3, 4, 5)"})
    store, x = random_store(program), np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    along = [size if axis in axes else 1 for axis, size in enumerate(x.shape)]
    scale, *shift = (np.reshape(store[weight.name], along).astype("float64") for weight in program.weights)
    centered = x - x.mean(axes, keepdims=True) if layer == "LayerNormalization" else x
    expected = scale * centered / np.sqrt((centered**2).mean(axes, keepdims=True) + 0.125) + sum(shift)
    assert_close(run_module(program.module, [x], store)[0], expected, 1e-10)
    assert_native_agrees(program.module, store, [{"x": x.astype("float32")}], 2)


@pytest.mark.parametrize(("axis", "shape"), [(-1, (6,)), (1, (3, 4)), ([1, 2], (3, 4)), ([-1, 1], (3, 4, 5))], ids=str)
def test_unit_normalization(axis: Any, shape: tuple[int, ...]) -> None:
    agrees(f"UnitNormalization({axis})", shape, layers.UnitNormalization(axis))


def test_a_vector_of_zeros_stays_one() -> None:
    agrees("UnitNormalization()", (3, 4), layers.UnitNormalization(), data={"x": np.zeros((2, 3, 4))})


# --- groups of channels ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("arguments", "shape"),
    [
        ({"groups": 2}, (4, 3, 6)),
        ({"groups": 1}, (4, 3, 6)),
        ({"groups": -1}, (4, 3, 6)),
        ({"groups": 6, "epsilon": 0.25}, (5, 6)),
        ({"groups": 2, "axis": 1}, (4, 3, 5)),
        ({"groups": 3}, (6,)),
        ({"groups": 2, "center": False}, (5, 6)),
        ({"groups": 2, "scale": False}, (5, 6)),
    ],
    ids=str,
)
def test_group_normalization(arguments: dict[str, Any], shape: tuple[int, ...]) -> None:
    agrees(f"GroupNormalization({written(arguments)})", shape, layers.GroupNormalization(**arguments))


def test_there_are_no_more_groups_than_channels() -> None:
    program = program_of("GroupNormalization(32)", {"x": "(4, 4, 3)"})
    assert [(found.code, found.message) for found in program.warnings] == [("W0410", "3 channels are 3 groups, not 32")]
    x = np.random.default_rng(0).normal(size=(2, 4, 4, 3))
    store = random_store(program)
    of_channels = program_of("GroupNormalization(-1)", {"x": "(4, 4, 3)"})
    np.testing.assert_array_equal(*(run_module(each.module, [x], store)[0] for each in (program, of_channels)))


# --- instances -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("arguments", "shape", "axis"),
    [("", (5, 3), -1), ("affine=true", (4, 5, 3), -1), ("3, eps=0.25", (2, 4, 5, 3), -1), ("axis=1", (3, 4, 5), 1)],
)
def test_instance_normalization(arguments: str, shape: tuple[int, ...], axis: int) -> None:
    def reference(x: Any, weights: Any) -> Any:
        gamma, beta = [torch.from_numpy(array) for array in weights.values()] or [None, None]
        first, eps = torch.from_numpy(np.moveaxis(x, axis, 1)), 0.25 if "eps" in arguments else 1e-5
        return np.moveaxis(F.instance_norm(first, weight=gamma, bias=beta, eps=eps).numpy(), 1, axis)

    nr_programs.agrees(f"InstanceNormalization({arguments})", {"x": shape}, reference)


# --- any size, and what does not fit ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "layer",
    [
        "BatchNormalization()",
        "LayerNormalization()",
        "LayerNormalization(1, center=false, scale=false)",
        "GroupNormalization(2)",
        "InstanceNormalization(affine=true)",
        "RMSNormalization()",
        "UnitNormalization([1, 2])",
    ],
)
def test_other_sizes_may_have_names(layer: str) -> None:
    program = program_of(layer, {"x": "(H, W, 4)"})
    store, generator = random_store(program), np.random.default_rng(0)
    inputs = [{"x": generator.normal(size=(2, h, w, 4)).astype("float32")} for h, w in ((3, 5), (7, 1))]
    assert_native_agrees(program.module, store, inputs, 2)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("BatchNormalization(axis=0)", "axis 0 is the batch, the channels are another one"),
        ("BatchNormalization(axis=1)", "the size of the normalized axis must be a number, it is S"),
        ("BatchNormalization(axis=3)", "axis 3 is outside a rank of 3"),
        ("LayerNormalization([1, 2])", "the size of axis 1 must be a number, it is S"),
        ("LayerNormalization([2, -1])", "`axis` names one axis twice"),
        ("GroupNormalization(3)", "4 channels cannot be divided into 3 groups"),
        ("GroupNormalization(0)", "`groups` is at least 1"),
        ("InstanceNormalization(8)", "`num_features` is 8, its input (batch, S, 4) has 4 channels"),
        ("Flatten() InstanceNormalization()", "must be a number"),
    ],
)
def test_what_does_not_fit_is_refused(layer: str, message: str) -> None:
    with pytest.raises(NeuralcError) as caught:
        program_of(layer, {"x": "(S, 4)"})
    (found,) = caught.value.diagnostics
    assert found.code == "E0401"
    assert message in found.message


def test_a_vector_has_no_places_to_normalize_over() -> None:
    with pytest.raises(NeuralcError, match="a channel needs places to be normalized over"):
        program_of("InstanceNormalization()", {"x": "(4,)"})
