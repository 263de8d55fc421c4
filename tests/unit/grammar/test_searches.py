"""Searches: their names, the values they take, what `--set` may say, and what is remembered of them."""

from pathlib import Path
from typing import Any

import pytest

from neuralc.grammar import tree as t
from neuralc.grammar.diagnostics import Diagnostic, NeuralcError, Source, Span, UsageError
from neuralc.grammar.library import Library
from neuralc.grammar.parser import parse, parse_value
from neuralc.grammar.program import LayerNode, Program
from neuralc.grammar.reporter import Reporter
from neuralc.grammar.resolve import resolve
from neuralc.grammar.search_names import search_names
from neuralc.grammar.searches import Searches, describe_space
from neuralc.grammar.values import Applied, Chosen, Space, Word, evaluate


def file_of(layers: str, clauses: str = "", before: str = "") -> t.File:
    return parse(Source("m.nr", f"{before} network M {{ input: (8, 8, 1) layers: {layers} {clauses} }}"))


def names_of(layers: str, clauses: str = "", before: str = "") -> list[str]:
    return names_in(file_of(layers, clauses, before))


def names_in(file: t.File) -> list[str]:
    """The names of the searches that the last network comes to."""
    unit = Library(Reporter()).unit(file.span.source, file)
    return list(search_names(file.networks[-1], unit).values())


def program_of(layers: str, settings: dict[str, object] | None = None, clauses: str = "", before: str = "") -> Program:
    return resolve(file_of(layers, clauses, before), settings=settings)


def first_layer(program: Program) -> Any:
    node = program.body.steps[0].node
    assert isinstance(node, LayerNode)
    return node.arguments


def usage_error(layers: str, settings: dict[str, object], clauses: str = "", before: str = "") -> Diagnostic:
    with pytest.raises(UsageError) as caught:
        program_of(layers, settings, clauses, before)
    (found,) = caught.value.diagnostics
    return found


# --- names -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("layers", "names"),
    [
        ("Dense(HPO(choice(1, 2)))", ["dense.units"]),
        ("Dense(units=HPO(choice(1, 2)), activation=HPO(choice(relu, tanh)))", ["dense.units", "dense.activation"]),
        ("Dense(3) dense(HPO(choice(1, 2)))", ["dense_1.units"]),
        ('Dense(HPO(choice(1, 2)), name="hidden")', ["hidden.units"]),
        ("Conv2D(4, (HPO(choice(3, 5)), 3))", ["conv2d.kernel_size.0"]),
        ("MaxPool2D(HPO(choice(2, 3)))", ["max_pooling2d.pool_size"]),
        ("Dense(HPO(choice(1, 2))) * HPO(choice(2, 3))", ["dense.units", "dense.repeat"]),
        ("Residual { Conv2D(1, HPO(choice(1, 3))) }", ["residual.conv2d.kernel_size"]),
        ("Dense(HPO(choice(HPO(range(1, 5)), HPO(choice(7, 9)))))", ["dense.units"]),
        ("Conv2D(4, HPO(choice((3, HPO(choice(3, 5))), (5, 5))))", ["conv2d.kernel_size"]),
    ],
)
def test_a_search_in_a_layer_goes_by_its_path_and_parameter(layers: str, names: list[str]) -> None:
    assert names_of(layers) == names


@pytest.mark.parametrize(
    ("clauses", "names"),
    [
        ("optimizer: Adam(HPO(log_range(1e-4, 1e-2)))", ["optimizer.learning_rate"]),
        ("optimizer: Adam(lr=HPO(log_range(1e-4, 1e-2)))", ["optimizer.learning_rate"]),
        ('optimizer: "Adam(HPO(log_range(1e-4, 1e-2)))"', ["optimizer.learning_rate"]),
        (
            "optimizer: SGD('StepLR(HPO(choice(0.1, 0.2)), 30)', momentum=HPO(range(0, 1)))",
            ["optimizer.learning_rate.initial_learning_rate", "optimizer.momentum"],
        ),
        (
            "optimizer: HPO(choice(Adam(HPO(choice(0.1, 0.2))), SGD(HPO(choice(0.1, 0.2)))))",
            ["optimizer", "optimizer.adam.learning_rate", "optimizer.sgd.learning_rate"],
        ),
        ("loss: Huber(HPO(choice(1, 2)))", ["loss.delta"]),
        ("loss: mse, Huber(HPO(choice(1, 2)))", ["loss.huber.delta"]),
        ("metrics: [acc, Precision(HPO(choice(0.5, 0.6)))]", ["metrics.precision.thresholds"]),
        ("metrics: Precision(HPO(choice(0.5, 0.6)))", ["metrics.precision.thresholds"]),
        ("train { batch_size: HPO(choice(8, 16)) }", ["train.batch_size"]),
        ("batch_size: HPO(choice(8, 16))", ["train.batch_size"]),
        (
            "train { callbacks: [EarlyStopping(patience=HPO(choice(1, 2)))] }",
            ["train.callbacks.early_stopping.patience"],
        ),
        ("execute { threads: HPO(choice(1, 2)) }", ["execution.threads"]),
    ],
)
def test_a_search_in_a_clause_goes_by_the_clause(clauses: str, names: list[str]) -> None:
    assert names_of("Dense(3)", clauses) == names


