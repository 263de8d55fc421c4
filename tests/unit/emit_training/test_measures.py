"""Losses, metrics and callbacks of PyTorch and JAX scripts are those of Keras, whose scripts have Keras's own."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from support.training_cases import CALLBACK_CASES, LOSS_CASES, METRIC_CASES, ONLY
from support.training_runs import ONE_STEP, TEN_STEPS, Case, Trained, apart, need, train

pytestmark = pytest.mark.thorough

CASES: Mapping[str, Case] = {**LOSS_CASES, **METRIC_CASES, **CALLBACK_CASES}
Runs = Mapping[tuple[str, str], Trained]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    need("optax", "keras")
    return train([*CASES.values(), *ONLY.values()], tmp_path_factory.mktemp("measures"))


@pytest.mark.parametrize("form", ["torch", "jax"])
@pytest.mark.parametrize("name", CASES)
def test_training_goes_as_in_keras(runs: Runs, form: str, name: str) -> None:
    """The same number of epochs with the same numbers and weights, which tells gradients too."""
    expected, found = (runs[each, CASES[name].name] for each in ("keras", form))
    assert not expected.failure, expected.failure
    assert not found.failure, found.failure
    assert len(found.log) == len(expected.log)
    for row, other in zip(found.log, expected.log, strict=True):
        assert set(other) - set(row) <= {"learning_rate"}
        assert row == pytest.approx({key: other[key] for key in row}, rel=TEN_STEPS, abs=TEN_STEPS, nan_ok=True)
    if name == "nan":
        return
    assert apart(found.epochs[0], expected.epochs[0]) < ONE_STEP
    assert apart(found.end, expected.end) < TEN_STEPS


@pytest.mark.parametrize("name", ONLY)
def test_what_only_one_form_has_trains(runs: Runs, name: str) -> None:
    found = runs[ONLY[name].forms[0], ONLY[name].name]
    assert not found.failure, found.failure
    assert found.log[-1]["loss"] < 0.9 * found.log[0]["loss"]


def test_callbacks_end_where_they_should(runs: Runs) -> None:
    """What is compared above does happen: training ends early, and the rate falls."""
    epochs = {name: len(runs["keras", case.name].log) for name, case in CALLBACK_CASES.items()}
    assert {name for name, count in epochs.items() if count < 10} == {"stopping", "stopping_late", "stopping_at", "nan"}
    for name in ("plateau", "plateau_at_once", "scheduler", "scheduler_of_torch"):
        assert len({row["learning_rate"] for row in runs["keras", CALLBACK_CASES[name].name].log}) > 1, name


def test_the_best_weights_are_those_of_the_best_epoch(runs: Runs) -> None:
    for form in ("torch", "keras", "jax"):
        found = runs[form, CALLBACK_CASES["stopping"].name]
        losses = [row["loss"] for row in found.log]
        best = losses.index(min(losses))
        assert best < len(losses)
        assert any(apart(found.end, weights) == 0 for weights in found.epochs), form
