"""Ops that compute: loops over whole tensors.

| op              | meaning |
|-----------------|---------|
| tensor.map      | a scalar region at every place of the result; operands broadcast by their subscripts |
| tensor.contract | sum of products over the letters that the result does not have |
| tensor.reduce   | add, mul, maximum or minimum over dims, which are dropped |
| tensor.scalar   | a function of the scalar table, inside the region of a map |
| tensor.number   | a constant inside the region of a map |
| tensor.position, size, at | where a map stands, how large a dim is, an element at a computed place (elements.py) |
| tensor.yield    | ends the region of a map, or a group |
| tensor.group    | what becomes one kernel; sees nothing but its operands |

    %y = tensor.map "nhwo,o->nhwo" %x, %bias -> tensor<..> {
    ^bb0(%0: f32, %1: f32):
      %2 = tensor.scalar add %0, %1 -> f32
      tensor.yield %2
    }
    %c = tensor.contract "nhwijc,ijco->nhwo" %w, %k {precision = "ieee"} -> tensor<..>
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from xdsl.dialects.builtin import IntegerAttr, StringAttr, TensorType
from xdsl.ir import Attribute, Block, Region, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    prop_def,
    region_def,
    result_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import ConstantLike, IsolatedFromAbove, Pure
from xdsl.utils.exceptions import VerifyException

from neuralc.dialects import scalar
from neuralc.dialects.common import Terminator
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.syntax import NUMBER, IntsAttr, PlainOp, parse_value, parse_values, to_literal
from neuralc.dialects.tensor.elements import AtOp, PositionOp, SizeOp
from neuralc.dialects.tensor.subscripts import WHOLE, Subscripts
from neuralc.dialects.types import AnyTensor, ShapeError, element_of, shape_of, tensor_type

PRECISIONS = ("ieee", "tf32")


@irdl_op_definition
class ScalarOp(PlainOp):
    """`%c = tensor.scalar add %a, %b -> f32`: one value from values, by the scalar table.

    `checked`, of an integer div or rem: a divisor of zero is an error of the run (E0911), otherwise it gives 0."""

    name = "tensor.scalar"
    fn = prop_def(StringAttr)
    args = var_operand_def()
    checked = prop_def(IntegerAttr)
    result = result_def()
    traits = traits_def(Pure())
    HEAD: ClassVar = "fn"
    DEFAULTS: ClassVar = {"checked": False}

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute | None:
        function = scalar.lookup(properties["fn"])
        if properties["checked"] and not (function.name in ("div", "rem") and scalar.is_integer(types[0])):
            raise ShapeError(f"`{function.name}` of {types[0]} has no divisor to check")
        if function.kind == "convert":
            if len(types) != 1:
                raise ShapeError("`convert` takes one operand")
            return None
        return function.result_type(types)


@irdl_op_definition
class NumberOp(PlainOp):
    """`%c = tensor.number 0.5 -> f32`."""

    name = "tensor.number"
    value = prop_def(NUMBER)
    result = result_def()
    traits = traits_def(Pure(), ConstantLike())
    HEAD: ClassVar = "value"
    NUMBERS: ClassVar = ("value",)


@irdl_op_definition
class YieldOp(Terminator):
    """Ends the region of a map with its one value, or a group with its results."""

    name = "tensor.yield"


@irdl_op_definition
class MapOp(IRDLOperation):
    """The region's value at every place of the result; every letter of the subscripts stands in the result."""

    name = "tensor.map"
    spec = prop_def(StringAttr)
    args = var_operand_def(TensorType)
    result = result_def(TensorType)
    body = region_def("single_block")
    traits = traits_def(Pure())

    def __init__(self, spec: Subscripts | str, args: Sequence[SSAValue], result: AnyTensor, body: Region) -> None:
        super().__init__(
            operands=[args], result_types=[result], properties={"spec": StringAttr(str(spec))}, regions=[body]
        )

    @property
    def subscripts(self) -> Subscripts:
        return Subscripts.parse(self.spec.data, len(self.args))

    @property
    def block(self) -> Block:
        return self.body.block

    @property
    def yielded(self) -> SSAValue:
        end = self.body.block.last_op
        if not isinstance(end, YieldOp) or len(end.values) != 1:
            raise VerifyException("the region of a map yields one value")
        return end.values[0]

    def verify_(self) -> None:
        try:
            subscripts = self.subscripts
            sizes = subscripts.sizes([shape_of(arg.type) for arg in self.args])
            result, element = shape_of(self.result.type), element_of(self.result.type)
        except ShapeError as problem:
            raise VerifyException(str(problem)) from problem
        if subscripts.reduced:
            raise VerifyException(f"a map reduces nothing, but `{subscripts.reduced}` is not in the result")
        if len(subscripts.result) != len(result):
            raise VerifyException(f'"{subscripts}" does not fit the result type')
        for letter, size in zip(subscripts.result, result, strict=True):
            if sizes.get(letter, size) != size:
                raise VerifyException(f"loop `{letter}` has sizes {sizes[letter]} and {size}")
        if [argument.type for argument in self.block.args] != region_types(subscripts, self.args):
            raise VerifyException("region arguments are the elements of the operands, whole ones for `*`")
        if self.yielded.type != element:
            raise VerifyException(f"the region yields {self.yielded.type}, the result holds {element}")
        allowed = (ScalarOp, NumberOp, PositionOp, SizeOp, AtOp, YieldOp)
        if any(not isinstance(op, allowed) for op in self.block.ops):
            raise VerifyException("the region of a map holds tensor.scalar, number, position, size and at only")
        for op in self.block.ops:
            if isinstance(op, PositionOp) and op.letter not in subscripts.result:
                raise VerifyException(f'position "{op.letter}" is not a loop of "{subscripts}"')

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_string_literal(self.spec.data)
        if self.args:
            printer.print_string(" ")
            printer.print_list(self.args, printer.print_ssa_value)
        printer.print_op_attributes(self.attributes)
        printer.print_string(" -> ")
        printer.print_attribute(self.result.type)
        printer.print_string(" ")
        printer.print_region(self.body)

    @classmethod
    def parse(cls, parser: Parser) -> MapOp:
        spec = parser.parse_str_literal()
        args = parse_values(parser)
        attributes = parser.parse_optional_dictionary_attr_dict()
        parser.parse_punctuation("->")
        type_ = parser.parse_type()
        if not isinstance(type_, TensorType):
            parser.raise_error("a map gives a tensor")
        return cls.create(
            operands=args,
            result_types=[type_],
            properties={"spec": StringAttr(spec)},
            regions=[parser.parse_region()],
            attributes=attributes,
        )