def test_what_stands_in_a_macro_goes_by_its_name() -> None:
    before = (
        "define Block(n=HPO(choice(8, 16))) { Conv2D(n, HPO(choice(3, 5))) Inner() } "
        "define Inner() { Dense(HPO(choice(1, 2))) } define Unused() { Dense(HPO(choice(1, 2))) }"
    )
    layers = "Block() Block(HPO(choice(1, 2))) block()"
    assert names_of(layers, before=before) == ["block_1.n", "Block.n", "Block.conv2d.kernel_size", "Inner.dense.units"]


@pytest.mark.parametrize(
    ("layers", "names"),
    [
        ("a = Dense(HPO(choice(8, 9))) Dense(8) a() Dense(HPO(choice(2, 3)))", ["a.units", "dense_1.units"]),
        ("a = Dense(HPO(choice(8, 9))) Dense(HPO(choice(2, 3)))(a)", ["dense.units", "dense_1.units"]),
        ("left: { Dense(HPO(choice(2, 3))) } right: { Dense(2) } Add()", ["left.dense.units"]),
        (
            "HPO(choice(Dense(HPO(choice(4, 8))), Conv2D(8, HPO(choice(1, 3))))) Dense(HPO(choice(2, 3)))",
            ["layer", "layer.dense.units", "layer.conv2d.kernel_size", "dense_1.units"],
        ),
        ("HPO(choice(Dense(8), Dense(9))) HPO(choice(Flatten(), Identity()))", ["layer", "layer_1"]),
    ],
)
def test_names_follow_values_branches_and_searches_among_layers(layers: str, names: list[str]) -> None:
    assert names_of(layers) == names


def test_parameters_of_the_network_have_no_path_and_those_of_others_have_their_name() -> None:
    text = (
        "network E(n=HPO(choice(4, 8))) { input: (8) layers: Dense(HPO(choice(1, 2))) batch_size: HPO(choice(1, 2)) } "
        "network M(width=HPO(choice(4, 8))) { input: (8) layers: Dense(width) E() E(n=HPO(choice(1, 2))) }"
    )
    assert names_in(parse(Source("m.nr", text))) == ["width", "e_1.n", "E.n", "E.dense.units"]


def test_what_is_imported_goes_by_its_name(tmp_path: Path) -> None:
    blocks = "define Inner() { Dense(HPO(choice(4, 8))) } define Block() { Inner() Dense(HPO(choice(2, 3))) }"
    (tmp_path / "blocks.nr").write_text(blocks)
    text = 'from "blocks.nr" import Block define Inner() { Dense(3) } network M { input: (8) layers: Block() Inner() }'
    source = Source(str(tmp_path / "m.nr"), text)
    assert names_in(parse(source)) == ["Block.dense.units", "Inner.dense.units"]
    program = resolve(parse(source), settings={"Inner.dense.units": 8})
    assert program.clauses["searches"]["Inner.dense.units"].value == 8


def test_sizes_of_inputs_go_by_the_input() -> None:
    file = parse(Source("m.nr", "network M { input: image: (HPO(choice(8, 16)), 3) layers: Dense(3) }"))
    assert names_in(file) == ["image.0"]


def test_names_of_layers_are_those_of_their_weights() -> None:
    layers = "Dense(HPO(choice(1, 2))) Residual { Dense(HPO(choice(1, 2))) } Dense(HPO(choice(1, 2)))"
    assert names_of(layers) == ["dense.units", "residual.dense.units", "dense_1.units"]


