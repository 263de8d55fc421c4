"""Small texts that ask for much: the answer is a model or an error, soon, and never a fault of the compiler.

Each of them took minutes, gigabytes, or the whole stack in some compiler; several did in this one.
"""

from __future__ import annotations

import pytest
from support.bounds import bounded

from neuralc.frontends.nr import LoadedProgram, load
from neuralc.grammar.diagnostics import NeuralcError, Source
from neuralc.grammar.expansion import MAX_LAYERS, MAX_PARTS
from neuralc.passes.verifier import verify_module


def network(layers: str, before: str = "", input: str = "(8)") -> str:
    return f"{before}\nnetwork M {{ input: {input} layers: {layers}\n}}"


def codes_of(text: str) -> list[str]:
    """The codes of the errors of a text, which has to be done within the bounds."""
    with bounded():
        try:
            load(Source("m.nr", text))
        except NeuralcError as failure:
            return [found.code for found in failure.diagnostics]
    return []


def loaded(text: str) -> LoadedProgram:
    with bounded():
        return load(Source("m.nr", text))


# --- what looks ahead ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "gap",
    ["# " * 5_000 + "\n", "# a // b # c\n" * 2_000, " " * 20_000, "\n" * 20_000],
    ids=["hashes", "comments", "blanks", "lines"],
)
def test_names_before_long_gaps(gap: str) -> None:
    assert codes_of(network(f"Dense(4) ReLU {gap} Dense(4)")) == []
    assert codes_of(f"network M {{ input: (8) train {gap} x }}") == ["E0101"]


def test_comments_of_comments() -> None:
    assert codes_of("#//" * 10_000 + "\n" + "# # " * 10_000) == ["E0105"]
    assert codes_of("#//" * 10_000 + "\nx") == ["E0101"]


def test_long_lists_of_names() -> None:
    assert codes_of(network(", ".join(["ReLU"] * 1_000))) == []


@pytest.mark.parametrize("bracket", ["(", "[", "{"])
def test_brackets_without_an_end(bracket: str) -> None:
    assert codes_of(f"network M {{ input: {bracket * 100_000}") == ["E0106"]


@pytest.mark.parametrize("number", ["1" * 100_000, "1" * 100_000 + ".0", "1e" + "9" * 100_000, "-1e999"])
def test_numbers_of_many_digits(number: str) -> None:
    assert len(codes_of(network(f"Dense({number})"))) == 1


def test_names_of_many_letters() -> None:
    long = "x" * 100_000
    assert codes_of(network(f"{long}y(3)", before=f"define {long} {{ ReLU() }}")) == ["E0201"]


# --- macros that multiply --------------------------------------------------------------------------------------------
def doubling(first: str, step: str, depth: int, parameters: str = "") -> str:
    """Macros B0 to B{depth}: the first one is given, each further one uses the one before as `step` says."""
    macros = [f"define B0{parameters} {{ {first} }}"]
    macros += [f"define B{i}{parameters} {{ {step.format(i - 1)} }}" for i in range(1, depth + 1)]
    return "\n".join(macros)


def test_layers_that_double() -> None:
    assert codes_of(network("B40()", doubling("Dense(8)", "B{0}() B{0}()", 40))) == ["E0313"]


def test_layers_that_double_inside_of_a_layer() -> None:
    before = doubling("Dense(8)", "B{0}() B{0}()", 40)
    assert codes_of(network("TimeDistributed(B40())", before, "(3, 8)")) == ["E0313"]


@pytest.mark.parametrize("nothing", ["", "left: { }", "Nothing()"])
def test_nothing_that_doubles(nothing: str) -> None:
    codes = codes_of(network("Dense(8) B60()", doubling(nothing, "B{0}() B{0}()", 60)))
    assert codes in (["E0313"], ["E0201"])


def test_arguments_that_double() -> None:
    for step in ("B{0}((n, n))", "B{0}(f(n, n))", "B{0}(HPO(choice(n, n)))"):
        codes = codes_of(network("B40(8)", doubling("Dense(8)", step, 40, "(n)")))
        assert codes == ["E0313"], step


def test_arguments_of_many_parts() -> None:
    parts = ", ".join(["1"] * (MAX_PARTS - 1))
    assert codes_of(network(f"B(({parts}))", "define B(n) { Dense(8) }")) == []
    assert codes_of(network(f"B(({parts}, 1))", "define B(n) { Dense(8) }")) == ["E0313"]


@pytest.mark.thorough
def test_macros_that_are_different_each_time() -> None:
    before = doubling("Dense(8)", "B{0}((n, 1)) B{0}((n, 2))", 30, "(n)")
    assert codes_of(network("B30(8)", before)) == ["E0313"]


@pytest.mark.thorough
def test_as_many_layers_as_there_may_be() -> None:
    assert codes_of(network(f"ReLU() * {MAX_LAYERS + 1}")) == ["E0313"]
    assert codes_of(network("ReLU() " * (MAX_LAYERS + 1))) == ["E0313"]


