"""Arithmetic in the place of a value, and defaults that are made of other parameters."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralc.grammar.calculation import LARGEST, calculate
from neuralc.grammar.diagnostics import Diagnostic, NeuralcError, Source
from neuralc.grammar.format import format_source
from neuralc.grammar.parser import parse
from neuralc.grammar.program import CallNode, LayerNode
from neuralc.grammar.resolve import resolve


def network(layers: str, before: str = "", parameters: str = "") -> Any:
    text = f"{before} network M{parameters} {{ input: (8) layers: {layers} }}"
    return resolve(parse(Source("m.nr", text)))


def value_of(value: str, parameters: str = "") -> int | float:
    """What `value` is as an argument, of a kind that takes all numbers."""
    (node,) = network(f'Lambda("x: x") Rescaling({value})', parameters=parameters).body.nodes[1:]
    assert isinstance(node, LayerNode)
    scale: int | float = node.arguments.written["scale"]
    return scale


def errors_of(value: str, parameters: str = "") -> tuple[Diagnostic, ...]:
    with pytest.raises(NeuralcError) as caught:
        value_of(value, parameters)
    return caught.value.diagnostics


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1 / 255", 1 / 255), ("8 / 2", 4), ("2 + 3 * 4", 14), ("(2 + 3) * 4", 20), ("2 - 3 - 4", -5),
        ("((2 - (3 - 4)))* 1", 3), ("8 / 2 / 2", 2), ("-7 % 4", 1), ("7.5 % 2", 1.5), ("n-1", 5), ("n -1", 5),
        ("- n", -6), ("2 * -n", -12), ("n * n / 4", 9), ("1e3 * n", 6000.0), ("HPO(choice(4, 6)) * n", 24),
        ("2+-3", -1), ("2 --3", 5),
    ],
)  # fmt: skip
def test_values(written: str, value: float) -> None:
    found = value_of(written, "(n=6)")
    assert (type(found), found) == (type(value), value)


numbers = st.integers(-999, 999)


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> str:
    """Python and the language write these alike."""
    if depth == 0 or draw(st.booleans()):
        return str(draw(numbers))
    inner = expressions(depth=depth - 1)
    return f"({draw(inner)}) {draw(st.sampled_from('+-*/%'))} {draw(inner)}"


@given(expressions())
def test_it_is_the_arithmetic_of_python(text: str) -> None:
    try:
        expected = eval(text)  # numbers, operators and parentheses of the strategy above
    except ZeroDivisionError:
        assert "E0316" in {found.code for found in errors_of(f"0 + {text}")}
        return
    assert value_of(f"0 + {text}") == pytest.approx(expected, rel=1e-12, abs=1e-12)


@given(numbers, numbers, st.sampled_from("+-*/%"))
def test_of_whole_numbers_the_result_is_exact(lhs: int, rhs: int, operator: str) -> None:
    if operator in "/%" and rhs == 0:
        with pytest.raises(ArithmeticError, match="divides by 0"):
            calculate(operator, lhs, rhs)
        return
    found = calculate(operator, lhs, rhs)
    exact = {"+": lhs + rhs, "-": lhs - rhs, "*": lhs * rhs, "%": lhs % rhs if rhs else 0}.get(operator)
    if exact is None:
        exact = Fraction(lhs, rhs)
        assert isinstance(found, int) == (exact.denominator == 1)
        assert found == float(exact)
    else:
        assert (type(found), found) == (int, exact)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ('2 * "a"', '`*` takes numbers, not "a"'),
        ("2 * true", "`*` takes numbers, not true"),
        ("(2, 3) * 2", "`*` takes numbers, not (2, 3)"),
        ("2 * width", "`*` takes numbers, not `width`"),
        ("2 / (n - 6)", "`2 / (n - 6)` is no number: it divides by 0"),
        ("2 % 0", "`2 % 0` is no number: it divides by 0"),
        ("9223372036854775807 * 9", "`9223372036854775807 * 9` is no number: it is too large"),
        ("1e300 * 1e300", "`1e300 * 1e300` is no number: it is too large"),
        ("+".join(["1"] * 65), "an expression has more than 64 terms"),
    ],
)
def test_what_is_no_number_is_told_once(written: str, told: str) -> None:
    (found,) = errors_of(written, "(n=6)")
    assert (found.code, found.message) == ("E0316", told)


def test_results_are_as_large_as_numbers_that_are_written() -> None:
    assert calculate("+", LARGEST - 2, 1) == LARGEST - 1
    with pytest.raises(OverflowError):
        calculate("+", LARGEST - 1, 1)


def test_values_of_the_graph_are_told_what_adds_them() -> None:
    with pytest.raises(NeuralcError) as caught:
        network("a = Dense(3) Add(a + a)")
    assert [found.code for found in caught.value.diagnostics] == ["E0316", "E0316"]
    assert "`Add(a, b)`" in (caught.value.diagnostics[0].help or "")


def test_a_size_and_a_setting_may_be_calculated() -> None:
    text = "network M(n=4) { input: (2 * n, n - 1) layers: Dense(3) train { epochs: n * 5 } }"
    program = resolve(parse(Source("m.nr", text)))
    assert program.inputs[0].sizes == (8, 3)
    assert program.clauses["train"] == {"epochs": 20}


# --- defaults of defaults --------------------------------------------------------------------------------------------
def scopes(call: str, parameters: str) -> list[Any]:
    """The units of the three layers of a macro with parameters a, b and c."""
    program = network(call, before=f"define F({parameters}) {{ Dense(a) Dense(b) Dense(c) }}")
    (node,) = program.body.nodes
    assert isinstance(node, CallNode)
    return [layer.arguments["units"] for layer in node.callee.body.nodes if isinstance(layer, LayerNode)]


@pytest.mark.parametrize(
    ("call", "found"),
    [("F(2)", [2, 4, 5]), ("F(2, 7)", [2, 7, 8]), ("F(2, c=1)", [2, 4, 1]), ("F(c=1, b=3, a=2)", [2, 3, 1])],
)
def test_a_default_may_be_made_of_parameters_before_it(call: str, found: list[int]) -> None:
    assert scopes(call, "a, b=2 * a, c=b + 1") == found


def test_a_default_does_not_see_what_comes_after_it() -> None:
    with pytest.raises(NeuralcError) as caught:
        scopes("F()", "a=2 * b, b=3, c=4")
    assert [found.code for found in caught.value.diagnostics] == ["E0316"]


def test_parameters_of_a_network_may_be_made_of_others() -> None:
    text = "network M(width=4, depth=width / 2) { input: (8) layers: Dense(width) * depth }"
    program = resolve(parse(Source("m.nr", text)), settings={"width": 6})
    assert program.body.size == 3


def test_a_parameter_without_a_value_is_set_on_the_command_line() -> None:
    with pytest.raises(NeuralcError) as caught:
        network("Dense(n)", parameters="(n)")
    (found,) = caught.value.diagnostics
    assert (found.code, found.message) == ("E0301", "`M` needs `n`")
    assert "`--set NAME=VALUE`" in (found.help or "")


# --- layout ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("written", "layout"),
    [("1/255", "1 / 255"), ("(n+1)*2", "(n + 1) * 2"), ("- n", "-n"), ("n -1", "n - 1"), ("2*-n", "2 * -n")],
)
def test_operators_stand_apart(written: str, layout: str) -> None:
    text = f"network M(n=2) {{ input: (8) layers: Rescaling({written}) }}\n"
    assert format_source(Source("m.nr", text)) == text.replace(written, layout)