# --- values ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("search", "value"),
    [("choice(4, 8)", 4), ("range(2, 9)", 2), ("log_range(3, 9)", 3), ("choice(HPO(range(5, 9)), 100)", 5)],
)
def test_a_search_takes_its_first_value_and_says_so(search: str, value: int) -> None:
    program = program_of(f"Dense(HPO({search}))")
    assert first_layer(program)["units"] == value
    (told,) = program.messages
    assert (told.code, told.severity) == ("W0302", "note")
    assert told.message.startswith("one value is needed here: the search `dense.units` takes its ")
    assert told.help == "`--set dense.units=...` takes another one"


@pytest.mark.parametrize(
    ("search", "setting", "value"),
    [
        ("choice(4, 8)", "8", 8),
        ("choice(4, 8)", 8, 8),
        ("choice(4, 8)", 8.0, 8),
        ("choice(HPO(range(5, 9)), 100)", "6", 6),
        ("choice(HPO(range(5, 9)), 100)", "100", 100),
        ("range(10, 100, step=10)", "70", 70),
        ("range(10, 100)", "71", 71),
        ("log_range(16, 256)", "16", 16),
        ("log_range(16, 256)", "256", 256),
    ],
)
def test_a_setting_takes_the_place_of_the_first_value(search: str, setting: object, value: int) -> None:
    program = program_of(f"Dense(HPO({search}))", {"dense.units": setting})
    assert first_layer(program)["units"] == value
    assert program.messages == ()
    assert program.clauses["searches"]["dense.units"].value == value


@pytest.mark.parametrize("setting", ["tanh", "TANH", '"tanh"', Word("tanh").text])
def test_a_setting_names_a_word_in_any_case(setting: str) -> None:
    program = program_of("Dense(3, HPO(choice(None, relu, 'tanh')))", {"dense.activation": setting})
    assert first_layer(program)["activation"] == "tanh"


@pytest.mark.parametrize(("setting", "value"), [("none", None), (None, None), ("relu", "relu")])
def test_none_is_a_choice_beside_others(setting: object, value: str | None) -> None:
    program = program_of("Dense(3, HPO(choice(tanh, relu, None)))", {"dense.activation": setting})
    assert first_layer(program)["activation"] == value


def test_a_setting_may_be_a_pair_with_a_search_in_it() -> None:
    layer = "Conv2D(4, HPO(choice((3, 3), (HPO(choice(5, 7)), 1))))"
    for setting, value in (("(7, 1)", (7, 1)), ([5, 1], (5, 1)), ((3, 3), (3, 3))):
        assert first_layer(program_of(layer, {"conv2d.kernel_size": setting}))["kernel_size"] == value


@pytest.mark.parametrize("value", ["0.3", "0.4", "0.5", "0.6", "0.7"])
def test_decimal_steps_are_met_in_spite_of_rounding(value: str) -> None:
    program = program_of("Dropout(HPO(range(0.3, 0.7, step=0.1)))", {"dropout.rate": value})
    assert first_layer(program)["rate"] == float(value)


@pytest.mark.parametrize(
    ("search", "setting", "space"),
    [
        ("choice(4, 8)", "6", "4, 8"),
        ("choice(4, 8)", "relu", "4, 8"),
        ("choice(4, 8)", True, "4, 8"),
        ("range(10, 100, step=10)", "15", "10 to 100 in steps of 10"),
        ("range(10, 100, step=10)", "110", "10 to 100 in steps of 10"),
        ("range(10, 100)", "9", "10 to 100"),
        ("log_range(16, 256)", "x", "16 to 256"),
        ("choice(HPO(range(5, 9)), 100)", "50", "5 to 9, 100"),
    ],
)
def test_a_value_outside_of_the_search_is_refused(search: str, setting: object, space: str) -> None:
    found = usage_error(f"Dense(HPO({search}))", {"dense.units": setting})
    assert (found.code, found.notes) == ("E0817", (f"it goes over {space}",))
    assert found.span is not None
    assert found.span.text == f"HPO({search})"


def test_a_setting_of_no_search_is_refused_with_the_names_there_are() -> None:
    found = usage_error("Dense(HPO(choice(4, 8)))", {"dense.unit": 8}, "batch_size: HPO(choice(8, 16))")
    assert (found.code, found.help) == ("E0816", "did you mean `dense.units`?")
    assert found.notes == ("it has dense.units, train.batch_size",)
    assert usage_error("Dense(8)", {"dense.units": 8}).notes == ("it has no searches",)


def test_a_setting_of_a_search_that_the_model_never_comes_to_is_refused() -> None:
    search = layer_search("HPO(choice(4, 8))")
    searches = Searches({search.span: "Block.n"}, {"Block.n": 8})
    with pytest.raises(UsageError) as caught:
        searches.check()
    (found,) = caught.value.diagnostics
    assert (found.code, found.message) == ("E0816", "`--set Block.n=...` has no effect")


