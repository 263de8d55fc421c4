"""What a weight starts from, what training adds to the loss for it and holds it to: a name with its arguments.

"he_normal"     "random_normal"(stddev = 0.02)     "max_norm"(max_value = 3.0, axis = [0, 1, 2])
"""

from __future__ import annotations

from collections.abc import Mapping

from xdsl.ir import Attribute, Data
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer

from neuralc.dialects.syntax import Literal, parse_optional_literal, print_literal, to_attribute, to_literal

Arguments = tuple[tuple[str, Attribute], ...]


@irdl_attr_definition
class ConfigAttr(Data[tuple[str, Arguments]]):
    """An initializer, a regularizer or a constraint by its Keras name, and the arguments that are not its defaults."""

    name = "graph.config"

    @classmethod
    def of(cls, config: str, arguments: Mapping[str, Literal] | None = None) -> ConfigAttr:
        given = sorted((arguments or {}).items())
        return cls((config, tuple((name, to_attribute(value)) for name, value in given)))

    @property
    def config(self) -> str:
        return self.data[0]

    @property
    def arguments(self) -> dict[str, Literal]:
        return {name: to_literal(value) for name, value in self.data[1]}

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> tuple[str, Arguments]:
        with parser.in_angle_brackets():
            return cls.parse_plain(parser).data

    def print_parameter(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            self.print_plain(printer)

    @classmethod
    def parse_plain(cls, parser: AttrParser) -> ConfigAttr:
        """What `print_plain` wrote."""
        config = parser.parse_str_literal()
        given = parser.parse_optional_comma_separated_list(parser.Delimiter.PAREN, lambda: _argument(parser))
        return cls((config, tuple(given or ())))

    def print_plain(self, printer: Printer) -> None:
        config, arguments = self.data
        printer.print_string_literal(config)
        if arguments:
            with printer.in_parens():
                printer.print_list(arguments, lambda argument: _print_argument(printer, argument))


def _argument(parser: AttrParser) -> tuple[str, Attribute]:
    name = parser.parse_identifier()
    parser.parse_punctuation("=")
    value = parse_optional_literal(parser)
    if value is None:
        parser.raise_error("a number, a string or a list of numbers expected")
    return name, value


def _print_argument(printer: Printer, argument: tuple[str, Attribute]) -> None:
    printer.print_string(f"{argument[0]} = ")
    print_literal(printer, argument[1])
