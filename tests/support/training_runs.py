"""Trains models by the scripts of all forms, from the same weights and on the same data, each form in a process."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

import neuralc
from neuralc.dialects.types import shape_of
from neuralc.emit.code_forms import FORMS
from neuralc.emit.placements import WeightPlan
from neuralc.emit.written_model import WrittenModel
from neuralc.frontends.nr.load import LoadedProgram, load
from neuralc.grammar.diagnostics import Source

WORKER = Path(__file__).with_name("training_worker.py")
Array = NDArray[Any]
Weights = Mapping[str, Array]


@dataclass(frozen=True)
class Case:
    """A network without its braces' `train`, and the arrays of its data. The steps are epochs: a batch is all of it."""

    name: str
    clauses: str
    """Input, layers, loss, optimizer, metrics."""
    data: Mapping[str, Array]
    epochs: int = 10
    train: str = ""
    """Further entries of `train`."""
    callbacks: Sequence[str] = ()
    arguments: Sequence[str] = ()
    forms: Sequence[str] = tuple(FORMS)

    @property
    def text(self) -> str:
        weights = f"{self.name}.{{epoch}}.safetensors"
        listed = ", ".join([*self.callbacks, f'CSVLogger("{self.name}.csv")', f'ModelCheckpoint("{weights}")'])
        return f"network Net {{ {self.clauses} train {{ shuffle: false {self.train} callbacks: [{listed}] }} }}"

    @property
    def program(self) -> LoadedProgram:
        return load(Source(f"{self.name}.nr", self.text))

    @property
    def initial(self) -> Weights:
        """Random weights, the same in each call."""
        generator = np.random.default_rng(0)
        found = {}
        for weight in self.program.weights:
            value = generator.uniform(-0.6, 0.6, shape_of(weight.type)).astype(np.float32)
            found[weight.name] = np.abs(value) + 0.5 if weight.name.endswith("variance") else value
        return found


@dataclass(frozen=True)
class Trained:
    """What a script leaves: the weights after each epoch, those that it ends with, and the rows of its log."""

    epochs: Sequence[Weights] = ()
    end: Weights = field(default_factory=dict)
    log: Sequence[Mapping[str, float]] = ()
    failure: str = ""
    """What went wrong."""


def need(*packages: str) -> None:
    """Skip the test where a package is missing. They are imported by other processes only."""
    for package in packages:
        if find_spec(package) is None:
            pytest.skip(f"needs {package}")


def train(cases: Sequence[Case], folder: Path, *, backend: str = "jax") -> Mapping[tuple[str, str], Trained]:
    """What each form makes of each case, by form and name; `backend` is that of Keras.

    One that fails is told in `failure`; the others go on.
    """
    found: dict[tuple[str, str], Trained] = {}
    for form in FORMS:
        chosen = [case for case in cases if form in case.forms]
        for case in chosen:
            _write(case, folder / form, form)
        if not chosen:
            continue
        _run(folder / form, [case.name for case in chosen], backend)
        found |= {(form, case.name): _read(case, folder / form, form) for case in chosen}
    return found


def _run(folder: Path, names: Sequence[str], backend: str) -> None:
    environment = {
        **os.environ,
        "KERAS_BACKEND": backend,
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "",
    }
    command = [sys.executable, str(WORKER), str(folder), *names]
    done = subprocess.run(command, capture_output=True, timeout=1800, env=environment, text=True, check=False)
    (folder / "output.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
    if done.returncode:
        raise RuntimeError(f"the process that trains ended with {done.returncode}: {done.stderr[-2000:]}")


def _plan(case: Case, form: str) -> WeightPlan:
    return FORMS[form].file_of(WrittenModel(case.program.module)).weights


def _write(case: Case, folder: Path, form: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / f"{case.name}.nr"
    source.write_text(case.text, encoding="utf-8")
    neuralc.convert(source, form, folder / f"{case.name}.py", purpose="training")
    np.savez(folder / f"{case.name}.npz", **case.data)
    start = {name: np.ascontiguousarray(value) for name, value in _plan(case, form).made_of(case.initial).items()}
    save_file(start, folder / f"{case.name}.start.safetensors")
    files = ["--weights", f"{case.name}.start.safetensors", "--output", f"{case.name}.end.safetensors"]
    sizes = ["--epochs", str(case.epochs), "--batch-size", str(len(next(iter(case.data.values()))))]
    arguments = [f"{case.name}.npz", *files, *sizes, *case.arguments]
    (folder / f"{case.name}.json").write_text(json.dumps(arguments), encoding="utf-8")


def _read(case: Case, folder: Path, form: str) -> Trained:
    failure = folder / f"{case.name}.failed"
    if failure.exists():
        return Trained(failure=failure.read_text(encoding="utf-8"))
    program, plan = case.program, _plan(case, form)

    def weights(path: Path) -> Weights:
        stored = load_file(path)
        return {each.name: plan.weight(each.name, np.dtype("float32"), stored) for each in program.weights}

    paths = [folder / f"{case.name}.{epoch}.safetensors" for epoch in range(1, case.epochs + 1)]
    with (folder / f"{case.name}.csv").open(encoding="utf-8") as log:
        # Keras has columns for data that is not held out.
        rows = [{k: float(v) for k, v in row.items() if v != "NA"} for row in csv.DictReader(log)]
    end = weights(folder / f"{case.name}.end.safetensors")
    return Trained([weights(path) for path in paths if path.exists()], end, rows)


ONE_STEP, TEN_STEPS = 1e-6, 1e-5
"""How far weights and losses of the forms may be apart, and from the account of the optimizer in float64.

Forms compute in float32, whose unit is 2**-24 = 6e-8. A gradient here is a sum of some 50 products: it is 50 units of
its size off at most, 3e-6, of which a rate of 0.1 makes 3e-7 in a step; the weight is rounded to 6e-8. Where a gradient
is divided by its own size (Adam and its kin), `1 - 0.999 ** t` counts: in float32 it is 1.6e-5 off at t = 1 and its
root 8e-6, of which a rate of 0.01 makes 8e-8. So one step is 4e-7 off at most, and ten are ten times that: nothing
grows.
"""


def apart(found: Weights, expected: Weights) -> float:
    """How far weights are from others, by the largest of each or 1."""
    return max(
        float(np.abs(found[name] - value).max() / max(1.0, np.abs(value).max())) for name, value in expected.items()
    )
