"""The part of MLIR's arith dialect that address computations use, written as MLIR writes it.

    %c8 = arith.constant 8 : index
    %row = arith.muli %block, %c8 : index

Only integers, and only these ops: xDSL's own arith, with its floats, comparisons and folders, takes a tenth of the time
of a short compile to import, and tiles have functions of their own (kernel.map). The two never stand in one context.
"""

from __future__ import annotations

from typing import Self

from xdsl.dialects.builtin import IndexType, IntegerAttr, IntegerType
from xdsl.ir import Dialect, SSAValue
from xdsl.irdl import IRDLOperation, irdl_op_definition, operand_def, prop_def, result_def, traits_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import ConstantLike, Pure
from xdsl.utils.exceptions import VerifyException

INTEGER = IndexType | IntegerType


@irdl_op_definition
class ConstantOp(IRDLOperation):
    """`arith.constant 8 : index`."""

    name = "arith.constant"
    value = prop_def(IntegerAttr)
    result = result_def(INTEGER)
    traits = traits_def(Pure(), ConstantLike())

    def __init__(self, value: IntegerAttr[IndexType | IntegerType]) -> None:
        super().__init__(properties={"value": value}, result_types=[value.type])

    def verify_(self) -> None:
        if self.value.type != self.result.type:
            raise VerifyException(f"a constant of type {self.value.type} with a result of type {self.result.type}")

    def print(self, printer: Printer) -> None:
        printer.print_op_attributes(self.attributes)
        printer.print_string(" ")
        printer.print_attribute(self.value)

    @classmethod
    def parse(cls, parser: Parser) -> ConstantOp:
        attributes = parser.parse_optional_dictionary_attr_dict()
        value = parser.parse_attribute()
        if not isinstance(value, IntegerAttr):
            parser.raise_error("an integer constant expected")
        op = cls(value)
        op.attributes |= attributes
        return op


class BinaryOp(IRDLOperation):
    """`arith.addi %a, %b : index`: two operands and a result of one type."""

    lhs = operand_def(INTEGER)
    rhs = operand_def(INTEGER)
    result = result_def(INTEGER)
    traits = traits_def(Pure())

    def __init__(self, lhs: SSAValue, rhs: SSAValue) -> None:
        super().__init__(operands=[lhs, rhs], result_types=[lhs.type])

    def verify_(self) -> None:
        if not self.lhs.type == self.rhs.type == self.result.type:
            raise VerifyException(
                f"operands and result are of one type, not {self.lhs.type}, {self.rhs.type} and {self.result.type}"
            )

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_list(self.operands, printer.print_ssa_value)
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_attribute(self.result.type)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        lhs = parser.parse_unresolved_operand()
        parser.parse_punctuation(",")
        rhs = parser.parse_unresolved_operand()
        attributes = parser.parse_optional_dictionary_attr_dict()
        parser.parse_punctuation(":")
        type_ = parser.parse_type()
        op = cls(parser.resolve_operand(lhs, type_), parser.resolve_operand(rhs, type_))
        op.attributes |= attributes
        return op


@irdl_op_definition
class AddiOp(BinaryOp):
    """lhs + rhs."""

    name = "arith.addi"


@irdl_op_definition
class SubiOp(BinaryOp):
    """lhs - rhs."""

    name = "arith.subi"


@irdl_op_definition
class MuliOp(BinaryOp):
    """lhs * rhs."""

    name = "arith.muli"


@irdl_op_definition
class DivUIOp(BinaryOp):
    """lhs / rhs of values that are not negative."""

    name = "arith.divui"


@irdl_op_definition
class DivSIOp(BinaryOp):
    """lhs / rhs, truncated toward zero."""

    name = "arith.divsi"


@irdl_op_definition
class FloorDivSIOp(BinaryOp):
    """lhs / rhs, rounded down."""

    name = "arith.floordivsi"


@irdl_op_definition
class CeilDivUIOp(BinaryOp):
    """lhs / rhs of values that are not negative, rounded up."""

    name = "arith.ceildivui"


@irdl_op_definition
class CeilDivSIOp(BinaryOp):
    """lhs / rhs, rounded up."""

    name = "arith.ceildivsi"


@irdl_op_definition
class RemUIOp(BinaryOp):
    """The remainder of divui."""

    name = "arith.remui"


@irdl_op_definition
class RemSIOp(BinaryOp):
    """The remainder of divsi, with the sign of lhs."""

    name = "arith.remsi"


@irdl_op_definition
class MinUIOp(BinaryOp):
    """The smaller one of values that are not negative."""

    name = "arith.minui"


@irdl_op_definition
class MaxUIOp(BinaryOp):
    """The larger one of values that are not negative."""

    name = "arith.maxui"


@irdl_op_definition
class MinSIOp(BinaryOp):
    """The smaller one."""

    name = "arith.minsi"


@irdl_op_definition
class MaxSIOp(BinaryOp):
    """The larger one."""

    name = "arith.maxsi"


@irdl_op_definition
class XOrIOp(BinaryOp):
    """lhs xor rhs, bit by bit."""

    name = "arith.xori"


Arith = Dialect("arith", [ConstantOp, *BinaryOp.__subclasses__()])
