"""Scripts of `--for=training`: they read well, learn the digits, and refuse what they do not have with the reason."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from support.training_cases import CALLBACK_CASES, LOSS_CASES, METRIC_CASES, ONLY, OPTIMIZER_CASES, RATE_CASES

import neuralc
from neuralc.dialects.graph import the_model
from neuralc.emit.code_forms import FORMS
from neuralc.emit.training import losses, metrics, rates, rules
from neuralc.emit.training.settings import Settings, schedule_of
from neuralc.frontends.nr.load import load
from neuralc.grammar.diagnostics import NeuralcError, Source
from neuralc.grammar.training.callbacks import CALLBACKS
from neuralc.grammar.training.losses import LOSSES
from neuralc.grammar.training.metrics import METRICS
from neuralc.grammar.training.optimizers import OPTIMIZERS, SCHEDULES
from neuralc.grammar.training.table import Table

pytestmark = pytest.mark.skipif(find_spec("optax") is None, reason="scripts of JAX use optax")

DIGITS = Path(__file__).parents[3] / "examples" / "digits.nr"


def script(form: str, clauses: str, layers: str = 'Dense(3, "softmax")') -> str:
    program = load(Source("test.nr", f"network Net {{ input: (4) layers: {layers} {clauses} }}"))
    made = FORMS[form]
    return made.training_script(program.module, made.plan(program.module).text())("net")


PLAIN = 'loss: "mse" optimizer: SGD(0.1)'
RICH = """
  loss: "mse" optimizer: RMSprop(CosineDecay(0.1, 10), momentum=0.9, clipnorm=1.0)
  metrics: ["mae", "auc", "top_k_accuracy"]
  train {
    validation_split: 0.2
    early_stopping: EarlyStopping(patience=5, restore_best_weights=true)
    callbacks: [CSVLogger("log.csv"), TerminateOnNaN(), ModelCheckpoint("best.safetensors", save_best_only=true)]
  }
