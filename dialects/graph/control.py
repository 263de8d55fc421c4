"""Control flow of the graph level: choice, repetition and recurrence, whose regions hold layers.

| op          | meaning |
|-------------|---------|
| graph.if    | one of two regions, by a truth value (ONNX If) |
| graph.loop  | rounds with a number, until a condition or a limit ends them (ONNX Loop) |
| graph.scan  | rounds along a leading dim (ONNX Scan, with its axes moved to the front) |
| graph.yield | ends a region with its values |

    %a, %ys = graph.loop %i to S limit %m while %c carried(%b = %a0) captured(%d = %x) -> (types) {
      ..
      graph.yield %again, %next, %y
    }

Shapes of carried values do not change from round to round. What a region reads from outside is a capture
(dialects/control.py); `graph.isolate` makes captures of the outer values that a region was written with.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from xdsl.dialects.builtin import TensorType, i64
from xdsl.ir import Attribute, Block, Region, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    irdl_op_definition,
    opt_operand_def,
    opt_prop_def,
    region_def,
    var_operand_def,
    var_result_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from neuralc.dialects.common import Terminator
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
    stacked,
    yielded,
)
from neuralc.dialects.dims import Dim, parse_dim
from neuralc.dialects.syntax import parse_value
from neuralc.dialects.types import DimAttr, tensor_type

NUMBER_OF_ROUND = tensor_type((), i64)
"""The type of the number of a round, and of a limit."""


@irdl_op_definition
class YieldOp(Terminator):
    """Ends a region of control flow with its values."""

    name = "graph.yield"


@irdl_op_definition
class ScanOp(Scan):
    """A recurrence along a leading dim (ONNX Scan 9 and later)."""

    name = "graph.scan"


@irdl_op_definition
class IfOp(Choice):
    """A choice by a truth value that is computed (ONNX If)."""

    name = "graph.if"


@irdl_op_definition
class LoopOp(Control):
    """ONNX Loop: rounds while the condition holds, below the limit and below `trips`; what is not given is no bound.

    The region gets the number of the round, the carried values and the captures. It yields the next condition where
    the loop has one, the next carried values, and a slice of each stacked result, whose first dim is `trips`: with
    stacked results every one of the `trips` rounds is run.
    """

    name = "graph.loop"
    limit = opt_operand_def(TensorType)
    condition = opt_operand_def(TensorType)
    carried = var_operand_def(TensorType)
    captured = var_operand_def(TensorType)
    trips = opt_prop_def(DimAttr)
    res = var_result_def(TensorType)
    body = region_def("single_block")
    irdl_options = (AttrSizedOperandSegments(as_property=True),)

    @classmethod
    def of(
        cls,
        carried: Sequence[SSAValue],
        captured: Sequence[SSAValue],
        body: Region,
        *,
        trips: int | Dim | None = None,
        limit: SSAValue | None = None,
        condition: SSAValue | None = None,
    ) -> Self:
        """The loop whose result types follow from what its body yields. Raises VerifyException."""
        bound = None if trips is None else Dim.constant(trips) if isinstance(trips, int) else trips
        ends = yielded(body.block)[(condition is not None) + len(carried) :]
        if ends and bound is None:
            raise VerifyException("stacked results need a known number of rounds")
        results = [*(value.type for value in carried), *(stacked(value.type, bound or 0) for value in ends)]
        return cls(
            operands=[_given(limit), _given(condition), carried, captured],
            result_types=[results],
            properties={"trips": None if bound is None else DimAttr(bound)},
            regions=[body],
        )

    @property
    def block(self) -> Block:
        return self.body.block

    @property
    def yielded(self) -> Sequence[SSAValue]:
        return yielded(self.block)

    @property
    def number(self) -> SSAValue:
        """The number of the round, from 0."""
        return self.block.args[0]

    @property
    def captures(self) -> Sequence[Captures]:
        return (Captures(self.body, 1 + len(self.carried), self.captured),)

    def recaptured(self, values: Sequence[Sequence[SSAValue]]) -> Self:
        return type(self).of(
            self.carried,
            values[0],
            self.detach_region(self.body),
            trips=None if self.trips is None else self.trips.data,
            limit=self.limit,
            condition=self.condition,
        )

    def verify_(self) -> None:
        if self.limit is None and self.condition is None and self.trips is None:
            raise VerifyException("a loop has a limit, a condition or a number of rounds: this one would not end")
        if self.limit is not None and self.limit.type != NUMBER_OF_ROUND:
            raise VerifyException(f"a limit is {NUMBER_OF_ROUND}, not {self.limit.type}")
        if self.condition is not None and self.condition.type != CONDITION:
            raise VerifyException(f"a condition is {CONDITION}, not {self.condition.type}")
        carried = [value.type for value in self.carried]
        wanted = [NUMBER_OF_ROUND, *carried, *(value.type for value in self.captured)]
        if [argument.type for argument in self.block.args] != wanted:
            raise VerifyException("region arguments are the number of the round, the carried values, the captures")
        ends = [value.type for value in self.yielded]
        if self.condition is not None and (not ends or ends.pop(0) != CONDITION):
            raise VerifyException(f"the region of a loop with a condition yields the next one first: {CONDITION}")
        if ends[: len(carried)] != carried:
            raise VerifyException("shapes and types of carried values do not change from round to round")
        results: list[Attribute] = [*carried]
        for type_ in ends[len(carried) :]:
            if self.trips is None:
                raise VerifyException("stacked results need a known number of rounds")
            results.append(stacked(type_, self.trips.data))
        if [result.type for result in self.res] != results:
            raise VerifyException(f"results are of types {', '.join(map(str, results))}")

    def print(self, printer: Printer) -> None:
        number, *arguments = self.block.args
        printer.print_string(" ")
        printer.print_ssa_value(number)
        if self.trips is not None:
            printer.print_string(f" to {self.trips.data}")
        for keyword, value in (("limit", self.limit), ("while", self.condition)):
            if value is not None:
                printer.print_string(f" {keyword} ")
                printer.print_ssa_value(value)
        remaining = iter(arguments)
        for keyword, values in (("carried", self.carried), ("captured", self.captured)):
            print_bindings(printer, keyword, [(next(remaining), value) for value in values])
        printer.print_op_attributes(self.attributes)
        print_types(printer, self.res)
        printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False, print_empty_block=False)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        number = parser.parse_argument(expect_type=False)
        trips = parse_dim(parser) if parser.parse_optional_keyword("to") else None
        limit = [parse_value(parser)] if parser.parse_optional_keyword("limit") else []
        condition = [parse_value(parser)] if parser.parse_optional_keyword("while") else []
        bound = [parse_bindings(parser, keyword) for keyword in ("carried", "captured")]
        attributes = parser.parse_optional_dictionary_attr_dict()
        results = parse_types(parser)
        arguments = [name.resolve(value.type) for pairs in bound for name, value in pairs]
        body = parser.parse_region([number.resolve(NUMBER_OF_ROUND), *arguments])
        op = cls(
            operands=[limit, condition, *([value for _, value in pairs] for pairs in bound)],
            result_types=[results],
            properties={"trips": None if trips is None else DimAttr(trips)},
            regions=[body],
        )
        op.attributes |= attributes
        return op


def _given(value: SSAValue | None) -> list[SSAValue]:
    return [] if value is None else [value]
