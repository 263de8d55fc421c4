"""Clauses of a program as attributes of its model, settings from outside, and losses against outputs."""

from pathlib import Path
from typing import Any

import pytest
from xdsl.dialects.builtin import DictionaryAttr

from neuralc.dialects.graph import the_model
from neuralc.dialects.graph.configuration import OptimizerAttr, TrainAttr
from neuralc.dialects.syntax import to_literal
from neuralc.frontends.nr.load import LoadedProgram, load
from neuralc.grammar.diagnostics import NeuralcError, Source
from neuralc.passes.parsing import parse_module
from neuralc.passes.printing import print_module

PROGRAM = """
define Block(n=HPO(choice(8, 16))) { Dense(n, HPO(choice("relu", "tanh"))) }
network M {
  input: (8)
  layers: Block() Dropout(HPO(range(0.3, 0.7, step=0.1))) Output(4, "softmax")
  loss: CategoricalCrossentropy(label_smoothing=0.1)
  metrics: ["accuracy", TopKCategoricalAccuracy(k=HPO(choice(1, 2)))]
  optimizer: SGD(learning_rate=ExponentialDecay(HPO(range(0.05, 0.2, step=0.05)), 1000, 0.96), momentum=0.9)
  train { epochs: 20 batch_size: HPO(choice(32, 64)) early_stopping: 3 callbacks: [CSVLogger("log.csv")] }
  execution { device: "auto" precision: bf16 }
  benchmark { batch: [1, 8] threads: 1, 2 compare: ["onnxruntime"] }
  test { inputs: "x.npy" expect: "y.npy" tolerance: 1e-5 }
}
research Paper { metrics { accuracy: 88.3 } references { paper: "https://x" } }
"""


def loaded(text: str, **settings: object) -> LoadedProgram:
    return load(Source("m.nr", text), settings=settings)


def attributes_of(program: LoadedProgram) -> dict[str, Any]:
    return dict(the_model(program.module).attributes)


def test_clauses_become_typed_attributes() -> None:
    attributes = attributes_of(loaded(PROGRAM))
    searches = attributes.pop("searches")
    assert {name: str(attribute) for name, attribute in attributes.items()} == {
        "benchmark": '#graph.benchmark<batch = [1, 8], threads = [1, 2], compare = ["onnxruntime"]>',
        "execution": '#graph.execution<device = "auto", precision = "bf16">',
        "loss": '[#graph.loss<"categorical_crossentropy", label_smoothing = 0.1>]',
        "metrics": '[#graph.metric<"accuracy">, '
        '#graph.metric<"top_k_categorical_accuracy", k = #graph.choice<[1, 2]>>]',
        "optimizer": '#graph.optimizer<"SGD", learning_rate = #graph.schedule<"ExponentialDecay", '
        "initial_learning_rate = #graph.range<0.05 to 0.2 step 0.05>, decay_steps = 1000, decay_rate = 0.96>, "
        "momentum = 0.9>",
        "research": '[#graph.research<"Paper", metrics = {accuracy = 88.3}, references = {paper = "https://x"}>]',
        "test": '#graph.test<inputs = ["x.npy"], expect = ["y.npy"], tolerance = 1.0e-05>',
        "train": "#graph.train<epochs = 20, batch_size = #graph.choice<[32, 64]>, "
        'early_stopping = #graph.callback<"EarlyStopping", patience = 3>, '
        'callbacks = [#graph.callback<"CSVLogger", filename = "log.csv">]>',
    }
    assert isinstance(searches, DictionaryAttr)
    assert {name: str(attribute) for name, attribute in searches.data.items()} == {
        "Block.dense.activation": '#graph.search<#graph.choice<["relu", "tanh"]> is "relu" from "m.nr:2:47">',
        "Block.n": '#graph.search<#graph.choice<[8, 16]> is 8 from "m.nr:2:16">',
        "dropout.rate": '#graph.search<#graph.range<0.3 to 0.7 step 0.1> is 0.3 from "m.nr:5:27">',
        "metrics.top_k_categorical_accuracy.k": '#graph.search<#graph.choice<[1, 2]> is 1 from "m.nr:7:51">',
        "optimizer.learning_rate.initial_learning_rate": "#graph.search<#graph.range<0.05 to 0.2 step 0.05> is 0.05 "
        'from "m.nr:8:49">',
        "train.batch_size": '#graph.search<#graph.choice<[32, 64]> is 32 from "m.nr:9:34">',
    }


def test_attributes_parse_back() -> None:
    module = loaded(PROGRAM).module
    text = print_module(module)
    again = parse_module(text)
    assert the_model(again).attributes == the_model(module).attributes
    assert print_module(again) == text


def test_settings_decide_layers_and_clauses() -> None:
    settings = {"Block.n": 16, "dropout.rate": "0.5", "train.batch_size": "64", "Block.dense.activation": "tanh"}
    program = loaded(PROGRAM, **settings)
    attributes = attributes_of(program)
    assert [weight.shape for weight in program.weights][:2] == [(8, 16), (16,)]
    assert "graph.tanh" in {op.name for op in program.module.walk()}
    assert attributes["train"].literal("batch_size") == 64
    taken = {name: to_literal(attribute.value) for name, attribute in attributes["searches"].data.items()}
    assert taken == {
        "Block.dense.activation": "tanh",
        "Block.n": 16,
        "dropout.rate": 0.5,
        "metrics.top_k_categorical_accuracy.k": 1,
        "optimizer.learning_rate.initial_learning_rate": 0.05,
        "train.batch_size": 64,
    }


