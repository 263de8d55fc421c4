"""Every layer of Keras that the language has: from a file and live it gives the numbers of Keras."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.keras_import import agrees, randomize
from support.keras_reference import keras, layers

from neuralc.grammar.signatures import SIGNATURES

pytestmark = pytest.mark.thorough

LINE, IMAGE, VOLUME, VECTOR = (9, 4), (8, 7, 3), (5, 6, 5, 2), (6,)
VIDEO = (3, 6, 6, 2)
RANKS = {1: LINE, 2: IMAGE, 3: VOLUME}
L2, L1L2 = keras.regularizers.L2(0.02), keras.regularizers.L1L2(0.1, 0.2)


def of(shape: tuple[int, ...], *made: Callable[[], Any], dtype: str = "float64") -> tuple[Any, ...]:
    return shape, made, dtype


CASES: dict[str, list[Any]] = {
    "Dense": [
        of(VECTOR, lambda: layers.Dense(4, "relu"), lambda: layers.Dense(3, use_bias=False)),
        of(LINE, lambda: layers.Dense(4, layers.LeakyReLU(0.1), kernel_regularizer=L2, bias_constraint="non_neg")),
        of(VECTOR, lambda: layers.Dense(4, kernel_initializer=keras.initializers.RandomNormal(0.1, 0.2, seed=3))),
        of(VECTOR, lambda: layers.Dense(4, activity_regularizer=L1L2)),
    ],
    "Flatten": [of(IMAGE, layers.Flatten), of((3, 8, 7), lambda: layers.Flatten("channels_first"))],
    "Reshape": [of(IMAGE, lambda: layers.Reshape((-1, 6)))],
    "Permute": [of(IMAGE, lambda: layers.Permute((3, 1, 2)))],
    "RepeatVector": [of(VECTOR, lambda: layers.RepeatVector(3))],
    "Embedding": [
        of((7,), lambda: layers.Embedding(9, 4), dtype="int32"),
        of((7,), lambda: layers.Embedding(9, 4, mask_zero=True), lambda: layers.LSTM(3), dtype="int32"),
        of((7,), lambda: layers.Embedding(9, 4, mask_zero=True), layers.GlobalAveragePooling1D, dtype="int32"),
    ],
    "ReversibleEmbedding": [of((7,), lambda: layers.ReversibleEmbedding(9, 4), dtype="int32")],
    "Masking": [of(LINE, lambda: layers.Masking(0.5), lambda: layers.GRU(3, return_sequences=True))],
    "Identity": [of(VECTOR, layers.Identity)],
    "Activation": [
        of(VECTOR, lambda name=name: layers.Activation(name))
        for name in ("relu", "gelu", "swish", "softmax", "selu", "hard_sigmoid", "leaky_relu", "softplus", "mish")
    ],
    **{
        f"Conv{rank}D": [
            of(RANKS[rank], lambda r=rank: getattr(layers, f"Conv{r}D")(4, 3, activation="relu", padding="same")),
            of(RANKS[rank], lambda r=rank: getattr(layers, f"Conv{r}D")(4, 3, strides=2, use_bias=False)),
            of(RANKS[rank], lambda r=rank: getattr(layers, f"Conv{r}D")(4, 2, dilation_rate=2, name="dilated")),
            of(RANKS[rank], lambda r=rank: getattr(layers, f"Conv{r}D")(2 * RANKS[r][-1], 2, groups=RANKS[r][-1])),
        ]
        for rank in (1, 2, 3)
    },
    **{
        f"Conv{rank}DTranspose": [
            of(RANKS[rank], lambda r=rank: getattr(layers, f"Conv{r}DTranspose")(4, 3, strides=2, padding="same")),
            of(RANKS[rank], lambda r=rank: getattr(layers, f"Conv{r}DTranspose")(4, 3)),
        ]
        for rank in (1, 2, 3)
    },
    **{
        f"{kind}Conv{rank}D": [
            of(RANKS[rank], lambda k=kind, r=rank: _separable(k, r, padding="same", activation="relu")),
            of(RANKS[rank], lambda k=kind, r=rank: _separable(k, r, strides=2, depth_multiplier=2)),
        ]
        for kind in ("Separable", "Depthwise")
        for rank in (1, 2)
    },
    **{
        f"{kind}Pooling{rank}D": [
            of(RANKS[rank], lambda k=kind, r=rank: getattr(layers, f"{k}Pooling{r}D")(2)),
            of(RANKS[rank], lambda k=kind, r=rank: getattr(layers, f"{k}Pooling{r}D")(3, 1, padding="same")),
        ]
        for kind in ("Max", "Average")
        for rank in (1, 2, 3)
    },
    **{
        f"Global{kind}Pooling{rank}D": [
            of(RANKS[rank], lambda k=kind, r=rank: getattr(layers, f"Global{k}Pooling{r}D")(keepdims=True)),
        ]
        for kind in ("Max", "Average")
        for rank in (1, 2, 3)
    },
    **{
        f"Adaptive{kind}Pooling{rank}D": [
            of(RANKS[rank], lambda k=kind, r=rank: getattr(layers, f"Adaptive{k}Pooling{r}D")(2)),
        ]
        for kind in ("Max", "Average")
        for rank in (1, 2, 3)
    },
    **{
        f"{name}{rank}D": [
            of(RANKS[rank], lambda n=name, r=rank: getattr(layers, f"{n}{r}D")(1 if n == "Cropping" else 2))
        ]
        for name in ("UpSampling", "ZeroPadding", "Cropping")
        for rank in (1, 2, 3)
    },
    "BatchNormalization": [
        of(IMAGE, lambda: layers.BatchNormalization(epsilon=0.01)),
        of(IMAGE, lambda: layers.BatchNormalization(axis=1, scale=False)),
        of(VECTOR, lambda: layers.BatchNormalization(trainable=False)),
    ],
    "LayerNormalization": [
        of(LINE, layers.LayerNormalization),
        of(IMAGE, lambda: layers.LayerNormalization([1, 2, 3], center=False)),
    ],
    "GroupNormalization": [of(shape, lambda: layers.GroupNormalization(-1)) for shape in (IMAGE, LINE)],
    "RMSNormalization": [of(LINE, layers.RMSNormalization)],
    "UnitNormalization": [of(LINE, layers.UnitNormalization)],
    "Dropout": [of(LINE, lambda: layers.Dropout(0.3, noise_shape=(None, 1, 4)))],
    "SpatialDropout1D": [of(LINE, lambda: layers.SpatialDropout1D(0.2))],
    "SpatialDropout2D": [of(IMAGE, lambda: layers.SpatialDropout2D(0.2))],
    "SpatialDropout3D": [of(VOLUME, lambda: layers.SpatialDropout3D(0.2))],
    "GaussianNoise": [of(VECTOR, lambda: layers.GaussianNoise(0.2))],
    "GaussianDropout": [of(VECTOR, lambda: layers.GaussianDropout(0.2, seed=4))],
    "AlphaDropout": [of(VECTOR, lambda: layers.AlphaDropout(0.2))],
    "ActivityRegularization": [of(VECTOR, lambda: layers.ActivityRegularization(0.1, 0.2))],
    "ReLU": [of(VECTOR, lambda: layers.ReLU(1.0, 0.1, 0.2)), of(VECTOR, lambda: layers.ReLU(6.0))],
    "LeakyReLU": [of(VECTOR, lambda: layers.LeakyReLU(0.2))],
    "PReLU": [of(IMAGE, lambda: layers.PReLU(shared_axes=[1, 2])), of(VECTOR, layers.PReLU)],
    "ELU": [of(VECTOR, lambda: layers.ELU(0.7))],
    "Softmax": [of(LINE, layers.Softmax), of(IMAGE, lambda: layers.Softmax(axis=[1, 2]))],
    **{
        name: [
            of(LINE, lambda n=name: getattr(layers, n)(5)),
            of(LINE, lambda n=name: getattr(layers, n)(5, return_sequences=True, go_backwards=True, use_bias=False)),
        ]
        for name in ("SimpleRNN", "LSTM", "GRU")
    },
    "RNN": [
        of(LINE, lambda: layers.RNN(layers.GRUCell(3, reset_after=False))),
        of(LINE, lambda: layers.RNN([layers.LSTMCell(3), layers.SimpleRNNCell(2)], return_sequences=True)),
    ],
    **{
        f"ConvLSTM{rank}D": [
            of(shape, lambda r=rank: getattr(layers, f"ConvLSTM{r}D")(2, 3, padding="same", return_sequences=True))
        ]
        for rank, shape in ((1, (3, 6, 2)), (2, VIDEO), (3, (2, 4, 5, 4, 2)))
    },
    "Bidirectional": [
        of(LINE, lambda: layers.Bidirectional(layers.LSTM(3))),
        of(LINE, lambda: layers.Bidirectional(layers.GRU(3, return_sequences=True), merge_mode="sum")),
        of(
            LINE,
            lambda: layers.Bidirectional(
                layers.LSTM(3), backward_layer=layers.LSTM(2, go_backwards=True, activation="relu")
            ),
        ),
    ],
    "TimeDistributed": [
        of((3, *IMAGE), lambda: layers.TimeDistributed(layers.Conv2D(2, 3))),
        of(
            (3, *IMAGE),
            lambda: layers.TimeDistributed(
                keras.Sequential([layers.Conv2D(2, 3), layers.BatchNormalization(), layers.Flatten(), layers.Dense(3)])
            ),
        ),
    ],
    "Rescaling": [of(IMAGE, lambda: layers.Rescaling(1 / 255.0, -0.5), dtype="uint8")],
    "Normalization": [
        of((2,), lambda: layers.Normalization(mean=[1.0, 2.0], variance=[2.0, 3.0])),
        of(LINE, layers.Normalization),
    ],
    "Resizing": [of(IMAGE, lambda: layers.Resizing(4, 9)), of(IMAGE, lambda: layers.Resizing(4, 5, "nearest"))],
    "CenterCrop": [of(IMAGE, lambda: layers.CenterCrop(4, 5))],
}  # fmt: skip


def _separable(kind: str, rank: int, **arguments: Any) -> Any:
    made = getattr(layers, f"{kind}Conv{rank}D")
    return made(4, 3, **arguments) if kind == "Separable" else made(3, **arguments)


OF_SEVERAL = {
    "Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate", "Dot", "Attention",
    "AdditiveAttention", "MultiHeadAttention", "GroupedQueryAttention", "SimpleRNNCell", "LSTMCell", "GRUCell",
    "StackedRNNCells",
}  # fmt: skip
"""Layers of several values, which test_graphs.py has, and cells, which stand in RNN."""

NOT_IN_MODELS = {"Output", "Lambda", "Cast"}
"""Layers of the language that Keras has under another name, or as code."""


def _data(shape: tuple[int, ...], dtype: str) -> Any:
    generator = np.random.default_rng(1)
    if dtype == "float64":
        return generator.normal(size=(2, *shape))
    return generator.integers(0, 9, (2, *shape)).astype(dtype)


@pytest.mark.parametrize(
    ("name", "case"), [(name, index) for name, cases in CASES.items() for index in range(len(cases))]
)
def test_a_layer_gives_the_numbers_of_keras(name: str, case: int, tmp_path: Path) -> None:
    shape, made, dtype = CASES[name][case]
    model = keras.Sequential([keras.Input(shape, dtype=dtype), *(make() for make in made)])
    agrees(randomize(model), [_data(shape, dtype)], tmp_path)


def test_every_layer_that_both_have_is_tried() -> None:
    ours = {signature.name for signature in SIGNATURES if hasattr(layers, signature.name)}
    assert ours - OF_SEVERAL - NOT_IN_MODELS <= set(CASES)
