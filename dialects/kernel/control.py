"""Control flow of the host program: rounds that are counted, rounds and choices by a value in memory.

    kernel.for @t from 0 to S {
      %x = kernel.view %xs offset t * 64 -> !kernel.ref<[64], f32>        // @t is a size in the body
      kernel.launch @step[](%x, %state)
    }
    kernel.while %again @n from 0 to 100 { .. }                          // %again: one i1 in memory
    kernel.branch %which { .. } else { .. }
    kernel.for @t from 0 to N slots @s 2 { .. }                          // independent rounds, side by side
    kernel.for @t from 0 to N section 1 { .. }                           // all rounds by the second thread

| op            | meaning |
|---------------|---------|
| kernel.for    | rounds for @t = 0, 1, .. |
| kernel.while  | rounds as long as a value in memory is true, at most so many where that is said |
| kernel.branch | a choice by a value in memory (kernel.if is one by sizes) |

Behind a loop its counter stands for the number of rounds there were, up to the end of the block.

Rounds that do not need each other have slots: in a run of several threads, each thread goes through rounds of its own,
all of them alone, as if there were no other. `@s` is the number of its slot in the body, so that memory at a place that
depends on it is the thread's own. P threads (as many as there are slots at most) share the largest multiple of P of the
rounds; the rounds that are left are gone through together, with slot 0, as those of any other loop. Threads wait for
each other before the loop, between these two parts, and behind it.

Loops that do not need each other are sections: section 1 is gone through by the second thread, all of it alone, as if
there were no other; in a run of fewer threads by one of those (the number modulo the threads). Nobody waits for a
section but where a kernel.barrier stands.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from xdsl.dialects.builtin import IntegerAttr, StringAttr, i1, i64
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    region_def,
    traits_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import NoTerminator
from xdsl.utils.exceptions import VerifyException

from neuralc.dialects.dims import Dim, parse_dim
from neuralc.dialects.kernel.types import RefType
from neuralc.dialects.syntax import parse_value
from neuralc.dialects.types import DimAttr, DimsAttr


@irdl_op_definition
class ForOp(IRDLOperation):
    """`kernel.for @t from 0 to S { .. }`: the body once for each @t below S, in order without slots.

    `slots @s 2` in front of the body: rounds are independent; `section 1`: one thread goes through all of them.
    """

    name = "kernel.for"
    counter = prop_def(StringAttr)
    trips = prop_def(DimAttr)
    slot = opt_prop_def(StringAttr)
    slots = opt_prop_def(IntegerAttr)
    section = opt_prop_def(IntegerAttr)
    body = region_def("single_block")
    traits = traits_def(NoTerminator())

    def __init__(self, counter: str, trips: Dim, body: Region, slot: str | None = None, slots: int = 0) -> None:
        super().__init__(properties={"counter": StringAttr(counter), "trips": DimAttr(trips)}, regions=[body])
        if slot is not None:
            self.set_slots(slot, slots)

    @property
    def slot_name(self) -> str | None:
        """The size that is the number of a round's slot; None where rounds have none."""
        return None if self.slot is None else self.slot.data

    @property
    def slot_count(self) -> int:
        """How many threads may go through rounds side by side; 1 where rounds are in order."""
        return 1 if self.slots is None else self.slots.value.data

    def set_slots(self, name: str, count: int) -> None:
        """Rounds are independent: `count` of them may be under way, each in its slot."""
        self.slot, self.slots = StringAttr(name), IntegerAttr(count, i64)

    def clear_slots(self) -> None:
        """Rounds are in order."""
        self.slot = self.slots = None

    @property
    def section_number(self) -> int | None:
        """The thread that goes through the loop alone; None where all threads do."""
        return None if self.section is None else self.section.value.data

    def set_section(self, number: int | None) -> None:
        """One thread goes through the loop alone; with None, all threads do."""
        self.section = None if number is None else IntegerAttr(number, i64)

    def verify_(self) -> None:
        if (self.slot is None) != (self.slots is None):
            raise VerifyException("slots have a name and a number")
        if self.slots is not None and self.slot_count < 2:
            raise VerifyException(f"rounds side by side have 2 slots at least, not {self.slot_count}")
        if (number := self.section_number) is None:
            return
        if number < 0:
            raise VerifyException(f"sections are counted from 0, not {number}")
        inner = [op for op in self.walk() if isinstance(op, ForOp)]
        if any(op.slot is not None or (op.section is not None and op is not self) for op in inner):
            raise VerifyException("one thread goes through a section: nothing in it has slots or sections")

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.counter.data)
        printer.print_string(f" from 0 to {self.trips.data} ")
        if self.slot is not None:
            printer.print_string("slots ")
            printer.print_symbol_name(self.slot.data)
            printer.print_string(f" {self.slot_count} ")
        if self.section is not None:
            printer.print_string(f"section {self.section_number} ")
        printer.print_region(self.body, print_empty_block=False)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        counter = parser.parse_symbol_name().data
        trips = _parse_range(parser)
        slot, slots = None, 0
        if parser.parse_optional_keyword("slots"):
            slot, slots = parser.parse_symbol_name().data, parser.parse_integer()
        section = parser.parse_integer() if parser.parse_optional_keyword("section") else None
        loop = cls(counter, trips, parse_body(parser), slot, slots)
        loop.set_section(section)
        return loop


