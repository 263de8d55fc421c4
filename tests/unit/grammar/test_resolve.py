"""Networks: macros, repetition, choosing one of several, and every error in one run."""

import pytest

from neuralc.grammar.diagnostics import Diagnostic, NeuralcError, Source
from neuralc.grammar.parser import parse
from neuralc.grammar.program import LayerNode, MacroNode, Program, RepeatNode
from neuralc.grammar.resolve import MAX_LAYERS, resolve


def program_of(text: str, network: str | None = None) -> Program:
    return resolve(parse(Source("m.nr", text)), network)


def errors_of(text: str, network: str | None = None) -> tuple[Diagnostic, ...]:
    with pytest.raises(NeuralcError) as caught:
        program_of(text, network)
    return caught.value.diagnostics


# --- macros ----------------------------------------------------------------------------------------------------------
def test_parameters_and_defaults_reach_the_layers() -> None:
    program = program_of("define A(n, m=5) { Dense(n) Dense(m) } network M { input: (8) layers: A(3) A(4, m=6) }")
    units = [
        [layer.arguments["units"] for layer in node.body.nodes if isinstance(layer, LayerNode)]
        for node in program.body.nodes
        if isinstance(node, MacroNode)
    ]
    assert units == [[3, 5], [4, 6]]


def test_equal_uses_of_a_macro_share_one_body() -> None:
    first, second, third = (
        node
        for node in program_of("define A(n) { Dense(n) } network M { input: (8) layers: A(3) A(n=3) A(4) }").body.nodes
        if isinstance(node, MacroNode)
    )
    assert first.body is second.body
    assert first.body is not third.body


def test_macros_are_hygienic() -> None:
    """`n` of the caller does not reach into the callee, whose own `n` is another one."""
    text = "define In(m) { Dense(n) } define Out(n) { In(n) } network M { input: (8) layers: Out(3) }"
    (found,) = errors_of(text)
    assert (found.code, found.span and found.span.text) == ("E0305", "n")
    text = "define In(n) { Dense(n) } define Out(n) { In(4) Dense(n) } network M { input: (8) layers: Out(3) }"
    (outer,) = program_of(text).body.nodes
    assert isinstance(outer, MacroNode)
    inner, last = outer.body.nodes
    assert isinstance(inner, MacroNode)
    assert isinstance(last, LayerNode)
    (dense,) = inner.body.nodes
    assert isinstance(dense, LayerNode)
    assert (dense.arguments["units"], last.arguments["units"]) == (4, 3)


def test_recursion_shows_the_circle() -> None:
    text = "define A { B() } define B { C() } define C { B() } network M { input: (8) layers: A() }"
    (found,) = errors_of(text)
    assert (found.code, found.notes[0]) == ("E0209", "the circle is B -> C -> B")


def test_an_error_inside_a_macro_is_reported_once_and_tells_where_the_macro_is_used() -> None:
    text = "define A {\n Dens(3)\n}\nnetwork M {\n input: (8)\n layers:\n A() A() * 3\n}"
    (found,) = errors_of(text)
    assert found.code == "E0201"
    assert found.span is not None
    assert found.span.line == 2
    assert found.notes == ("in `A`, used in line 7",)


def test_a_macro_may_be_repeated_by_a_parameter() -> None:
    program = program_of("define A(n) { Dense(4) * n } network M { input: (8) layers: A(3) }")
    (use,) = program.body.nodes
    assert isinstance(use, MacroNode)
    (repeated,) = use.body.nodes
    assert isinstance(repeated, RepeatNode)
    assert (repeated.count, program.body.size) == (3, 3)


def test_chains_of_macros_that_explode_are_refused_at_once() -> None:
    macros = "".join(f"define A{i} {{ A{i + 1}() A{i + 1}() }} " for i in range(40))
    (found,) = errors_of(macros + "define A40 { Dense(3) } network M { input: (8) layers: A0() }")
    assert found.code == "E0313"
    assert str(MAX_LAYERS) in found.message


def test_chains_of_macros_that_go_too_deep_are_refused() -> None:
    macros = "".join(f"define A{i} {{ A{i + 1}() }} " for i in range(400))
    assert errors_of(macros + "define A400 { Dense(3) } network M { input: (8) layers: A0() }")[0].code == "E0106"


def test_blocks_and_macros_that_nest_too_deep_together_are_refused() -> None:
    nest, close = "Residual { " * 90, "} " * 90
    macros = f"define A {{ {nest} ReLU {close} }} define B {{ {nest} A() {close} }} "
    assert program_of(f"{macros} network M {{ input: (8) layers: A() }}").body.depth == 92
    assert {d.code for d in errors_of(f"{macros} network M {{ input: (8) layers: A() B() }}")} == {"E0106"}
    assert {d.code for d in errors_of(f"{macros} network M {{ input: (8) layers: B() A() }}")} == {"E0106"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("A(1, 2)", "E0303"),
        ("A()", "E0301"),
        ("A(3, m=3)", "E0302"),
        ("A(3) { Dense(3) }", "E0309"),
    ],
)
def test_macros_check_their_arguments(text: str, code: str) -> None:
    found = errors_of(f"define A(n) {{ Dense(n) }} network M {{ input: (8) layers: {text} }}")
    assert [d.code for d in found] == [code]


