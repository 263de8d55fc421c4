"""Models made from Python: what they print, and that they are the models that the language writes."""

import inspect

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import neuralc
from neuralc import Network, layers
from neuralc.api import compile
from neuralc.frontends.nr import load
from neuralc.grammar.diagnostics import NeuralcError, Source, UsageError
from neuralc.grammar.signatures import SIGNATURES, Signature
from neuralc.passes.printing import print_module
from neuralc.search import call, choice, log_range


def test_a_chain() -> None:
    net = Network.chain(
        "Chain", (28, 28, 1), [layers.Conv2D(8, 3, "relu"), layers.Flatten(), layers.Dense(4) * 2], loss="mse"
    )
    assert str(net) == (
        "network Chain {\n  input: (28, 28, 1)\n  layers:\n"
        '    Conv2D(8, 3, "relu")\n    Flatten()\n    Dense(4) * 2\n  loss: "mse"\n}\n'
    )


def test_a_graph_names_what_is_used_elsewhere() -> None:
    net = Network("Graph")
    a, b = net.input("a", (8,)), net.input("b", ("S", 8), "float32")
    x = layers.Dense(4)(a)
    y = layers.ReLU()(layers.Dense(4)(x))
    z = layers.GlobalAveragePooling1D()(b)
    net.output(layers.Concatenate(axis=-1)(x, y, z), x)
    assert str(net) == (
        "network Graph {\n  input: { a: (8), b: (S, 8) float32 }\n  layers:\n"
        "    dense = Dense(4)(a)\n    Dense(4)\n    re_lu = ReLU()\n"
        "    global_average_pooling1d = GlobalAveragePooling1D()(b)\n"
        "    concatenate = Concatenate(axis=-1)(dense, re_lu, global_average_pooling1d)\n"
        "  outputs: (concatenate, dense)\n}\n"
    )


def test_a_layer_applied_twice_is_shared() -> None:
    net = Network("Twins")
    a, b = net.input("a", (8,)), net.input("b", (8,))
    dense = layers.Dense(4)
    net.output(layers.Subtract()(dense(a), dense(b)))
    assert [weight.name for weight in load(net.source()).weights] == ["dense_layer.kernel", "dense_layer.bias"]
    model = net.compile(opt=1)
    x = np.random.default_rng(0).normal(size=(2, 8)).astype("float32")
    assert_array_equal(model(x, x), np.zeros((2, 4), "float32"))


def test_several_results_and_named_values() -> None:
    net = Network("States")
    x, mask = net.input("x", (5, 3)), net.input("mask", (5,), "bool")
    y, h, _ = layers.LSTM(4, return_sequences=True, return_state=True)(x, mask=mask, results=3)
    net.output(y, h)
    program = load(net.source())
    assert [weight.name.rpartition(".")[2] for weight in program.weights] == ["kernel", "recurrent_kernel", "bias"]


def test_blocks_searches_clauses_and_calls() -> None:
    net = Network.chain(
        "Rich",
        ("S", 8),
        [layers.ResidualConnection(block=[layers.Dense(8), layers.ReLU()]), layers.Dense(choice(4, 6))],
        optimizer=call("Adam", learning_rate=log_range(1e-4, 1e-2)),
        metrics=["accuracy"],
        train={"epochs": 3, "batch_size": choice(16, 32)},
    )
    text = str(net)
    assert "ResidualConnection { Dense(8) ReLU() }" in text
    assert "optimizer: Adam(learning_rate=HPO(log_range(0.0001, 0.01)))" in text
    assert "train { epochs: 3 batch_size: HPO(choice(16, 32)) }" in text
    assert load(net.source(), settings={"dense.units": 6}).weights[-1].shape == (6,)


def test_a_network_is_a_layer_of_another_one() -> None:
    inner = Network.chain("Inner", (8,), [layers.Dense(8)])
    outer = Network.chain("Outer", (8,), [inner.layer(), layers.Dense(2)])
    assert [weight.name for weight in load(outer.source(), network="Outer").weights][:1] == ["inner.dense.kernel"]


def test_it_is_the_model_that_the_language_writes() -> None:
    net = Network.chain("Same", (8, 8, 3), [layers.Conv2D(4, 3, padding="same"), layers.BatchNormalization()])
    items = '    Conv2D(4, 3, padding="same")\n    BatchNormalization()\n'
    text = f"network Same {{\n  input: (8, 8, 3)\n  layers:\n{items}}}\n"
    assert print_module(load(net.source()).module) == print_module(load(Source("<Same>", text)).module)
    x = np.random.default_rng(0).normal(size=(1, 8, 8, 3)).astype("float32")
    assert_array_equal(compile(net)(x), compile(Source("m.nr", text))(x))


def test_a_program_is_saved(tmp_path: object) -> None:
    net = Network.chain("Saved", (8,), [layers.Dense(2)])
    net.save(f"{tmp_path}/saved.nr")
    assert neuralc.compile(f"{tmp_path}/saved.nr").inputs[0].shape == ("batch", 8)


# --- errors ----------------------------------------------------------------------------------------------------------
def test_wrong_arguments_are_told_where_they_are_written() -> None:
    with pytest.raises(NeuralcError) as caught:
        layers.Dense(-1, activaton="relu")
    assert [found.code for found in caught.value.diagnostics] == ["E0302", "E0306"]
    with pytest.raises(AttributeError, match="no layer 'Dens'"):
        _ = layers.Dens


def test_values_of_another_network_and_other_objects_are_refused() -> None:
    first, second = Network("First"), Network("Second")
    x, y = first.input("x", (8,)), second.input("y", (8,))
    with pytest.raises(UsageError, match="is no value of the network `First`"):
        layers.Add()(x, y)
    with pytest.raises(UsageError, match="applied to nothing"):
        layers.Dense(3)()
    with pytest.raises(UsageError, match="cannot be written"):
        layers.written(object())


@pytest.mark.parametrize("signature", SIGNATURES, ids=lambda signature: signature.name)
def test_every_layer_has_help(signature: Signature) -> None:
    made = getattr(layers, signature.name)
    assert signature.source in made.__doc__
    assert "name" in inspect.signature(made).parameters
