"""graph.custom: an op that an installed package brings, or a layer that the compiler knows by its name alone.

    %1 = graph.custom "CapsuleLayer" %0 {routings = 3, sizes = [8, [1, 2]], mode = "em"} -> tensor<4x8xf32>

It can be printed, parsed, inspected and counted. What it computes is said by the package (dialects/plugins.py); where
nobody brings it, whoever would have to compute it calls `refuse_custom` first.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, StringAttr, TensorType, UnitAttr
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import IRDLOperation, irdl_op_definition, prop_def, var_operand_def, var_result_def
from xdsl.parser import AttrParser, Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from neuralc.dialects.plugins import op_plugin
from neuralc.dialects.syntax import parse_optional_literal, parse_values, print_literal, to_attribute, to_literal
from neuralc.grammar.diagnostics import Span, error

Argument: TypeAlias = "bool | int | float | str | tuple[Argument, ...] | None"


@irdl_op_definition
class CustomOp(IRDLOperation):
    """An op of a plugin, or a layer that nobody defines: a name, arguments, operands and declared results.

    Two of them are never one, even with equal operands: each may have weights of its own.
    """

    name = "graph.custom"
    layer = prop_def(StringAttr)
    arguments = prop_def(DictionaryAttr)
    xs = var_operand_def(TensorType)
    res = var_result_def(TensorType)

    def __init__(
        self,
        layer: str,
        operands: Sequence[SSAValue],
        result_types: Sequence[Attribute],
        arguments: Mapping[str, Argument],
    ) -> None:
        given = {name: _to_attribute(value) for name, value in sorted(arguments.items())}
        super().__init__(
            operands=[operands],
            result_types=[result_types],
            properties={"layer": StringAttr(layer), "arguments": DictionaryAttr(given)},
        )

    @property
    def values(self) -> Mapping[str, Argument]:
        """The arguments as Python values."""
        return {name: _to_value(attribute) for name, attribute in self.arguments.data.items()}

    def verify_(self) -> None:
        for name, attribute in self.arguments.data.items():
            if not name.isidentifier() or not _is_plain(attribute):
                raise VerifyException(f"the argument `{name}` is no plain value: {attribute}")

    # --- text --------------------------------------------------------------------------------------------------------
    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_string_literal(self.layer.data)
        if self.xs:
            printer.print_string(" ")
            printer.print_list(self.xs, printer.print_ssa_value)
        if self.arguments.data:
            printer.print_string(" {")
            printer.print_list(self.arguments.data.items(), lambda item: _print_entry(printer, *item))
            printer.print_string("}")
        if self.attributes:
            printer.print_string(" attributes")
            printer.print_op_attributes(self.attributes)
        printer.print_string(" -> ")
        printer.print_list(self.res, lambda result: printer.print_attribute(result.type))

    @classmethod
    def parse(cls, parser: Parser) -> CustomOp:
        layer = parser.parse_str_literal()
        operands = parse_values(parser)
        given: list[tuple[str, Argument]] = []
        if parser.parse_optional_punctuation("{"):
            given = parser.parse_comma_separated_list(parser.Delimiter.NONE, lambda: _parse_entry(parser))
            parser.parse_punctuation("}")
        attributes = parser.parse_optional_attr_dict_with_keyword()
        parser.parse_punctuation("->")
        results = parser.parse_comma_separated_list(parser.Delimiter.NONE, parser.parse_type)
        op = cls(layer, operands, results, dict(given))
        op.attributes = {} if attributes is None else dict(attributes.data)
        return op


# --- arguments -------------------------------------------------------------------------------------------------------
def _to_attribute(value: Argument) -> Attribute:
    match value:
        case None:
            return UnitAttr()
        case tuple():
            return ArrayAttr([_to_attribute(part) for part in value])
        case _:
            return to_attribute(value)


def _to_value(attribute: Attribute) -> Any:
    match attribute:
        case UnitAttr():
            return None
        case ArrayAttr():
            return tuple(_to_value(part) for part in attribute)
        case _:
            return to_literal(attribute)


def _is_plain(attribute: Attribute) -> bool:
    value = _to_value(attribute)
    if isinstance(attribute, ArrayAttr):
        return all(map(_is_plain, attribute))
    return value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value))


def _print_entry(printer: Printer, name: str, attribute: Attribute) -> None:
    printer.print_string(f"{name} = ")
    _print_argument(printer, attribute)


def _print_argument(printer: Printer, attribute: Attribute) -> None:
    match attribute:
        case UnitAttr():
            printer.print_string("none")
        case ArrayAttr():
            printer.print_string("[")
            printer.print_list(attribute, lambda part: _print_argument(printer, part))
            printer.print_string("]")
        case _:
            print_literal(printer, attribute)


def _parse_entry(parser: Parser) -> tuple[str, Argument]:
    name = parser.parse_identifier()
    parser.parse_punctuation("=")
    return name, _parse_argument(parser)


def _parse_argument(parser: AttrParser) -> Argument:
    parts = parser.parse_optional_comma_separated_list(parser.Delimiter.SQUARE, lambda: _parse_argument(parser))
    if parts is not None:
        return tuple(parts)
    if parser.parse_optional_keyword("none"):
        return None
    literal = parse_optional_literal(parser)
    if literal is None:
        parser.raise_error("expected a number, a string, true, false, none or a list of these")
    argument: Argument = to_literal(literal)
    return argument


# --- whoever needs a meaning -----------------------------------------------------------------------------------------
def refuse_custom(ops: Iterable[Operation], place: Span | None = None) -> None:
    """Raises E0704 with the names of all layers among `ops` that have no meaning."""
    found = {op.layer.data for op in ops if isinstance(op, CustomOp)}
    names = sorted(name for name in found if op_plugin(name) is None)
    if names:
        layers = ", ".join(f"`{name}`" for name in names)
        noun = "layer" if len(names) == 1 else "layers"
        raise error(
            "E0704",
            f"no plugin brings the {noun} {layers}",
            place,
            note="a layer that only has a name can be looked at: `neuralc inspect`, `--emit=graph`",
            help=f"say what it is made of: `define {names[0]}(...) {{ ... }}`",
        )
