"""What acts in training only stays in the model as it was written, and is gone where the model is only run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neuralc.dialects.graph import TrainingOp, the_model
from neuralc.dialects.interp import run_module
from neuralc.dialects.weights import WeightStore
from neuralc.frontends.nr import LoadedProgram, load
from neuralc.grammar.diagnostics import NeuralcError, Source
from neuralc.passes.base import PassContext
from neuralc.passes.graph.specialize_inference import SpecializeInferencePass


def loaded(layers: str, shape: str = "(4, 5, 6)") -> LoadedProgram:
    return load(Source("m.nr", f"network M {{ input: {shape} layers: {layers} }}"))


@pytest.mark.parametrize(
    ("layers", "op", "properties"),
    [
        ("Dropout(0.5)", "dropout", {"kind": "zeros", "rate": 0.5, "shared": ()}),
        ("Dropout(1.0)", "dropout", {"kind": "zeros", "rate": 1.0, "shared": ()}),
        ("Dropout(0.5, (None, 1, 5, 1), 3)", "dropout", {"kind": "zeros", "rate": 0.5, "shared": (1, 3), "seed": 3}),
        ("SpatialDropout2D(0.1)", "dropout", {"kind": "zeros", "rate": 0.1, "shared": (1, 2)}),
        (
            'SpatialDropout2D(0.1, "channels_first", 7)',
            "dropout",
            {"kind": "zeros", "rate": 0.1, "shared": (2, 3), "seed": 7},
        ),
        ("GaussianDropout(0.1, 2)", "dropout", {"kind": "gaussian", "rate": 0.1, "shared": (), "seed": 2}),
        ("AlphaDropout(0.1, seed=-1)", "dropout", {"kind": "alpha", "rate": 0.1, "shared": (), "seed": -1}),
        ("AlphaDropout(0.1, (1, None, None, 6))", "dropout", {"kind": "alpha", "rate": 0.1, "shared": (0,)}),
        ("GaussianNoise(0.25)", "gaussian_noise", {"stddev": 0.25}),
        ("GaussianNoise(1, seed=4)", "gaussian_noise", {"stddev": 1.0, "seed": 4}),
        ("ActivityRegularization(0.5, 0.25)", "activity_regularizer", {"l1": 0.5, "l2": 0.25}),
        ("ActivityRegularization()", "activity_regularizer", {"l1": 0.0, "l2": 0.0}),
    ],
)
def test_arguments_stay_in_the_model(layers: str, op: str, properties: dict[str, Any]) -> None:
    (found,) = [each for each in the_model(loaded(layers).module).block.ops if isinstance(each, TrainingOp)]
    assert found.name == f"graph.{op}"
    assert found.literals() == properties


def test_sequences_and_volumes_share_their_places() -> None:
    for layers, shape, shared in (
        ("SpatialDropout1D(0.5)", "(S, 3)", (1,)),
        ("SpatialDropout3D(0.5)", "(2, H, 3, 4)", (1, 2, 3)),
    ):
        (found,) = [op for op in the_model(loaded(layers, shape).module).block.ops if isinstance(op, TrainingOp)]
        assert found.literal("shared") == shared


def test_inference_is_the_value_itself() -> None:
    layers = """Dropout(0.5) SpatialDropout2D(0.5) GaussianNoise(0.5) GaussianDropout(0.5) AlphaDropout(0.5)
                ActivityRegularization(1.0)"""
    program = loaded(layers)
    x = np.random.default_rng(0).normal(size=(2, 4, 5, 6))
    np.testing.assert_array_equal(run_module(program.module, [x], WeightStore())[0], x)
    SpecializeInferencePass().run(program.module, PassContext())
    assert [op.name for op in the_model(program.module).block.ops] == ["graph.return"]


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ("SpatialDropout1D(0.5)", "it takes values of 3 axes, its input is (batch, 4, 5, 6)"),
        ("Dropout(0.5, (None, 1))", "a `noise_shape` of (None, 1) does not broadcast to its input (batch, 4, 5, 6)"),
        ("Dropout(0.5, (None, 2, 5, 6))", "a `noise_shape` of (None, 2, 5, 6) does not broadcast"),
    ],
)
def test_what_does_not_fit_is_refused(layers: str, message: str) -> None:
    with pytest.raises(NeuralcError) as caught:
        loaded(layers)
    (found,) = caught.value.diagnostics
    assert found.code == "E0401"
    assert message in found.message
