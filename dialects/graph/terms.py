"""Values inside attributes that describe training: literals, lists and attributes, written without types.

0.001   32   true   "val_loss"   none   [1, 8]   #graph.range<0.3 to 0.7 step 0.1>
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, FloatAttr, IntegerAttr, NoneAttr
from xdsl.ir import Attribute
from xdsl.parser import AttrParser
from xdsl.printer import Printer

from neuralc.dialects.syntax import parse_optional_literal, print_literal, to_attribute, to_literal

Plain: TypeAlias = "bool | int | float | str | list[Plain] | dict[str, Plain] | Attribute | None"


def term(value: Plain) -> Attribute:
    """The attribute that stands for a value."""
    match value:
        case None:
            return NoneAttr()
        case list():
            return ArrayAttr(map(term, value))
        case dict():
            return DictionaryAttr({name: term(inner) for name, inner in value.items()})
        case _:
            return to_attribute(value)


def plain_term(attribute: Attribute) -> Any:
    """The value an attribute stands for; attributes with a meaning of their own stand for themselves."""
    match attribute:
        case NoneAttr():
            return None
        case ArrayAttr():
            return [plain_term(part) for part in attribute]
        case DictionaryAttr():
            return {name: plain_term(part) for name, part in attribute.data.items()}
        case _:
            return to_literal(attribute)


def number(attribute: Attribute) -> int | float | None:
    """The number an attribute stands for, or None; a flag is no number."""
    found = to_literal(attribute) if isinstance(attribute, IntegerAttr | FloatAttr) else None
    return None if isinstance(found, bool) else found


def kind_of(attribute: Attribute) -> str | None:
    """What kind of value a literal is, in the plural; None for other attributes."""
    match to_literal(attribute):
        case bool():
            return "flags"
        case int() | float():
            return "numbers"
        case str():
            return "strings"
        case ArrayAttr():
            return "lists"
        case _:
            return None


def print_term(printer: Printer, attribute: Attribute) -> None:
    match attribute:
        case NoneAttr():
            printer.print_string("none")
        case ArrayAttr():
            with printer.in_square_brackets():
                printer.print_list(attribute.data, lambda part: print_term(printer, part))
        case DictionaryAttr():
            with printer.in_braces():
                print_entries(printer, attribute.data)
        case _:
            print_literal(printer, attribute)


def parse_term(parser: AttrParser) -> Attribute:
    if parser.parse_optional_keyword("none"):
        return NoneAttr()
    parts = parser.parse_optional_comma_separated_list(parser.Delimiter.SQUARE, lambda: parse_term(parser))
    if parts is not None:
        return ArrayAttr(parts)
    if parser.parse_optional_punctuation("{"):
        if parser.parse_optional_punctuation("}"):
            return DictionaryAttr({})
        entries = parse_entries(parser)
        parser.parse_punctuation("}")
        return DictionaryAttr(entries)
    found = parse_optional_literal(parser)
    return parser.parse_attribute() if found is None else found


def print_entries(printer: Printer, entries: Mapping[str, Attribute]) -> None:
    """`epochs = 15, batch_size = 32`."""

    def entry(item: tuple[str, Attribute]) -> None:
        printer.print_string(f"{item[0]} = ")
        print_term(printer, item[1])

    printer.print_list(entries.items(), entry)


def parse_entries(parser: AttrParser) -> dict[str, Attribute]:
    """What `print_entries` wrote; at least one."""

    def entry() -> tuple[str, Attribute]:
        name = parser.parse_identifier()
        parser.parse_punctuation("=")
        return name, parse_term(parser)

    found = parser.parse_comma_separated_list(parser.Delimiter.NONE, entry)
    names = [name for name, _ in found]
    for name in names:
        if names.count(name) > 1:
            parser.raise_error(f"{name} is given twice")
    return dict(found)
