"""Attention that is written out in a model is `F.scaled_dot_product_attention`, where that computes the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from support.compare import assert_close
from support.torch_code import run_torch_code, written_model
from torch import Tensor, nn

import neuralc
from neuralc.dialects.interp import run_module
from neuralc.emit.torch import emit
from neuralc.frontends.nr.load import load
from neuralc.grammar.diagnostics import Source
from neuralc.weights_file import initial_weights

CALL = "F.scaled_dot_product_attention("
SELF = "x = Dense(6)\n  MultiHeadAttention(2, 4{})(x, x)"


def program(layers: str) -> str:
    return f"network Net {{ input: (5, 6) layers: {layers} }}"


class Attends(nn.Module):
    def __init__(self, scale: float | None = None) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(8, 8) for _ in range(3))
        self.scale = scale

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        heads = [f(x).reshape(2, 5, 2, 4).transpose(1, 2) for f in (self.query, self.key, self.value)]
        return F.scaled_dot_product_attention(*heads, attn_mask=mask, scale=self.scale).transpose(1, 2).flatten(2)


@pytest.mark.thorough
@pytest.mark.parametrize("scale", [None, 0.3])
@pytest.mark.parametrize("kind", ["numbers", "truth values"])
def test_what_was_one_call_is_one_again(kind: str, scale: float | None) -> None:
    torch.manual_seed(0)
    original, x = Attends(scale).eval(), torch.randn(2, 5, 8)
    mask = torch.randn(5, 5) if kind == "numbers" else torch.rand(2, 1, 5, 5) > 0.6
    imported = neuralc.from_torch(original, (x, mask))
    source = imported.emit("torch")
    assert isinstance(source, str)
    assert source.count(CALL) == 1
    assert "softmax" not in source
    written = written_model(imported).double()
    exact = (x.double(), mask.double() if kind == "numbers" else mask)
    with torch.no_grad():
        assert_close(written(*exact).numpy(), original.double()(*exact).numpy(), 1e-10)


@pytest.mark.thorough
@pytest.mark.parametrize("options", ["", ", dropout=0.2", ", value_dim=3"])
def test_attention_of_a_program_agrees(options: str) -> None:
    found = load(Source("test.nr", program(SELF.format(options))))
    weights = initial_weights(found.weights, 0)
    x = np.random.default_rng(0).standard_normal((3, 5, 6)).astype(np.float32)
    expected = run_module(found.module, {"input": x}, weights)
    assert_close(run_torch_code(found.module, {"input": x}, weights)[0], expected[0], 1e-10)


def test_attention_without_a_mask_is_one_call() -> None:
    source = emit(load(Source("test.nr", program(SELF.format(", dropout=0.2")))).module)
    assert "softmax" not in source
    assert "dropout_p=0.2 if self.training else 0.0" in source
    assert "nn.Dropout" not in source


def test_a_mask_that_may_leave_out_every_key_is_written_out() -> None:
    """Keras gives the mean of all values there, torch 0."""
    text = "network Net { input: ids: (5) int32 layers: Embedding(9, 6, mask_zero=true) TransformerEncoder(2, 8) }"
    source = emit(load(Source("test.nr", text)).module)
    assert CALL not in source
    assert "softmax" in source
