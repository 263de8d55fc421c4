"""Layers and ops of installed packages: the example plugin, what is imported when, and plugins that do not work."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support import plugins
from support.compare import assert_close
from support.pipelines import assert_native_agrees

from neuralc.dialects.graph import CustomOp, the_model
from neuralc.dialects.interp import run_module
from neuralc.dialects.weights import WeightStore
from neuralc.frontends.nr import LoadedProgram, load
from neuralc.grammar.diagnostics import NeuralcError, Source
from neuralc.passes.parsing import parse_module
from neuralc.passes.printing import print_module

EXAMPLE = Path(__file__).parents[3] / "examples" / "plugin"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The example as pip would install it."""
    monkeypatch.syspath_prepend(str(tmp_path))
    yield plugins.installed(EXAMPLE, tmp_path)
    sys.modules.pop("neuralc_fourier", None)
    monkeypatch.undo()
    plugins.forget()


def loaded(layers: str) -> LoadedProgram:
    return load(Source("m.nr", f"network M {{ input: (2) layers: {layers} }}"))


def store_of(program: LoadedProgram) -> WeightStore:
    rng = np.random.default_rng(3)
    return WeightStore({w.name: rng.normal(size=w.shape).astype("float32") for w in program.weights})


def codes_of(layers: str) -> list[str]:
    with pytest.raises(NeuralcError) as caught:
        loaded(layers)
    return [found.code for found in caught.value.diagnostics]


@pytest.mark.usefixtures("installed")
def test_a_layer_that_writes_graph_ops() -> None:
    program = loaded("FourierFeatures(3)")
    (weight,) = program.weights
    assert (weight.name, weight.shape, weight.trainable) == ("fourier_features.frequencies", (2, 3), False)
    x, store = np.random.default_rng(0).normal(size=(4, 2)), store_of(program)
    (y,) = run_module(program.module, [x], store)
    angles = x @ store[weight.name].astype("float64")
    assert_close(y, np.concatenate([np.cos(angles), np.sin(angles)], -1), 1e-10)
    assert_native_agrees(program.module, store, [{"input": x.astype("float32")}], 2)


@pytest.mark.usefixtures("installed")
def test_a_layer_that_is_a_macro() -> None:
    program = loaded("CoordinateMlp(4, depth=2)")
    assert [weight.name for weight in program.weights] == [
        f"coordinate_mlp.dense.{index}.{name}" for index in (0, 1) for name in ("kernel", "bias")
    ]


@pytest.mark.usefixtures("installed")
def test_an_op_with_semantics_and_lowering() -> None:
    program = loaded("Sinusoid(2.0)")
    (op,) = [op for op in the_model(program.module).block.ops if isinstance(op, CustomOp)]
    assert (op.layer.data, op.values) == ("sinusoid", {"omega": 2.0})
    x = np.random.default_rng(0).normal(size=(4, 2))
    (y,) = run_module(program.module, [x], WeightStore())
    assert_close(y, np.sin(2.0 * x), 1e-10)
    for opt in (0, 1, 2):
        assert_native_agrees(loaded("Sinusoid(2.0)").module, WeightStore(), [{"input": x.astype("float32")}], opt)


@pytest.mark.usefixtures("installed")
def test_a_dump_with_an_op_of_a_plugin_is_parsed_and_run() -> None:
    module = parse_module(print_module(loaded("Sinusoid(2.0)").module))
    (y,) = run_module(module, [np.ones((1, 2))], WeightStore())
    assert_close(y, np.full((1, 2), np.sin(2.0)), 1e-10)


@pytest.mark.usefixtures("installed")
def test_arguments_are_checked_by_the_signature() -> None:
    assert codes_of("FourierFeatures(0)") == ["E0306"]
    assert codes_of("CoordinateMlp()") == ["E0301"]
    assert codes_of("Sinusoid(omga=3)") == ["E0302"]


@pytest.mark.usefixtures("installed")
def test_nothing_is_imported_before_a_layer_is_named() -> None:
    loaded("Dense(3)")
    assert codes_of("Fourier(3)") == ["E0201"]
    assert "neuralc_fourier" not in sys.modules
    loaded("sinusoid()")
    assert "neuralc_fourier" in sys.modules


def test_without_the_package_the_layers_are_unknown() -> None:
    assert codes_of("FourierFeatures(3)") == ["E0201"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("raise RuntimeError('no such device')", "cannot be loaded"),
        ("FOURIER_FEATURES = 3", "is a int, neuralc.layers takes a LayerPlugin"),
    ],
)
def test_a_plugin_that_does_not_work_is_an_error_where_it_is_named(installed: Path, text: str, words: str) -> None:
    (installed.parent / "neuralc_fourier.py").write_text(text)
    with pytest.raises(NeuralcError) as caught:
        loaded("FourierFeatures(3)")
    found = caught.value.diagnostics[0]
    assert found.code == "E0705"
    assert words in found.message
    assert found.span is not None
    assert found.span.text == "FourierFeatures"
