"""examples/models: each network is the one of its paper, by a framework's implementation with the same weights.

Reference semantics are held against the framework in float64 on small images, short texts or few layers; native code
at -O2 against the same at the sizes of the papers. Differences are relative to the largest value.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import torch_models as t
from support.compare import Array
from support.documents import ROOT, fences
from support.example_models import (
    FOLDER,
    Pair,
    Reference,
    images,
    of_keras,
    of_torch,
    program,
    relative_difference,
    tokens,
)
from support.nr_programs import random_store

from neuralc.dialects.interp import run_module
from neuralc.dialects.weights import WeightStore
from neuralc.frontends import nr
from neuralc.grammar.format import WIDTH, format_source
from neuralc.grammar.parser import read_source

EXACT = 1e-10
NATIVE = 5e-5
"""Of fp32 through up to a hundred layers; at most 1.7e-5 is measured, of the U-Net, where PyTorch has 1.5e-5."""
MODELS = sorted(FOLDER.glob("*.nr"))
IMAGES = ("resnet50", "mobilenet_v2", "inception_v3", "unet", "gan")
"""Models that can be written as PyTorch code; of those over words it lacks states and masks."""
README = FOLDER.parent / "README.md"
Inputs = list[Array]


@dataclass(frozen=True)
class Case:
    """An example, inputs for it and a reference with the same parameters; `settings` are those of the network."""

    name: str
    inputs: Callable[[np.random.Generator], Inputs]
    reference: Callable[[Inputs], Reference]
    settings: Mapping[str, int] = field(default_factory=dict)

    def pair(self, folder: Path) -> tuple[Pair, Inputs]:
        inputs = self.inputs(np.random.default_rng(1))
        loaded = program(self.name, **self.settings)
        return Pair(self.reference(inputs), loaded, folder, padded=self.name == "bert"), inputs


def pictures(size: int, channels: int = 3) -> Callable[[np.random.Generator], Inputs]:
    return lambda generator: [images(generator, 2, size, channels)]


def keras_case(name: str, application: str, size: int) -> Case:
    return Case(name, pictures(size), lambda x: of_keras(application, size, x[0]), {"size": size})


def of_gan(generator: np.random.Generator) -> Inputs:
    return [images(generator, 2, 64), generator.normal(size=(2, 100))]


def of_bert(count: int, steps: int) -> Callable[[np.random.Generator], Inputs]:
    return lambda generator: [
        tokens(generator, count, 3, steps),
        generator.integers(0, 2, (3, steps)).astype("int32"),
    ]


def of_vqa(size: int, words: int) -> Callable[[np.random.Generator], Inputs]:
    return lambda generator: [images(generator, 2, size), tokens(generator, words, 2, 9)]


def gpt_case(batch: int, steps: int, **settings: int) -> Case:
    def inputs(generator: np.random.Generator) -> Inputs:
        return [generator.integers(0, settings.get("vocabulary", 50257), (batch, steps)).astype("int32")]

    return Case("gpt", inputs, lambda x: of_torch(partial(t.Gpt2, **settings), x, t.Gpt2.NAMES), settings)


SMALL_TAGGER = {"words": 50, "tags": 7, "units": 16}
SMALL_BERT = {"tokens": 50, "depth": 2, "width": 64, "heads": 4, "hidden": 128}
SMALL_GPT = {"vocabulary": 50, "depth": 2, "width": 64, "heads": 4, "hidden": 128, "room": 32}
SMALL = (
    keras_case("resnet50", "ResNet50", 32),
    keras_case("mobilenet_v2", "MobileNetV2", 32),
    keras_case("inception_v3", "InceptionV3", 75),
    Case("unet", pictures(32, 1), lambda x: of_torch(t.UNet, x)),
    Case("gan", of_gan, lambda x: of_torch(t.Gan, x)),
    Case(
        "tagger",
        lambda g: [tokens(g, 50, 3, 9)],
        lambda x: of_torch(partial(t.Tagger, **SMALL_TAGGER), x),
        SMALL_TAGGER,
    ),
    Case("two_inputs", of_vqa(32, 50), lambda x: of_torch(partial(t.Vqa, words=50), x), {"size": 32, "words": 50}),
    Case("bert", of_bert(50, 9), lambda x: of_torch(partial(t.Bert, **SMALL_BERT), x), SMALL_BERT),
    gpt_case(3, 9, **SMALL_GPT),
)
FULL = (
    keras_case("resnet50", "ResNet50", 224),
    keras_case("mobilenet_v2", "MobileNetV2", 224),
    keras_case("inception_v3", "InceptionV3", 299),
    Case("unet", pictures(256, 1), lambda x: of_torch(t.UNet, x)),
    Case("gan", of_gan, lambda x: of_torch(t.Gan, x)),
    Case("tagger", lambda g: [tokens(g, 20000, 3, 40)], lambda x: of_torch(t.Tagger, x)),
    Case("two_inputs", of_vqa(224, 12000), lambda x: of_torch(t.Vqa, x)),
    Case("bert", of_bert(30522, 128), lambda x: of_torch(t.Bert, x)),
    gpt_case(2, 64),
)


# --- as they are written ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", sorted(FOLDER.parent.rglob("*.nr")), ids=lambda path: path.stem)
def test_examples_are_formatted_and_short(path: Path) -> None:
    source = read_source(path)
    assert format_source(source) == source.text
    lines = source.text.splitlines()
    assert len(lines) <= 60
    assert max(map(len, lines)) <= WIDTH == 100


@pytest.mark.thorough
@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_examples_have_no_warnings(path: Path) -> None:
    assert [found for found in nr.load(path).warnings if found.severity == "warning"] == []


@pytest.mark.thorough
def test_the_table_of_the_readme_is_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("examples_table", FOLDER / "table.py")
    assert spec is not None
    assert spec.loader is not None
    sys.modules[spec.name] = table = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(table)
    assert sorted(model.name for model in table.MODELS) == [path.stem for path in MODELS]
    text = README.read_text("utf-8")
    assert table.updated(text) == text, "run `make docs`"


@pytest.mark.thorough
def test_the_python_of_the_readme_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    names: dict[str, Any] = {}
    for block in (fence for fence in fences(README) if fence.language == "python"):
        exec(compile(block.text, README.name, "exec"), names)
    assert names["text"].shape == (1, 8)


def test_every_model_is_held_against_a_framework() -> None:
    names = [path.stem for path in MODELS]
    assert sorted(case.name for case in SMALL) == names
    assert sorted(case.name for case in FULL) == names


# --- against the frameworks ------------------------------------------------------------------------------------------
@pytest.mark.thorough
@pytest.mark.parametrize("case", SMALL, ids=lambda case: case.name)
def test_the_reference_and_emitted_code_are_the_framework_in_float64(case: Case, tmp_path: Path) -> None:
    pair, inputs = case.pair(tmp_path)
    assert pair.exact(*inputs) <= EXACT
    if case.name in IMAGES:
        assert pair.emitted(*inputs) <= EXACT


@pytest.mark.thorough
@pytest.mark.parametrize("case", SMALL, ids=lambda case: case.name)
def test_the_onnx_model_is_the_framework(case: Case, tmp_path: Path) -> None:
    pair, inputs = case.pair(tmp_path)
    assert pair.as_onnx(*inputs) <= NATIVE


@pytest.mark.thorough
@pytest.mark.parametrize("case", [case for case in SMALL if case.settings.get("depth")], ids=lambda case: case.name)
def test_small_native_code_is_the_framework(case: Case, tmp_path: Path) -> None:
    pair, inputs = case.pair(tmp_path)
    assert pair.native(*inputs) <= NATIVE


@pytest.mark.slow
@pytest.mark.parametrize("case", FULL, ids=lambda case: case.name)
def test_native_code_of_full_size_is_the_framework(case: Case, tmp_path: Path) -> None:
    pair, inputs = case.pair(tmp_path)
    assert pair.native(*inputs) <= NATIVE


# --- what is special to one of them ----------------------------------------------------------------------------------
def pieces(ids: Array) -> Inputs:
    """A prompt of four tokens, then one token at a time."""
    return np.split(ids, range(4, ids.shape[1]), axis=1)


@pytest.mark.thorough
def test_gpt_reads_a_prompt_and_then_token_by_token(tmp_path: Path) -> None:
    pair, (ids,) = SMALL[-1].pair(tmp_path)
    (wanted,) = pair.reference.outputs(ids)
    store, states = pair.store(), dict[str, Any]()
    found = [run_module(pair.program.module, [piece], store, states=states)[0] for piece in pieces(ids)]
    assert relative_difference([np.concatenate(found, axis=1)], [wanted]) <= EXACT
    model = pair.compiled()
    for _ in range(2):
        found = [model(piece) for piece in pieces(ids)]
        assert relative_difference([np.concatenate(found, axis=1)], [wanted]) <= NATIVE
        model.reset()


@pytest.mark.thorough
def test_the_networks_of_the_pair_are_models_of_their_own() -> None:
    pair = program("gan")
    store = random_store(pair)
    generator = np.random.default_rng(0)
    real, z = generator.normal(size=(1, 64, 64, 3)), generator.normal(size=(1, 100))
    _, wanted = run_module(pair.module, [real, z], store)
    value = z
    for network in ("Generator", "Discriminator"):
        alone = program("gan", network)
        weights = {weight.name: store[f"{network.lower()}.{weight.name}"] for weight in alone.weights}
        (value,) = run_module(alone.module, [value], WeightStore(weights))
    np.testing.assert_array_equal(value, wanted)
