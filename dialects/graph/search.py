"""Searches for hyperparameters as attributes: where a value may lie. Training may search; inference took one value.

| attribute                                                    | meaning |
|--------------------------------------------------------------|---------|
| #graph.choice<[32, 64]>                                      | one of the options, which may be searches or calls |
| #graph.range<0.3 to 0.7 step 0.1>                            | a number between two, both included |
| #graph.log_range<0.0001 to 0.01>                             | the same, to be tried by its logarithm |
| #graph.written<"Conv2D(32, 3)">                              | a layer or another call as an option |
| #graph.search<#graph.choice<[32, 64]> is 32 from "m.nr:4:9"> | a search of the model: the value it was built with |
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

from xdsl.dialects.builtin import ArrayAttr, NoneAttr, StringAttr
from xdsl.ir import Attribute, Data, ParametrizedAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from neuralc.dialects.graph.terms import kind_of, number, parse_term, print_term, term
from neuralc.dialects.syntax import to_attribute


@irdl_attr_definition
class ChoiceAttr(ParametrizedAttribute):
    """`#graph.choice<[32, 64]>`; the first option is taken where one is needed. `none` goes with every kind."""

    name = "graph.choice"
    options: ArrayAttr[Attribute]

    @staticmethod
    def of(options: Sequence[Attribute]) -> ChoiceAttr:
        return ChoiceAttr(ArrayAttr(options))

    def verify(self) -> None:
        if not self.options.data:
            raise VerifyException("a choice has at least one option")
        kinds = sorted({kind for option in self.options if (kind := _kind(option)) is not None})
        if "numbers" in kinds and len({"#graph.schedule", "calls"} & {*kinds}) == 1:
            kinds.remove("numbers")  # a learning rate is a number or a schedule
        if len(kinds) > 1:
            raise VerifyException(f"a choice holds values of one kind, not {' and '.join(kinds)}")

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            print_term(printer, self.options)

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            options = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, lambda: parse_term(parser))
        return [ArrayAttr(options)]


class _Range(ParametrizedAttribute):
    """Two ends, both included, and possibly a step from the low one on."""

    low: Attribute
    high: Attribute
    step: Attribute

    def ends(self) -> tuple[float, float]:
        """The low and the high end. Raises VerifyException."""
        low, high = number(self.low), number(self.high)
        if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
            raise VerifyException("a range goes from number to number")
        if low > high:
            raise VerifyException(f"the range from {low} to {high} is empty")
        return low, high

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            print_term(printer, self.low)
            printer.print_string(" to ")
            print_term(printer, self.high)
            if not isinstance(self.step, NoneAttr):
                printer.print_string(" step ")
                print_term(printer, self.step)

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            low = to_attribute(parser.parse_number())
            parser.parse_keyword("to")
            high = to_attribute(parser.parse_number())
            step = parser.parse_number() if parser.parse_optional_keyword("step") else None
        return [low, high, term(step)]


@irdl_attr_definition
class RangeAttr(_Range):
    """`#graph.range<10 to 100 step 10>`; the low end is taken where one value is needed."""

    name = "graph.range"

    @staticmethod
    def of(low: int | float, high: int | float, step: int | float | None = None) -> RangeAttr:
        return RangeAttr(to_attribute(low), to_attribute(high), term(step))

    def verify(self) -> None:
        self.ends()
        if isinstance(self.step, NoneAttr):
            return
        step = number(self.step)
        if step is None or not 0 < step < math.inf:
            raise VerifyException("the step of a range is a number above 0")


@irdl_attr_definition
class LogRangeAttr(_Range):
    """`#graph.log_range<0.0001 to 0.01>`; the low end is taken where one value is needed."""

    name = "graph.log_range"

    @staticmethod
    def of(low: int | float, high: int | float) -> LogRangeAttr:
        return LogRangeAttr(to_attribute(low), to_attribute(high), NoneAttr())

    def verify(self) -> None:
        low, _ = self.ends()
        if low <= 0:
            raise VerifyException(f"a logarithmic range starts above 0, not at {low}")
        if not isinstance(self.step, NoneAttr):
            raise VerifyException("a logarithmic range has no step")


SpaceAttr: TypeAlias = ChoiceAttr | RangeAttr | LogRangeAttr
SPACES = (ChoiceAttr, RangeAttr, LogRangeAttr)


@irdl_attr_definition
class WrittenAttr(Data[str]):
    """`#graph.written<"Conv2D(32, 3)">`: a layer or another call among the options of a search, as the model has it."""

    name = "graph.written"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> str:
        with parser.in_angle_brackets():
            return parser.parse_str_literal()

    def print_parameter(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string_literal(self.data)


@irdl_attr_definition
class SearchAttr(ParametrizedAttribute):
    """`#graph.search<#graph.range<0.3 to 0.7> is 0.3 from "m.nr:4:9">`: a search that the model was built from."""

    name = "graph.search"
    space: Attribute
    value: Attribute
    origin: StringAttr

    @staticmethod
    def of(space: SpaceAttr, value: Attribute, origin: str) -> SearchAttr:
        return SearchAttr(space, value, StringAttr(origin))

    def verify(self) -> None:
        if not isinstance(self.space, SPACES):
            raise VerifyException("a search goes over a choice, a range or a log_range")
        if not holds(self.space, self.value):
            raise VerifyException("the value of a search lies in its space")

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_attribute(self.space)
            printer.print_string(" is ")
            print_term(printer, self.value)
            printer.print_string(" from ")
            printer.print_string_literal(self.origin.data)

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            space = parser.parse_attribute()
            parser.parse_keyword("is")
            value = parse_term(parser)
            parser.parse_keyword("from")
            origin = parser.parse_str_literal()
        return [space, value, StringAttr(origin)]


def holds(space: Attribute, value: Attribute) -> bool:
    """Whether a value may come out of a search; of a list with searches in it, whether each part may."""
    match space:
        case ChoiceAttr():
            return any(holds(option, value) for option in space.options)
        case RangeAttr() | LogRangeAttr():
            found, (low, high) = number(value), space.ends()
            return found is not None and low <= found <= high and _on_grid(found, low, number(space.step))
        case ArrayAttr() if isinstance(value, ArrayAttr) and len(space) == len(value):
            return all(holds(part, given) for part, given in zip(space, value, strict=True))
        case _:
            return space == value or (number(space) is not None and number(space) == number(value))


def _on_grid(value: float, low: float, step: float | None) -> bool:
    if not step:
        return True
    steps = (value - low) / step
    return math.isclose(steps, round(steps), rel_tol=1e-9, abs_tol=1e-9)


def first_value(attribute: Attribute) -> Attribute:
    """The one value of a search: the first option, or the low end. Other attributes are their own value."""
    match attribute:
        case ChoiceAttr():
            return first_value(attribute.options.data[0])
        case RangeAttr() | LogRangeAttr():
            return attribute.low
        case ArrayAttr():
            return ArrayAttr(map(first_value, attribute))
        case _:
            return attribute


def _kind(option: Attribute) -> str | None:
    match option:
        case NoneAttr():
            return None
        case ChoiceAttr():
            kinds = {kind for inner in option.options if (kind := _kind(inner)) is not None}
            return next(iter(kinds), None)
        case RangeAttr() | LogRangeAttr():
            return "numbers"
        case WrittenAttr():
            return "calls"
        case _:
            return kind_of(option) or f"#{option.name}"
