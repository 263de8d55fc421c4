"""Names of values and layers: assignment, application, branches, shared layers, networks as layers."""

import pytest

from neuralc.grammar.diagnostics import NeuralcError, Source
from neuralc.grammar.parser import parse
from neuralc.grammar.program import BranchNode, CallNode, LayerNode, Program, SharedNode
from neuralc.grammar.resolve import resolve

TWO = "{ a: (8), b: (8) }"


def program_of(layers: str, clause: str = "(8)", *, before: str = "", after: str = "") -> Program:
    text = f"{before} network M {{ input: {clause} layers: {layers} {after} }}"
    return resolve(parse(Source("m.nr", text)), "M")


def errors_of(layers: str, clause: str = "(8)", *, before: str = "", after: str = "") -> list[tuple[str, str]]:
    with pytest.raises(NeuralcError) as caught:
        program_of(layers, clause, before=before, after=after)
    return [(found.code, found.span.text if found.span else "") for found in caught.value.diagnostics]


def warnings_of(program: Program) -> list[tuple[str, str]]:
    return [(found.code, found.span.text if found.span else "") for found in program.messages]


# --- values ----------------------------------------------------------------------------------------------------------
def test_values_are_named_and_layers_applied_to_them() -> None:
    *_, add = program_of("x = Dense(4) y = Dense(4)(input) Add(x, y)").body.nodes
    assert isinstance(add, LayerNode)
    assert [use.name for use in add.fed.positional] == ["x", "y"]


def test_arguments_and_values_of_a_merge_stand_side_by_side() -> None:
    (node,) = program_of("Concatenate(a, b, axis=1)", TWO).body.nodes
    assert isinstance(node, LayerNode)
    assert ([use.name for use in node.fed.positional], node.arguments["axis"]) == (["a", "b"], 1)


def test_several_names_take_several_results() -> None:
    step = program_of("y, z = Dense(4) Add(y, z)").body.steps[0]
    assert step.targets == ("y", "z")


@pytest.mark.parametrize(
    ("layers", "found"),
    [
        ("Add(a, nope)", [("E0211", "nope")]),
        ("Dense(3)(later) later = Dense(3)", [("E0211", "later")]),
        ("Dense(3)(a, b)", [("E0303", "b")]),
        ("Dense(3)(4)", [("E0305", "4")]),
        ("TimeDistributed(Add(a, b))", [("E0303", "a")]),
        ("TimeDistributed(MultiHeadAttention(2, 4, value=a))", [("E0303", "a")]),
        ("enc = Dense(3) enc(a) Add(enc2, a)", [("E0211", "enc2")]),
        ("x = Dense(3) x2 = a(x)", [("E0201", "a")]),
    ],
)
def test_names_that_mean_nothing_here_are_errors(layers: str, found: list[tuple[str, str]]) -> None:
    assert errors_of(layers, TWO) == found


def test_a_name_is_suggested() -> None:
    with pytest.raises(NeuralcError) as caught:
        program_of("encoded = Dense(3) Add(encoded, encodd)")
    assert caught.value.diagnostics[0].help == "did you mean `encoded`?"


def test_an_unused_name_warns_and_one_that_is_hidden_too() -> None:
    assert warnings_of(program_of("x = Dense(3) Dense(4)")) == [("W0202", "x")]
    assert warnings_of(program_of("x = Dense(3) x = Dense(4) Dense(5)(x)")) == [("W0202", "x")]
    assert warnings_of(program_of("x = Dense(3) x = Dense(4)(x) Dense(5)(x)")) == []


@pytest.mark.parametrize(
    "layers",
    [
        "y, _h, c = LSTM(8, return_state=true) Concatenate(y, c)",
        "y, h, c = LSTM(8, return_state=true) Dense(3) Concatenate(h, c)",
        "Dense(8) y = Dense(3)",
        "_spare = Dense(3) Dense(4)",
    ],
)
def test_names_that_are_meant_to_be_unused_do_not_warn(layers: str) -> None:
    assert warnings_of(program_of(layers, "(4, 8)")) == []


def test_the_last_value_is_an_output_of_its_name() -> None:
    outputs = program_of('Dense(8) odds = Dense(3, "softmax")').outputs
    assert outputs is not None
    assert [use.name for use in outputs] == ["odds"]
    assert program_of("odds = Dense(3) Dense(4)").outputs is None


