"""ConvLSTM against Keras, ConvGRU against the equations of its paper."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from support import nr_programs
from support.keras_reference import agrees, layers, program_of

from neuralc.grammar.diagnostics import NeuralcError

pytestmark = pytest.mark.thorough

Array = NDArray[Any]
SHAPES = {1: (3, 7, 2), 2: (3, 6, 5, 2), 3: (2, 4, 3, 4, 2)}
MASK = np.array([[1, 1, 0], [0, 1, 0], [0, 0, 0]], bool)


def _written(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def same(rank: int, window: Any = 3, *, native: bool = False, shape: tuple[int, ...] = (), **options: Any) -> None:
    layer = getattr(layers, f"ConvLSTM{rank}D")(4, window, **options)
    arguments = "".join(f", {name}={_written(value)}" for name, value in options.items())
    agrees(f"ConvLSTM{rank}D(4, {window}{arguments})", shape or SHAPES[rank], lambda x: layer(x), native=native)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_the_defaults_are_those_of_keras(rank: int) -> None:
    same(rank)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_convolutions_in_time_are_native(rank: int) -> None:
    same(rank, native=True, padding="same", return_sequences=True)


@pytest.mark.parametrize(
    "options",
    [
        {"strides": 2, "padding": "same", "return_sequences": True},
        {"strides": (1, 2)},
        {"dilation_rate": 2, "padding": "same"},
        {"use_bias": False, "return_state": True},
        {"go_backwards": True, "return_sequences": True},
        {"activation": "relu", "recurrent_activation": "hard_sigmoid"},
        {"dropout": 0.2, "recurrent_dropout": 0.3},
        {"unit_forget_bias": False},
    ],
    ids=str,
)
def test_options_mean_what_they_mean_to_keras(options: dict[str, Any]) -> None:
    same(2, (3, 2), **options)


def test_channels_may_come_first() -> None:
    same(2, 2, shape=(3, 2, 6, 5), data_format="channels_first", dropout=0.5, recurrent_dropout=0.5)


@pytest.mark.parametrize("sequences", [False, True])
def test_a_mask_leaves_out_steps(sequences: bool) -> None:
    layer = layers.ConvLSTM2D(4, 3, return_sequences=sequences)
    agrees(
        f"ConvLSTM2D(4, 3, return_sequences={str(sequences).lower()})(x, mask=m)",
        {"x": SHAPES[2], "m": (3,)},
        lambda x, m: layer(x, mask=m),
        data={"m": MASK},
        batch=len(MASK),
        native=False,
    )


def test_states_may_be_given() -> None:
    layer = layers.ConvLSTM1D(4, 3, padding="same", return_state=True)
    agrees(
        'ConvLSTM1D(4, 3, padding="same", return_state=true)(x, initial_state=(h, c))',
        {"x": SHAPES[1], "h": (7, 4), "c": (7, 4)},
        lambda x, *states: layer(x, initial_state=list(states)),
        native=False,
    )


def test_both_ways() -> None:
    layer = layers.Bidirectional(layers.ConvLSTM1D(4, 3, return_sequences=True))
    agrees("Bidirectional(ConvLSTM1D(4, 3, return_sequences=true))", SHAPES[1], lambda x: layer(x), native=False)


def test_places_may_be_sizes_of_the_program() -> None:
    layer = layers.ConvLSTM2D(4, 3, padding="same", strides=2, return_sequences=True)
    agrees(
        'ConvLSTM2D(4, 3, padding="same", strides=2, return_sequences=true)',
        SHAPES[2],
        lambda x: layer(x),
        sizes={"x": "(S, H, W, 2)"},
    )


# --- ConvGRU ---------------------------------------------------------------------------------------------------------
def conv_gru(x: Array, kernel: Array, recurrent: Array, bias: Array, *, same_padding: bool) -> Array:
    """The GRU-RCN of Ballas et al. 2016, with gates in the order update, reset, new."""

    def convolved(image: Array, weights: Array, padding: str) -> Array:
        moved = torch.nn.functional.conv2d(
            torch.tensor(image).permute(0, 3, 1, 2), torch.tensor(weights).permute(3, 2, 0, 1), padding=padding
        )
        return np.asarray(moved.permute(0, 2, 3, 1))

    own = [convolved(x[:, t], kernel, "same" if same_padding else "valid") + bias for t in range(x.shape[1])]
    filters = recurrent.shape[2]
    u = np.split(recurrent, 3, axis=-1)
    h = np.zeros((*own[0].shape[:-1], filters))
    outputs = []
    for step in own:
        w_z, w_r, w = np.split(step, 3, axis=-1)
        z = 1 / (1 + np.exp(-(w_z + convolved(h, u[0], "same"))))
        r = 1 / (1 + np.exp(-(w_r + convolved(h, u[1], "same"))))
        new = np.tanh(w + convolved(r * h, u[2], "same"))
        h = (1 - z) * h + z * new
        outputs.append(h)
    return np.stack(outputs, axis=1)


@pytest.mark.parametrize(("padding", "shape"), [("same", (3, 5, 4, 2)), ("valid", (2, 5, 5, 3))])
def test_conv_gru_is_that_of_its_paper(padding: str, shape: tuple[int, ...]) -> None:
    text = f'ConvGRU2D(4, 3, padding="{padding}", return_sequences=true)'

    def reference(x: Array, weights: Mapping[str, Array]) -> Array:
        arrays = (weights[f"conv_gru2d.{name}"] for name in ("kernel", "recurrent_kernel", "bias"))
        return conv_gru(x, *arrays, same_padding=padding == "same")

    nr_programs.agrees(text, {"x": shape}, reference)


@pytest.mark.parametrize(
    ("text", "shape", "message"),
    [
        ("ConvLSTM2D(4, 3)", "(3, 6, 5)", "it takes sequences (batch, steps, height, width, channels)"),
        ("ConvLSTM2D(4, 3)", "(3, 2, 5, 2)", "the window covers 3 places along height, its input has 2"),
        ("ConvLSTM2D(4, 3, strides=2, dilation_rate=2)", "(3, 6, 5, 2)", "a window with strides has no dilation"),
    ],
)
def test_what_does_not_fit_is_told(text: str, shape: str, message: str) -> None:
    with pytest.raises(NeuralcError) as caught:
        program_of(text, {"x": shape})
    assert message in caught.value.diagnostics[0].message
