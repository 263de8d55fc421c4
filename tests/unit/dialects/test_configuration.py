"""Attributes about training: the same entries as the language has, any of them printed and parsed back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdsl.dialects.builtin import ArrayAttr
from xdsl.ir import Attribute
from xdsl.parser import Parser

from neuralc.dialects.graph import configuration, search
from neuralc.dialects.graph.search import ChoiceAttr, LogRangeAttr, RangeAttr, SearchAttr, first_value, holds
from neuralc.dialects.graph.terms import term
from neuralc.grammar.training.sections import SECTIONS
from neuralc.passes.parsing import make_context


@pytest.mark.parametrize(
    ("section", "attribute"),
    [
        ("train", configuration.TrainAttr),
        ("execution", configuration.ExecutionAttr),
        ("benchmark", configuration.BenchmarkAttr),
        ("test", configuration.TestAttr),
    ],
)
def test_sections_have_the_entries_of_the_language(section: str, attribute: type[configuration.SectionAttr]) -> None:
    assert list(attribute.RULES) == [parameter.name for parameter in SECTIONS[section]]


# --- text ------------------------------------------------------------------------------------------------------------
NUMBERS = st.integers(-(2**40), 2**40) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=126))
LITERALS = st.none() | st.booleans() | NUMBERS | TEXTS
NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)


def ranges() -> st.SearchStrategy[Attribute]:
    pairs = st.tuples(NUMBERS, NUMBERS).map(sorted)
    steps = st.none() | st.floats(1e-6, 1e6)
    positive = st.tuples(st.floats(1e-9, 1e9), st.floats(1e-9, 1e9)).map(sorted)
    return st.builds(lambda ends, step: RangeAttr.of(*ends, step), pairs, steps) | positive.map(
        lambda ends: LogRangeAttr.of(*ends)
    )


def choices() -> st.SearchStrategy[Attribute]:
    kinds = (NUMBERS | st.none(), TEXTS, st.booleans())
    literals = st.one_of([st.lists(kind, min_size=1) for kind in kinds])
    plain = literals.map(lambda options: ChoiceAttr.of([term(option) for option in options]))
    return plain | st.lists(ranges(), min_size=1).map(ChoiceAttr.of)


VALUES = LITERALS.map(term) | ranges() | choices() | st.lists(LITERALS.map(term)).map(ArrayAttr)
KINDS = [configuration.OptimizerAttr, configuration.LossAttr, configuration.MetricAttr, configuration.ScheduleAttr]
CALLED = st.builds(
    lambda kind, called, arguments: kind.of(called, {k: v for k, v in arguments.items() if k not in kind.RULES}),
    st.sampled_from(
        [configuration.OptimizerAttr, configuration.LossAttr, configuration.MetricAttr, configuration.ScheduleAttr]
    ),
    NAMES,
    st.dictionaries(NAMES, VALUES, max_size=4),
)


@given(VALUES | CALLED)
@pytest.mark.thorough
def test_what_is_printed_parses_back(attribute: Attribute) -> None:
    again = configuration.LossAttr.of("huber", {"delta": attribute}) if not hasattr(attribute, "called") else attribute
    text = str(again)
    parsed = Parser(make_context(), text).parse_attribute()
    assert parsed == again
    assert str(parsed) == text


# --- searches --------------------------------------------------------------------------------------------------------
@given(ranges() | choices())
def test_the_first_value_lies_in_the_space(space: Attribute) -> None:
    value = first_value(space)
    assert holds(space, value)
    assert isinstance(space, search.SPACES)
    assert SearchAttr.of(space, value, "m.nr:1:1").value == value


def test_a_space_holds_what_lies_on_its_steps() -> None:
    space = RangeAttr.of(0.3, 0.7, 0.1)
    assert [holds(space, term(value)) for value in (0.3, 0.4, 0.7, 0.35, 0.2, 0.8)] == [True] * 3 + [False] * 3
    assert not holds(space, term("0.4"))
    assert not holds(RangeAttr.of(0, 1), term(True))


def test_numbers_are_equal_whatever_their_type() -> None:
    assert holds(ChoiceAttr.of([term(32), term(64)]), term(64.0))
    assert not holds(ChoiceAttr.of([term(0), term(1)]), term(True))