def test_outputs_are_names_of_values() -> None:
    program = program_of("x = Dense(3) y = Dense(4)", after="outputs: (x, y)")
    assert program.outputs is not None
    assert [use.name for use in program.outputs] == ["x", "y"]
    assert errors_of("x = Dense(3)", after="outputs: (x, z)") == [("E0211", "z")]
    assert errors_of("x = Dense(3)", after="outputs: (x, x)") == [("E0208", "x")]
    assert errors_of("x = Dense(3)", after='outputs: (x, "y")') == [("E0305", '"y"')]


# --- shared layers ---------------------------------------------------------------------------------------------------
def test_a_name_that_is_only_called_is_a_layer_and_not_applied_where_it_stands() -> None:
    steps = program_of("enc = Dense(4) x = enc(a) y = enc(b) Add(x, y)", TWO).body.steps
    assert (steps[0].shared, steps[0].applied) == (True, False)
    assert [type(step.node) for step in steps[1:3]] == [SharedNode, SharedNode]


def test_a_name_that_is_called_and_used_is_applied_too() -> None:
    step = program_of("enc = Dense(8) y = enc(enc) Add(enc, y)").body.steps[0]
    assert (step.shared, step.applied) == (True, True)


def test_a_shared_layer_takes_values_and_no_arguments_or_block() -> None:
    assert errors_of("enc = Dense(4) enc(3)") == [("E0305", "3")]
    assert errors_of("enc = Dense(4) enc() { Dense(3) }") == [("E0309", "{ Dense(3) }")]
    assert errors_of("enc = Dense(4) enc() * 2") == [("E0312", "enc() * 2")]


# --- branches and blocks ---------------------------------------------------------------------------------------------
def test_a_branch_starts_from_the_value_of_its_name() -> None:
    nodes = program_of("a: { Dense(3) } b: { Dense(4) } Concatenate()", TWO).body.nodes
    assert [node.source.name for node in nodes if isinstance(node, BranchNode) and node.source] == ["a", "b"]


def test_a_branch_that_goes_on_from_another_one_warns() -> None:
    twice = "l: { Dense(3) } r: { Dense(3) } Add() l: { Dense(4) } s: { Dense(4) } Add()"
    assert warnings_of(program_of(twice)) == [("W0205", "l")]
    assert warnings_of(program_of("a: { Dense(3) } a: { Dense(4) } Add(a, b)", TWO)) == []


def test_a_branch_with_a_new_name_starts_from_the_running_value() -> None:
    nodes = program_of("Dense(4) left: { Dense(3) } right: { Dense(3) } Add() Add(left, right)").body.nodes
    assert [node.source for node in nodes if isinstance(node, BranchNode)] == [None, None]


def test_a_block_sees_the_names_around_it_and_a_macro_does_not() -> None:
    program = program_of("x = Dense(8) Residual { Add(x, y) }".replace(", y", ", x"))
    block = program.body.nodes[1]
    assert isinstance(block, LayerNode)
    assert block.body is not None
    assert block.body.captures
    assert errors_of("x = Dense(8) A() Add(x, x)", before="define A { Add(x, x) }") == [("E0211", "x")] * 2


# --- networks as layers ----------------------------------------------------------------------------------------------
INNER = "network Inner(width=4) { input: { p: (8), q: (S, 3) } layers: r = Dense(width)(p) outputs: (r, q) }"


def test_a_network_is_a_layer_with_parameters_and_named_inputs() -> None:
    program = program_of("Inner(width=6)(a, q=b)", "{ a: (8), b: (5, 3) }", before=INNER)
    (node,) = program.body.nodes
    assert isinstance(node, CallNode)
    assert node.callee.inputs is not None
    assert [port.name for port in node.callee.inputs] == ["p", "q"]
    assert [use.name for use in node.callee.outputs or ()] == ["r", "q"]
    (inner,) = node.callee.body.nodes
    assert isinstance(inner, LayerNode)
    assert inner.arguments["units"] == 6


def test_a_network_that_uses_itself_shows_the_circle() -> None:
    found = errors_of("A()", before="network A { input: (8) layers: B() } network B { input: (8) layers: A() }")
    assert found == [("E0209", "A")]


def test_parameters_of_the_network_itself_have_defaults_or_are_set() -> None:
    tree = parse(Source("m.nr", "network M(units, act=relu) { input: (8) layers: Dense(units, act) }"))
    with pytest.raises(NeuralcError) as caught:
        resolve(tree)
    assert caught.value.diagnostics[0].code == "E0301"
    (dense,) = resolve(tree, settings={"units": 5}).body.nodes
    assert isinstance(dense, LayerNode)
    assert (dense.arguments["units"], dense.arguments["activation"]) == (5, "relu")
