"""Clauses that do not compute: what is kept, every spelling of a name, and everything that is refused."""

from typing import Any

import pytest

from neuralc.grammar.configured import Configured
from neuralc.grammar.diagnostics import Diagnostic, NeuralcError, Source
from neuralc.grammar.parser import parse
from neuralc.grammar.research import Research
from neuralc.grammar.resolve import resolve
from neuralc.grammar.values import Space


def clauses_of(text: str, after: str = "") -> Any:
    return resolve(parse(Source("m.nr", f"network M {{ input: (8) layers: Dense(3) {text} }} {after}"))).clauses


def errors_of(text: str, after: str = "") -> tuple[Diagnostic, ...]:
    with pytest.raises(NeuralcError) as caught:
        clauses_of(text, after)
    return caught.value.diagnostics


# --- what is kept ----------------------------------------------------------------------------------------------------
def test_clauses_are_kept_by_name_with_what_was_written() -> None:
    clauses = clauses_of(
        'loss: "mse" metrics: ["accuracy", mae] optimizer: Adam(learning_rate=ExponentialDecay(0.001, 1000, 0.96)) '
        "train { epochs: 15 batch_size: 32 validation_split: 0.2 } execute { device: auto } "
        'benchmark { batch: [1, 8] compare: onnxruntime } test { inputs: "x.npy" expect: "y.npy" tolerance: 1e-5 }'
    )
    schedule = {"initial_learning_rate": 0.001, "decay_steps": 1000, "decay_rate": 0.96}
    assert clauses == {
        "loss": (Configured("mean_squared_error"),),
        "metrics": (Configured("accuracy"), Configured("mean_absolute_error")),
        "optimizer": Configured("Adam", {"learning_rate": Configured("ExponentialDecay", schedule)}),
        "train": {"epochs": 15, "batch_size": 32, "validation_split": 0.2},
        "execution": {"device": "auto"},
        "benchmark": {"batch": (1, 8), "compare": ("onnxruntime",)},
        "test": {"inputs": ("x.npy",), "expect": ("y.npy",), "tolerance": 1e-5},
    }


@pytest.mark.parametrize("text", ["adam", "Adam", '"adam"', "Adam()", '"Adam()"', '"ADAM"'])
def test_an_optimizer_may_be_a_word_a_string_or_a_call(text: str) -> None:
    assert clauses_of(f"optimizer: {text}")["optimizer"] == Configured("Adam")


@pytest.mark.parametrize(
    "text",
    [
        'SGD(learning_rate="ExponentialDecay(0.1, 1000, 0.96)", momentum=0.9)',
        "\"SGD(lr='ExponentialDecay(0.1, 1000, 0.96)', momentum=0.9)\"",
        "sgd(ExponentialDecay(0.1, 1000, 0.96), momentum=0.9)",
    ],
)
def test_a_schedule_may_stand_in_a_string(text: str) -> None:
    schedule = {"initial_learning_rate": 0.1, "decay_steps": 1000, "decay_rate": 0.96}
    wanted = Configured("SGD", {"learning_rate": Configured("ExponentialDecay", schedule), "momentum": 0.9})
    assert clauses_of(f"optimizer: {text}")["optimizer"] == wanted


@pytest.mark.parametrize(
    "text",
    [
        "categorical_crossentropy(label_smoothing=0.1)",
        "CategoricalCrossentropy(label_smoothing=0.1)",
        "CATEGORICAL_CROSSENTROPY(label_smoothing=0.1)",
        "cce(label_smoothing=0.1)",
        '"CategoricalCrossentropy(label_smoothing=0.1)"',
        "[CategoricalCrossentropy(label_smoothing=0.1)]",
    ],
)
def test_a_loss_goes_by_any_spelling_of_its_name(text: str) -> None:
    assert clauses_of(f"loss: {text}")["loss"] == (Configured("categorical_crossentropy", {"label_smoothing": 0.1}),)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("acc", "accuracy"), ("AUC", "auc"), ("MeanIoU(2)", "mean_iou"), ("mean_io_u(2)", "mean_iou"),
        ("rmse", "root_mean_squared_error"), ("F1Score", "f1_score"), ("Huber", "huber"),
        ("KLDivergence", "kl_divergence"),
    ],
)  # fmt: skip
def test_metrics_go_by_any_spelling_of_their_names(written: str, name: str) -> None:
    (found,) = clauses_of(f"metrics: {written}")["metrics"]
    assert found.name == name


def test_parameters_of_metrics_are_checked_and_kept() -> None:
    found = clauses_of('metrics: [Precision(thresholds=0.5), "auc", Recall([0.3, 0.7], top_k=2)]')["metrics"]
    assert [each.arguments for each in found] == [{"thresholds": (0.5,)}, {}, {"thresholds": (0.3, 0.7), "top_k": 2}]