@irdl_op_definition
class WhileOp(IRDLOperation):
    """`kernel.while %again @n from 0 to 100 { .. }`: looks at `%again` before each round."""

    name = "kernel.while"
    condition = operand_def(RefType)
    counter = prop_def(StringAttr)
    limit = opt_prop_def(DimAttr)
    body = region_def("single_block")
    traits = traits_def(NoTerminator())

    def __init__(self, condition: SSAValue, counter: str, body: Region, limit: Dim | None = None) -> None:
        super().__init__(
            operands=[condition],
            properties={"counter": StringAttr(counter), "limit": None if limit is None else DimAttr(limit)},
            regions=[body],
        )

    def verify_(self) -> None:
        check_condition(self.condition)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_ssa_value(self.condition)
        printer.print_string(" ")
        printer.print_symbol_name(self.counter.data)
        if self.limit is not None:
            printer.print_string(f" from 0 to {self.limit.data}")
        printer.print_string(" ")
        printer.print_region(self.body, print_empty_block=False)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        condition = parse_value(parser)
        counter = parser.parse_symbol_name().data
        limit = None
        if parser.parse_optional_keyword("from"):
            limit = _parse_to(parser)
        return cls(condition, counter, parse_body(parser), limit)


@irdl_op_definition
class BranchOp(IRDLOperation):
    """`kernel.branch %which { .. } else { .. }`: the first body where the value in memory is true."""

    name = "kernel.branch"
    condition = operand_def(RefType)
    then_body = region_def("single_block")
    else_body = region_def("single_block")
    traits = traits_def(NoTerminator())

    def __init__(self, condition: SSAValue, then_body: Region, else_body: Region) -> None:
        super().__init__(operands=[condition], regions=[then_body, else_body])

    def verify_(self) -> None:
        check_condition(self.condition)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_ssa_value(self.condition)
        printer.print_string(" ")
        printer.print_region(self.then_body, print_empty_block=False)
        printer.print_string(" else ")
        printer.print_region(self.else_body, print_empty_block=False)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        condition = parse_value(parser)
        then_body = parse_body(parser)
        parser.parse_keyword("else")
        return cls(condition, then_body, parse_body(parser))


def check_condition(value: SSAValue) -> None:
    """Raise VerifyException for what is not a reference to one truth value."""
    if not isinstance(value.type, RefType) or value.type.element_type != i1 or value.type.span != Dim.constant(1):
        raise VerifyException(f"a condition is one i1 in memory, not {value.type}")


def check_sizes(block: Block, known: frozenset[str]) -> None:
    """Raise VerifyException for a size that no dim and no counter gives, and for a counter that hides another one."""
    for op in block.ops:
        used = sizes_of(op)
        if not used <= known:
            raise VerifyException(f"{op.name} uses sizes that are not known here: {', '.join(sorted(used - known))}")
        inner = known
        if isinstance(op, ForOp | WhileOp):
            if op.counter.data in known:
                raise VerifyException(f"the counter @{op.counter.data} has the name of another size")
            known = inner = known | {op.counter.data}
            if isinstance(op, ForOp) and op.slot_name is not None:
                if op.slot_name in known:
                    raise VerifyException(f"the slot @{op.slot_name} has the name of another size")
                inner = known | {op.slot_name}
        for region in op.regions:
            for each in region.blocks:
                check_sizes(each, inner)


def sizes_of(op: Operation) -> frozenset[str]:
    """The sizes an op names, those of its regions aside."""
    attributes = (*op.properties.values(), *(result.type for result in op.results))
    return frozenset().union(*map(_symbols, attributes))


def _symbols(attribute: Attribute) -> Iterable[str]:
    match attribute:
        case DimAttr():
            return attribute.data.symbols
        case DimsAttr():
            return frozenset().union(*(dim.symbols for dim in attribute.data))
        case RefType():
            return attribute.symbols
        case _:
            return ()


def parse_body(parser: Parser) -> Region:
    """A region of one block, which may be empty."""
    region = parser.parse_region()
    return region if region.blocks else Region(Block())


def _parse_range(parser: Parser) -> Dim:
    parser.parse_keyword("from")
    return _parse_to(parser)


def _parse_to(parser: Parser) -> Dim:
    if parser.parse_integer() != 0:
        parser.raise_error("rounds are counted from 0")
    parser.parse_keyword("to")
    return parse_dim(parser)
