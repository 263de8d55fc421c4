"""Bidirectional and TimeDistributed against Keras."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.keras_reference import agrees, layers, program_of, random_store

from neuralc.dialects.interp import run_module
from neuralc.frontends.nr import load
from neuralc.grammar.diagnostics import Source

pytestmark = pytest.mark.thorough

STEPS = 5
SHAPE = (STEPS, 3)
MASK = np.array([[1, 1, 1, 0, 0], [0, 1, 0, 1, 1], [0, 0, 0, 0, 0], [1, 0, 0, 1, 0]], bool)


# --- Bidirectional ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("mode", ["concat", "sum", "mul", "ave", None])
def test_two_outputs_become_one_or_stay_two(mode: str | None) -> None:
    written = "None" if mode is None else f'"{mode}"'
    for sequences in (False, True):
        layer = layers.Bidirectional(layers.LSTM(4, return_sequences=sequences), merge_mode=mode)
        text = f"Bidirectional(LSTM(4, return_sequences={str(sequences).lower()}), merge_mode={written})"
        agrees(text, SHAPE, lambda x, layer=layer: layer(x), native=sequences and mode == "ave")


@pytest.mark.parametrize("name", ["SimpleRNN", "GRU"])
def test_each_layer_walks_both_ways(name: str) -> None:
    layer = layers.Bidirectional(getattr(layers, name)(4, return_sequences=True))
    agrees(f"Bidirectional({name}(4, return_sequences=true))", SHAPE, lambda x: layer(x), native=False)


def test_cells_walk_both_ways() -> None:
    layer = layers.Bidirectional(layers.RNN([layers.LSTMCell(4), layers.GRUCell(2)], return_sequences=True))
    text = "Bidirectional(RNN([LSTMCell(4), GRUCell(2)], return_sequences=true))"
    agrees(text, SHAPE, lambda x: layer(x), native=False)


@pytest.mark.parametrize("sequences", [False, True])
def test_a_mask_leaves_out_steps_both_ways(sequences: bool) -> None:
    layer = layers.Bidirectional(layers.LSTM(4, return_sequences=sequences))
    agrees(
        f"Bidirectional(LSTM(4, return_sequences={str(sequences).lower()}))(x, mask=m)",
        {"x": SHAPE, "m": (STEPS,)},
        lambda x, m: layer(x, mask=m),
        data={"m": MASK},
        batch=len(MASK),
        native=sequences,
    )


def test_states_of_both_ways_come_after_the_output() -> None:
    layer = layers.Bidirectional(layers.LSTM(4, return_state=True, return_sequences=True))
    agrees(
        "Bidirectional(LSTM(4, return_state=true, return_sequences=true))(x, initial_state=(h, c, i, d))",
        {"x": SHAPE, **dict.fromkeys("hcid", (4,))},
        lambda x, *states: layer(x, initial_state=list(states)),
        native=False,
    )


def test_the_layer_that_walks_backward_may_be_another_one() -> None:
    forward = layers.LSTM(4, return_sequences=True)
    backward = layers.GRU(4, return_sequences=True, go_backwards=True)
    layer = layers.Bidirectional(forward, backward_layer=backward, merge_mode="sum")
    agrees(
        "Bidirectional(LSTM(4, return_sequences=true), backward_layer=GRU(4, return_sequences=true, "
        'go_backwards=true), merge_mode="sum")',
        SHAPE,
        lambda x: layer(x),
        native=False,
    )


def test_the_first_of_two_layers_may_be_the_one_that_walks_backward() -> None:
    forward = layers.GRU(4, return_sequences=True, go_backwards=True)
    layer = layers.Bidirectional(forward, backward_layer=layers.GRU(4, return_sequences=True))
    agrees(
        "Bidirectional(GRU(4, return_sequences=true, go_backwards=true), backward_layer=GRU(4, return_sequences=true))",
        SHAPE,
        lambda x: layer(x),
        native=False,
    )


def test_a_tagger_of_two_bidirectional_layers() -> None:
    def build(x: Any, m: Any) -> Any:
        y = layers.Bidirectional(layers.LSTM(6, return_sequences=True))(x, mask=m)
        y = layers.Bidirectional(layers.LSTM(4, return_sequences=True))(y)
        return layers.TimeDistributed(layers.Dense(5, activation="softmax"))(y)

    agrees(
        "Bidirectional(LSTM(6, return_sequences=true))(x, mask=m) Bidirectional(LSTM(4, return_sequences=true)) "
        'TimeDistributed(Dense(5, "softmax"))',
        {"x": SHAPE, "m": (STEPS,)},
        build,
        data={"m": MASK},
        batch=len(MASK),
    )


def test_a_tagger_leaves_out_the_padding_of_its_words() -> None:
    def build(words: Any) -> Any:
        y = layers.Embedding(20, 6, mask_zero=True)(words)
        y = layers.Bidirectional(layers.GRU(4, return_sequences=True))(y)
        return layers.Dense(5, activation="softmax")(layers.LSTM(6, return_sequences=True)(y))

    agrees(
        "Embedding(20, 6, mask_zero=true) Bidirectional(GRU(4, return_sequences=true)) "
        'LSTM(6, return_sequences=true) Dense(5, "softmax")',
        {"words": (STEPS,)},
        build,
        data={"words": np.array([[3, 19, 7, 0, 0], [0, 4, 0, 2, 1], [5, 0, 0, 0, 0]], np.int32)},
        batch=3,
        sizes={"words": "(S)"},
    )


def test_weights_are_named_by_their_way() -> None:
    names = [weight.name for weight in program_of("Bidirectional(LSTM(4))", {"x": "(5, 3)"}).weights]
    assert names == [
        f"bidirectional.{way}.{part}"
        for way in ("forward", "backward")
        for part in ("kernel", "recurrent_kernel", "bias")
    ]
    named = program_of('Bidirectional(GRU(4, name="notes"), name="song")', {"x": "(5, 3)"}).weights
    assert named[0].name == "song.forward_notes.kernel"


# --- TimeDistributed -------------------------------------------------------------------------------------------------
def test_a_dense_layer_at_each_step() -> None:
    layer = layers.TimeDistributed(layers.Dense(7, activation="relu"))
    agrees('TimeDistributed(Dense(7, "relu"), dropout=0.5)', SHAPE, lambda x: layer(x))


def test_a_convolution_at_each_step_and_a_block_behind_it() -> None:
    def build(x: Any) -> Any:
        y = layers.TimeDistributed(layers.Conv2D(4, 3))(x)
        return layers.TimeDistributed(layers.Flatten())(y)

    agrees("TimeDistributed(Conv2D(4, (3, 3))) { Dropout(0.2) Flatten() }", (3, 6, 5, 2), build)


def test_a_recurrent_layer_at_each_step() -> None:
    layer = layers.TimeDistributed(layers.LSTM(4))
    agrees("TimeDistributed(LSTM(4))", (2, *SHAPE), lambda x: layer(x), native=False)


def test_a_macro_and_a_network_at_each_step() -> None:
    text = "define Twice(n) { Dense(n) Dense(n) } network Inner { input: (3) layers: Dense(2) } "
    loaded = load(
        Source(
            "m.nr",
            f"{text} network M {{ input: x: (5, 3) layers: TimeDistributed(Twice(3)) TimeDistributed(Inner()) }}",
        )
    )
    assert [weight.name for weight in loaded.weights][::2] == [
        "time_distributed.twice.dense.kernel",
        "time_distributed.twice.dense_1.kernel",
        "time_distributed_1.inner.dense.kernel",
    ]
    store = random_store(loaded)
    x = np.random.default_rng(0).normal(size=(2, 5, 3))
    (y,) = run_module(loaded.module, [x], store)
    expected = x
    for kernel, bias in zip(loaded.weights[::2], loaded.weights[1::2], strict=True):
        expected = expected @ store[kernel.name].astype("float64") + store[bias.name].astype("float64")
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-10)


def test_a_mask_goes_past_the_layer_at_each_step() -> None:
    agrees(
        "TimeDistributed(Dense(4))(x, mask=m) LSTM(3)",
        {"x": SHAPE, "m": (STEPS,)},
        lambda x, m: layers.LSTM(3)(layers.TimeDistributed(layers.Dense(4))(x, mask=m)),
        data={"m": MASK},
        batch=len(MASK),
        native=False,
    )


def test_dropout_stays_for_training() -> None:
    text = str(program_of("TimeDistributed(Dense(7), dropout=0.5) { Dropout(0.25) }", {"x": "(5, 3)"}).module)
    assert text.count("graph.dropout") == 2
