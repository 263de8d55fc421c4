"""Recurrent layers as torch has them: nn.LSTM, nn.GRU and nn.RNN, masked ones, and what torch has no layer of."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from support.compare import assert_close
from support.layers import recurrent
from support.random_graph import random_graph_module
from support.torch_code import loaded_model, run_torch_code, written_model
from torch import Tensor, nn
from xdsl.dialects.builtin import f64

import neuralc
from neuralc.dialects.interp import run_module
from neuralc.emit.torch import emit
from neuralc.frontends.nr.load import load
from neuralc.grammar.diagnostics import Source
from neuralc.weights_file import initial_weights

LSTM = "network Net { input: (S, 3) layers: LSTM(4, return_sequences=true) }"


def emitted(text: str) -> str:
    return emit(load(Source("test.nr", text)).module)


def layers_of(source: str) -> list[str]:
    return re.findall(r"= (nn\.(?:LSTM|GRU|RNN)\([^)]*\))", source)


def test_an_lstm_is_one_line() -> None:
    source = emitted(LSTM)
    assert layers_of(source) == ["nn.LSTM(3, 4, batch_first=True)"]
    assert "x, _ = self.lstm(x)" in source
    assert "permute(1, 0, 2)" not in source


def test_both_directions_are_one_layer() -> None:
    source = emitted("network Net { input: (S, 3) layers: Bidirectional(GRU(4, return_sequences=true)) }")
    assert layers_of(source) == ["nn.GRU(3, 4, batch_first=True, bidirectional=True)"]


def test_the_second_bias_of_an_lstm_is_not_trained() -> None:
    model = loaded_model(load(Source("test.nr", LSTM)).module, weights_of(LSTM))
    trained = {name for name, value in model.named_parameters() if value.requires_grad}
    assert trained == {"lstm.weight_ih_l0", "lstm.weight_hh_l0", "lstm.bias_ih_l0"}


def weights_of(text: str) -> Any:
    return initial_weights(load(Source("test.nr", text)).weights, 0)


@pytest.mark.thorough
@pytest.mark.parametrize(
    "layers",
    [
        "LSTM(4)",
        "GRU(4, return_sequences=true)",
        "GRU(4, reset_after=false)",
        "SimpleRNN(4) ",
        'SimpleRNN(4, "relu", return_sequences=true)',
        'LSTM(4, "relu", recurrent_activation="hard_sigmoid")',
        'GRU(4, "softplus")',
        "LSTM(4, use_bias=false)",
        "GRU(4, use_bias=false)",
        "LSTM(4, go_backwards=true)",
        "GRU(4, go_backwards=true, return_sequences=true)",
        "LSTM(4, return_sequences=true) GRU(3, return_sequences=true) SimpleRNN(2)",
        "Bidirectional(LSTM(4))",
        "Bidirectional(GRU(4, return_sequences=true))",
        'Bidirectional(LSTM(4, return_sequences=true), merge_mode="sum")',
        'Bidirectional(SimpleRNN(4, return_sequences=true), merge_mode="ave")',
        "Bidirectional(LSTM(4, return_sequences=true)) * 2 Dense(2)",
    ],
)
@pytest.mark.parametrize("masked", [False, True])
def test_layers_agree(layers: str, masked: bool) -> None:
    """Words 0 are padding wherever they stand; one sentence has no other."""
    embedding = f"Embedding(9, 5, mask_zero={'true' if masked else 'false'})"
    text = f"network Net {{ input: ids: (S) int32 layers: {embedding} {layers} }}"
    program = load(Source("test.nr", text))
    rng = np.random.default_rng(0)
    weights = initial_weights(program.weights, 0)
    for weight in program.weights:
        weights[weight.name] = rng.standard_normal(weight.shape).astype(np.float32)
    ids = rng.integers(0, 3, (4, 7)).astype(np.int32)
    ids[1], ids[2, :3] = 0, 0
    expected = run_module(program.module, {"ids": ids}, weights)
    for actual, reference in zip(run_torch_code(program.module, {"ids": ids}, weights), expected, strict=True):
        assert_close(actual, reference, 1e-10)


@pytest.mark.thorough
def test_random_layers_agree() -> None:
    for seed in range(20):
        module, weights, inputs = random_graph_module(
            np.random.default_rng(seed), ops=4, element=f64, layers=recurrent.LAYERS
        )
        expected = run_module(module, inputs, weights)
        for actual, reference in zip(run_torch_code(module, inputs, weights), expected, strict=True):
            assert_close(actual, reference, 1e-10)


# -- layers of PyTorch come back ---------------------------------------------------------------------------------------


class Tagger(nn.Module):
    """A layer over embedded words, and what is read of its results."""

    def __init__(self, rnn: nn.RNNBase, read: Callable[[Any], Tensor]) -> None:
        super().__init__()
        self.embedding = nn.Embedding(10, 5)
        self.rnn = rnn
        self.read = read

    def forward(self, x: Tensor) -> Tensor:
        return self.read(self.rnn(self.embedding(x)))


def outputs(results: Any) -> Tensor:
    found: Tensor = results[0]
    return found


def last_state(results: Any) -> Tensor:
    found: Tensor = results[1][0][-1]
    return found


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("rnn", "read"),
    [
        (lambda: nn.LSTM(5, 4), outputs),
        (lambda: nn.LSTM(5, 4, batch_first=True, num_layers=2, dropout=0.25), outputs),
        (lambda: nn.LSTM(5, 4, batch_first=True, num_layers=3, bidirectional=True), outputs),
        (lambda: nn.LSTM(5, 4, bias=False, num_layers=2), last_state),
        (lambda: nn.LSTM(5, 4, batch_first=True, bidirectional=True), last_state),
        (lambda: nn.GRU(5, 4, batch_first=True), outputs),
        (lambda: nn.GRU(5, 4, num_layers=2, bidirectional=True), outputs),
        (lambda: nn.RNN(5, 4, num_layers=2, nonlinearity="relu"), outputs),
    ],
)  # fmt: skip
def test_a_layer_of_torch_comes_back(rnn: Callable[[], nn.RNNBase], read: Callable[[Any], Tensor]) -> None:
    original = Tagger(rnn(), read).eval()
    x = torch.randint(0, 10, (3, 6), generator=torch.Generator().manual_seed(0))
    imported = neuralc.from_torch(original, (x,))
    source = imported.emit("torch")
    assert isinstance(source, str)
    assert layers_of(source) == [constructor(original.rnn)]
    model = written_model(imported)
    assert model.state_dict().keys() == original.state_dict().keys()
    with torch.no_grad():
        assert_close(model.double()(x).numpy(), original.double()(x).numpy(), 1e-10)


def constructor(layer: nn.RNNBase) -> str:
    """How a person makes a layer."""
    options = [f'nonlinearity="{layer.nonlinearity}"'] if getattr(layer, "nonlinearity", "tanh") != "tanh" else []
    options += [f"num_layers={layer.num_layers}"] if layer.num_layers > 1 else []
    options += [] if layer.bias else ["bias=False"]
    options += ["batch_first=True"] if layer.batch_first else []
    options += [f"dropout={layer.dropout}"] if layer.dropout else []
    options += ["bidirectional=True"] if layer.bidirectional else []
    written = ", ".join([str(layer.input_size), str(layer.hidden_size), *options])
    return f"nn.{type(layer).__name__}({written})"