def test_all_wrong_settings_are_told_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        program_of("Dense(HPO(choice(4, 8)))", {"dense.units": 9, "x": 1})
    assert [d.code for d in caught.value.diagnostics] == ["E0817", "E0816"]


def test_errors_of_the_model_come_before_those_of_settings() -> None:
    with pytest.raises(NeuralcError) as caught:
        program_of("Dens(HPO(choice(4, 8)))", {"x": 1})
    assert not isinstance(caught.value, UsageError)


def test_every_option_has_to_fit_not_only_the_one_that_is_taken() -> None:
    for search in ("choice(4, -8)", "choice(4, HPO(choice(8, 0)))", "range(4, 99999999999)"):
        with pytest.raises(NeuralcError) as caught:
            program_of(f"Dense(HPO({search}))")
        assert [d.code for d in caught.value.diagnostics] == ["E0306"]


@pytest.mark.parametrize(
    "search",
    ["choice(4, 'relu')", "choice((1, 1), 3)", "range(1, 1e999)", "range(1, 2, step=1e999)", "range(1, 2, step=none)"],
)
def test_impossible_searches(search: str) -> None:
    if search.endswith("none)"):
        assert program_of(f"Dense(HPO({search}))").messages[0].code == "W0302"
        return
    with pytest.raises(NeuralcError) as caught:
        program_of(f"Dense(HPO({search}))")
    assert caught.value.diagnostics[0].code == "E0308"


# --- what is remembered ----------------------------------------------------------------------------------------------
def test_a_search_is_remembered_with_its_space_and_place() -> None:
    searches = program_of("Dense(HPO(range(1, 9, step=2)))", clauses="loss: Huber(HPO(choice(1, 2)))").clauses[
        "searches"
    ]
    assert {name: (describe_space(found.space), found.value) for name, found in searches.items()} == {
        "loss.delta": ("1, 2", 1),
        "dense.units": ("1 to 9 in steps of 2", 1),
    }
    assert searches["dense.units"].space.span.text == "HPO(range(1, 9, step=2))"


def test_a_search_in_a_macro_is_one_search() -> None:
    program = program_of("B() B() B()", {"B.dense.units": 8}, before="define B() { Dense(HPO(choice(4, 8))) }")
    assert list(program.clauses["searches"]) == ["B.dense.units"]


def test_options_that_depend_on_arguments_are_put_together() -> None:
    before = "define B(n) { Dense(HPO(choice(n, 8))) }"
    searches = program_of("B(3) B(4)", before=before).clauses["searches"]
    assert describe_space(searches["B.dense.units"].space) == "3, 8, 4"


def test_a_clause_whose_search_was_decided_holds_a_plain_value() -> None:
    clauses = "optimizer: Adam(HPO(log_range(1e-4, 1e-2)))"
    program = program_of("Dense(3)", {"optimizer.learning_rate": "0.001"}, clauses)
    assert program.clauses["optimizer"].arguments == {"learning_rate": 0.001}
    assert program.clauses["searches"]["optimizer.learning_rate"].value == 0.001


def test_an_optimizer_is_chosen_by_its_name() -> None:
    clauses = "optimizer: HPO(choice(Adam(0.1), SGD(HPO(choice(0.1, 0.2)))))"
    program = program_of("Dense(3)", {"optimizer": "sgd", "optimizer.sgd.learning_rate": 0.2}, clauses)
    assert program.clauses["optimizer"].name == "SGD"
    assert program.clauses["optimizer"].arguments == {"learning_rate": 0.2}


def test_of_two_options_of_one_name_the_whole_one_is_written() -> None:
    clauses = "optimizer: HPO(choice(SGD(0.1), SGD(0.2)))"
    assert usage_error("Dense(3)", {"optimizer": "SGD"}, clauses).notes == ("it goes over `SGD(0.1)`, `SGD(0.2)`",)
    assert program_of("Dense(3)", {"optimizer": "SGD(0.2)"}, clauses).clauses["optimizer"].arguments == {
        "learning_rate": 0.2
    }


def test_notes_of_options_that_are_not_taken_are_left_out() -> None:
    clauses = "optimizer: HPO(choice(Adam(HPO(choice(0.1, 0.2))), SGD(HPO(choice(0.1, 0.2)))))"
    told = [message.message for message in program_of("Dense(3)", clauses=clauses).messages]
    assert [each.split("`")[1] for each in told] == ["optimizer", "optimizer.adam.learning_rate"]


