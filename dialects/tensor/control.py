"""Control flow on whole tensors: recurrence, choice, repetition. Their regions hold ops of the tensor level.

| op           | meaning |
|--------------|---------|
| tensor.scan  | rounds along a leading dim: carried values, a slice of each scanned one, stacked results |
| tensor.if    | one of two regions, by a truth value |
| tensor.while | rounds as long as a truth value holds, at most so many |

    %c, %a = tensor.while %c0 to 100 carried(%b = %a0) captured(%d = %x) -> (types) {
      ..
      tensor.yield %again, %next
    }

The forms of scan and if are those of both levels (dialects/control.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from xdsl.dialects.builtin import TensorType
from xdsl.ir import Block, Region, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    region_def,
    var_operand_def,
    var_result_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from neuralc.dialects.control import (
    CONDITION,
    Captures,
    Choice,
    Control,
    Scan,
    parse_bindings,
    parse_types,
    print_bindings,
    print_types,
    yielded,
)
from neuralc.dialects.dims import Dim, parse_dim
from neuralc.dialects.syntax import parse_value
from neuralc.dialects.types import DimAttr


@irdl_op_definition
class ScanOp(Scan):
    """A recurrence along a leading dim."""

    name = "tensor.scan"


@irdl_op_definition
class IfOp(Choice):
    """A choice by a truth value that is computed."""

    name = "tensor.if"


@irdl_op_definition
class WhileOp(Control):
    """While the condition holds, and not more than `limit` rounds: the body gets the carried values and the captures.

    It yields the next condition, then the next carried values. Results are the last carried values.
    """

    name = "tensor.while"
    condition = operand_def(TensorType)
    carried = var_operand_def(TensorType)
    captured = var_operand_def(TensorType)
    limit = opt_prop_def(DimAttr)
    res = var_result_def(TensorType)
    body = region_def("single_block")
    irdl_options = (AttrSizedOperandSegments(as_property=True),)

    @classmethod
    def of(
        cls,
        condition: SSAValue,
        carried: Sequence[SSAValue],
        captured: Sequence[SSAValue],
        body: Region,
        limit: Dim | None = None,
    ) -> Self:
        return cls(
            operands=[[condition], carried, captured],
            result_types=[[value.type for value in carried]],
            properties={"limit": None if limit is None else DimAttr(limit)},
            regions=[body],
        )

    @property
    def block(self) -> Block:
        return self.body.block

    @property
    def yielded(self) -> Sequence[SSAValue]:
        return yielded(self.block)

    @property
    def captures(self) -> Sequence[Captures]:
        return (Captures(self.body, len(self.carried), self.captured),)

    def recaptured(self, values: Sequence[Sequence[SSAValue]]) -> Self:
        limit = None if self.limit is None else self.limit.data
        return type(self).of(self.condition, self.carried, values[0], self.detach_region(self.body), limit)

    def verify_(self) -> None:
        if self.condition.type != CONDITION:
            raise VerifyException(f"a condition is {CONDITION}, not {self.condition.type}")
        carried = [value.type for value in self.carried]
        if [argument.type for argument in self.block.args] != [*carried, *(value.type for value in self.captured)]:
            raise VerifyException("region arguments have the types of the carried values and of the captures")
        if [value.type for value in self.yielded] != [CONDITION, *carried]:
            raise VerifyException("the region yields a condition and values of the carried types")
        if [result.type for result in self.res] != carried:
            raise VerifyException("results have the types of the carried values")

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_ssa_value(self.condition)
        if self.limit is not None:
            printer.print_string(f" to {self.limit.data}")
        arguments = iter(self.block.args)
        for keyword, values in (("carried", self.carried), ("captured", self.captured)):
            print_bindings(printer, keyword, [(next(arguments), value) for value in values])
        printer.print_op_attributes(self.attributes)
        print_types(printer, self.res)
        printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False, print_empty_block=False)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        condition = parse_value(parser)
        limit = parse_dim(parser) if parser.parse_optional_keyword("to") else None
        bound = [parse_bindings(parser, keyword) for keyword in ("carried", "captured")]
        attributes = parser.parse_optional_dictionary_attr_dict()
        results = parse_types(parser)
        body = parser.parse_region([name.resolve(value.type) for pairs in bound for name, value in pairs])
        carried, captured = ([value for _, value in pairs] for pairs in bound)
        op = cls.of(condition, carried, captured, body, limit)
        if [result.type for result in op.res] != results:
            parser.raise_error("results have the types of the carried values")
        op.attributes |= attributes
        return op