def test_several_losses_are_kept_in_their_order() -> None:
    found = clauses_of("loss: mse, Huber(delta=2)")
    assert found["loss"] == (Configured("mean_squared_error"), Configured("huber", {"delta": 2.0}))


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("true", Configured("EarlyStopping")),
        ("5", Configured("EarlyStopping", {"patience": 5})),
        (
            'EarlyStopping("val_accuracy", mode=max)',
            Configured("EarlyStopping", {"monitor": "val_accuracy", "mode": "max"}),
        ),
    ],
)
def test_early_stopping_is_a_flag_a_patience_or_the_callback(written: str, kept: Configured) -> None:
    assert clauses_of(f"train {{ early_stopping: {written} }}")["train"] == {"early_stopping": kept}


def test_early_stopping_that_is_off_is_left_out() -> None:
    assert clauses_of("train { epochs: 3 early_stopping: false }")["train"] == {"epochs": 3}


def test_callbacks_and_data() -> None:
    found = clauses_of(
        'train { callbacks: [ReduceLROnPlateau(factor=0.5), CSVLogger("log(1).csv")] data: "a.npz", "b.npz" }'
    )
    assert found["train"] == {
        "data": ("a.npz", "b.npz"),
        "callbacks": (
            Configured("ReduceLROnPlateau", {"factor": 0.5}),
            Configured("CSVLogger", {"filename": "log(1).csv"}),
        ),
    }


def test_entries_of_train_may_stand_in_the_network() -> None:
    assert clauses_of("epochs: 3 train { batch_size: 8 }")["train"] == {"epochs": 3, "batch_size": 8}


@pytest.mark.parametrize(("written", "kept"), [("float16", "fp16"), ("FP16", "fp16"), ('"bfloat16"', "bf16")])
def test_a_precision_has_several_names(written: str, kept: str) -> None:
    assert clauses_of(f"execution {{ precision: {written} }}")["execution"] == {"precision": kept}


@pytest.mark.parametrize(
    ("entries", "codes"),
    [
        ("device: auto", []),
        ("device: cpu target: cpu precision: float32", []),
        ("target: cuda threads: 2", []),
        ("target: tpu", ["W0702"]),
        ("precision: bf16", ["W0702"]),
        ("device: 'cuda:1'", ["W0702"]),
    ],
)
def test_an_execution_that_asks_for_something_is_noted(entries: str, codes: list[str]) -> None:
    text = f"network M {{ input: (8) layers: Dense(3) execution {{ {entries} }} }}"
    assert [d.code for d in resolve(parse(Source("m.nr", text))).messages] == codes


def test_research_blocks_are_kept() -> None:
    after = 'research Paper { metrics { accuracy: 88.3 loss: 1 } references { paper: "https://x" } } research { }'
    assert clauses_of("", after) == {
        "research": (
            Research("Paper", {"accuracy": 88.3, "loss": 1}, {"paper": "https://x"}),
            Research(None, {}, {}),
        )
    }


def test_a_search_stays_one() -> None:
    found = clauses_of("optimizer: Adam(HPO(log_range(1e-4, 1e-2))) train { batch_size: HPO(choice(32.0, 64)) }")
    rate, size = found["optimizer"].arguments["learning_rate"], found["train"]["batch_size"]
    assert isinstance(rate, Space)
    assert (rate.kind, rate.values) == ("log_range", (1e-4, 1e-2))
    assert isinstance(size, Space)
    assert (size.kind, size.values) == ("choice", (32, 64))


def test_a_search_may_hold_optimizers_and_schedules() -> None:
    found = clauses_of("optimizer: HPO(choice(adam, SGD(HPO(choice(0.1, StepLR(0.1, 30))))))")["optimizer"]
    first, second = found.values
    assert first == Configured("Adam")
    assert second.arguments["learning_rate"].values == (
        0.1,
        Configured("StepLR", {"initial_learning_rate": 0.1, "step_size": 30}),
    )


