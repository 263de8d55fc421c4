"""Kernels and loops: what a program is, and how it repeats.

    kernel.func @dense(%batch: index, %x: !kernel.ref<..>, ..) dims [batch] grid (ceildiv(batch, 6) * 8) {
      %p = kernel.program_id
      %acc = kernel.loop %k = 0 to 784 step 1 iter(%a = %zero) -> !kernel.tile<6x16xf32, v8> { .. kernel.yield %b }
      kernel.return
    }

A kernel runs once per program of a 1-D grid, in any order and in parallel; no program reads what another writes.
The first arguments are the index values of the listed dims. The order of programs is index arithmetic on the id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseArrayBase,
    IndexType,
    IntegerAttr,
    StringAttr,
    SymbolNameConstraint,
    i64,
)
from xdsl.ir import Attribute, Block, BlockArgument, Region, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    prop_def,
    region_def,
    result_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import IsolatedFromAbove, IsTerminator, Pure, SymbolOpInterface
from xdsl.utils.exceptions import VerifyException

from neuralc.dialects.common import Terminator
from neuralc.dialects.dims import Dim, parse_dim
from neuralc.dialects.kernel.indirect import written_memory
from neuralc.dialects.kernel.memory import DYNAMIC
from neuralc.dialects.kernel.types import RefType, TileType
from neuralc.dialects.syntax import IntsAttr, parse_value, to_attribute
from neuralc.dialects.types import DimAttr


@irdl_op_definition
class FuncOp(IRDLOperation):
    """One kernel. Attributes carry launch hints of a target (`num_warps`, `num_stages`) and `in_place`."""

    name = "kernel.func"
    sym_name = prop_def(SymbolNameConstraint())
    dim_names = prop_def(ArrayAttr[StringAttr])
    grid = prop_def(DimAttr)
    body = region_def("single_block")
    traits = traits_def(SymbolOpInterface(), IsolatedFromAbove())

    def __init__(
        self,
        name: str,
        dims: Sequence[str],
        grid: Dim,
        body: Region,
        attributes: Mapping[str, Attribute] | None = None,
    ) -> None:
        super().__init__(
            properties={
                "sym_name": StringAttr(name),
                "dim_names": ArrayAttr([StringAttr(dim) for dim in dims]),
                "grid": DimAttr(grid),
            },
            attributes=dict(attributes or {}),
            regions=[body],
        )

    @property
    def dims(self) -> tuple[str, ...]:
        return tuple(name.data for name in self.dim_names)

    @property
    def block(self) -> Block:
        return self.body.block

    @property
    def dim_arguments(self) -> Sequence[BlockArgument]:
        return self.body.block.args[: len(self.dims)]

    @property
    def references(self) -> Sequence[BlockArgument]:
        """The memory arguments, in order."""
        return self.body.block.args[len(self.dims) :]

    @property
    def written(self) -> tuple[bool, ...]:
        """For each memory argument, whether the kernel stores to it."""
        stored = {written_memory(op) for op in self.body.walk()}
        return tuple(argument in stored for argument in self.references)

    @property
    def in_place(self) -> tuple[int, ...]:
        """The references that may be the same memory as the one that is written; all others are apart."""
        found = self.attributes.get("in_place")
        return found.get_values() if isinstance(found, DenseArrayBase) else ()

    @in_place.setter
    def in_place(self, references: Sequence[int]) -> None:
        self.attributes.pop("in_place", None)
        if references:
            self.attributes["in_place"] = DenseArrayBase.from_list(i64, references)

    def verify_(self) -> None:
        if any(not 0 <= number < len(self.references) for number in self.in_place):
            raise VerifyException(f"in_place = {list(self.in_place)} of {len(self.references)} references")
        if any(argument.type != IndexType() for argument in self.dim_arguments):
            raise VerifyException("the first arguments are the index values of the dims")
        known = set(self.dims)
        for argument in self.references:
            if not isinstance(argument.type, RefType):
                raise VerifyException(f"after the dims, arguments are references, not {argument.type}")
            if not argument.type.symbols <= known:
                raise VerifyException(
                    f"{argument.type} uses dims that are not listed: {sorted(argument.type.symbols - known)}"
                )
        if not self.grid.data.symbols <= known:
            raise VerifyException(f"grid {self.grid.data} uses dims that are not listed")
        if not isinstance(self.body.block.last_op, ReturnOp):
            raise VerifyException("a kernel ends in kernel.return")

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)
        printer.print_string("(")
        printer.print_list(self.body.block.args, printer.print_block_argument)
        printer.print_string(f") dims [{', '.join(self.dims)}] grid ({self.grid.data})")
        if self.attributes:
            printer.print_string(" attributes")
            printer.print_op_attributes(self.attributes)
        printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False)

    @classmethod
    def parse(cls, parser: Parser) -> FuncOp:
        name = parser.parse_symbol_name().data
        arguments = parser.parse_comma_separated_list(parser.Delimiter.PAREN, parser.parse_argument)
        parser.parse_keyword("dims")
        dims = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_identifier)
        parser.parse_keyword("grid")
        with parser.in_parens():
            grid = parse_dim(parser)
        attributes = parser.parse_optional_attr_dict_with_keyword()
        return cls(name, dims, grid, parser.parse_region(arguments), attributes.data if attributes else None)


@irdl_op_definition
class ProgramIdOp(IRDLOperation):
    """`%p = kernel.program_id`: which program of the grid this is."""

    name = "kernel.program_id"
    result = result_def(IndexType())
    traits = traits_def(Pure())

    def __init__(self) -> None:
        super().__init__(result_types=[IndexType()])

    def print(self, printer: Printer) -> None:
        pass

    @classmethod
    def parse(cls, parser: Parser) -> ProgramIdOp:
        return cls()


@irdl_op_definition
class LoopOp(IRDLOperation):
    """`kernel.loop %k = lower to upper step s iter(%a = %init) { .. kernel.yield %next }`; may run zero times."""

    name = "kernel.loop"
    inputs = var_operand_def()
    bounds = prop_def(IntsAttr)
    step = prop_def(IntegerAttr)
    res = var_result_def()
    body = region_def("single_block")

    def __init__(
        self, lower: SSAValue | int, upper: SSAValue | int, step: int, initial: Sequence[SSAValue], body: Region
    ) -> None:
        bounds = (lower, upper)
        super().__init__(
            operands=[[*(bound for bound in bounds if isinstance(bound, SSAValue)), *initial]],
            properties={
                "bounds": IntsAttr(tuple(DYNAMIC if isinstance(bound, SSAValue) else bound for bound in bounds)),
                "step": to_attribute(step),
            },
            result_types=[[value.type for value in initial]],
            regions=[body],
        )

    @property
    def _dynamic_bounds(self) -> int:
        return self.bounds.data.count(DYNAMIC)

    @property
    def lower(self) -> SSAValue | int:
        return self.inputs[0] if self.bounds.data[0] == DYNAMIC else self.bounds.data[0]

    @property
    def upper(self) -> SSAValue | int:
        return self.inputs[self._dynamic_bounds - 1] if self.bounds.data[1] == DYNAMIC else self.bounds.data[1]

    @property
    def stride(self) -> int:
        return self.step.value.data

    @property
    def initial(self) -> Sequence[SSAValue]:
        return self.inputs[self._dynamic_bounds :]

    @property
    def block(self) -> Block:
        return self.body.block

    @property
    def counter(self) -> BlockArgument:
        return self.body.block.args[0]

    @property
    def carried(self) -> Sequence[BlockArgument]:
        return self.body.block.args[1:]

    @property
    def yielded(self) -> Sequence[SSAValue]:
        end = self.body.block.last_op
        return end.operands if end is not None else ()

    @property
    def constant_trips(self) -> int | None:
        """How often the loop runs, where the bounds are constants."""
        if self._dynamic_bounds:
            return None
        lower, upper = self.bounds.data
        return max(0, -(-(upper - lower) // self.stride))

    def verify_(self) -> None:
        if self.stride < 1:
            raise VerifyException(f"a loop steps forward, not by {self.stride}")
        if any(bound.type != IndexType() for bound in self.inputs[: self._dynamic_bounds]):
            raise VerifyException("loop bounds are index values")
        if not isinstance(self.body.block.last_op, YieldOp):
            raise VerifyException("a loop body ends in kernel.yield")
        wanted = [value.type for value in self.initial]
        found = {
            "arguments": [argument.type for argument in self.carried],
            "yields": [value.type for value in self.yielded],
            "results": [result.type for result in self.res],
        }
        for what, types in found.items():
            if types != wanted:
                raise VerifyException(f"loop {what} {types} do not match the initial values {wanted}")

    def print(self, printer: Printer) -> None:
        def bound(value: SSAValue | int) -> None:
            if isinstance(value, SSAValue):
                printer.print_ssa_value(value)
            else:
                printer.print_string(str(value))

        printer.print_string(" ")
        printer.print_ssa_value(self.counter)
        printer.print_string(" = ")
        bound(self.lower)
        printer.print_string(" to ")
        bound(self.upper)
        printer.print_string(f" step {self.stride} ")
        if self.initial:

            def pair(item: tuple[BlockArgument, SSAValue]) -> None:
                printer.print_ssa_value(item[0])
                printer.print_string(" = ")
                printer.print_ssa_value(item[1])

            printer.print_string("iter(")
            printer.print_list(list(zip(self.carried, self.initial, strict=True)), pair)
            printer.print_string(") ")
        if self.attributes:
            printer.print_string("attributes")
            printer.print_op_attributes(self.attributes)
            printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False)

    @classmethod
    def parse(cls, parser: Parser) -> LoopOp:
        def bound() -> SSAValue | int:
            number = parser.parse_optional_integer(allow_boolean=False)
            return parse_value(parser) if number is None else number

        counter = parser.parse_argument(expect_type=False).resolve(IndexType())
        parser.parse_punctuation("=")
        lower = bound()
        parser.parse_keyword("to")
        upper = bound()
        parser.parse_keyword("step")
        step = parser.parse_integer()
        carried: list[tuple[Parser.UnresolvedArgument, SSAValue]] = []
        if parser.parse_optional_keyword("iter"):

            def pair() -> tuple[Parser.UnresolvedArgument, SSAValue]:
                name = parser.parse_argument(expect_type=False)
                parser.parse_punctuation("=")
                return name, parse_value(parser)

            carried = parser.parse_comma_separated_list(parser.Delimiter.PAREN, pair)
        attributes = parser.parse_optional_attr_dict_with_keyword()
        arguments = [counter, *(name.resolve(value.type) for name, value in carried)]
        op = cls(lower, upper, step, [value for _, value in carried], parser.parse_region(arguments))
        op.attributes |= attributes.data if attributes else {}
        return op


@irdl_op_definition
class YieldOp(Terminator):
    """Ends a loop body with the values of the next round."""

    name = "kernel.yield"
    values = var_operand_def(TileType)


@irdl_op_definition
class ReturnOp(IRDLOperation):
    """Ends a kernel or a host program."""

    name = "kernel.return"
    traits = traits_def(IsTerminator())

    def __init__(self) -> None:
        super().__init__()

    def print(self, printer: Printer) -> None:
        pass

    @classmethod
    def parse(cls, parser: Parser) -> ReturnOp:
        return cls()
