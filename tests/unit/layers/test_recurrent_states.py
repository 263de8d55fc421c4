"""Stateful layers, networks as cells, what is kept for training: nothing here needs a framework."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.compare import assert_close
from support.pipelines import NATIVE, assert_native_agrees, compile_native
from support.regions import assert_everywhere

from neuralc.dialects.graph import the_model
from neuralc.dialects.interp import run_module
from neuralc.dialects.weights import WeightStore
from neuralc.frontends.nr import LoadedProgram, load
from neuralc.grammar.diagnostics import Diagnostic, NeuralcError, Source
from neuralc.passes.target import Target
from neuralc.passes.verifier import verify_module

Array = NDArray[Any]


def network(layers: str, inputs: str = "x: (S, 3)", before: str = "") -> LoadedProgram:
    program = load(Source("m.nr", f"{before} network M {{ input: {{ {inputs} }} layers: {layers} }}"))
    verify_module(program.module)
    return program


def error_of(layers: str, inputs: str = "x: (S, 3)", before: str = "") -> Diagnostic:
    with pytest.raises(NeuralcError) as caught:
        network(layers, inputs, before)
    (found,) = caught.value.diagnostics
    return found


def store(program: LoadedProgram) -> WeightStore:
    rng = np.random.default_rng(1)
    return WeightStore(
        {weight.name: (0.4 * rng.standard_normal(weight.shape)).astype("float32") for weight in program.weights}
    )


def normal(*shape: int) -> Array:
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


# --- states ----------------------------------------------------------------------------------------------------------
STATEFUL = [
    "LSTM(4, return_sequences=true, stateful=true)",
    "GRU(4, return_sequences=true, stateful=true, activation='mish')",
    "RNN([SimpleRNNCell(3), LSTMCell(4)], return_sequences=true, stateful=true)",
    "Twice() * 2",
]
TWICE = "define Twice() { LSTM(3, return_sequences=true, stateful=true) Dense(3) }"


@pytest.mark.parametrize("layers", STATEFUL)
def test_a_sequence_in_pieces_gives_what_it_gives_as_a_whole(layers: str) -> None:
    x = normal(2, 6, 3)
    without = network(layers.replace(", stateful=true", ""), before=TWICE.replace(", stateful=true", ""))
    program = network(layers, before=TWICE)
    weights = store(program)
    (whole,) = run_module(without.module, [x], weights)
    states: dict[str, Array] = {}
    pieces = [
        run_module(program.module, [piece], weights, states=states)[0] for piece in (x[:, :1], x[:, 1:4], x[:, 4:])
    ]
    assert_close(np.concatenate(pieces, axis=1), whole, 1e-12)


@pytest.mark.parametrize(
    "layers", [STATEFUL[0], *(pytest.param(each, marks=pytest.mark.thorough) for each in STATEFUL[1:])]
)
def test_native_code_goes_on_until_it_is_reset(layers: str) -> None:
    x = normal(2, 6, 3)
    program = network(layers, before=TWICE)
    weights = store(program)
    (whole,) = run_module(program.module, [x], weights)
    model = compile_native(program.module, weights, 2, Target.host())
    for _ in range(2):
        pieces = [model(piece) for piece in (x[:, :2], x[:, 2:])]
        assert_close(np.concatenate(pieces, axis=1), whole, NATIVE)
        model.reset()


def test_a_bidirectional_layer_keeps_the_states_of_both_ways() -> None:
    program = network("Bidirectional(GRU(4, stateful=true))")
    states: dict[str, Array] = {}
    run_module(program.module, [normal(2, 3, 3)], store(program), states=states)
    assert {name: value.shape for name, value in states.items()} == {
        "bidirectional.forward.h": (2, 4),
        "bidirectional.backward.h": (2, 4),
    }


def test_a_shared_layer_goes_on_from_its_use_before() -> None:
    shared = "enc = LSTM(4, return_sequences=true, stateful=true) "
    program = network(f"{shared} y = enc(a) z = enc(b) Concatenate(y, z, axis=1)", "a: (2, 3), b: (4, 3)")
    plain = network("LSTM(4, return_sequences=true, name='enc')", "x: (6, 3)")
    weights, x = store(program), normal(2, 6, 3)
    (whole,) = run_module(plain.module, [x], weights)
    (found,) = run_module(program.module, [x[:, :2], x[:, 2:]], weights)
    assert_close(found, whole, 1e-12)
    assert sum(op.name == "graph.set_state" for op in the_model(program.module).block.ops) == 2


def test_states_that_are_given_come_before_states_that_are_kept() -> None:
    text = "y, h, c = LSTM(4, stateful=true, return_state=true)(x, initial_state=(a, b)) Concatenate(h, c)"
    program = network(text, "x: (S, 3), a: (4), b: (4)")
    states: dict[str, Array] = {}
    arrays = [normal(2, 3, 3), normal(2, 4), normal(2, 4)]
    first = run_module(program.module, arrays, store(program), states=states)
    again = run_module(program.module, arrays, store(program), states=states)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(np.concatenate([states["lstm.h"], states["lstm.c"]], axis=1), first[0])


def test_before_the_first_step_that_counts_a_stateful_layer_gives_zero() -> None:
    """Keras gives an output of zero there, whatever the state."""
    program = network("LSTM(4, stateful=true, return_sequences=true)(x, mask=m)", "x: (S, 3), m: (S) bool")
    weights, states, x = store(program), dict[str, Array](), normal(1, 3, 3)
    run_module(program.module, [x, np.ones((1, 3), bool)], weights, states=states)
    before = states["lstm.h"].copy()
    (y,) = run_module(program.module, [x, np.array([[False, False, True]])], weights, states=states)
    assert np.all(before != 0)
    np.testing.assert_array_equal(y[0, :2], 0)
    assert np.all(y[0, 2] != 0)


def test_the_same_layer_at_each_step_keeps_no_state() -> None:
    found = error_of("TimeDistributed(LSTM(4, stateful=true))", "x: (2, S, 3)")
    assert found.code == "E0305"
    assert "cannot keep a state from step to step" in found.message


# --- networks as cells -----------------------------------------------------------------------------------------------
LEAKY = """
network Leaky {
  input: { x: (3), h: (4) }
  layers:
    a = Dense(4)(x)
    b = Dense(4, use_bias=false)(h)
    s = Add(a, b)
    n = Activation("tanh")(s)
    m = Average(n, h)
    y = Dense(2)(m)
  outputs: (y, m)
}
"""


def leaky(weights: WeightStore, x: Array, mask: Array | None = None) -> tuple[Array, Array]:
    w = {name.removeprefix("rnn."): weights[name].astype("float64") for name in weights}
    h, y = np.zeros((x.shape[0], 4)), np.zeros((x.shape[0], 2))
    outputs = []
    for step in range(x.shape[1]):
        new = (np.tanh(x[:, step] @ w["dense.kernel"] + w["dense.bias"] + h @ w["dense_1.kernel"]) + h) / 2
        output = new @ w["dense_2.kernel"] + w["dense_2.bias"]
        counts = np.ones((len(x), 1), bool) if mask is None else mask[:, step, None]
        h, y = np.where(counts, new, h), np.where(counts, output, y)
        outputs.append(y)
    return np.stack(outputs, axis=1), h


def test_a_network_is_a_cell() -> None:
    program = network("RNN(Leaky(), return_sequences=true, return_state=true)", before=LEAKY)
    weights, x = store(program), normal(2, 5, 3)
    expected = leaky(weights, x)
    for found, wanted in zip(run_module(program.module, [x], weights), expected, strict=True):
        assert_close(found, wanted, 1e-12)


@pytest.mark.thorough
def test_a_network_as_a_cell_is_the_same_on_every_level() -> None:
    program = network("RNN(Leaky(), return_sequences=true, return_state=true)", before=LEAKY)
    x = normal(2, 5, 3)
    assert_everywhere(program.module, store(program), [{"x": x}, {"x": x[:1, :1]}])


def test_a_network_as_a_cell_takes_masks_and_walks_backwards() -> None:
    text = "RNN(Leaky(), return_sequences=true, go_backwards=true)(x, mask=m)"
    program = network(text, "x: (S, 3), m: (S) bool", before=LEAKY)
    weights, x = store(program), normal(3, 4, 3)
    mask = np.array([[1, 1, 0, 0], [0, 1, 0, 1], [1, 0, 1, 1]], bool)
    expected, _ = leaky(weights, x[:, ::-1], mask[:, ::-1])
    (found,) = run_module(program.module, [x, mask], weights)
    assert_close(found, expected, 1e-12)
    assert_native_agrees(program.module, weights, [{"x": x, "m": mask}], 2)


def test_the_last_output_of_a_network_as_a_cell() -> None:
    program = network("RNN(Leaky())", before=LEAKY)
    weights, x = store(program), normal(2, 5, 3)
    (found,) = run_module(program.module, [x], weights)
    assert_close(found, leaky(weights, x)[0][:, -1], 1e-12)


def test_what_is_no_cell_is_refused() -> None:
    assert "`Dense` is no cell" in error_of("RNN(Dense(4))").message
    assert "is a macro, not a cell" in error_of("RNN(Twice())", before=TWICE).message
    one = "network One { input: { x: (3), h: (4) } layers: a = Dense(4)(x) b = Add(a, h) outputs: (b) }"
    assert "gives nothing behind its output, its states are (batch, 4)" in error_of("RNN(One())", before=one).message
    stateful = "network Own { input: { x: (3), h: (3) } layers: y = Twice()(x) outputs: (y, h) }"
    assert error_of("RNN(Own())", before=f"{TWICE} {stateful}") is not None


# --- symbolic sizes, every level -------------------------------------------------------------------------------------
@pytest.mark.thorough
@pytest.mark.parametrize(
    "layers",
    [
        "Bidirectional(LSTM(5, return_sequences=true))(x, mask=m)",
        "LSTM(4, return_sequences=true, activation='softmax')(x, mask=m)",
        "GRU(4, go_backwards=true, return_sequences=true)(x, mask=m)",
        "GRU(4, reset_after=false, activation='mish')(x, mask=m)",
        "TimeDistributed(Dense(4, 'relu'))(x, mask=m) SimpleRNN(3)",
    ],
)
def test_steps_and_batch_may_have_any_size(layers: str) -> None:
    program = network(layers, "x: (S, 3), m: (S) bool")
    rng = np.random.default_rng(0)
    inputs = [
        {"x": normal(batch, steps, 3), "m": rng.random((batch, steps)) < 0.6}
        for batch, steps in ((1, 1), (3, 7), (17, 2))
    ]
    assert_everywhere(program.module, store(program), inputs)


# --- training --------------------------------------------------------------------------------------------------------
def text_of(layers: str) -> str:
    return str(network(layers).module)


def test_what_training_drops_is_kept() -> None:
    alike = text_of("LSTM(4, dropout=0.25, seed=3)")
    assert "graph.dropout %lstm.steps {rate = 0.25, seed = 3, shared = [0]}" in alike
    for_each_gate = text_of("LSTM(4, dropout=0.25, implementation=1)")
    assert "{dropout = 0.25}" in for_each_gate
    assert "graph.dropout" not in for_each_gate
    assert "{dropout = 0.25, recurrent_dropout = 0.5" in text_of("GRU(4, dropout=0.25, recurrent_dropout=0.5)")
    scanned = text_of("GRU(4, dropout=0.25, recurrent_dropout=0.5, activation='mish', seed=0)")
    assert [f"seed = {seed}" in scanned for seed in range(7)] == [True] * 6 + [False]


def test_weights_keep_what_training_does_with_them() -> None:
    text = text_of("LSTM(4, kernel_regularizer='l2', recurrent_constraint='max_norm', bias_regularizer=L1(0.5))")
    assert '@lstm.kernel : tensor<3x16xf32> init "glorot_uniform" regularizer "l2"' in text
    assert '@lstm.recurrent_kernel : tensor<4x16xf32> init "orthogonal" constraint "max_norm"' in text
    assert '@lstm.bias : tensor<16xf32> init "unit_forget" regularizer "l1"(l1 = 0.5)' in text
    assert 'init "zeros"' in text_of("LSTM(4, unit_forget_bias=false)")
    assert 'init "unit_forget"(others = "ones")' in text_of("LSTM(4, bias_initializer='ones')")


def test_layers_within_others_keep_their_names_and_whether_they_train() -> None:
    program = network("RNN([LSTMCell(3, name='low', trainable=false), GRUCell(4)]) Dense(1)")
    assert {
        (weight.name, weight.trainable) for weight in program.weights if weight.name.split(".")[-1] == "kernel"
    } == {
        ("rnn.low.kernel", False),
        ("rnn.1.kernel", True),
        ("dense.kernel", True),
    }
    backward = network("Bidirectional(GRU(3), backward_layer=GRU(3, go_backwards=true, trainable=false))")
    assert [weight.trainable for weight in backward.weights] == [True] * 3 + [False] * 3


def test_what_training_adds_to_the_loss_for_a_result() -> None:
    assert text_of("LSTM(3, activity_regularizer='l2', return_state=true)").count("graph.activity_regularizer") == 3
    assert text_of("Bidirectional(LSTM(3, activity_regularizer='l2'))").count("graph.activity_regularizer") == 2


def test_a_layer_may_compute_in_another_type() -> None:
    text = text_of("LSTM(3, dtype='mixed_float16', stateful=true)")
    assert "graph.state @lstm.h : tensor<?x3xf16, #graph.dims<batch>>" in text
    assert "@lstm.kernel : tensor<3x12xf32>" in text
    assert "has a `dtype`" in error_of("Bidirectional(LSTM(3, dtype='float16'))").message


# --- refusals --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("layers", "inputs", "message"),
    [
        ("LSTM(4)", "x: (3)", "it takes sequences (batch, steps, features), its input is (batch, 3)"),
        ("LSTMCell(4)", "x: (2, 3, 4, 5)", "it takes (batch, features) or (batch, steps, features)"),
        ("LSTM(4)(x, mask=m)", "x: (S, 3), m: (S)", "its mask holds truth values, it gets f32"),
        ("LSTM(4)(x, mask=m)", "x: (S, 3), m: (S, 1) bool", "its mask is (batch, steps), it gets (batch, S, 1)"),
        ("LSTM(4)(x, initial_state=h)", "x: (S, 3), h: (4)", "`initial_state` is 2 values, it gets 1"),
        ("GRU(4)(x, initial_state=h)", "x: (S, 3), h: (5)", "a state is (batch, 4), it gets (batch, 5)"),
        ("Bidirectional(LSTM(4, go_backwards=true))", "x: (S, 3)", "both layers walk the same way"),
        ("Bidirectional(LSTM(4, mask=m))(x)", "x: (S, 3), m: (S) bool", "`LSTM` gets its values from `Bidirectional`"),
        ("TimeDistributed(Dense(4))", "x: (3)", "it takes (batch, steps, ...) with at least one more axis"),
    ],
)
def test_what_does_not_fit_is_told(layers: str, inputs: str, message: str) -> None:
    assert message in error_of(layers, inputs).message