@pytest.mark.thorough
def test_few_layers_that_become_many_ops() -> None:
    encoders = "TransformerEncoder(num_heads=8, ff_dim=3) * 2048"
    assert codes_of(network(encoders, input="(None, 512)")) == ["E0313"]
    assert codes_of(network("Dense(8) * 10_000".replace("_", ""))) == ["E0313"]


# --- arguments that are checked again and again ----------------------------------------------------------------------
MANY_VALUES = f"({', '.join(['1'] * (MAX_PARTS - 10))})"


@pytest.mark.parametrize("layer", ["A(n)", "Dense(n)", "Dense(8, name=n)"])
def test_many_arguments_of_many_values(layer: str) -> None:
    before = f"define A(n) {{ ReLU() }} define B(n) {{ {f'{layer} ' * 2_000} }}"
    assert "E0313" in codes_of(network(f"B({MANY_VALUES})", before))


@pytest.mark.thorough
def test_a_tree_of_macros_over_many_values() -> None:
    before = doubling("Dense(8)", "B{0}((n, 1)) B{0}((n, 2))", 30, "(n)")
    assert "E0313" in codes_of(network(f"B30({MANY_VALUES})", before))


@pytest.mark.thorough
def test_many_defaults_that_are_made_of_others() -> None:
    parameters = ", ".join(["p0=1", *(f"p{i}=p{i - 1} + 1" for i in range(1, 255))])
    assert codes_of(network("A() " * 300, f"define A({parameters}) {{ ReLU() }}")) == []


@pytest.mark.parametrize(
    "text", ["layers: Reshape({})", "layers: Dense(3) optimizer: SGD(learning_rate=PiecewiseConstantDecay({0}, {0}))"]
)
def test_many_searches_in_one_argument(text: str) -> None:
    searches = f"({', '.join(['HPO(choice(1, 2))'] * 1_000)})"
    assert set(codes_of(f"network M {{ input: (8) {text.format(searches)} }}")) == {"E0313"}


# --- sizes -----------------------------------------------------------------------------------------------------------
def sizes(where: str) -> list[str]:
    return codes_of(network("Dense(3)", input=f"(S, T, U, V, 8) where {where}"))


def test_remainders_of_remainders() -> None:
    assert sizes(f"{' % '.join(['S'] * 60)} % 4 == 0") == ["E0407"]


@pytest.mark.thorough
def test_equations_that_no_multiples_solve() -> None:
    never = "S % 2 + T % 3 + U % 5 + V % 7 + S % 11 + T % 2 + U % 2 + V % 2 + 1 == 0"
    assert sizes(never) == ["E0407"]
    assert sizes(", ".join([never] * 20)) == ["E0407"] * 20


# --- what was found by fuzzing ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('network M { input: (8) layers: Dense(3) optimizer: SGD("StepLR # (") }', "E0101"),
        ('network M(o="Adam(0.1)") { input: (8) layers: Dense(3) optimizer: o }', "E0101"),
        ("network M { input: { q: (2, 8), v: (3, 8) } layers: Attention(q, v)(q, v) }", "E0405"),
        ("network T { input: (T, 8) layers: Dense(3) }", "E0208"),
        ("network M { input: (12, 8) layers: RNN(StackedRNNCells(())) }", "E0401"),
        ("network M { input: (8) layers: CustomLayer(sizes=[1, [39223372036854775807]]) }", "E0110"),
    ],
)
def test_no_fault_of_the_compiler(text: str, code: str) -> None:
    assert codes_of(text) == [code]


@pytest.mark.parametrize(
    "text",
    [
        "define s { Dense(8) ReLU() } network M { input: (s, 8) layers: s() s() s() s() }",
        "network M { input: { x: (N, 8), e: (E, 2) int64 } layers: GraphAttention(1) }",
        network("GraphAttention(1)(x, edges=e, edge_mask=m)", input="{ x: (N, 8), e: (E, 2) int32, m: (F) bool }"),
    ],
)
def test_what_is_loaded_is_a_valid_module(text: str) -> None:
    """Names of sizes that are names of macros, or become other sizes on the way through a layer."""
    verify_module(loaded(text).module)


# --- many errors -----------------------------------------------------------------------------------------------------
@pytest.mark.thorough
def test_unknown_names_among_many_macros() -> None:
    macros = "\n".join(f"define Block{i:04} {{ ReLU() }}" for i in range(1_000))
    layers = "\n".join(f"Blokc{i:04}()" for i in range(1_000))
    assert codes_of(network(layers, macros)) == ["E0201"] * 1_000


# --- nesting ---------------------------------------------------------------------------------------------------------
def test_macros_that_were_expanded_before_count_as_deep_as_they_are() -> None:
    before = doubling("Dense(8)", "TimeDistributed(B{0}())", 1_500)
    layers = " ".join(f"B{i}()" for i in range(1_500))
    assert set(codes_of(network(layers, before, "(3, 8)"))) <= {"E0106", "E0313"}
