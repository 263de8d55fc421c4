"""neuralc.compile and neuralc.load, as DESIGN §8 shows them."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from support.native_modules import MLP, mlp_reference, mlp_store

import neuralc
from neuralc.grammar.diagnostics import NeuralcError, UsageError
from neuralc.runtime import ModelError

NETWORK = """
network Small {
  input: (6, 6, 2)
  layers:
    Conv2D(8, (3, 3), padding="same", activation="relu")
    MaxPooling2D((2, 2))
    Flatten()
    Dropout(0.5)
    Output(5, activation="softmax")
  init: seed(3)
}
"""


@pytest.fixture
def network(tmp_path: Path) -> Path:
    path = tmp_path / "small.nr"
    path.write_text(NETWORK)
    return path


def images(size: int) -> np.ndarray:
    return np.random.default_rng(size).standard_normal((size, 6, 6, 2)).astype(np.float32)


@pytest.mark.parametrize("opt", [0, 1, 2])
def test_native_code_agrees_with_the_interpreter(network: Path, opt: int) -> None:
    model = neuralc.compile(network, opt=opt)
    reference = neuralc.compile(network, target="interp")
    for size in (1, 3, 17):
        np.testing.assert_allclose(model(images(size)), reference(images(size)), atol=1e-5)


@pytest.mark.thorough
def test_threads_change_no_bit(network: Path) -> None:
    one, two, every = (neuralc.compile(str(network), threads=threads) for threads in (1, 2, None))
    x = images(33)
    np.testing.assert_array_equal(one(x), two(x))
    np.testing.assert_array_equal(one(x), every(x))
    assert [model.metadata["threads"] for model in (one, two, every)] == [1, 2, 0]


def test_a_saved_model_is_the_same_model(network: Path, tmp_path: Path) -> None:
    model = neuralc.compile(network)
    model.save(tmp_path / "small.so")
    loaded = neuralc.load(tmp_path / "small.so")
    np.testing.assert_array_equal(loaded(images(4)), model(images(4)))
    assert loaded.inputs == model.inputs
    assert loaded.name == "Small"


@pytest.mark.thorough
def test_compiled_and_interpreted_models_have_one_interface(network: Path) -> None:
    native, interpreted = neuralc.compile(network), neuralc.compile(network, target="interp")
    assert native.inputs == interpreted.inputs
    assert native.outputs == interpreted.outputs
    x = images(2)
    out = np.empty((2, 5), np.float32)
    assert interpreted(x, out=out) is out
    np.testing.assert_array_equal(out, interpreted(**{interpreted.inputs[0].name: x}))
    for model in (native, interpreted):
        model.reset()
        with pytest.raises(ModelError, match=r"E0904.*float64"):
            model(x.astype(np.float64))
    with pytest.raises(UsageError, match=r"E0814.*interpreted"):
        interpreted.save("m.so")


def test_dims_are_fixed_on_request(network: Path) -> None:
    model = neuralc.compile(network, dims={"batch": 4})
    assert model.inputs[0].shape == (4, 6, 6, 2)
    assert model.dims == ()
    assert model(images(4)).shape == (4, 5)
    with pytest.raises(ModelError, match=r"has shape \(3, 6, 6, 2\), the model takes \(4, 6, 6, 2\)"):
        model(images(3))


@pytest.mark.thorough
def test_searches_are_decided_on_request(network: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network.write_text(NETWORK.replace("Output(5", "Output(HPO(choice(5, 7))"))
    for target in ("cpu", "interp"):
        chosen = neuralc.compile(network, target=target, set={"output.units": 7})
        assert chosen(images(3)).shape == (3, 7)
    assert "W0302" not in capsys.readouterr().err
    assert neuralc.compile(network)(images(3)).shape == (3, 5)
    assert "W0302" in capsys.readouterr().err


def test_untrained_weights_are_said_on_stderr(network: Path, capsys: pytest.CaptureFixture[str]) -> None:
    neuralc.compile(network)
    assert "W0501" in capsys.readouterr().err


@pytest.mark.thorough
def test_ir_of_the_kernel_level_is_compiled_with_its_weights(tmp_path: Path) -> None:
    (tmp_path / "mlp.mlir").write_text(MLP)
    save_file(dict(mlp_store()), tmp_path / "mlp.safetensors")
    model = neuralc.compile(tmp_path / "mlp.mlir", weights=tmp_path / "mlp.safetensors")
    x = np.random.default_rng(0).standard_normal((7, 32)).astype(np.float32)
    np.testing.assert_allclose(model(x), mlp_reference(x), atol=1e-4)


def test_ir_below_the_graph_level_has_no_code_whose_names_a_file_could_have(tmp_path: Path) -> None:
    (tmp_path / "mlp.mlir").write_text(MLP)
    save_file({"dense.weight": np.zeros((2, 3), np.float32)}, tmp_path / "torch.safetensors")
    with pytest.raises(NeuralcError, match=r"E0502.*do not fit the model"):
        neuralc.compile(tmp_path / "mlp.mlir", weights=tmp_path / "torch.safetensors")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"opt": 4}, "E0813.*`opt` is 4"),
        ({"target": "cuda"}, "E0820.*does not run target `cuda`"),
        ({"target": "interpp"}, "E0820.*did you mean `interp`"),
        ({"threads": 0}, "E0813.*`threads` is 0"),
        ({"precision": "bf16"}, "E0703.*precision"),
        ({"winograd": "f3"}, "E0813.*`winograd` is 'f3'.*auto, off, f2, f4"),
        ({"dims": {"S": 3}}, "E0813.*S"),
        ({"weights": "missing.safetensors"}, "E0501"),
        ({"network": "Other"}, "E0207"),
    ],
)
def test_wrong_arguments_are_refused(network: Path, arguments: dict, text: str) -> None:
    with pytest.raises(NeuralcError, match=f"(?s){text}"):
        neuralc.compile(network, **arguments)


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NeuralcError, match="E0901"):
        neuralc.compile(tmp_path / "missing.nr")
    with pytest.raises(NeuralcError, match="E0601"):
        neuralc.compile(tmp_path / "model.pdf")
    with pytest.raises(ModelError, match="E0902"):
        neuralc.load(tmp_path / "missing.so")
