"""Models of each framework go out in each form and come in again: outputs, weights and gradients are those they had."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from support.documents import ROOT
from support.torch_modules import MODULES as TORCH

from benchmarks.round_trip.compare import Different
from benchmarks.round_trip.models import FAMILIES, onnx_models
from benchmarks.round_trip.original import Subject
from benchmarks.round_trip.structure import classes_of, layers_of
from benchmarks.round_trip.through import structure, through
from benchmarks.round_trip.trip import TRIPS, Forms, Loaded
from neuralc.grammar.diagnostics import NeuralcError

FORMS = list(TRIPS)
SMALL = {
    "torch": ("mlp", "cnn", "encoder"),
    "keras": ("mnist_convnet", "siamese", "transformer_classifier"),
    "nr": ("digits", "mlp", "sorter:Whole"),
}
"""Models that are quick to try."""

REFUSED = {
    ("torch/running_mean", "keras"): "begins with a weight",
    ("torch/running_mean", "jax"): "begins with a weight",
    ("torch/running_mean", "nr"): "what a run keeps for the next one",
    ("keras/text_classifier", "torch"): "torch drops nothing inside of a recurrent layer",
    ("nr/sorter:Step", "nr"): "what a run keeps for the next one",
}
"""What a form cannot say, and why."""


@pytest.fixture(scope="module")
def forms() -> Iterator[Forms]:
    found = Forms()
    yield found
    found.stop()


def subjects() -> list[Subject]:
    return [subject for family in ("torch", "keras", "nr") for subject in FAMILIES[family]([])]


def is_small(subject: Subject) -> bool:
    return subject.name in SMALL[subject.family]


def check(subject: Subject, forms: Forms, folder: Path) -> None:
    loaded = Loaded.of(subject.make(folder))
    for form in FORMS:
        found, reason = forms.outcome(form, loaded), REFUSED.get((f"{subject.family}/{subject.name}", form))
        if reason is None:
            assert found.kind == "ok", (form, found.detail)
        else:
            assert found.kind == "refused", form
            assert reason in found.detail


@pytest.mark.thorough
@pytest.mark.parametrize("subject", filter(is_small, subjects()), ids=lambda found: f"{found.family}-{found.name}")
def test_small_models_come_back(subject: Subject, forms: Forms, tmp_path: Path) -> None:
    check(subject, forms, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    "subject", [found for found in subjects() if not is_small(found)], ids=lambda found: f"{found.family}-{found.name}"
)
def test_all_models_come_back(subject: Subject, forms: Forms, tmp_path: Path) -> None:
    check(subject, forms, tmp_path)


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["cnn", "vit"])
def test_models_of_onnx_come_back(name: str, forms: Forms, tmp_path: Path) -> None:
    example = next(example for example in TORCH if example.name == name)
    torch.onnx.export(example.module(), example.inputs(), tmp_path / f"{name}.onnx", dynamo=False)
    (subject,) = onnx_models([tmp_path])
    check(subject, forms, tmp_path)


@pytest.mark.slow
def test_models_of_jax_come_back(tmp_path: Path) -> None:
    """JAX runs in a process of its own. A loop that is no layer is none of the language either."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.round_trips",
        "--models",
        "jax",
        "--json",
        str(tmp_path / "found.json"),
    ]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "JAX_PLATFORMS": "cpu"}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    found = json.loads((tmp_path / "found.json").read_text("utf-8"))
    refused = {(name, form) for name, row in found.items() for form, each in row.items() if each["kind"] == "refused"}
    loops = [name for name in found if re.search("lstm|recurrent|scan", name)]
    assert refused == {(name, "nr") for name in loops}


CHANGED = {"encoder": "positions_weight now positions_embeddings"}
"""Modules whose PyTorch code is another one behind a program, and how."""

QUICK = ("mlp", "tagger", "siamese")


def check_behind_a_program(name: str, folder: Path) -> None:
    """Numbers, parameters and classes are those that PyTorch code has without the detour."""
    (subject,) = [subject for subject in FAMILIES["torch"]([]) if subject.name == name]
    before = Loaded.of(subject.make(folder))
    if ("torch/" + name, "nr") in REFUSED:
        with pytest.raises(NeuralcError, match=REFUSED["torch/" + name, "nr"]):
            through("nr", before, folder)
        return
    after, kept = through("nr", before, folder)
    assert kept.modules == kept.of_modules
    assert kept.sums == 0
    if name in CHANGED:
        with pytest.raises(Different, match=CHANGED[name]):
            structure("nr", before, after)
        assert classes_of(before).names == classes_of(after).names
    else:
        structure("nr", before, after)


@pytest.mark.thorough
@pytest.mark.parametrize("name", QUICK)
def test_code_behind_a_program_is_that_of_the_module(name: str, tmp_path: Path) -> None:
    check_behind_a_program(name, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", [example.name for example in TORCH if example.name not in QUICK])
def test_all_code_behind_a_program_is_that_of_the_module(name: str, tmp_path: Path) -> None:
    check_behind_a_program(name, tmp_path)


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["digits", "mlp", "tagger"])
def test_a_program_behind_onnx_has_its_layers(name: str, tmp_path: Path) -> None:
    (subject,) = [subject for subject in FAMILIES["nr"]([]) if subject.name == name]
    before = Loaded.of(subject.make(tmp_path))
    after, _ = through("onnx", before, tmp_path)
    structure("onnx", before, after)
    assert layers_of(after).total() > 0