# --- what is refused -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("optimizer: Sgdd", ["E0203"]),
        ("optimizer: Adam(0)", ["E0306"]),
        ('optimizer: Adam("x")', ["E0203"]),
        ("optimizer: Adam(learning_rte=3)", ["E0302"]),
        ("optimizer: Adam(ExponentialDecay(0.1))", ["E0301", "E0301"]),
        ("optimizer: Adam(ExponentialDeca(0.1))", ["E0203"]),
        ("optimizer: Adam(None)", ["E0305"]),
        ("optimizer: 3", ["E0305"]),
        ("optimizer: Adam, SGD", ["E0305"]),
        ('optimizer: "Adam(0.1"', ["E0101"]),
        ("optimizer: Adam(clipnorm=1, clipvalue=1)", ["E0314"]),
        ("optimizer: SGD(PiecewiseConstantDecay([10, 5], [1, 2]))", ["E0314", "E0314"]),
        ("optimizer: SGD(CosineDecay(0.1, 100, warmup_target=0.2))", ["E0314"]),
        ("optimizer: Rprop(etas=[0.5, 0.9])", ["E0314"]),
        ("optimizer: RAdam(betas=0.5)", ["E0314"]),
        ("optimizer: LossScaleOptimizer()", ["E0301"]),
        ("optimizer: LossScaleOptimizer(0.1)", ["E0305"]),
        ("optimizer: HPO(choice(Adam, Sgdd))", ["E0203"]),
        ("optimizer: Adam(HPO(choice(0.1, -0.1)))", ["E0306"]),
        ("optimizer: Adam(HPO(range(-1, 1)))", ["E0306"]),
        ("optimizer: Adam(beta_1=HPO(range(0.5, 1.5)))", ["E0306"]),
        ("optimizer: Adam(lr=0.1) train { learning_rate: 0.1 }", ["E0304"]),
        ("train { learning_rate: 0.1 } optimizer: Adam(lr=0.1)", ["E0304"]),
        ("loss: msee", ["E0204"]),
        ("loss: 3", ["E0305"]),
        ("loss: Huber(delta=0)", ["E0306"]),
        ("loss: mse(from_logits=true)", ["E0302"]),
        ("loss: BinaryCrossentropy(label_smoothing=1.5, from_logits=1)", ["E0305", "E0306"]),
        ("metrics: [accurcy, 3]", ["E0205", "E0305"]),
        ("metrics: [MeanIoU, Precision(2.0)]", ["E0301", "E0306"]),
        ("train { validation_split: 1.5 }", ["E0306"]),
        ("train { epochs: 0 batch_size: x shufle: true }", ["E0306", "E0305", "E0302"]),
        ("train { batch_size: HPO(choice(32, 0)) }", ["E0306"]),
        ('train { search_method: "magic" }', ["E0307"]),
        ("train { callbacks: [EarlyStoping(), TerminateOnNaN(3), 3] }", ["E0220", "E0305", "E0305"]),
        ('train { early_stopping: CSVLogger("x") }', ["E0220"]),
        ("train { early_stopping: 0.5 }", ["E0305"]),
        ('execution { device: "npu" }', ["E0210"]),
        ('execution { device: "cuda:x" }', ["E0210"]),
        ("execution { precison: fp16 }", ["E0302"]),
        ("execution { precision: fp17 target: gpu threads: 0 }", ["E0307", "E0307", "E0306"]),
        ("benchmark { batch: [1, 0] compare: 3 }", ["E0306", "E0305"]),
        ("test { tolerance: -1 inputs: 3 }", ["E0306", "E0305"]),
        ("weights: 3", ["E0305"]),
        ("init: seed(-1)", ["E0305"]),
        ('init: "random"', ["E0305"]),
        ("batchsize: 3", ["E0206"]),
        ("epochs: 3 train { epochs: 4 }", ["E0304"]),
        ("train { epochs: 3 } train { epochs: 4 }", ["E0112"]),
        ("execute { device: cpu } execution { device: cpu }", ["E0112"]),
        ("input: (9)", ["E0112"]),
        ("layers: Dense(4)", ["E0112"]),
    ],
)
def test_wrong_clauses_are_errors(text: str, codes: list[str]) -> None:
    assert sorted(d.code for d in errors_of(text)) == sorted(codes)


def test_everything_wrong_is_told_in_one_run() -> None:
    found = errors_of(
        "loss: msee metrics: [accurcy] optimizer: Adam(beta_1=2) train { epochs: 0 } execution { device: npu }"
    )
    assert [d.code for d in found] == ["E0204", "E0205", "E0306", "E0306", "E0210"]


@pytest.mark.parametrize(
    ("text", "help"),
    [
        ("optimizer: Admw", "did you mean `AdamW`?"),
        ("optimizer: SGD(CosinDecay(0.1, 10))", "did you mean `CosineDecay`?"),
        ("loss: BinaryCrosentropy", "did you mean `binary_crossentropy`?"),
        ("loss: CrossEntropyLoss", "write `sparse_categorical_crossentropy(from_logits=true)`"),
        ("metrics: precison", "did you mean `precision`?"),
        ("train { epoch: 3 }", "did you mean `epochs`?"),
        ("execution { target: cud }", "did you mean `cuda`?"),
        ("train { callbacks: ModelCheckpont() }", "did you mean `ModelCheckpoint`?"),
        ("optimiser: Adam", "did you mean `optimizer`?"),
    ],
)
def test_an_unknown_name_comes_with_the_one_that_was_meant(text: str, help: str) -> None:
    assert [d.help for d in errors_of(text)] == [help]


def test_a_name_that_is_like_no_other_comes_with_the_list() -> None:
    (found,) = errors_of("optimizer: gradient")
    assert found.help is None
    assert found.notes[0].startswith("known are SGD, Adam, ")


def test_errors_inside_strings_point_into_the_model() -> None:
    (found,) = errors_of("optimizer: \"SGD(StepLR(0.1, 'x'))\"")
    assert found.span is not None
    assert found.span.text == "'x'"


def test_a_name_twice_in_a_research_block_is_an_error() -> None:
    (found,) = errors_of("", "research { metrics { a: 1 a: 2 } }")
    assert (found.code, found.message) == ("E0304", "`a` stands twice in this block")