def region_types(subscripts: Subscripts, args: Sequence[SSAValue]) -> list[Attribute]:
    """The types of a map's region arguments: one element of each operand, or all of it."""
    return [
        arg.type if word == WHOLE else element_of(arg.type) for word, arg in zip(subscripts.operands, args, strict=True)
    ]


@irdl_op_definition
class ContractOp(PlainOp):
    """Sum of products of two operands over the letters the result lacks; accumulates in fp32 or wider."""

    name = "tensor.contract"
    spec = prop_def(StringAttr)
    lhs = operand_def(TensorType)
    rhs = operand_def(TensorType)
    precision = prop_def(StringAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    HEAD: ClassVar = "spec"
    DEFAULTS: ClassVar = {"precision": "ieee"}

    @property
    def subscripts(self) -> Subscripts:
        return Subscripts.parse(self.spec.data)

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        subscripts = Subscripts.parse(properties["spec"])
        if properties["precision"] not in PRECISIONS:
            raise ShapeError(f"precision is one of {', '.join(PRECISIONS)}, not {properties['precision']}")
        sizes = subscripts.sizes([shape_of(type_) for type_ in types])
        element = element_of(types[0])
        if element_of(types[1]) != element:
            raise ShapeError(f"contract of {element} and {element_of(types[1])}")
        missing = [letter for letter in subscripts.result if letter not in sizes]
        if missing:
            raise ShapeError(f'result letters {missing} of "{subscripts}" stand in no operand')
        return tensor_type([sizes[letter] for letter in subscripts.result], element)


@irdl_op_definition
class ReduceOp(PlainOp):
    """`tensor.reduce maximum %x {dims = [3, 4]} -> type`."""

    name = "tensor.reduce"
    kind = prop_def(StringAttr)
    x = operand_def(TensorType)
    dims = prop_def(IntsAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    HEAD: ClassVar = "kind"

    @property
    def reduced(self) -> tuple[int, ...]:
        return tuple(to_literal(self.dims))

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        shape, element = shape_of(types[0]), element_of(types[0])
        scalar.identity(properties["kind"], element)
        dims = [normalize_axis(axis, len(shape)) for axis in properties["dims"]]
        if not dims or sorted(set(dims)) != list(properties["dims"]):
            raise ShapeError(f"dims {list(properties['dims'])} are distinct, ascending and not negative")
        return tensor_type([size for i, size in enumerate(shape) if i not in dims], element)


@irdl_op_definition
class GroupOp(IRDLOperation):
    """`%r = tensor.group "dense"(%a = %x, %b = %w) -> (types) { .. tensor.yield %v }`: one kernel.

    Attributes carry what the schedule decided (`tile_rows`, `tile_vectors`, ..)."""

    name = "tensor.group"
    label = prop_def(StringAttr)
    args = var_operand_def(TensorType)
    res = var_result_def(TensorType)
    body = region_def("single_block")
    traits = traits_def(Pure(), IsolatedFromAbove())

    def __init__(self, label: str, args: Sequence[SSAValue], results: Sequence[Attribute], body: Region) -> None:
        super().__init__(
            operands=[args], result_types=[results], properties={"label": StringAttr(label)}, regions=[body]
        )

    @property
    def block(self) -> Block:
        return self.body.block

    @property
    def yielded(self) -> Sequence[SSAValue]:
        end = self.body.block.last_op
        return end.operands if isinstance(end, YieldOp) else ()

    def verify_(self) -> None:
        if [argument.type for argument in self.block.args] != [arg.type for arg in self.args]:
            raise VerifyException("the arguments of a group's region have the types of its operands")
        if [value.type for value in self.yielded] != [result.type for result in self.res]:
            raise VerifyException("a group yields its results")

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_string_literal(self.label.data)
        printer.print_string("(")

        def pair(item: tuple[SSAValue, SSAValue]) -> None:
            printer.print_ssa_value(item[0])
            printer.print_string(" = ")
            printer.print_ssa_value(item[1])

        printer.print_list(list(zip(self.block.args, self.args, strict=True)), pair)
        printer.print_string(")")
        printer.print_op_attributes(self.attributes)
        printer.print_string(" -> (")
        printer.print_list([result.type for result in self.res], printer.print_attribute)
        printer.print_string(") ")
        printer.print_region(self.body, print_entry_block_args=False)

    @classmethod
    def parse(cls, parser: Parser) -> GroupOp:
        label = parser.parse_str_literal()

        def pair() -> tuple[Parser.UnresolvedArgument, SSAValue]:
            name = parser.parse_argument(expect_type=False)
            parser.parse_punctuation("=")
            return name, parse_value(parser)

        pairs = parser.parse_comma_separated_list(parser.Delimiter.PAREN, pair)
        attributes = parser.parse_optional_dictionary_attr_dict()
        parser.parse_punctuation("->")
        results = parser.parse_comma_separated_list(parser.Delimiter.PAREN, parser.parse_type)
        region = parser.parse_region([name.resolve(value.type) for name, value in pairs])
        op = cls(label, [value for _, value in pairs], results, region)
        op.attributes |= attributes
        return op
