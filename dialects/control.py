"""Forms of control flow that the graph and the tensor level share: a recurrence and a choice, on whole tensors.

Regions see nothing from above: what they read from outside are captures, arguments behind the others. A pass that works
block by block is then right on every block by itself, and `isolate` makes such a region of one that was written with
outer values. Reads of weights stand inside of regions, for symbols are visible everywhere.

    %h, %ys = level.scan to S carried(%a = %h0) scanned(%x = %xs) captured(%b = %w) -> (types) {
      ..
      level.yield %next, %y                                          // carried values, then values to stack
    }
    %r = level.if %condition then(%a = %x) { .. } else(%a = %x, %b = %y) { .. } -> (types)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Self

from xdsl.dialects.builtin import TensorType, i1
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    operand_def,
    prop_def,
    region_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import IsolatedFromAbove, Pure
from xdsl.utils.exceptions import VerifyException

from neuralc.dialects.common import Terminator
from neuralc.dialects.dims import Dim, as_dim, parse_dim
from neuralc.dialects.syntax import IntsAttr, parse_value, to_literal
from neuralc.dialects.types import AnyTensor, DimAttr, element_of, shape_of, tensor_type

CONDITION = tensor_type((), i1)
"""The type of a condition: one truth value."""


class Captures(NamedTuple):
    """The values that a region reads from outside; its arguments from `first` on stand for them."""

    region: Region
    first: int
    values: Sequence[SSAValue]


class Control(IRDLOperation):
    """An op whose regions are run by it, none or several times."""

    traits = traits_def(Pure(), IsolatedFromAbove())

    @property
    def captures(self) -> Sequence[Captures]:
        """What each region reads from outside, in the order of the regions."""
        raise VerifyException(f"{self.name} does not say what its regions capture")

    def recaptured(self, values: Sequence[Sequence[SSAValue]]) -> Self:
        """The op with other captures, for regions whose arguments are already those; the regions move to it."""
        raise VerifyException(f"{self.name} does not say how to change its captures")


class Scan(Control):
    """`trips` rounds: the body gets the carried values, one slice of each scanned one, and the captures.

    It yields the next carried values and one slice of each stacked result. `reverse` has a flag for each scanned and
    then for each stacked value: such a value is walked from its end to its start.
    """

    carried = var_operand_def(TensorType)
    scanned = var_operand_def(TensorType)
    captured = var_operand_def(TensorType)
    trips = prop_def(DimAttr)
    reverse = prop_def(IntsAttr)
    res = var_result_def(TensorType)
    body = region_def("single_block")
    irdl_options = (AttrSizedOperandSegments(as_property=True),)

    @classmethod
    def of(
        cls,
        trips: int | Dim,
        carried: Sequence[SSAValue],
        scanned: Sequence[SSAValue],
        captured: Sequence[SSAValue],
        body: Region,
        reverse: Sequence[int] | None = None,
    ) -> Self:
        """The scan whose result types follow from what its body yields; forward where `reverse` is not given."""
        ends = yielded(body.block)[len(carried) :]
        results = [*(value.type for value in carried), *(stacked(value.type, trips) for value in ends)]
        flags = tuple(reverse) if reverse is not None else (0,) * (len(scanned) + len(ends))
        return cls(
            operands=[carried, scanned, captured],
            result_types=[results],
            properties={"trips": DimAttr(as_dim(trips)), "reverse": IntsAttr(flags)},
            regions=[body],
        )

    @property
    def block(self) -> Block:
        return self.body.block

    @property
    def yielded(self) -> Sequence[SSAValue]:
        return yielded(self.block)

    @property
    def flags(self) -> tuple[int, ...]:
        return tuple(to_literal(self.reverse))

    @property
    def stacked_count(self) -> int:
        return len(self.res) - len(self.carried)

    @property
    def captures(self) -> Sequence[Captures]:
        return (Captures(self.body, len(self.carried) + len(self.scanned), self.captured),)

    def recaptured(self, values: Sequence[Sequence[SSAValue]]) -> Self:
        body = self.detach_region(self.body)
        return type(self).of(self.trips.data, self.carried, self.scanned, values[0], body, self.flags)

    def verify_(self) -> None:
        trips = self.trips.data
        slices: list[Attribute] = []
        for value in self.scanned:
            shape = shape_of(value.type)
            if not shape or as_dim(shape[0]) != trips:
                raise VerifyException(f"{value.type} is scanned in {trips} rounds: its first dim is another one")
            slices.append(sliced(value.type))
        wanted = [*_types(self.carried), *slices, *_types(self.captured)]
        _same("region arguments are", _types(self.block.args), wanted)
        ends = self.yielded
        if len(ends) != len(self.res):
            raise VerifyException(f"the region yields {len(ends)} values for {len(self.res)} results")
        carried = len(self.carried)
        _same("the region carries on", _types(ends[:carried]), _types(self.carried))
        results = [*_types(self.carried), *(stacked(value.type, trips) for value in ends[carried:])]
        _same("results are", _types(self.res), results)
        if len(self.flags) != len(self.scanned) + len(ends) - carried or not set(self.flags) <= {0, 1}:
            raise VerifyException("`reverse` is 0 or 1 for each scanned and each stacked value")

    def print(self, printer: Printer) -> None:
        printer.print_string(f" to {self.trips.data}")
        arguments = iter(self.block.args)
        for keyword, values in (("carried", self.carried), ("scanned", self.scanned), ("captured", self.captured)):
            print_bindings(printer, keyword, [(next(arguments), value) for value in values])
        if any(self.flags):
            printer.print_string(f" reverse {list(self.flags)}")
        printer.print_op_attributes(self.attributes)
        print_types(printer, self.res)
        printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False, print_empty_block=False)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        parser.parse_keyword("to")
        trips = parse_dim(parser)
        bound = [parse_bindings(parser, keyword) for keyword in ("carried", "scanned", "captured")]
        carried, scanned, captured = ([value for _, value in pairs] for pairs in bound)
        flags = None
        if parser.parse_optional_keyword("reverse"):
            flags = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_integer)
        attributes = parser.parse_optional_dictionary_attr_dict()
        results = parse_types(parser)
        types = [value.type for value in carried]
        types += [sliced(value.type) for value in scanned]
        types += [value.type for value in captured]
        names = [name for pairs in bound for name, _ in pairs]
        body = parser.parse_region([name.resolve(type_) for name, type_ in zip(names, types, strict=True)])
        if flags is None:
            flags = [0] * (len(scanned) + len(results) - len(carried))
        op = cls(
            operands=[carried, scanned, captured],
            result_types=[results],
            properties={"trips": DimAttr(trips), "reverse": IntsAttr(tuple(flags))},
            regions=[body],
        )
        op.attributes |= attributes
        return op


class Choice(Control):
    """One of two regions is run; both yield values of the result types. Each has captures of its own."""

    condition = operand_def(TensorType)
    then_captured = var_operand_def(TensorType)
    else_captured = var_operand_def(TensorType)
    res = var_result_def(TensorType)
    then_body = region_def("single_block")
    else_body = region_def("single_block")
    irdl_options = (AttrSizedOperandSegments(as_property=True),)

    @classmethod
    def of(
        cls,
        condition: SSAValue,
        then_captured: Sequence[SSAValue],
        then_body: Region,
        else_captured: Sequence[SSAValue],
        else_body: Region,
    ) -> Self:
        """The choice whose result types are those that its first region yields."""
        return cls(
            operands=[[condition], then_captured, else_captured],
            result_types=[[value.type for value in yielded(then_body.block)]],
            regions=[then_body, else_body],
        )

    @property
    def captures(self) -> Sequence[Captures]:
        """The region for a true condition first."""
        return Captures(self.then_body, 0, self.then_captured), Captures(self.else_body, 0, self.else_captured)

    def recaptured(self, values: Sequence[Sequence[SSAValue]]) -> Self:
        then_body, else_body = (self.detach_region(region) for region in (self.then_body, self.else_body))
        return type(self).of(self.condition, values[0], then_body, values[1], else_body)

    def verify_(self) -> None:
        if self.condition.type != CONDITION:
            raise VerifyException(f"a condition is {CONDITION}, not {self.condition.type}")
        for region, _, values in self.captures:
            _same("region arguments are", _types(region.block.args), _types(values))
            _same("both regions yield", _types(yielded(region.block)), _types(self.res))

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_ssa_value(self.condition)
        printer.print_op_attributes(self.attributes)
        for keyword, (region, _, values) in zip(("then", "else"), self.captures, strict=True):
            pairs = list(zip(region.block.args, values, strict=True))
            print_bindings(printer, keyword, pairs, always=True)
            printer.print_string(" ")
            printer.print_region(region, print_entry_block_args=False, print_empty_block=False)
        print_types(printer, self.res)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        condition = parse_value(parser)
        attributes = parser.parse_optional_dictionary_attr_dict()
        captured: list[list[SSAValue]] = []
        regions: list[Region] = []
        for keyword in ("then", "else"):
            pairs = parse_bindings(parser, keyword)
            captured.append([value for _, value in pairs])
            regions.append(parser.parse_region([name.resolve(value.type) for name, value in pairs]))
        op = cls(operands=[[condition], *captured], result_types=[parse_types(parser)], regions=regions)
        op.attributes |= attributes
        return op


# -- values ----------------------------------------------------------------------------------------------------------


def yielded(block: Block) -> Sequence[SSAValue]:
    """What the terminator of a region hands out."""
    end = block.last_op
    if not isinstance(end, Terminator):
        raise VerifyException("the region ends in a terminator with its values")
    return end.operands


def sliced(type_: Attribute) -> AnyTensor:
    """The type of one slice along the first dim."""
    shape = shape_of(type_)
    if not shape:
        raise VerifyException(f"{type_} has no dim to walk along")
    return tensor_type(shape[1:], element_of(type_))


def stacked(type_: Attribute, trips: int | Dim) -> AnyTensor:
    """The type of `trips` values one behind the other, along a new first dim."""
    return tensor_type((trips, *shape_of(type_)), element_of(type_))


def isolate(region: Region) -> list[SSAValue]:
    """Turn every value that a region reads from outside into an argument behind the others; gives those values."""
    inside: set[SSAValue] = {value for op in region.walk() for value in op.results}
    inside |= {argument for op in region.walk() for inner in op.regions for argument in inner.block.args}
    inside.update(region.block.args)
    found: dict[SSAValue, SSAValue] = {}
    for op in list(region.walk()):
        for index, operand in enumerate(op.operands):
            if operand in inside:
                continue
            if operand not in found:
                found[operand] = region.block.insert_arg(operand.type, len(region.block.args))
                found[operand].name_hint = operand.name_hint
            op.operands[index] = found[operand]
    return list(found)


def blocks_in(block: Block) -> Iterator[Block]:
    """A block and the blocks of the control flow in it, at any depth; not the regions of other ops."""
    yield block
    for op in block.ops:
        yield from blocks_of(op)


def blocks_of(op: Operation) -> Iterator[Block]:
    """The blocks that an op of control flow runs, at any depth."""
    if isinstance(op, Control):
        for region in op.regions:
            yield from blocks_in(region.block)


def _types(values: Sequence[SSAValue]) -> list[Attribute]:
    return [value.type for value in values]


def _same(what: str, found: Sequence[Attribute], wanted: Sequence[Attribute]) -> None:
    if list(found) != list(wanted):
        raise VerifyException(f"{what} {_listed(found)}, not {_listed(wanted)}")


def _listed(types: Sequence[Attribute]) -> str:
    return "(" + ", ".join(map(str, types)) + ")"


# -- text ------------------------------------------------------------------------------------------------------------


def print_bindings(
    printer: Printer, keyword: str, pairs: Sequence[tuple[SSAValue, SSAValue]], *, always: bool = False
) -> None:
    """` keyword(%argument = %value, ..)`, nothing where there is none."""
    if not pairs and not always:
        return
    printer.print_string(f" {keyword}")
    if not pairs:
        return

    def pair(item: tuple[SSAValue, SSAValue]) -> None:
        printer.print_ssa_value(item[0])
        printer.print_string(" = ")
        printer.print_ssa_value(item[1])

    with printer.in_parens():
        printer.print_list(pairs, pair)


def parse_bindings(parser: Parser, keyword: str) -> list[tuple[Parser.UnresolvedArgument, SSAValue]]:
    """What `print_bindings` wrote."""
    if not parser.parse_optional_keyword(keyword):
        return []

    def pair() -> tuple[Parser.UnresolvedArgument, SSAValue]:
        name = parser.parse_argument(expect_type=False)
        parser.parse_punctuation("=")
        return name, parse_value(parser)

    return parser.parse_optional_comma_separated_list(parser.Delimiter.PAREN, pair) or []


def print_types(printer: Printer, values: Sequence[SSAValue]) -> None:
    printer.print_string(" -> ")
    with printer.in_parens():
        printer.print_list(values, lambda value: printer.print_attribute(value.type))


def parse_types(parser: Parser) -> list[Attribute]:
    parser.parse_punctuation("->")
    return parser.parse_comma_separated_list(parser.Delimiter.PAREN, parser.parse_type)
