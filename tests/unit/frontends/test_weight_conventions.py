"""Weights with the names and layouts of PyTorch and Keras: the model computes what their modules compute."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from support.compare import assert_close

from neuralc.dialects.interp import run_module
from neuralc.frontends.nr import load
from neuralc.grammar.diagnostics import NeuralcError, Source
from neuralc.weights_file import bind_weights

Arrays = Mapping[str, np.ndarray[Any, Any]]


def bound(layers: str, shape: str, tensors: Arrays, folder: Path) -> tuple[Any, Any]:
    save_file({name: np.ascontiguousarray(array) for name, array in tensors.items()}, folder / "w.safetensors")
    program = load(Source("m.nr", f"network M {{ input: {shape} layers: {layers} }}"))
    return program.module, bind_weights(program, folder / "w.safetensors")


def tensors_of(**modules: torch.nn.Module) -> Arrays:
    return {
        f"{name}.{key}": value.detach().numpy()
        for name, module in modules.items()
        for key, value in module.state_dict().items()
    }


def first(x: torch.Tensor) -> torch.Tensor:
    return x.movedim(-1, 1)


def last(x: torch.Tensor) -> torch.Tensor:
    return x.movedim(1, -1)


CASES: Mapping[str, tuple[str, tuple[int, ...], torch.nn.Module, Callable[[Any, torch.Tensor], torch.Tensor]]] = {
    "dense": ("Dense(5)", (8,), torch.nn.Linear(8, 5), lambda m, x: m(x)),
    "conv1d": ("Conv1D(5, 3)", (9, 4), torch.nn.Conv1d(4, 5, 3), lambda m, x: last(m(first(x)))),
    "conv2d": ("Conv2D(6, 3, groups=2)", (9, 8, 4), torch.nn.Conv2d(4, 6, 3, groups=2),
               lambda m, x: last(m(first(x)))),
    "conv2d_transpose": ("Conv2DTranspose(5, 3)", (5, 4, 6), torch.nn.ConvTranspose2d(6, 5, 3),
                         lambda m, x: last(m(first(x)))),
    "depthwise_conv2d": ("DepthwiseConv2D(3, depth_multiplier=2)", (6, 5, 4), torch.nn.Conv2d(4, 8, 3, groups=4),
                         lambda m, x: last(m(first(x)))),
    "batch_normalization": ("BatchNormalization(epsilon=0.00001)", (6, 5, 4), torch.nn.BatchNorm2d(4).eval(),
                            lambda m, x: last(m(first(x)))),
    "layer_normalization": ("LayerNormalization(epsilon=0.00001)", (6, 4), torch.nn.LayerNorm(4), lambda m, x: m(x)),
    "lstm": ("LSTM(5, return_sequences=true)", (7, 4), torch.nn.LSTM(4, 5, batch_first=True), lambda m, x: m(x)[0]),
    "gru": ("GRU(5, return_sequences=true)", (7, 4), torch.nn.GRU(4, 5, batch_first=True), lambda m, x: m(x)[0]),
    "simple_rnn": ("SimpleRNN(5, return_sequences=true)", (7, 4), torch.nn.RNN(4, 5, batch_first=True),
                   lambda m, x: m(x)[0]),
    "bidirectional": ("Bidirectional(LSTM(5, return_sequences=true))", (7, 4),
                      torch.nn.LSTM(4, 5, batch_first=True, bidirectional=True), lambda m, x: m(x)[0]),
    "multi_head_attention": ("MultiHeadAttention(2, 4)", (6, 8), torch.nn.MultiheadAttention(8, 2, batch_first=True),
                             lambda m, x: m(x, x, x)[0]),
    "transformer_encoder": ("TransformerEncoder(2, 12, 0.0, activation=relu, epsilon=0.00001)", (6, 8),
                            torch.nn.TransformerEncoderLayer(8, 2, 12, 0.0, batch_first=True).eval(),
                            lambda m, x: m(x)),
    "transformer_decoder": ("TransformerDecoder(2, 12, 0.0)", (6, 8),
                            torch.nn.TransformerEncoderLayer(8, 2, 12, 0.0, batch_first=True).eval(),
                            lambda m, x: m(x, torch.triu(torch.ones(6, 6, dtype=torch.bool), 1))),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_modules_of_pytorch(name: str, tmp_path: Path) -> None:
    layers, shape, module, run = CASES[name]
    torch.manual_seed(0)
    for tensor in module.state_dict().values():
        if tensor.is_floating_point():
            # Sums of two biases have no rounding, so that both frameworks add the same numbers.
            tensor.copy_((torch.rand_like(tensor) * 64).round() / 64 + 0.125)
    ir, weights = bound(layers, str(shape), tensors_of(**{name: module}), tmp_path)
    assert [message.code for message in weights.messages] == ["W0502"]
    x = np.random.default_rng(0).normal(size=(2, *shape))
    with torch.no_grad():
        wanted = run(module.double(), torch.from_numpy(x))
    (found,) = run_module(ir, [x], weights.store)
    assert_close(found, wanted.numpy(), 1e-10)


def test_layers_that_are_repeated_are_a_sequence_of_pytorch(tmp_path: Path) -> None:
    layers = [torch.nn.TransformerEncoderLayer(8, 2, 12, 0.0, batch_first=True) for _ in range(2)]
    module = torch.nn.Sequential(*layers).eval()
    ir, weights = bound("TransformerEncoder(2, 12) * 2", "(6, 8)", tensors_of(transformer_encoder=module), tmp_path)
    x = np.random.default_rng(0).normal(size=(2, 6, 8))
    wanted = module.double()(torch.from_numpy(x)).detach()
    assert_close(run_module(ir, [x], weights.store)[0], wanted.numpy(), 1e-10)


def test_names_of_keras(tmp_path: Path) -> None:
    shapes = {
        "model/bidirectional/forward_lstm/lstm_cell/kernel:0": (4, 12),
        "model/bidirectional/forward_lstm/lstm_cell/recurrent_kernel:0": (3, 12),
        "model/bidirectional/forward_lstm/lstm_cell/bias:0": (12,),
        "model/bidirectional/backward_lstm/lstm_cell/kernel:0": (4, 12),
        "model/bidirectional/backward_lstm/lstm_cell/recurrent_kernel:0": (3, 12),
        "model/bidirectional/backward_lstm/lstm_cell/bias:0": (12,),
        "model/dense/kernel:0": (6, 2),
        "model/dense/bias:0": (2,),
    }
    rng = np.random.default_rng(0)
    tensors = {name: rng.normal(size=shape).astype("float32") for name, shape in shapes.items()}
    _, weights = bound("Bidirectional(LSTM(3)) Dense(2)", "(5, 4)", tensors, tmp_path)
    np.testing.assert_array_equal(weights.store["dense.kernel"], tensors["model/dense/kernel:0"])
    backward = tensors["model/bidirectional/backward_lstm/lstm_cell/bias:0"]
    np.testing.assert_array_equal(weights.store["bidirectional.backward.bias"], backward)


def test_what_is_left_over_or_of_another_shape_is_listed(tmp_path: Path) -> None:
    tensors = {"dense.weight": np.zeros((3, 8), "float32"), "dense.bias": np.zeros(3, "float32")}
    with pytest.raises(NeuralcError) as caught:
        bound("Dense(5)", "(8)", tensors, tmp_path)
    told = caught.value.diagnostics[0].notes
    assert told[0] == "it has the names of the model's PyTorch code"
    assert "different: dense.weight is float32[3, 8], the model needs float32[5, 8]" in told
    with pytest.raises(NeuralcError) as caught:
        bound("Dense(3)", "(8)", {**tensors, "other.weight": np.zeros(1, "float32")}, tmp_path)
    told = caught.value.diagnostics[0].notes
    assert told == ("closest are the names of the model's PyTorch code", "unexpected: other.weight float32[1]")
