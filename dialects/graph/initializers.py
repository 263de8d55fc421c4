"""What a weight starts from, what training adds to the loss for it, and what training brings it to after a step.

    graph.weight @a : tensor<4x4xf32> init "random_normal"(stddev = 0.02) regularizer "l2" constraint "non_neg"

Names and arguments are those of grammar/initializers.py; an argument at its default is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer

from neuralc.dialects.graph.configuration import CalledAttr
from neuralc.dialects.graph.terms import parse_entries, plain_term, print_entries, term


class WeightAttr(CalledAttr):
    """One of the three, by its name in its table."""

    @classmethod
    def named(cls, name: str, arguments: Mapping[str, Any] | None = None) -> Self:
        """From plain arguments, where a list is a tuple."""
        given = sorted((arguments or {}).items())
        return cls.of(name, {key: term(list(value) if isinstance(value, tuple) else value) for key, value in given})

    @property
    def plain_arguments(self) -> dict[str, Any]:
        found = {name: plain_term(value) for name, value in self.arguments.data.items()}
        return {name: tuple(value) if isinstance(value, list) else value for name, value in found.items()}

    def print_short(self, printer: Printer) -> None:
        """`"random_normal"(stddev = 0.02)`, as graph.weight has it."""
        printer.print_string_literal(self.called.data)
        if self.arguments.data:
            with printer.in_parens():
                print_entries(printer, self.arguments.data)

    @classmethod
    def parse_short(cls, parser: AttrParser) -> Self:
        """What `print_short` wrote."""
        name = parser.parse_str_literal()
        if not parser.parse_optional_punctuation("("):
            return cls.of(name)
        entries = parse_entries(parser)
        parser.parse_punctuation(")")
        return cls.of(name, entries)


@irdl_attr_definition
class InitializerAttr(WeightAttr):
    """`#graph.initializer<"random_normal", stddev = 0.02>`."""

    name = "graph.initializer"


@irdl_attr_definition
class RegularizerAttr(WeightAttr):
    """`#graph.regularizer<"l1_l2", l1 = 0.01, l2 = 0.1>`."""

    name = "graph.regularizer"


@irdl_attr_definition
class ConstraintAttr(WeightAttr):
    """`#graph.constraint<"max_norm", axis = [0, 1, 2], max_value = 3.0>`."""

    name = "graph.constraint"
