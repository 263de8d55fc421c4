"""The one written form of plain ops on all levels: `%r = level.op %a, %b {key = value} -> type`.

Operand types are not repeated: a value is printed after its definition, whose type stands there. Properties read as
literals (`[1, 1]`, `0.5`, `"NHWC"`) and are declared on the op with a default; a property at its default is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar, Self, TypeAlias

from xdsl.dialects.builtin import FloatAttr, IntegerAttr, IntegerType, StringAttr, UnitAttr, f64, i64
from xdsl.ir import Attribute, Data, SSAValue
from xdsl.irdl import BaseAttr, IRDLOperation, irdl_attr_definition
from xdsl.parser import AttrParser, Parser, UnresolvedOperand
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from neuralc.dialects.types import ShapeError

Literal: TypeAlias = bool | int | float | str | tuple[int, ...] | tuple[float, ...]

NUMBER = BaseAttr[FloatAttr[Any]](FloatAttr) | BaseAttr[IntegerAttr[Any]](IntegerAttr)
"""The constraint of a property that is a number."""


@irdl_attr_definition
class IntsAttr(Data[tuple[int, ...]]):
    """A list of integers: `[1, 2]`."""

    name = "graph.ints"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> tuple[int, ...]:
        with parser.in_angle_brackets():
            return tuple(parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_integer))

    def print_parameter(self, printer: Printer) -> None:
        printer.print_string(f"<{list(self.data)}>")


@irdl_attr_definition
class FloatsAttr(Data[tuple[float, ...]]):
    """A list of floats, at least one: `[1.0, 2.5]`."""

    name = "graph.floats"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> tuple[float, ...]:
        with parser.in_angle_brackets():
            return tuple(map(float, parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_number)))

    def print_parameter(self, printer: Printer) -> None:
        printer.print_string(f"<{_numbers(self.data)}>")


def to_attribute(value: Literal | Attribute) -> Attribute:
    """The attribute that stands for a Python literal."""
    match value:
        case Attribute():
            return value
        case bool() | int():
            return _integer(value)
        case float():
            return FloatAttr(value, f64)
        case str():
            return StringAttr(value)
        case _ if any(isinstance(number, float) for number in value):
            return FloatsAttr(tuple(map(float, value)))
        case _:
            return IntsAttr(tuple(map(int, value)))


def _is_truth(type_: Attribute) -> bool:
    """Compared by its width: to make an attribute to compare with takes ten times as long."""
    return isinstance(type_, IntegerType) and type_.width.data == 1


@lru_cache(maxsize=4096, typed=True)
def _integer(value: int) -> Attribute:
    """Attributes never change, and the same few numbers are made ever again."""
    return IntegerAttr(int(value), 1 if isinstance(value, bool) else i64)


def to_literal(attribute: Attribute) -> Any:
    """The Python literal an attribute stands for; other attributes stand for themselves."""
    match attribute:
        case IntegerAttr():
            number: int = attribute.value.data
            return bool(number) if _is_truth(attribute.type) else number
        case FloatAttr():
            return attribute.value.data
        case StringAttr() | IntsAttr() | FloatsAttr():
            return attribute.data
        case UnitAttr():
            return True
        case _:
            return attribute


def print_literal(printer: Printer, attribute: Attribute) -> None:
    match to_literal(attribute):
        case bool() as flag:
            printer.print_string("true" if flag else "false")
        case int() as number:
            printer.print_string(str(number))
        case float() as number:
            text = _float_text(number)
            printer.print_string(f'"{text}"' if text in ("inf", "-inf", "nan") else text)
        case str() as text:
            printer.print_string_literal(text)
        case tuple() as numbers:
            printer.print_string(_numbers(numbers))
        case _:
            printer.print_attribute(attribute)


def parse_optional_literal(parser: AttrParser, like: Literal | None = None) -> Attribute | None:
    """Parse what `print_literal` wrote; `like` tells a float property from a string one for `"inf"`."""
    flag = parser.parse_optional_boolean()
    if flag is not None:
        return to_attribute(flag)
    number = parser.parse_optional_number()
    if number is not None:
        return to_attribute(float(number) if isinstance(like, float) else number)
    text = parser.parse_optional_str_literal()
    if text is not None:
        return to_attribute(float(text) if isinstance(like, float) else text)
    numbers = parser.parse_optional_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_number)
    return None if numbers is None else to_attribute(tuple(numbers))


def _float_text(number: float) -> str:
    text = repr(number)
    return text.replace("e", ".0e") if "e" in text and "." not in text else text


def _numbers(numbers: Sequence[float]) -> str:
    """`[1, 2]` or `[1.0, 2.5]`; lists hold finite numbers."""
    return f"[{', '.join(_float_text(n) if isinstance(n, float) else str(n) for n in numbers)}]"


def parse_value(parser: Parser) -> SSAValue:
    """Parse a use of a value that is already defined, and so has a type."""
    return _lookup(parser, parser.parse_unresolved_operand())


def parse_values(parser: Parser) -> list[SSAValue]:
    """Parse `%a, %b`, possibly nothing."""
    first = parser.parse_optional_unresolved_operand()
    if first is None:
        return []
    values = [_lookup(parser, first)]
    while parser.parse_optional_punctuation(","):
        values.append(parse_value(parser))
    return values


def _lookup(parser: Parser, use: UnresolvedOperand) -> SSAValue:
    values = parser.ssa_values.get(use.operand_name)
    if values is None or use.index >= len(values):
        parser.raise_error(f"%{use.operand_name} is used before it is defined", use.span)
    return values[use.index]


class PlainOp(IRDLOperation):
    """An op with operands, literal properties and results, and nothing else.

    A subclass declares `DEFAULTS`, the properties that may be left out, and `infer`, its one shape function: the
    builder, the parser and the verifier all use it.
    """

    DEFAULTS: ClassVar[Mapping[str, Literal]] = {}
    KINDS: ClassVar[Mapping[str, Literal]] = {}
    """An example value for properties that are floats and have no default."""
    NUMBERS: ClassVar[tuple[str, ...]] = ()
    """Properties that are an integer or a float, as it was written."""
    MOVES: ClassVar[bool] = False
    """Whether every value of the result is a value of an operand, or zero: nothing is computed, nothing rounds."""
    HEAD: ClassVar[str | None] = None
    """The property written first and without its name: `kernel.map add %a, %b -> ..`."""

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute | Sequence[Attribute] | None:
        """The result type from operand types and properties; None where the result type is the op's own choice.

        An op of several results gives a sequence. Raises ShapeError where operands do not fit."""
        return None

    @classmethod
    def of(cls, *operands: SSAValue, result: Attribute | None = None, **properties: Literal | Attribute) -> Self:
        """Build the op; `result` is given only where `infer` leaves the result type open. Raises ShapeError."""
        attributes = {name: to_attribute(value) for name, value in {**cls.DEFAULTS, **properties}.items()}
        literals = {name: to_literal(attribute) for name, attribute in attributes.items()}
        inferred = result or cls.infer([operand.type for operand in operands], **literals)
        return cls.create(operands=operands, result_types=_several(inferred), properties=attributes)

    def literal(self, name: str) -> Any:
        """The Python value of a property."""
        return to_literal(self.properties[name])

    def literals(self) -> dict[str, Any]:
        return {name: to_literal(attribute) for name, attribute in self.properties.items()}

    def verify_(self) -> None:
        try:
            expected = self.infer([operand.type for operand in self.operands], **self.literals())
        except ShapeError as problem:
            raise VerifyException(str(problem)) from problem
        if expected is None:
            return
        for result, wanted in zip(self.results, _several(expected), strict=True):
            if result.type != wanted:
                raise VerifyException(f"result type is {result.type}, operands give {wanted}")

    # -- text --------------------------------------------------------------------------------------------------------

    def print(self, printer: Printer) -> None:
        if self.HEAD is not None and self.HEAD in self.properties:
            head = self.properties[self.HEAD]
            printer.print_string(" ")
            if isinstance(head, StringAttr) and head.data.isidentifier():
                printer.print_string(head.data)
            else:
                print_literal(printer, head)
        if self.operands:
            printer.print_string(" ")
            printer.print_list(self.operands, printer.print_ssa_value)
        shown = {
            name: attribute
            for name, attribute in self.properties.items()
            if name != self.HEAD and (name not in self.DEFAULTS or attribute != to_attribute(self.DEFAULTS[name]))
        }
        shown |= {name: attribute for name, attribute in self.attributes.items() if name not in shown}
        if shown:
            printer.print_string(" {")
            printer.print_list(sorted(shown.items()), lambda item: _print_entry(printer, *item))
            printer.print_string("}")
        if self.results:
            printer.print_string(" -> ")
            printer.print_list(self.results, lambda result: printer.print_attribute(result.type))

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        entries: list[tuple[str, Attribute]] = []
        if cls.HEAD is not None:
            head = cls._parse_head(parser, cls.HEAD)
            entries += [(cls.HEAD, head)] if head is not None else []
        operands = parse_values(parser)
        if parser.parse_optional_punctuation("{"):
            entries += parser.parse_comma_separated_list(parser.Delimiter.NONE, lambda: cls._parse_entry(parser))
            parser.parse_punctuation("}")
        results: list[Attribute] = []
        if parser.parse_optional_punctuation("->"):
            results = parser.parse_comma_separated_list(parser.Delimiter.NONE, parser.parse_type)
        declared = cls.get_irdl_definition().properties
        properties = {name: to_attribute(value) for name, value in cls.DEFAULTS.items()}
        properties |= {name: attribute for name, attribute in entries if name in declared}
        attributes = {name: attribute for name, attribute in entries if name not in declared}
        return cls.create(operands=operands, result_types=results, properties=properties, attributes=attributes)

    @classmethod
    def _parse_head(cls, parser: Parser, name: str) -> Attribute | None:
        flag = parser.parse_optional_boolean()
        if flag is not None:
            return to_attribute(flag)
        word = parser.parse_optional_identifier()
        if word is not None:
            return StringAttr(word)
        return cls._parse_literal(parser, name)

    @classmethod
    def _parse_entry(cls, parser: Parser) -> tuple[str, Attribute]:
        name = parser.parse_identifier()
        if not parser.parse_optional_punctuation("="):
            return name, UnitAttr()
        literal = cls._parse_literal(parser, name)
        return name, parser.parse_attribute() if literal is None else literal  # an attribute of 0 is false in Python

    @classmethod
    def _parse_literal(cls, parser: Parser, name: str) -> Attribute | None:
        if name not in cls.NUMBERS:
            return parse_optional_literal(parser, cls.DEFAULTS.get(name, cls.KINDS.get(name)))
        # Without an example, 0 stays an integer and 0.0 a float; only infinities and NaN are written as strings.
        literal = parse_optional_literal(parser)
        return FloatAttr(float(literal.data), f64) if isinstance(literal, StringAttr) else literal


def _several(types: Attribute | Sequence[Attribute] | None) -> list[Attribute]:
    if types is None:
        return []
    return [types] if isinstance(types, Attribute) else list(types)


def _print_entry(printer: Printer, name: str, attribute: Attribute) -> None:
    printer.print_string(name)
    if not isinstance(attribute, UnitAttr):
        printer.print_string(" = ")
        print_literal(printer, attribute)
