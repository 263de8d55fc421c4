"""Steps from equal weights and data are equal in PyTorch, Keras and JAX, and as our account of the optimizer says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from support import numpy_optimizers as account
from support.training_cases import (
    CLIPS,
    COUNT,
    KERAS_RATES,
    MODELS,
    OPTIMIZER_CASES,
    OPTIMIZERS,
    RATE_CASES,
    TORCH_RATES,
    loss_of_squares,
)
from support.training_runs import ONE_STEP, TEN_STEPS, Case, Trained, apart, need, train

from neuralc.emit.code_forms import FORMS

pytestmark = pytest.mark.thorough

Runs = Mapping[tuple[str, str], Trained]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    need("optax", "keras")
    cases = [*OPTIMIZER_CASES.values(), *RATE_CASES.values(), *MODELS.values()]
    return train(cases, tmp_path_factory.mktemp("steps"))


def trained(runs: Runs, form: str, case: Case) -> Trained:
    found = runs[form, case.name]
    assert not found.failure, found.failure
    return found


def check(found: Trained, losses: list[float], weights: list[Any]) -> None:
    """After one epoch and after all."""
    assert len(found.epochs) == len(weights) == 10
    assert apart(found.epochs[0], weights[0]) < ONE_STEP
    assert apart(found.epochs[-1], weights[-1]) < TEN_STEPS
    np.testing.assert_allclose([row["loss"] for row in found.log], losses, rtol=TEN_STEPS, atol=TEN_STEPS)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_steps_of_an_optimizer_are_those_of_the_account(runs: Runs, form: str, optimizer: str) -> None:
    case, (step, rate) = OPTIMIZER_CASES[optimizer], OPTIMIZERS[optimizer]
    check(trained(runs, form, case), *account.run(case.initial, [loss_of_squares()] * 10, step, [rate] * 10))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("optimizer", CLIPS)
def test_gradients_are_clipped_as_the_account_says(runs: Runs, form: str, optimizer: str) -> None:
    case = OPTIMIZER_CASES[optimizer]
    losses = [loss_of_squares()] * 10
    check(trained(runs, form, case), *account.run(case.initial, losses, account.sgd(), [0.1] * 10, CLIPS[optimizer]))


# -- rates -------------------------------------------------------------------------------------------------------------


def rates_of_torch(text: str) -> list[float]:
    """The rates of 20 steps, two an epoch."""
    name, _, arguments = text.replace("true", "True").replace("false", "False").partition("(")
    if name == "OneCycleLR" and "total_steps" not in arguments:
        arguments = arguments.replace(")", ", total_steps=20)")
    by_step = name in ("CyclicLR", "OneCycleLR")

    def made(*values: Any, **options: Any) -> Any:
        start, rest = (0.1, values) if by_step else (values[0], values[1:])
        optimizer = torch.optim.SGD([torch.zeros(1)], lr=start)
        return getattr(torch.optim.lr_scheduler, name)(optimizer, *rest, **options)

    scheduler, found = eval(f"made({arguments}", {"made": made}), []
    for index in range(20):
        found.append(scheduler.get_last_lr()[0])
        scheduler.optimizer.step()
        if by_step or index % 2:
            scheduler.step()
    return found


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("rate", TORCH_RATES)
def test_a_rate_of_torch_is_that_of_its_scheduler(runs: Runs, form: str, rate: str) -> None:
    case, half = RATE_CASES[rate], COUNT // 2
    losses = [loss_of_squares(slice(0, half)), loss_of_squares(slice(half, None))] * 10
    found, weights = account.run(case.initial, losses, account.sgd(0.5), rates_of_torch(rate))
    means = [(one + other) / 2 for one, other in zip(found[::2], found[1::2], strict=True)]
    check(trained(runs, form, case), means, weights[1::2])


@pytest.mark.parametrize("form", ["torch", "jax"])
@pytest.mark.parametrize("rate", KERAS_RATES)
def test_a_rate_of_keras_is_that_of_its_schedule(runs: Runs, form: str, rate: str) -> None:
    expected = trained(runs, "keras", RATE_CASES[rate])
    check(trained(runs, form, RATE_CASES[rate]), [row["loss"] for row in expected.log], [*expected.epochs])


def test_rates_differ() -> None:
    """What rates are tried with tells them apart: none is that of another."""
    seen = [tuple(rates_of_torch(rate)) for rate in TORCH_RATES]
    assert len(set(seen)) == len(seen)
    assert all(len(set(rates)) > 1 for rates in seen)


# -- models ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["torch", "jax"])
@pytest.mark.parametrize("model", MODELS)
def test_a_model_is_trained_as_keras_does(runs: Runs, form: str, model: str) -> None:
    """Statistics, layers that are not trained, several outputs, penalties and constraints."""
    expected, found = trained(runs, "keras", MODELS[model]), trained(runs, form, MODELS[model])
    # torch divides the variance of a batch by n - 1 here, Keras by n.
    apart_in_torch = re.compile(r"moving_variance$") if form == "torch" else re.compile(r"$^")
    kept = [name for name in expected.end if not apart_in_torch.search(name)]
    weights = [{name: each[name] for name in kept} for each in expected.epochs]
    for row, other in zip(found.log, expected.log, strict=True):
        assert row == pytest.approx({name: other[name] for name in row}, rel=TEN_STEPS, abs=TEN_STEPS)
    check(found, [row["loss"] for row in expected.log], weights)


@pytest.mark.parametrize("form", FORMS)
def test_what_is_not_trained_stays(runs: Runs, form: str) -> None:
    case = MODELS["frozen"]
    found, start = trained(runs, form, case).end, case.initial
    assert sorted(name for name in start if (found[name] == start[name]).all()) == ["dense.bias", "dense.kernel"]


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "torch"])
def test_optimizers_of_keras_scripts_run_on_any_backend(backend: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """But ScheduleFreeAdamW of Keras 3.15, whose average begins at 0 there, or reads what it has written."""
    names = [each for each in OPTIMIZERS if not each.startswith("ScheduleFree")]
    cases = [Case(**{**vars(OPTIMIZER_CASES[name]), "forms": ("keras",)}) for name in names]
    runs = train(cases, tmp_path_factory.mktemp(backend), backend=backend)
    for name, case in zip(names, cases, strict=True):
        step, rate = OPTIMIZERS[name]
        expected = account.run(case.initial, [loss_of_squares()] * 10, step, [rate] * 10)
        check(trained(runs, "keras", case), *expected)