"""


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("clauses", [PLAIN, RICH], ids=["plain", "rich"])
@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=["check", "format"])
def test_a_script_passes_ruff(form: str, clauses: str, command: list[str], tmp_path: Path) -> None:
    (tmp_path / "net_train.py").write_text(script(form, clauses), encoding="utf-8")
    found = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "--no-cache", "--isolated", "--line-length=88", str(tmp_path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize("form", FORMS)
def test_a_script_has_only_what_its_clauses_need(form: str) -> None:
    text = script(form, PLAIN)
    for unused in ("EarlyStopping", "Plateau", "Log(", "Checkpoint", "learning_rate(", "measure_all", "step = 0"):
        assert unused not in text, unused


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("clauses", "reason"),
    [
        ('optimizer: "adam"', "the program has no `loss`"),
        ('loss: "mse"', "the program has no `optimizer`"),
        ('loss: MeanSquaredError(reduction="none") optimizer: "adam"', "without a reduction is no number"),
        (f'{PLAIN} train {{ callbacks: [EarlyStopping(monitor="auc")] }}', "EarlyStopping watches `auc`"),
        (
            'loss: "mse" optimizer: SGD(StepLR(0.1, 3)) train { callbacks: [ReduceLROnPlateau(monitor="loss")] }',
            "ReduceLROnPlateau sets the learning rate, and so does the schedule",
        ),
    ],
)
def test_clauses_without_a_meaning_are_refused(form: str, clauses: str, reason: str) -> None:
    assert reason in refused(form, clauses)


@pytest.mark.parametrize(
    ("forms", "clauses", "reason"),
    [
        (("torch", "jax"), 'loss: "mse" optimizer: "muon"', "the optimizer Muon: which weights"),
        (("keras", "jax"), 'loss: "mse" optimizer: LBFGS()', "the optimizer LBFGS"),
        (("keras", "jax"), 'loss: "mse" optimizer: Rprop(StepLR(0.1, 3))', "takes a fixed rate"),
        (
            ("keras", "jax"),
            'loss: "mse" optimizer: SGD(OneCycleLR(0.1, total_steps=9), momentum=0.9)',
            "the momentum as well",
        ),
        (
            ("torch",),
            'loss: "mse" optimizer: SGD(OneCycleLR(0.1, total_steps=9))',
            "moves a momentum, which SGD has not",
        ),
        (("torch", "jax"), 'loss: "mse" optimizer: Adam(use_ema=true)', "`use_ema` of the optimizer Adam"),
        (("torch", "jax"), f"{PLAIN} metrics: [Precision(thresholds=[0.2, 0.8])]", "several thresholds"),
        (("torch", "jax"), f"{PLAIN} train {{ callbacks: [TensorBoard()] }}", "the callback TensorBoard"),
        (("torch", "jax"), f"{PLAIN} train {{ steps_per_epoch: 5 }}", "`steps_per_epoch` of `train`"),
    ],
)
def test_what_a_form_does_not_have_is_refused(forms: tuple[str, ...], clauses: str, reason: str) -> None:
    for form in FORMS:
        if form in forms:
            assert reason in refused(form, clauses)
        elif reason != "the momentum as well":
            script(form, clauses.replace("OneCycleLR(0.1, total_steps=9)", "0.1"))


@pytest.mark.parametrize("form", ["torch", "jax"])
def test_a_batch_norm_that_is_not_trained_is_refused(form: str) -> None:
    assert "its statistics" in refused(form, PLAIN, "Dense(3) BatchNormalization(trainable=false)")


def refused(form: str, clauses: str, layers: str = 'Dense(3, "softmax")') -> str:
    with pytest.raises(NeuralcError) as caught:
        script(form, clauses, layers)
    assert {each.code for each in caught.value.diagnostics} == {"E0850"}
    return str(caught.value)


def test_all_reasons_are_told_at_once() -> None:
    text = refused("jax", "optimizer: Adam(use_ema=true) metrics: [F1Score()] train { callbacks: [TensorBoard()] }")
    for reason in ("no `loss`", "`use_ema`", "f1_score", "TensorBoard"):
        assert reason in text


def test_a_script_of_jax_needs_optax(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neuralc.emit.jax.training.script.find_spec", lambda name: None)
    with pytest.raises(NeuralcError, match="optax") as caught:
        script("jax", PLAIN)
    assert caught.value.diagnostics[0].code == "E0615"
    assert caught.value.diagnostics[0].help == "pip install 'neuralc[jax]'"


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_the_digits_are_learned(form: str, tmp_path: Path) -> None:
    """From the weights that the code starts with; what is saved runs in neuralc, and is as good there."""
    digits = pytest.importorskip("sklearn.datasets").load_digits()
    neuralc.convert(DIGITS, form, tmp_path / "digits.py", purpose="training")
    order = np.random.default_rng(0).permutation(len(digits.target))
    images, labels = (digits.images[order] / 16).astype(np.float32)[..., None], digits.target[order]
    np.savez(tmp_path / "data.npz", image=images, probabilities=labels)
    command = [
        "digits_train.py",
        "data.npz",
        "--epochs",
        "12",
        "--validation-split",
        "0.2",
        "--output",
        "new.safetensors",
    ]
    done = subprocess.run(
        [sys.executable, *command], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "KERAS_BACKEND": "jax"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert float(re.findall(r"val_accuracy:? ([\d.]+)", done.stdout)[-1]) >= 0.97
    model = neuralc.compile(DIGITS, weights=tmp_path / "new.safetensors")
    held_out = int(len(labels) * 0.8)
    assert np.mean(np.argmax(model(images[held_out:]), axis=-1) == labels[held_out:]) >= 0.97


# -- nothing is forgotten ----------------------------------------------------------------------------------------------


def test_every_entry_has_a_formula_or_a_reason() -> None:
    assert names(LOSSES) == set(losses.LOSSES)
    assert names(METRICS) - {"accuracy"} <= {*metrics.MEANS, *metrics.WHOLE}
    assert names(OPTIMIZERS) == {*rules.RULES, *rules.WITHOUT_RULE}
    assert names(SCHEDULES) == set(rates.SCHEDULES)


@pytest.mark.thorough
def test_every_entry_is_trained_with() -> None:
    """By the cases of test_equal_steps.py and test_measures.py; "accuracy" tries the form that it stands for."""
    cases = [*OPTIMIZER_CASES.values(), *RATE_CASES.values(), *LOSS_CASES.values(), *METRIC_CASES.values()]
    tried = [Settings.of(the_model(case.program.module)) for case in (*cases, *CALLBACK_CASES.values(), *ONLY.values())]
    optimizers = [each.optimizer for each in tried if each.optimizer is not None]
    callbacks = [call for each in tried for call in each.callbacks]
    schedules = [schedule_of(each) for each in optimizers]
    accuracies = {"categorical_accuracy", "sparse_categorical_accuracy"}
    assert {call.name for each in tried for call in each.losses} == names(LOSSES)
    assert {call.name for each in tried for call in each.metrics} | accuracies == names(METRICS)
    assert {call.name for call in optimizers} == names(OPTIMIZERS)
    assert {each.name for each in schedules if each is not None} == names(SCHEDULES)
    assert {call.name for call in callbacks} == names(CALLBACKS) - {"TensorBoard"}


def names(table: Table) -> set[str]:
    return {entry.name for entry in table.entries}