# --- networks --------------------------------------------------------------------------------------------------------
TWO = "network A { input: (8) layers: Dense(3) } network B { input: (9) layers: Dense(3) }"


def test_a_network_is_chosen_by_name() -> None:
    assert program_of(TWO, "B").input.sizes == (9,)


def test_one_of_several_networks_must_be_chosen() -> None:
    (found,) = errors_of(TWO)
    assert (found.code, found.message) == ("E0207", "the file has several networks: A, B")
    (found,) = errors_of(TWO, "b")
    assert (found.code, found.help) == ("E0207", "did you mean `B`?")


def test_independent_errors_come_together_in_order_of_position() -> None:
    text = """network M {
  input: (8, "x")
  loss: "msee"
  layers:
    Dens(3)
    Dense(units=-1)
    Residual { Conv2D(3) Flaten() }
    LSTM(3)
  optimizer: Adma()
  train { epoch: 3 }
}"""
    found = errors_of(text)
    assert [d.code for d in found] == [
        "E0402", "E0204", "E0201", "E0306", "E0301", "E0201", "E0701", "E0203", "E0302",
    ]  # fmt: skip
    assert [d.span.line for d in found if d.span] == [2, 3, 5, 6, 7, 7, 8, 9, 10]


@pytest.mark.parametrize(
    ("shape", "sizes", "origin"),
    [
        ("(28, 28, 1)", (28, 28, 1), "implied batch"),
        ("(None, 28, 28, 1)", (28, 28, 1), "m.nr:1:21"),
        ("(NONE, 8)", (8,), "m.nr:1:21"),
        ("(32,)", (32,), "implied batch"),
        ("()", (), "implied batch"),
        ("(HPO(choice(32, 64)))", (32,), "implied batch"),
    ],
)
def test_a_leading_none_is_the_batch_and_is_implied_otherwise(shape: str, sizes: tuple[int, ...], origin: str) -> None:
    found = program_of(f"network M {{ input: {shape} layers: Dense(3) }}").input
    assert (found.sizes, found.batch_origin) == (sizes, origin)


@pytest.mark.parametrize(
    ("clause", "name", "element"),
    [
        ("(8)", "input", "float32"),
        ("x: (8)", "x", "float32"),
        ("{ x: (8) float64 }", "x", "float64"),
        ("(8) half", "input", "float16"),
    ],
)
def test_inputs_have_a_name_and_a_type(clause: str, name: str, element: str) -> None:
    found = program_of(f"network M {{ input: {clause} layers: Dense(3) }}").input
    assert (found.name, found.element) == (name, element)


@pytest.mark.parametrize(
    "text",
    [
        "network M { input: (8), (4) layers: Dense(3) }",
        "network M { input: { a: (8), b: (4) } layers: Dense(3) }",
        "network M { input: (S, 8) layers: Dense(3) }",
        "network M { input: (8, None) layers: Dense(3) }",
        "network M { input: (8) where S < 3 layers: Dense(3) }",
        "network M { input: (8) layers: a = Dense(3) }",
        "network M { input: (8) layers: Dense(3)(x) }",
        "network M { input: (8) layers: image: { Dense(3) } }",
        "network M { input: (8) layers: Dense(3) outputs: (a) }",
        'from "b.nr" import A network M { input: (8) layers: Dense(3) }',
        "network M { input: (8) bfloat16 layers: Dense(3) }",
        "network N { input: (8) layers: Dense(3) } network M { input: (8) layers: N() }",
    ],
)
def test_what_has_no_meaning_yet_says_so(text: str) -> None:
    found = errors_of(text, "M")
    assert {d.code for d in found} == {"E0703"}
    assert all(d.span is not None for d in found)


# --- clauses ---------------------------------------------------------------------------------------------------------
def test_weights_and_seed_are_read() -> None:
    program = program_of('network M { input: (8) layers: Dense(3) weights: "a/b.safetensors" init: seed(7) }')
    assert (program.weights, program.seed) == ("a/b.safetensors", 7)
    assert program.weights_span is not None
    assert program.weights_span.text == '"a/b.safetensors"'
    assert program_of("network M { input: (8) layers: Dense(3) init: 7 }").seed == 7


def test_devices_of_layers_are_checked_and_noted_once() -> None:
    text = 'network M { input: (8) layers: Dense(3) @ "cuda:0" Dense(3) @ "cpu" }'
    assert [d.code for d in program_of(text).messages] == ["W0701"]
