"""The script of `--for=training`: runs as it stands, and its clauses mean what they mean in Keras."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.compare import assert_close
from support.torch_code import python_module
from torch import Tensor, nn

import neuralc
from neuralc.emit.torch import emit
from neuralc.emit.torch.training import training_script
from neuralc.emit.torch.training.losses import LOSSES, METRICS
from neuralc.emit.torch.training.rates import SCHEDULES
from neuralc.frontends.nr.load import load
from neuralc.grammar.diagnostics import NeuralcError, Source
from neuralc.grammar.training.losses import LOSSES as LOSS_TABLE
from neuralc.grammar.training.metrics import METRICS as METRIC_TABLE

DIGITS = Path(__file__).parents[3] / "examples" / "digits.nr"


def script(clauses: str, layers: str = 'Dense(3, "softmax")') -> str:
    program = load(Source("test.nr", f"network Net {{ input: (4) layers: {layers} {clauses} }}"))
    return training_script(program.module, emit(program.module))("net")


def written(clauses: str) -> dict[str, Any]:
    """The names of a script, without the model that it imports."""
    text = re.sub(r"^from net import .*$", "Net = object", script(clauses), flags=re.MULTILINE)
    return vars(python_module(text))


@pytest.mark.thorough
def test_the_digits_are_learned(tmp_path: Path) -> None:
    digits = pytest.importorskip("sklearn.datasets").load_digits()
    neuralc.convert(DIGITS, "torch", tmp_path / "digits.py", purpose="training")
    images = (digits.images / 16).astype(np.float32)[..., None]
    np.savez(tmp_path / "data.npz", image=images, probabilities=digits.target)
    lines = run(tmp_path, "data.npz", "--epochs", "3", "--validation-split", "0.2", "--output", "new.safetensors")
    losses = [float(found) for found in re.findall(r"  loss ([\d.]+)", lines)]
    assert len(losses) == 3
    assert losses[2] < losses[1] / 1.5 < losses[0]
    assert float(re.findall(r"val_sparse_categorical_accuracy ([\d.]+)", lines)[-1]) > 0.85
    model = neuralc.compile(DIGITS, weights=tmp_path / "new.safetensors")
    guesses = np.argmax(model(images[-200:]), axis=-1)
    assert np.mean(guesses == digits.target[-200:]) > 0.85


def run(folder: Path, *arguments: str) -> str:
    found = subprocess.run(
        [sys.executable, "digits_train.py", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
    return found.stdout


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=["check", "format"])
def test_a_script_passes_ruff(command: list[str], tmp_path: Path) -> None:
    pytest.importorskip("ruff", reason="ruff is in the [dev] extra")
    clauses = 'loss: "mse" optimizer: RMSprop(CosineDecay(0.1, 10), clipnorm=1.0) metrics: ["mae", "top_k_accuracy"]'
    (tmp_path / "net_train.py").write_text(script(clauses), encoding="utf-8")
    found = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "--no-cache", "--isolated", "--line-length=88", str(tmp_path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize(
    ("clauses", "reason"),
    [
        ('optimizer: "adam"', "no `loss`"),
        ('loss: "mse"', "no `optimizer`"),
        ('loss: "mse" optimizer: "adamax"', "Adamax has no exact counterpart"),
        ('loss: "dice" optimizer: "adam"', "the loss dice"),
        ('loss: "mse" optimizer: Adam(use_ema=true)', "`use_ema`"),
        ('loss: "mse" optimizer: SGD(ExponentialDecay(0.1, 10, 0.9), momentum=0.9)', "momentum keeps gradients"),
        ('loss: "mse" optimizer: "adam" metrics: ["auc"]', "the metric auc"),
        ('loss: "mse" optimizer: "adam" train { callbacks: [TerminateOnNaN()] }', "`callbacks`"),
    ],
)
def test_what_torch_does_not_have_is_named(clauses: str, reason: str) -> None:
    with pytest.raises(NeuralcError) as caught:
        script(clauses)
    assert {each.code for each in caught.value.diagnostics} == {"E0850"}
    assert reason in str(caught.value)


# -- as Keras has it ---------------------------------------------------------------------------------------------------


def keras() -> Any:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    return pytest.importorskip("keras")


def values(name: str, sparse: bool) -> tuple[Tensor, Tensor]:
    """What a model gives, and targets of the kind that a loss has."""
    torch.manual_seed(0)
    given = torch.rand(5, 3).softmax(dim=-1)
    if sparse:
        return given, torch.tensor([0, 2, 1, 1, 0])
    one_hot = nn.functional.one_hot(torch.tensor([0, 2, 1, 1, 0]), 3).float()
    return given, one_hot if name.startswith(("categorical", "top", "binary", "hinge", "squared")) else torch.rand(5, 3)


@pytest.mark.thorough
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_that_of_keras(name: str) -> None:
    entry = LOSS_TABLE.find(name)
    assert entry is not None
    p, t = values(name, name.startswith("sparse"))
    expected = getattr(keras().losses, entry.source.rpartition(".")[2])()(t, p)
    found = written(f'loss: "{name}" optimizer: "adam"')["loss"](None, [p.double()], [t])
    assert float(found) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.thorough
@pytest.mark.parametrize("name", METRICS)
def test_a_metric_is_that_of_keras(name: str) -> None:
    entry = METRIC_TABLE.find(name)
    assert entry is not None
    p, t = values(name, name.startswith("sparse"))
    arguments = {"k": 2} if "top_k" in name else {}
    metric = getattr(keras().metrics, entry.source.rpartition(".")[2])(**arguments)
    metric.update_state(t, p)
    call = f"{name}(k=2)" if arguments else f'"{name}"'
    loss = "sparse_categorical_crossentropy" if name.startswith("sparse") else "mse"
    names = written(f'loss: "{loss}" optimizer: "adam" metrics: [{call}]')
    assert float(names["measures"](None, [p], [t])[name]) == pytest.approx(float(metric.result()), rel=1e-5)


RATES = [
    "ExponentialDecay(0.1, 10, 0.5)",
    "ExponentialDecay(0.1, 10, 0.5, staircase=true)",
    "InverseTimeDecay(0.1, 10, 0.5)",
    "PolynomialDecay(0.1, 10, 0.01, power=2.0)",
    "PolynomialDecay(0.1, 10, 0.01, cycle=true)",
    "CosineDecay(0.1, 20, alpha=0.1)",
    "CosineDecay(0.0, 20, warmup_target=0.2, warmup_steps=5)",
    "CosineDecayRestarts(0.1, 5, t_mul=2.0, m_mul=0.5, alpha=0.1)",
    "PiecewiseConstantDecay([5, 12], [0.1, 0.05, 0.01])",
]


@pytest.mark.thorough
@pytest.mark.parametrize("rate", RATES)
def test_a_rate_is_that_of_keras(rate: str) -> None:
    assert rate.partition("(")[0] in SCHEDULES
    rate_of = written(f'loss: "mse" optimizer: Adam({rate})')["learning_rate"]
    schedules = vars(keras().optimizers.schedules)
    expected = eval(rate.replace("true", "True"), dict(schedules))
    for step in (0, 1, 4, 5, 6, 10, 11, 12, 13, 19, 26):
        assert rate_of(step) == pytest.approx(float(expected(step)), rel=1e-5)


OPTIMIZERS = [
    "SGD(0.1)",
    "SGD(0.1, momentum=0.9, nesterov=true)",
    "Adam(0.1)",
    "Adam(0.1, epsilon=0.01, amsgrad=true)",
    "AdamW(0.1, weight_decay=0.1)",
    "RMSprop(0.1)",
    "RMSprop(0.1, momentum=0.5, centered=true)",
]


@pytest.mark.thorough
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_an_optimizer_steps_as_that_of_keras(optimizer: str) -> None:
    """Five steps along gradients that are given."""
    library = keras()
    text = script(f'loss: "mse" optimizer: {optimizer}')
    made = re.search(r"optimizer = (\w[\w.]*\((?:[^()]|\([^()]*\))*\))", text)
    before = re.search(r"for group in optimizer.param_groups:\n((?: {16}.*\n)+)", text)
    assert made is not None
    names = {**written(f'loss: "mse" optimizer: {optimizer}')}
    value = nn.Parameter(torch.ones(3, dtype=torch.float64))
    ours = eval(made[1], names, {"trained": [value]})
    theirs = eval(f"optimizers.{optimizer}".replace("true", "True"), {"optimizers": library.optimizers})
    variable = library.Variable(np.ones(3), dtype="float64")
    theirs.build([variable])
    setting = re.sub(r"^ {16}", "", before[1], flags=re.MULTILINE) if before else ""
    for step in range(5):
        gradient = torch.from_numpy(np.random.default_rng(step).standard_normal(3)) * 0.01
        for group in ours.param_groups:
            exec(setting, names, {"group": group, "step": step})
        value.grad = gradient
        ours.step()
        theirs.apply([gradient])
    # The rate of Keras is a number of 32 bits.
    assert_close(value.detach().numpy(), library.ops.convert_to_numpy(variable), 1e-7)
