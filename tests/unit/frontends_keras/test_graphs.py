"""Functional models: several values, shared layers, masks, states, models within models, calls with arguments."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.keras_import import agrees, randomize
from support.keras_reference import keras, layers

from neuralc.imported import ImportedModel

pytestmark = pytest.mark.thorough

ops = keras.ops
Build = Callable[..., Any]


def _check(build: Build, folder: Path, *shapes: tuple[int | None, ...], dtype: str = "float64") -> ImportedModel:
    given = [keras.Input(shape, dtype=dtype, name=f"x{index}") for index, shape in enumerate(shapes)]
    generator = np.random.default_rng(3)
    arrays: list[Any] = []
    for shape in shapes:
        wanted = (2, *(5 if size is None else size for size in shape))
        arrays.append(generator.normal(size=wanted) if dtype == "float64" else generator.integers(0, 4, wanted))
    model = keras.Model(given if len(given) > 1 else given[0], build(*given))
    return agrees(randomize(model), [array.astype(dtype) for array in arrays], folder)


PAIRS: dict[str, Build] = {
    name: lambda a, b, name=name: getattr(layers, name)()([a, b])
    for name in ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate", "Attention")
} | {
    "Concatenate along steps": lambda a, b: layers.Concatenate(axis=1)([a, b]),
    "Dot": lambda a, b: layers.Dot(axes=(2, 2), normalize=True)([a, b]),
    "AdditiveAttention": lambda a, b: layers.AdditiveAttention()([a, b]),
    "scaled attention with scores": lambda a, b: layers.Attention(use_scale=True)([a, b], return_attention_scores=True),
    "causal attention": lambda a, b: layers.Attention(score_mode="concat")([a, b], use_causal_mask=True),
    "MultiHeadAttention": lambda a, b: layers.MultiHeadAttention(2, 3, value_dim=4)(a, b),
    "attention with gates": lambda a, b: layers.MultiHeadAttention(2, 3, use_gate=True)(a, b, b),
    "attention with scores": lambda a, b: layers.MultiHeadAttention(2, 3)(a, b, return_attention_scores=True),
    "attention with a mask": lambda a, b: layers.MultiHeadAttention(2, 3)(
        a, b, attention_mask=ops.matmul(a, ops.transpose(b, (0, 2, 1))) > 0
    ),
    "GroupQueryAttention": lambda a, b: layers.GroupQueryAttention(3, 4, 2)(a, b),
    "softmax with a mask": lambda a, b: layers.Softmax()(a, mask=b > 0),
    "a cell": lambda a, b: layers.GRUCell(4)(a[:, 0], b[:, 1])[0],
    "shared layer": lambda a, b: (lambda dense: dense(a) * dense(b))(layers.Dense(3, "tanh")),
    "shared layer of several results": lambda a, b: (
        lambda lstm: [lstm(a)[0], lstm(b)[1]]
    )(layers.LSTM(3, return_state=True)),
    "states": lambda a, b: layers.LSTM(3)(b, initial_state=layers.LSTM(3, return_state=True)(a)[1:]),
    "states of both ways": lambda a, b: list(layers.Bidirectional(layers.GRU(3, return_state=True))(a)),
}  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
def test_layers_of_two_values(name: str, tmp_path: Path) -> None:
    _check(PAIRS[name], tmp_path, (5, 4), (5, 4))


TOKENS: dict[str, Build] = {
    "the mask reaches layers behind others": lambda x: layers.GRU(3)(layers.Dropout(0.1)(layers.Dense(4)(x))),
    "sums of masked values": lambda x: layers.GlobalAveragePooling1D()(layers.Add()([x, x])),
    "a mean with a mask of its own": lambda x: layers.GlobalAveragePooling1D()(x, mask=x[:, :, 0] > 0),
    "attention": lambda x: layers.MultiHeadAttention(2, 3)(x, x),
    "attention without heads": lambda x: layers.Attention()([x, layers.Dense(4)(x)]),
    "both ways": lambda x: layers.Bidirectional(layers.LSTM(3, return_sequences=True))(x),
    "a layer at each step": lambda x: layers.LSTM(2)(layers.TimeDistributed(layers.Dense(3))(x)),
    "through a model": lambda x: keras.Sequential([layers.LayerNormalization(), layers.LSTM(3)])(x),
    "behind a sequential model": lambda x: layers.LSTM(2)(keras.Sequential([layers.Dense(3)])(x)),
    "behind a model that drops it": lambda x: layers.LSTM(2)(keras.Sequential([layers.Conv1D(3, 1)])(x)),
    "batch normalization": lambda x: layers.LSTM(3)(layers.BatchNormalization()(x)),
}


@pytest.mark.parametrize("name", TOKENS)
def test_masks(name: str, tmp_path: Path) -> None:
    _check(lambda x: TOKENS[name](layers.Embedding(9, 4, mask_zero=True)(x)), tmp_path, (6,), dtype="int32")


def test_the_mask_of_an_embedding_is_made_once(tmp_path: Path) -> None:
    found = _check(lambda x: layers.LSTM(3)(layers.Embedding(9, 4, mask_zero=True)(x)), tmp_path, (6,), dtype="int32")
    assert [op.name for op in found.module.walk()].count("graph.not_equal") == 1


def test_sizes_that_are_open_have_names_of_the_inputs(tmp_path: Path) -> None:
    found = _check(lambda x: layers.Conv2D(3, 3, padding="same")(x), tmp_path, (None, None, 2))
    assert "graph.dim @x0_1" in str(found.module)
    assert "graph.dim @x0_2" in str(found.module)


def test_a_batch_that_is_fixed_is_a_number(tmp_path: Path) -> None:
    given = keras.Input(batch_shape=(2, 4))
    found = agrees(randomize(keras.Model(given, layers.Dense(3)(given))), [np.ones((2, 4))], tmp_path)
    assert "tensor<2x4xf64>" in str(found.module)


def test_models_within_models_are_functions(tmp_path: Path) -> None:
    inner = keras.Sequential([layers.Dense(4, "relu", name="up"), layers.Dense(3, name="down")], name="block")
    middle = keras.Input((3,))
    outer = keras.Model(middle, inner(middle) + middle, name="residual")
    found = _check(lambda x: outer(outer(x)) * inner(x), tmp_path, (3,))
    text = str(found.module)
    assert 'path "residual"' in text
    assert text.count("graph.func @residual") == 1
    assert "residual.block.up.kernel" in found.weights


def test_a_model_of_several_values_takes_them_by_name_or_in_order(tmp_path: Path) -> None:
    a, b = keras.Input((3,), name="a"), keras.Input((2,), name="b")
    by_name = keras.Model({"a": a, "b": b}, [layers.Dense(2)(a) * b, layers.Dense(3)(b)], name="by_name")
    c, d = keras.Input((3,), name="c"), keras.Input((2,), name="d")
    in_order = keras.Model([c, d], layers.Concatenate()([c, d]), name="in_order")

    def build(x: Any, y: Any) -> Any:
        first, second = by_name({"b": y, "a": x})
        return in_order([second, first])

    _check(build, tmp_path, (3,), (2,))


def test_outputs_that_are_inputs_or_each_other(tmp_path: Path) -> None:
    def build(x: Any) -> Any:
        y = layers.Dense(2, name="y")(x)
        return [y, x, y]

    found = _check(build, tmp_path, (3,))
    assert 'outputs ["y", "x0_1", "y_1"]' in str(found.module)


def test_outputs_by_name(tmp_path: Path) -> None:
    found = _check(lambda x: {"second": layers.Dense(2)(x), "first": layers.Dense(3)(x)}, tmp_path, (3,))
    assert 'outputs ["second", "first"]' in str(found.module)


def test_types_of_layers(tmp_path: Path) -> None:
    """A layer of another type casts what it takes, and what is behind it has its own type again."""
    given = keras.Input((3,), name="x")
    double = layers.Dense(3, name="double")(layers.Dense(4, dtype="float32", name="single")(given))
    x = np.random.default_rng(3).normal(size=(2, 3))
    found = agrees(randomize(keras.Model(given, double)), [x], tmp_path, tolerance=1e-6)
    assert found.weights["single.kernel"].dtype == "float32"
    assert found.weights["double.kernel"].dtype == "float64"