def test_values_are_read_as_python_values() -> None:
    attributes = attributes_of(loaded(PROGRAM))
    train, optimizer = attributes["train"], attributes["optimizer"]
    assert isinstance(train, TrainAttr)
    assert isinstance(optimizer, OptimizerAttr)
    assert (train.literal("epochs"), train.literal("batch_size"), train.literal("seed", 7)) == (20, 32, 7)
    assert optimizer.literal("momentum") == 0.9
    assert optimizer.literal("learning_rate").literal("initial_learning_rate") == 0.05
    assert attributes["benchmark"].literal("threads") == [1, 2]


def test_a_search_among_optimizers_is_kept_whole() -> None:
    text = (
        "network M { input: (8) layers: Dense(3) optimizer: HPO(choice(Adam(HPO(log_range(1e-4, 0.1))), "
        "SGD(HPO(choice(0.1, StepLR(0.1, 30))), nesterov=false), rmsprop)) }"
    )
    attributes = attributes_of(loaded(text))
    assert str(attributes["optimizer"]) == (
        '#graph.choice<[#graph.optimizer<"Adam", learning_rate = #graph.log_range<0.0001 to 0.1>>, '
        '#graph.optimizer<"SGD", learning_rate = #graph.choice<[0.1, #graph.schedule<"StepLR", '
        'initial_learning_rate = 0.1, step_size = 30>]>, nesterov = false>, #graph.optimizer<"RMSprop">]>'
    )


def test_research_files_are_models(tmp_path: Path) -> None:
    path = tmp_path / "paper.rnr"
    path.write_text(PROGRAM)
    assert "research" in attributes_of(load(path))


# --- losses and outputs ----------------------------------------------------------------------------------------------
def messages(loss: str, last: str, shape: str = "(8)") -> list[str]:
    text = f"network M {{ input: {shape} layers: {last} loss: {loss} }}"
    return [message.message for message in loaded(text).warnings if message.code == "W0303"]


@pytest.mark.parametrize(
    ("loss", "last", "words"),
    [
        ("cce(from_logits=true)", 'Dense(3, "softmax")', "the output went through softmax already"),
        ("scce(from_logits=true)", "Dense(3) Softmax()", "the output went through softmax already"),
        ("bce(from_logits=true)", 'Dense(1, "sigmoid")', "the output went through sigmoid already"),
        ("categorical_crossentropy", "Dense(3)", "the output is a sum without activation"),
        ("bce", "Dense(1)", "the output is a sum without activation"),
        ("categorical_focal_crossentropy", 'Dense(3, "log_softmax")', "the output is their logarithm"),
        ("scce", 'Dense(1, "sigmoid")', "the output (batch, 1) has one"),
        ("bce", 'Dense(1, "softmax")', "softmax over one unit is always 1"),
        ("mse, mae", "Dense(3)", ""),
    ],
)
def test_a_loss_that_cannot_be_meant_for_the_output_warns(loss: str, last: str, words: str) -> None:
    if not words:
        with pytest.raises(NeuralcError) as caught:
            messages(loss, last)
        assert [d.code for d in caught.value.diagnostics] == ["E0315"]
        return
    (found,) = messages(loss, last)
    assert words in found


@pytest.mark.parametrize(
    ("loss", "last"),
    [
        ("cce", 'Dense(3, "softmax")'),
        ("cce(from_logits=true)", "Dense(3)"),
        ("cce(from_logits=HPO(choice(true, false)))", "Dense(3)"),
        ("bce", 'Dense(2, "softmax")'),
        ("bce", 'Dense(1, "sigmoid")'),
        ("bce(from_logits=true)", 'Dense(3, "softmax")'),
        ("cce", 'Dense(3, "relu")'),
        ("cce", "Dense(3) BatchNormalization()"),
        ("scce(from_logits=true)", 'Dense(3, "log_softmax")'),
        ("mse", "Dense(1)"),
        ("hinge", "Dense(3)"),
        ("HPO(choice(cce, bce))", "Dense(3)"),
    ],
)
def test_a_loss_that_may_be_meant_is_left_alone(loss: str, last: str) -> None:
    assert messages(loss, last) == []


TWO = "network M { input: (8) layers: a = Dense(3, softmax) b = Dense(1) outputs: (a, b) loss: "


def test_several_losses_go_with_several_outputs_in_their_order() -> None:
    assert [w.message for w in loaded(f"{TWO} scce, mse }}").warnings if w.code == "W0303"] == []
    (found,) = [w for w in loaded(f"{TWO} mse, bce }}").warnings if w.code == "W0303"]
    assert found.message == "`binary_crossentropy` takes probabilities, and the output is a sum without activation"
    assert found.span is not None
    assert found.span.text == "bce"


def test_one_loss_goes_with_all_outputs() -> None:
    (found,) = [w for w in loaded(f"{TWO} bce }}").warnings if w.code == "W0303"]
    assert "a sum without activation" in found.message


def test_a_loss_too_many_is_an_error_with_the_outputs_there_are() -> None:
    with pytest.raises(NeuralcError) as caught:
        loaded(f"{TWO} mse, mae, bce }}")
    (found,) = caught.value.diagnostics
    assert (found.code, found.message) == ("E0315", "3 losses for 2 outputs")
    assert found.notes == ("the network has 2 outputs, a, b",)
