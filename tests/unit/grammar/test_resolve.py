"""Networks: macros, repetition, choosing one of several, and every error in one run."""

import pytest

from neuralc.grammar.diagnostics import Diagnostic, NeuralcError, Source
from neuralc.grammar.expansion import MAX_LAYERS
from neuralc.grammar.parser import parse
from neuralc.grammar.program import CallNode, LayerNode, Program, RepeatNode
from neuralc.grammar.resolve import resolve


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
        [layer.arguments["units"] for layer in node.callee.body.nodes if isinstance(layer, LayerNode)]
        for node in program.body.nodes
        if isinstance(node, CallNode)
    ]
    assert units == [[3, 5], [4, 6]]


def test_equal_uses_of_a_macro_share_one_body() -> None:
    first, second, third = (
        node
        for node in program_of("define A(n) { Dense(n) } network M { input: (8) layers: A(3) A(n=3) A(4) }").body.nodes
        if isinstance(node, CallNode)
    )
    assert first.callee is second.callee
    assert first.callee is not third.callee


def test_macros_are_hygienic() -> None:
    """`n` of the caller does not reach into the callee, whose own `n` is another one."""
    text = "define In(m) { Dense(n) } define Out(n) { In(n) } network M { input: (8) layers: Out(3) }"
    (found,) = errors_of(text)
    assert (found.code, found.span and found.span.text) == ("E0305", "n")
    text = "define In(n) { Dense(n) } define Out(n) { In(4) Dense(n) } network M { input: (8) layers: Out(3) }"
    (outer,) = program_of(text).body.nodes
    assert isinstance(outer, CallNode)
    inner, last = outer.callee.body.nodes
    assert isinstance(inner, CallNode)
    assert isinstance(last, LayerNode)
    (dense,) = inner.callee.body.nodes
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
    assert isinstance(use, CallNode)
    (repeated,) = use.callee.body.nodes
    assert isinstance(repeated, RepeatNode)
    assert (repeated.count, program.body.size) == (3, 3)


def test_chains_of_macros_that_explode_are_refused_at_once() -> None:
    macros = "".join(f"define A{i} {{ A{i + 1}() A{i + 1}() }} " for i in range(40))
    (found,) = errors_of(macros + "define A40 { Dense(3) } network M { input: (8) layers: A0() }")
    assert found.code == "E0313"
    assert str(MAX_LAYERS) in found.message


def test_chains_of_macros_that_go_too_deep_are_refused() -> None:
    macros = "".join(f"define A{i} {{ A{i + 1}() }} " for i in range(1100))
    assert errors_of(macros + "define A1100 { Dense(3) } network M { input: (8) layers: A0() }")[0].code == "E0106"


@pytest.mark.thorough
def test_blocks_and_macros_that_nest_too_deep_together_are_refused() -> None:
    nest, close = "Residual { " * 600, "} " * 600
    macros = f"define A {{ {nest} ReLU {close} }} define B {{ {nest} A() {close} }} "
    assert program_of(f"{macros} network M {{ input: (8) layers: A() }}").body.depth == 602
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
    assert program_of(TWO, "B").inputs[0].sizes == (9,)


def test_one_of_several_networks_must_be_chosen() -> None:
    (found,) = errors_of(TWO)
    assert (found.code, found.message) == ("E0207", "the file has several networks: A, B")
    assert program_of(TWO + " network C { input: (8) layers: A() B() }").name == "C"
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
    QuantumLaye(3)
  optimizer: Adma()
  train { epoch: 3 }
}"""
    found = errors_of(text)
    assert [d.code for d in found] == [
        "E0402", "E0204", "E0201", "E0306", "E0301", "E0201", "E0201", "E0203", "E0302",
    ]  # fmt: skip
    assert [d.span.line for d in found if d.span] == [2, 3, 5, 6, 7, 7, 8, 9, 10]


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
