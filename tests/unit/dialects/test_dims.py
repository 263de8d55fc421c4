"""Dims: what is printed parses back, equal sizes compare equal, and arithmetic is that of integers."""

from __future__ import annotations

import operator
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralc.dialects.dims import Dim, Function, as_dim, product, simplest

SYMBOLS = ("batch", "S", "min_1")
FUNCTIONS: dict[str, tuple[Callable[[Dim, Dim], Dim], Callable[[int, int], int]]] = {
    "floordiv": (operator.floordiv, operator.floordiv),
    "ceildiv": (Dim.ceildiv, lambda a, b: -(-a // b)),
    "mod": (operator.mod, operator.mod),
    "min": (Dim.min, min),
    "max": (Dim.max, max),
}
DIVISIONS = ("floordiv", "ceildiv", "mod")

environments = st.fixed_dictionaries({name: st.integers(1, 50) for name in SYMBOLS})
divisors = st.integers(1, 12).map(Dim.constant)
leaves = st.one_of(st.integers(-9, 9).map(Dim.constant), st.sampled_from(SYMBOLS).map(Dim.symbol))


def grow(inner: st.SearchStrategy[Dim]) -> st.SearchStrategy[Dim]:
    sums = st.builds(
        lambda op, a, b: op(a, b), st.sampled_from([operator.add, operator.sub, operator.mul]), inner, inner
    )
    divided = st.builds(lambda name, a, b: FUNCTIONS[name][0](a, b), st.sampled_from(DIVISIONS), inner, divisors)
    chosen = st.builds(lambda name, a, b: FUNCTIONS[name][0](a, b), st.sampled_from(["min", "max"]), inner, inner)
    return st.one_of(sums, divided, chosen)


dims = st.recursive(leaves, grow, max_leaves=6)


@given(dims)
@pytest.mark.thorough
def test_what_is_printed_parses_back(dim: Dim) -> None:
    assert Dim.parse(str(dim)) == dim


@given(dims, dims, environments)
def test_arithmetic_is_that_of_the_integers(a: Dim, b: Dim, env: dict[str, int]) -> None:
    x, y = a.evaluate(env), b.evaluate(env)
    assert (a + b).evaluate(env) == x + y
    assert (a - b).evaluate(env) == x - y
    assert (a * b).evaluate(env) == x * y
    assert (-a).evaluate(env) == -x
    assert (3 - a).evaluate(env) == 3 - x
    assert (2 * a + 1).evaluate(env) == 2 * x + 1


@given(dims, divisors, environments, st.sampled_from(DIVISIONS))
def test_division_is_that_of_the_integers(a: Dim, b: Dim, env: dict[str, int], name: str) -> None:
    build, evaluate = FUNCTIONS[name]
    assert build(a, b).evaluate(env) == evaluate(a.evaluate(env), b.value)


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from(SYMBOLS)), max_size=3), st.integers(0, 30), divisors,
       environments, st.sampled_from(DIVISIONS))  # fmt: skip
def test_what_is_divided_is_not_negative(
    terms: list[tuple[int, str]], constant: int, divisor: Dim, env: dict[str, int], name: str
) -> None:
    """Native code divides without signs, and adds divisor - 1 to round up."""
    size = sum((Dim.symbol(symbol) * factor for factor, symbol in terms), Dim.constant(constant))
    for monomial, _ in FUNCTIONS[name][0](size, divisor).terms:
        for atom in monomial:
            if isinstance(atom, Function):
                assert atom.lhs.evaluate(env) + (divisor.value - 1 if atom.name == "ceildiv" else 0) >= 0


@given(dims, dims, environments, st.sampled_from(["min", "max"]))
def test_min_and_max_are_those_of_the_integers(a: Dim, b: Dim, env: dict[str, int], name: str) -> None:
    build, evaluate = FUNCTIONS[name]
    assert build(a, b).evaluate(env) == evaluate(a.evaluate(env), b.evaluate(env))
    assert build(a, b) == build(b, a)


