"""SimpleRNN, LSTM, GRU, RNN and the cells against Keras: values, masks, states, ways."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from support.keras_reference import agrees, layers

from neuralc.grammar.signatures import ACTIVATIONS, find

pytestmark = pytest.mark.thorough

STEPS, FEATURES, UNITS = 5, 3, 4
SHAPE = (STEPS, FEATURES)
NAMES = ("SimpleRNN", "LSTM", "GRU")
MASK = np.array([[1, 1, 1, 0, 0], [0, 1, 0, 1, 1], [0, 0, 0, 0, 0], [1, 0, 0, 1, 0]], bool)
"""Ends early, has holes, counts nothing, and leaves out the last step."""


def arguments(options: dict[str, Any]) -> str:
    return "".join(f", {name}={_written(value)}" for name, value in options.items())


def _written(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def same(name: str, native: bool = True, steps: int = STEPS, **options: Any) -> None:
    """A layer of this name and these options, in both."""
    layer = getattr(layers, name)(UNITS, **options)
    agrees(f"{name}({UNITS}{arguments(options)})", (steps, FEATURES), lambda x: layer(x), native=native)


def masked(name: str, native: bool = False, **options: Any) -> None:
    layer = getattr(layers, name)(UNITS, **options)
    agrees(
        f"{name}({UNITS}{arguments(options)})(x, mask=m)",
        {"x": SHAPE, "m": (STEPS,)},
        lambda x, m: layer(x, mask=m),
        data={"m": MASK},
        batch=len(MASK),
        native=native,
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("sequences", [False, True])
def test_a_layer_gives_its_last_output_or_all(name: str, sequences: bool) -> None:
    same(name, native=name == "LSTM", return_sequences=sequences)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "options",
    [
        {"return_state": True},
        {"return_sequences": True, "return_state": True, "go_backwards": True},
        {"go_backwards": True},
        {"use_bias": False},
        {"unroll": True, "return_sequences": True},
        {"dropout": 0.3, "recurrent_dropout": 0.2},
        {"activation": "relu"},
    ],
    ids=str,
)
def test_options_mean_what_they_mean_to_keras(name: str, options: dict[str, Any]) -> None:
    same(name, native=False, **options)


@pytest.mark.parametrize("options", [{"reset_after": False}, {"reset_after": False, "use_bias": False}], ids=str)
def test_the_reset_gate_may_act_before_the_product(options: dict[str, Any]) -> None:
    same("GRU", return_sequences=True, **options)


@pytest.mark.parametrize("name", ["LSTM", "GRU"])
def test_implementations_and_cudnn_change_nothing(name: str) -> None:
    same(name, native=False, implementation=1)
    same(name, native=False, use_cudnn=False)


# A glu gives half of its input, which is no state; the sparsemax of Keras is not that of its paper, ours is.
@pytest.mark.parametrize("activation", [name for name in ACTIVATIONS if name not in ("glu", "sparsemax")])
def test_every_activation_is_that_of_keras(activation: str) -> None:
    # Two steps: what grows without a bound does not get far.
    same("SimpleRNN", native=False, steps=2, activation=activation, return_sequences=True)
    same("LSTM", native=False, steps=2, activation=activation)
    same("GRU", native=False, steps=2, recurrent_activation=activation)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("options", [{}, {"reset_after": False}, {"use_bias": False}], ids=str)
def test_cells_that_no_op_knows_are_scans(name: str, options: dict[str, Any]) -> None:
    if "reset_after" in options and name != "GRU":
        return
    same(name, activation="mish", return_sequences=True, return_state=True, **options)


# --- masks -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"return_sequences": True, "return_state": True},
        {"return_sequences": True, "go_backwards": True},
        {"zero_output_for_mask": True},
        {"zero_output_for_mask": True, "go_backwards": True},
        {"zero_output_for_mask": True, "return_sequences": True, "go_backwards": True},
        {"return_sequences": True, "activation": "mish"},
    ],
    ids=str,
)
def test_a_mask_leaves_out_steps(name: str, options: dict[str, Any]) -> None:
    masked(name, **options)


@pytest.mark.parametrize("activation", ["tanh", "softmax"])
def test_masked_layers_are_native(activation: str) -> None:
    masked("LSTM", native=True, return_sequences=True, return_state=True, activation=activation)


@pytest.mark.parametrize("options", [{}, {"return_sequences": True}, {"go_backwards": True, "return_sequences": True}])
@pytest.mark.parametrize("name", ["LSTM", "GRU"])
def test_before_the_first_step_that_counts_outputs_are_zero_whatever_the_states(
    name: str, options: dict[str, Any]
) -> None:
    layer = getattr(layers, name)(UNITS, return_state=True, **options)
    states = ("h", "c") if name == "LSTM" else ("h",)
    agrees(
        f"{name}({UNITS}, return_state=true{arguments(options)})(x, mask=m, initial_state=({', '.join(states)}))",
        {"x": SHAPE, "m": (STEPS,), **dict.fromkeys(states, (UNITS,))},
        lambda x, m, *states: layer(x, mask=m, initial_state=list(states)),
        data={"m": MASK},
        batch=len(MASK),
        native=options == {},
    )


def test_a_mask_reaches_the_next_layer_with_a_sequence() -> None:
    def build(x: Any, m: Any) -> Any:
        return layers.GRU(4)(layers.LSTM(4, return_sequences=True)(x, mask=m))

    text = "LSTM(4, return_sequences=true)(x, mask=m) GRU(4)"
    agrees(text, {"x": SHAPE, "m": (STEPS,)}, build, data={"m": MASK}, batch=len(MASK), native=False)


# --- states ----------------------------------------------------------------------------------------------------------
def test_states_lead_from_an_encoder_to_a_decoder() -> None:
    def build(x: Any, y: Any) -> Any:
        _, *states = layers.LSTM(6, return_state=True)(x)
        return layers.LSTM(6, return_sequences=True)(y, initial_state=states)

    agrees(
        "z, h, c = LSTM(6, return_state=true)(x) LSTM(6, return_sequences=true)(y, initial_state=(h, c))",
        {"x": SHAPE, "y": (7, 2)},
        build,
    )


def test_the_state_of_a_gru_is_one_value() -> None:
    layer = layers.GRU(UNITS)
    agrees("GRU(4)(x, initial_state=h)", {"x": SHAPE, "h": (UNITS,)}, lambda x, h: layer(x, initial_state=h))


# --- cells -----------------------------------------------------------------------------------------------------------
CELLS = ("SimpleRNNCell", "LSTMCell", "GRUCell")


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_walks_along_a_sequence_as_rnn_does(name: str) -> None:
    build = lambda x: layers.RNN(getattr(layers, name)(UNITS), return_sequences=True)(x)  # noqa: E731
    agrees(f"RNN({name}({UNITS}), return_sequences=true)", SHAPE, build, native=name == "LSTMCell")
    agrees(f"{name}({UNITS})", SHAPE, lambda x: layers.RNN(getattr(layers, name)(UNITS))(x), native=False)


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_alone_makes_one_step(name: str) -> None:
    cell = getattr(layers, name)(UNITS)
    count = 2 if name == "LSTMCell" else 1

    def from_zero(x: Any) -> Any:
        import keras

        return cell(x, [keras.ops.zeros_like(x[:, :1]) * keras.ops.ones((1, UNITS))] * count)[0]

    agrees(f"{name}({UNITS})", (FEATURES,), from_zero, native=False)
    states = ("h", "c")[:count]
    agrees(
        f"{name}({UNITS})(x, states=({', '.join(states)},))",
        {"x": (FEATURES,), **dict.fromkeys(states, (UNITS,))},
        lambda x, *states: cell(x, list(states)),
    )


def test_cells_stand_on_each_other() -> None:
    def build(x: Any) -> Any:
        return layers.RNN([layers.LSTMCell(4), layers.GRUCell(6)], return_sequences=True)(x)

    agrees("RNN([LSTMCell(4), GRUCell(6)], return_sequences=true)", SHAPE, build)
    agrees("RNN(StackedRNNCells([LSTMCell(4), GRUCell(6)]), return_sequences=true)", SHAPE, build)


def test_stacked_cells_take_masks() -> None:
    layer = layers.RNN([layers.GRUCell(4), layers.GRUCell(6)], return_sequences=True)
    agrees(
        "RNN([GRUCell(4), GRUCell(6)], return_sequences=true)(x, mask=m)",
        {"x": SHAPE, "m": (STEPS,)},
        lambda x, m: layer(x, mask=m),
        data={"m": MASK},
        batch=len(MASK),
        native=False,
    )


# --- parameters ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "name",
    [
        *NAMES,
        *CELLS,
        "StackedRNNCells",
        "RNN",
        "ConvLSTM1D",
        "ConvLSTM2D",
        "ConvLSTM3D",
        "Bidirectional",
        "TimeDistributed",
    ],
)
def test_parameters_come_in_the_order_and_with_the_defaults_of_keras(name: str) -> None:
    signature = find(name)
    assert signature is not None
    ours = {parameter.name: parameter.default for parameter in signature.parameters}
    theirs = {
        parameter.name: parameter.default
        for parameter in inspect.signature(getattr(layers, name).__init__).parameters.values()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD and parameter.name != "self"
    }
    order = list(theirs)
    if name.startswith("Conv"):  # the third argument of a convolution is its activation
        order.insert(2, order.pop(order.index("activation")))
    assert list(ours)[: len(order)] == order
    for parameter, default in theirs.items():
        if default is not inspect.Parameter.empty:
            rank = int(name[-2]) if name.startswith("Conv") else 1
            assert ours[parameter] in (default, (default,) * rank)
