"""Which expressions share a line, in which order, and what variables are called."""

from __future__ import annotations

import pytest

from neuralc.emit import jax, keras, torch
from neuralc.emit.structure_of_programs import with_layers
from neuralc.frontends.nr.load import load
from neuralc.grammar.diagnostics import Source

EMIT = {"jax": jax.emit, "keras": keras.emit, "torch": torch.emit}
START = {"jax": "def forward(", "keras": "def build_model", "torch": "def forward("}


def body(form: str, layers: str, inputs: str = "x: (8)") -> list[str]:
    """The statements of the last function that computes, without docstring and comments."""
    module = with_layers(load(Source("net.nr", f"network Net {{ input: {{ {inputs} }} layers: {layers} }}")).module)
    found = EMIT[form](module).rpartition(START[form])[2].split("\n\n\n")[0]
    lines = [line.partition("  # ")[0].strip() for line in found.splitlines()]
    return [line for line in lines[lines.index(next(each for each in lines if each.endswith(":"))) + 1 :] if line]


def test_what_is_used_once_stands_where_it_is_used() -> None:
    assert body("torch", 'Residual { Dense(8, "relu") Dropout(0.5) } LayerNormalization()') == [
        "y = self.residual_dropout(F.relu(self.residual_dense(x)))",
        "return self.layer_normalization(y + x)",
    ]


def test_a_line_holds_few_calls() -> None:
    lines = body("torch", 'Dense(8, "relu") LayerNormalization() Dropout(0.5) Dense(8, "tanh") LayerNormalization()')
    assert max(line.count("(x)") + line.count("((") for line in lines) <= 3
    assert len(lines) > 1


@pytest.mark.parametrize("form", ["jax", "torch"])
def test_a_mask_is_computed_where_it_is_read(form: str) -> None:
    lines = body(form, "Embedding(10, 4, mask_zero=true) Dropout(0.5) LSTM(4, return_sequences=true)", "ids: (S) int32")
    place = next(index for index, line in enumerate(lines) if line.startswith("mask = "))
    assert "ids != 0" in lines[place]
    assert "mask" in lines[place + 1]


def test_a_comparison_is_turned_in_its_line() -> None:
    lines = body("jax", "Embedding(10, 4, mask_zero=true) LSTM(4, return_sequences=true)", "ids: (S) int32")
    assert "mask = (ids != 0).T" in lines


def test_one_place_of_an_axis_is_a_subscript() -> None:
    assert body("torch", 'Lambda("x: x[:, 0]") Dense(2)', "x: (5, 8)") == ["return self.dense(x[:, 0])"]


def test_an_axis_is_added_by_a_subscript() -> None:
    assert body("torch", 'Lambda("x: x[:, None] * 2")')[-1] == "return x[:, None] * 2.0"
    assert body("jax", 'Lambda("x: x[:, :, None] * 2")')[-1] == "return x[..., None] * 2.0"


@pytest.mark.parametrize("form", ["torch", "jax"])
def test_zeros_around_an_image_are_the_padding_of_its_convolution(form: str) -> None:
    lines = "\n".join(body(form, "ZeroPadding2D(1) Conv2D(4, 3, strides=2)", "x: (9, 9, 3)"))
    assert "pad(" not in lines


def test_heads_are_axes_of_the_kernel() -> None:
    text = keras.emit(
        with_layers(load(Source("net.nr", "network Net { input: (5, 8) layers: TransformerEncoder(2, 16) }")).module)
    )
    assert '"bsd,dnh->bsnh"' in text
    assert '"bsnh,nhd->bsd"' in text
    assert "reshape" not in text


def test_a_table_alone_has_the_name_of_its_layer() -> None:
    assert 'params["embedding"][ids]' in "\n".join(body("jax", "Embedding(10, 4) Dense(2)", "ids: (5) int32"))


def test_operators_join_conditions() -> None:
    layers = 'Lambda("x: where(x > 1 and x < 2, x, 0)")'
    assert any(" & " in line for line in body("keras", layers))


def test_parts_of_a_value_are_taken_where_they_are_read() -> None:
    lines = body("torch", 'Lambda("x: tanh(x[:, :4]) * exp(x[:, 4:])")')
    assert lines[-1] == "return torch.tanh(x[:, :-4]) * torch.exp(x[:, 4:])"


def test_one_of_blocks_is_a_block() -> None:
    module = load(Source("net.nr", "define Blocks { Dense(8) } network Net { input: (8) layers: Blocks() * 2 }")).module
    assert "for block in self.blocks:\n            x = block(x)" in torch.emit(module)