@given(dims, dims, dims)
def test_equal_sizes_are_equal(a: Dim, b: Dim, c: Dim) -> None:
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert a * b == b * a
    assert (a * b) * c == a * (b * c)
    assert a * (b + c) == a * b + a * c
    assert a - a == Dim.constant(0)
    assert hash(a + b) == hash(b + a)


@given(dims, environments, st.sampled_from(SYMBOLS), dims)
def test_substituting_then_evaluating_is_evaluating(a: Dim, env: dict[str, int], name: str, size: Dim) -> None:
    assert a.substitute({name: size}).evaluate(env) == a.evaluate({**env, name: size.evaluate(env)})


@given(dims, environments)
def test_substituting_numbers_leaves_a_number(a: Dim, env: dict[str, int]) -> None:
    assert a.substitute(env) == Dim.constant(a.evaluate(env))


@given(dims, st.integers(1, 12), environments)
def test_divisible_dims_are_multiples(a: Dim, divisor: int, env: dict[str, int]) -> None:
    if a.divisible_by(divisor):
        assert a.evaluate(env) % divisor == 0
    assert (a * divisor).divisible_by(divisor)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("2 * (batch + 1)", "batch * 2 + 2"),
        ("1 + batch - batch", "1"),
        ("batch - batch", "0"),
        ("S * batch - 1", "S * batch - 1"),
        ("-batch", "-batch"),
        ("floordiv(batch * 6, 3)", "batch * 2"),
        ("mod(batch * 6, 3)", "0"),
        ("mod(batch * 6 + S - 1, 3)", "mod(S + 2, 3)"),
        ("floordiv(batch * 6 + S + 3, 3)", "batch * 2 + floordiv(S, 3) + 1"),
        ("floordiv(S - 1, 2) + 1", "ceildiv(S, 2)"),
        ("ceildiv(S + 1, 4)", "floordiv(S, 4) + 1"),
        ("ceildiv(ceildiv(S, 2), 4)", "ceildiv(S, 8)"),
        ("floordiv(floordiv(S, 3) + 2, 2)", "floordiv(S, 6) + 1"),
        ("ceildiv(floordiv(S, 2), 2)", "ceildiv(floordiv(S, 2), 2)"),
        ("floordiv(S - 3, 4) + 1", "ceildiv(S - 2, 4)"),
        ("ceildiv(batch * 16 - 16, 32)", "ceildiv(batch * 16 - 16, 32)"),
        ("floordiv(2 - mod(S, 2), 2)", "floordiv(-mod(S, 2) + 2, 2)"),
        ("ceildiv(batch, 6) * 4", "ceildiv(batch, 6) * 4"),
        ("min(S, batch)", "min(S, batch)"),
        ("min(batch, S)", "min(S, batch)"),
        ("max(batch, batch)", "batch"),
        ("min", "min"),
    ],
)
def test_normal_form(text: str, normal: str) -> None:
    assert str(Dim.parse(text)) == normal


@pytest.mark.parametrize(
    "text", ["", "batch +", "batch 2", "2 * * 3", "floordiv(batch)", "(batch", "floordiv(batch, 0)"]
)
def test_what_is_no_dim_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a dim expression|by 0"):
        Dim.parse(text)


def test_static_dims_have_a_value() -> None:
    assert Dim.constant(0).value == 0
    assert simplest(Dim.parse("2 * 3")) == 6
    assert simplest(as_dim("batch")) == Dim.symbol("batch")
    assert product([]) == Dim.constant(1)
    with pytest.raises(ValueError, match="`batch` is not a constant"):
        _ = as_dim("batch").value


def test_symbols_inside_functions_are_found() -> None:
    dim = Dim.parse("floordiv(S + 1, 2) * batch + 3")
    assert dim.symbols == {"S", "batch"}
    assert not dim.is_static
    with pytest.raises(KeyError):
        dim.evaluate({"batch": 2})


def test_a_linear_size_gives_its_symbol() -> None:
    for text, found in (("S", ("S", 1, 0)), ("S * 4", ("S", 4, 0)), ("S * 2 - 3", ("S", 2, -3))):
        assert Dim.parse(text).linear == found
    for text in ("7", "S * T", "S + T", "S * S", "floordiv(S, 2)", "4 - S"):
        assert Dim.parse(text).linear is None
