"""What entries of the attributes about training may be: rules with a description, which look into searches too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, NoneAttr, StringAttr
from xdsl.ir import Attribute
from xdsl.utils.exceptions import VerifyException

from neuralc.dialects.graph.search import ChoiceAttr, LogRangeAttr, RangeAttr
from neuralc.dialects.graph.terms import kind_of, number


@dataclass(frozen=True)
class Rule:
    """What an entry may be; `test` sees one value, of a search all that it may give."""

    description: str
    test: Callable[[Attribute], bool]

    def check(self, name: str, attribute: Attribute) -> None:
        for value in possible_values(attribute):
            if not self.test(value):
                raise VerifyException(f"{name} is {self.description}")


def possible_values(attribute: Attribute) -> Iterator[Attribute]:
    """Every value that may be meant: the options of a choice, the ends of a range."""
    match attribute:
        case ChoiceAttr():
            for option in attribute.options:
                yield from possible_values(option)
        case RangeAttr() | LogRangeAttr():
            yield attribute.low
            yield attribute.high
        case _:
            yield attribute


def whole(least: int) -> Rule:
    def test(attribute: Attribute) -> bool:
        found = number(attribute)
        return isinstance(found, int) and found >= least

    return Rule(f"a whole number of at least {least}", test)


def real(description: str, test: Callable[[float], bool]) -> Rule:
    def on_attribute(attribute: Attribute) -> bool:
        found = number(attribute)
        return found is not None and test(found)

    return Rule(description, on_attribute)


def list_of(rule: Rule) -> Rule:
    def test(attribute: Attribute) -> bool:
        parts = attribute.data if isinstance(attribute, ArrayAttr) else ()
        return bool(parts) and all(rule.test(value) for part in parts for value in possible_values(part))

    return Rule(f"a list, each {rule.description}", test)


def is_literal(attribute: Attribute) -> bool:
    if isinstance(attribute, ArrayAttr):
        return all(is_literal(value) for part in attribute for value in possible_values(part))
    return isinstance(attribute, NoneAttr) or kind_of(attribute) is not None


COUNT, INDEX = whole(1), whole(0)
BELOW_ONE = real("a number from 0 below 1", lambda found: 0 <= found < 1)
NOT_NEGATIVE = real("a number from 0", lambda found: found >= 0)
FLAG = Rule("true or false", lambda attribute: kind_of(attribute) == "flags")
TEXT = Rule("a string", lambda attribute: isinstance(attribute, StringAttr) and bool(attribute.data))
WORD_OR_COUNT = Rule("a string or a whole number", lambda attribute: TEXT.test(attribute) or INDEX.test(attribute))
LITERAL = Rule("a literal or a search", is_literal)


def by_name(attribute: Attribute, test: Callable[[Attribute], bool]) -> bool:
    """Whether an attribute is a dictionary whose values pass the test."""
    return isinstance(attribute, DictionaryAttr) and all(map(test, attribute.data.values()))
