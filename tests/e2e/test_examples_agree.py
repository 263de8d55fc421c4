"""The examples: every way of running a trained model predicts the same for every held-out image."""

from __future__ import annotations

import numpy as np
import pytest
from support.examples import EXAMPLES, MODELS, datasets, held_out, interpreted, native, torch_code

from neuralc.passes.pipelines import Level

OPT_LEVELS = (0, 1, 2)
INTERPRETED = 32
TOLERANCE = 1e-5
"""Of probabilities, which are at most 1."""
LEAST_ACCURACY = {"digits": 0.97, "mnist": 0.96, "mlp": 0.95}


@pytest.mark.parametrize("name", MODELS)
def test_held_out_accuracy(name: str) -> None:
    accuracy = float((native(name, opt=2).argmax(axis=1) == held_out(name)[1]).mean())
    assert accuracy >= LEAST_ACCURACY[name]


@pytest.mark.parametrize("opt", OPT_LEVELS)
@pytest.mark.parametrize("name", MODELS)
def test_native_code_predicts_what_torch_does(name: str, opt: int) -> None:
    expected, found = torch_code(name), native(name, opt)
    np.testing.assert_array_equal(found.argmax(axis=1), expected.argmax(axis=1))
    assert np.abs(found - expected).max() <= TOLERANCE


@pytest.mark.parametrize("name", MODELS)
def test_two_threads_give_the_bits_of_one(name: str) -> None:
    np.testing.assert_array_equal(native(name, opt=2, threads=2), native(name, opt=2))


@pytest.mark.parametrize("level", ["graph", "tensor", "kernel"])
@pytest.mark.parametrize("name", MODELS)
def test_interpreters_predict_what_native_code_does(name: str, level: Level) -> None:
    expected, found = native(name, opt=2)[:INTERPRETED], interpreted(name, level, 2, INTERPRETED)
    np.testing.assert_array_equal(found.argmax(axis=1), expected.argmax(axis=1))
    assert np.abs(found - expected).max() <= TOLERANCE


@pytest.mark.parametrize("name", MODELS)
def test_probabilities_sum_to_one(name: str) -> None:
    np.testing.assert_allclose(native(name, opt=2).sum(axis=1), 1.0, atol=1e-6)


def test_committed_digits_are_those_of_scikit_learn() -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is in the [test] extra")
    _, test = datasets().digits()
    images, labels = held_out("digits")
    assert len(images) == 360
    np.testing.assert_array_equal(images, test.images)
    np.testing.assert_array_equal(labels, test.labels)


@pytest.mark.parametrize("name", MODELS)
def test_committed_files_are_small(name: str) -> None:
    assert (EXAMPLES / f"{name}.safetensors").stat().st_size < 2_000_000