# --- layers and parameters of networks -------------------------------------------------------------------------------
LAYERS = "HPO(choice(Dense(HPO(choice(4, 8))), HPO(choice(Conv2D(8, 3), Conv2D(16, 3))), Flatten))"


def layer_search(text: str = LAYERS) -> t.Hpo:
    source = Source("m.nr", text)
    found = parse_value(source, Span(source, 0, len(text)), text)
    assert isinstance(found, t.Hpo)
    return found


@pytest.mark.parametrize(
    ("settings", "layer"),
    [
        ({}, "Dense(HPO(choice(4, 8)))"),
        ({"layer": "dense"}, "Dense(HPO(choice(4, 8)))"),
        ({"layer": "Conv2D(16, 3)"}, "Conv2D(16, 3)"),
        ({"layer": "conv2d( 8, 3 )"}, "Conv2D(8, 3)"),
        ({"layer": "flatten"}, "Flatten"),
    ],
)
def test_a_layer_is_chosen_by_its_name_or_as_it_is_written(settings: dict[str, object], layer: str) -> None:
    search = layer_search()
    searches = Searches({search.span: "layer"}, settings)
    messages: list[Diagnostic] = []
    found = searches.choose_layer(search, {}, messages.append)
    assert found is not None
    assert found.span.text == layer
    assert [d.code for d in messages] == ([] if settings else ["W0302"])
    searches.check()
    shown = "`Dense(HPO(choice(4, 8)))`, `Conv2D(8, 3)`, `Conv2D(16, 3)`, `Flatten`"
    assert describe_space(searches.met["layer"].space) == shown


def test_a_search_among_layers_holds_layers() -> None:
    messages: list[Diagnostic] = []
    assert Searches().choose_layer(layer_search("HPO(choice(Dense(8), 3))"), {}, messages.append) is None
    assert [(d.code, d.span and d.span.text) for d in messages] == [("E0308", "3")]


@pytest.mark.parametrize(("setting", "units"), [("Dense(16)", 16), ("dense(8)", 8), (None, 4)])
def test_a_layer_of_a_network_is_chosen(setting: str | None, units: int) -> None:
    layers = "HPO(choice(Dense(4), HPO(choice(Dense(8), Dense(16)))))"
    program = program_of(layers, {} if setting is None else {"layer": setting})
    assert first_layer(program)["units"] == units


def test_parameters_of_a_network_are_set() -> None:
    text = "network M(width=HPO(choice(4, 8)), depth=2) { input: (8) layers: Dense(width) optimizer: Adam(width) }"
    file = parse(Source("m.nr", text))
    program = resolve(file, settings={"width": "8", "depth": 3})
    assert first_layer(program)["units"] == 8
    assert program.clauses["optimizer"].arguments == {"learning_rate": 8.0}
    with pytest.raises(UsageError) as caught:
        resolve(file, settings={"widht": 8})
    (found,) = caught.value.diagnostics
    assert (found.message, found.help) == ("the model has no search or parameter `widht`", "did you mean `width`?")


def test_a_parameter_of_a_network_takes_its_setting_or_its_default() -> None:
    searches = Searches(settings={"width": "64"})
    assert searches.parameter("width", 32) == 64
    assert searches.parameter("depth", 2) == 2
    searches.check()


def test_a_misspelt_parameter_is_told_with_the_right_one() -> None:
    searches = Searches(settings={"widht": "64"})
    assert searches.parameter("width", 32) == 32
    with pytest.raises(UsageError) as caught:
        searches.check()
    assert caught.value.diagnostics[0].help == "did you mean `width`?"


def test_without_searches_an_expression_takes_first_values() -> None:
    messages: list[Diagnostic] = []
    found = evaluate(layer_search("HPO(choice(4, 8))"), {}, messages.append)
    assert isinstance(found, Chosen)
    assert found.value == 4
    assert isinstance(found.space, Space)
    assert [d.code for d in messages] == ["W0302"]


def test_a_call_as_a_value_keeps_its_searches() -> None:
    found = evaluate(layer_search("HPO(choice(Dense(HPO(choice(4, 8)))))"), {}, lambda diagnostic: None)
    assert isinstance(found, Chosen)
    assert isinstance(found.value, Applied)
    assert isinstance(found.value.arguments[0][1], Chosen)


def test_a_python_value_that_the_language_does_not_have_is_refused() -> None:
    with pytest.raises(UsageError):
        Searches(settings={"x": object()})
