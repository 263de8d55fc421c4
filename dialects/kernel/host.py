"""The host program: which kernels run on which memory, in order.

    kernel.host @digits(%image: .., %scores: ..) dims [batch] inputs ["image"] outputs ["scores"] {
      %w = kernel.weight @dense.kernel_packed -> !kernel.ref<[8, 784, 16], f32, [12544, 16, 1]>
      %h = kernel.alloc -> !kernel.ref<[batch, 128], f32, [128, 1]>          // before the memory plan
      %h = kernel.arena 0 -> !kernel.ref<[batch, 128], f32, [128, 1]>        // after it: a byte offset into one arena
      %v = kernel.view %h 4 -> !kernel.ref<[batch, 64], f32, [128, 1]>       // the same memory, 4 elements on
      kernel.launch @dense[batch](%image, %w, %h) {parallel = 22}            // threads share 22 programs or more
      kernel.if batch >= 6 { .. } else { .. }
      kernel.return
    }

| op            | meaning |
|---------------|---------|
| kernel.host   | the program; arguments are the memory of the inputs, then of the outputs |
| kernel.weight | packed bytes of a graph.weight |
| kernel.alloc  | memory for an intermediate value |
| kernel.arena  | the same, placed by kernel-plan-memory |
| kernel.status | the status cell of the run: a kernel that checks its data takes it as an argument |
| kernel.view   | other sizes and strides on the same memory |
| kernel.launch | runs a kernel over its grid; `parallel` lets threads share it, from so many programs on |
| kernel.if     | a choice by sizes |

Loops, and choices by a value in memory, are in control.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from xdsl.dialects.builtin import (
    ArrayAttr,
    FlatSymbolRefAttrConstr,
    IntegerAttr,
    StringAttr,
    SymbolNameConstraint,
    SymbolRefAttr,
)
from xdsl.ir import Attribute, Block, BlockArgument, Operation, Region, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    region_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import IsolatedFromAbove, NoTerminator, Pure, SymbolOpInterface
from xdsl.utils.exceptions import VerifyException

from neuralc.dialects.common import UsesSymbols, WeightRead
from neuralc.dialects.dims import Dim, parse_dim
from neuralc.dialects.kernel.control import ForOp, check_sizes, parse_body
from neuralc.dialects.kernel.indirect import status_type
from neuralc.dialects.kernel.structure import FuncOp, ReturnOp
from neuralc.dialects.kernel.types import RefType
from neuralc.dialects.syntax import parse_value, parse_values
from neuralc.dialects.types import DimAttr, DimsAttr

RELATIONS: dict[str, Callable[[int, int], bool]] = {
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
    "==": lambda a, b: a == b,
}


@irdl_op_definition
class HostOp(IRDLOperation):
    """The host program of a model.

    `arena` is the size of the planned memory in bytes, once it is planned. `shared` is an estimate of the nanoseconds
    of one thread that several can share: a run asks for threads when that is worth it.
    """

    name = "kernel.host"
    sym_name = prop_def(SymbolNameConstraint())
    dim_names = prop_def(ArrayAttr[StringAttr])
    input_names = prop_def(ArrayAttr[StringAttr])
    output_names = prop_def(ArrayAttr[StringAttr])
    arena = opt_prop_def(DimAttr)
    shared = opt_prop_def(DimAttr)
    body = region_def("single_block")
    traits = traits_def(SymbolOpInterface(), IsolatedFromAbove())

    def __init__(
        self,
        name: str,
        dims: Sequence[str],
        inputs: Sequence[str],
        outputs: Sequence[str],
        body: Region,
        *,
        arena: Dim | None = None,
        shared: Dim | None = None,
        attributes: Mapping[str, Attribute] | None = None,
    ) -> None:
        super().__init__(
            properties={
                "sym_name": StringAttr(name),
                "dim_names": ArrayAttr([StringAttr(dim) for dim in dims]),
                "input_names": ArrayAttr([StringAttr(name) for name in inputs]),
                "output_names": ArrayAttr([StringAttr(name) for name in outputs]),
                "arena": None if arena is None else DimAttr(arena),
                "shared": None if shared is None else DimAttr(shared),
            },
            attributes=dict(attributes or {}),
            regions=[body],
        )

    @property
    def dims(self) -> tuple[str, ...]:
        return tuple(name.data for name in self.dim_names)

    @property
    def inputs(self) -> tuple[str, ...]:
        return tuple(name.data for name in self.input_names)

    @property
    def outputs(self) -> tuple[str, ...]:
        return tuple(name.data for name in self.output_names)

    @property
    def block(self) -> Block:
        return self.body.block

    @property
    def input_arguments(self) -> Sequence[BlockArgument]:
        return self.body.block.args[: len(self.inputs)]

    @property
    def output_arguments(self) -> Sequence[BlockArgument]:
        return self.body.block.args[len(self.inputs) :]

    @property
    def takes_threads(self) -> bool:
        """Whether several threads may go through the program: they share a launch, or a loop, or have one each."""
        return any(
            (isinstance(op, LaunchOp) and op.parallel)
            or (isinstance(op, ForOp) and not (op.slot is None and op.section is None))
            for op in self.walk()
        )

    def verify_(self) -> None:
        if len(self.body.block.args) != len(self.inputs) + len(self.outputs):
            raise VerifyException("a host program has one argument per input and output")
        for argument in self.body.block.args:
            if not isinstance(argument.type, RefType) or not argument.type.symbols <= set(self.dims):
                raise VerifyException(f"host argument {argument.type} is not a reference over dims {list(self.dims)}")
        if not isinstance(self.body.block.last_op, ReturnOp):
            raise VerifyException("a host program ends in kernel.return")
        check_sizes(self.body.block, frozenset(self.dims))

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)
        printer.print_string("(")
        printer.print_list(self.body.block.args, printer.print_block_argument)
        printer.print_string(f") dims [{', '.join(self.dims)}]")
        for keyword, names in (("inputs", self.inputs), ("outputs", self.outputs)):
            printer.print_string(f" {keyword} [")
            printer.print_list(names, printer.print_string_literal)
            printer.print_string("]")
        for keyword, size in (("arena", self.arena), ("shared", self.shared)):
            if size is not None:
                printer.print_string(f" {keyword} ({size.data})")
        if self.attributes:
            printer.print_string(" attributes")
            printer.print_op_attributes(self.attributes)
        printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False)

    @classmethod
    def parse(cls, parser: Parser) -> HostOp:
        name = parser.parse_symbol_name().data
        arguments = parser.parse_comma_separated_list(parser.Delimiter.PAREN, parser.parse_argument)
        parser.parse_keyword("dims")
        dims = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_identifier)
        parser.parse_keyword("inputs")
        inputs = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_str_literal)
        parser.parse_keyword("outputs")
        outputs = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_str_literal)
        arena, shared = (_parse_size(parser, keyword) for keyword in ("arena", "shared"))
        found = parser.parse_optional_attr_dict_with_keyword()
        attributes = found.data if found else {}
        body = parser.parse_region(arguments)
        return cls(name, dims, inputs, outputs, body, arena=arena, shared=shared, attributes=attributes)


def _parse_size(parser: Parser, keyword: str) -> Dim | None:
    if not parser.parse_optional_keyword(keyword):
        return None
    with parser.in_parens():
        return parse_dim(parser)


def _parse_ref(parser: Parser) -> RefType:
    parser.parse_punctuation("->")
    type_ = parser.parse_type()
    if not isinstance(type_, RefType):
        parser.raise_error("expected a reference type")
    return type_


@irdl_op_definition
class WeightOp(WeightRead):
    """`%w = kernel.weight @dense.kernel -> ref`: the bytes of a graph.weight, dense, 64-byte aligned."""

    name = "kernel.weight"
    result = result_def(RefType)


@irdl_op_definition
class AllocOp(IRDLOperation):
    """Memory for one intermediate value, 64-byte aligned, undefined at first."""

    name = "kernel.alloc"
    result = result_def(RefType)

    def __init__(self, type_: RefType) -> None:
        super().__init__(result_types=[type_])

    def print(self, printer: Printer) -> None:
        printer.print_string(" -> ")
        printer.print_attribute(self.result.type)

    @classmethod
    def parse(cls, parser: Parser) -> AllocOp:
        return cls(_parse_ref(parser))


@irdl_op_definition
class ArenaOp(IRDLOperation):
    """`%b = kernel.arena <byte offset> -> ref`: a place in the arena; offsets are multiples of 64."""

    name = "kernel.arena"
    offset = prop_def(DimAttr)
    result = result_def(RefType)
    traits = traits_def(Pure())

    def __init__(self, offset: Dim, type_: RefType) -> None:
        super().__init__(properties={"offset": DimAttr(offset)}, result_types=[type_])

    def print(self, printer: Printer) -> None:
        printer.print_string(f" {self.offset.data} -> ")
        printer.print_attribute(self.result.type)

    @classmethod
    def parse(cls, parser: Parser) -> ArenaOp:
        offset = parse_dim(parser)
        return cls(offset, _parse_ref(parser))


@irdl_op_definition
class StatusOp(IRDLOperation):
    """`%s = kernel.status -> ref<[1], i32>`: 0 when a run begins; where a kernel.check leaves a code, the run fails.

    However often the op stands in a program, it is one cell."""

    name = "kernel.status"
    result = result_def(RefType)
    traits = traits_def(Pure())

    def __init__(self) -> None:
        super().__init__(result_types=[status_type()])

    def verify_(self) -> None:
        if self.result.type != status_type():
            raise VerifyException(f"the status of a run is {status_type()}, not {self.result.type}")

    def print(self, printer: Printer) -> None:
        printer.print_string(" -> ")
        printer.print_attribute(self.result.type)

    @classmethod
    def parse(cls, parser: Parser) -> StatusOp:
        op = cls()
        if _parse_ref(parser) != op.result.type:
            parser.raise_error(f"the status of a run is {op.result.type}")
        return op


@irdl_op_definition
class ViewOp(IRDLOperation):
    """`%v = kernel.view %a <element offset> -> ref`: other sizes and strides on the same memory."""

    name = "kernel.view"
    source = operand_def(RefType)
    offset = prop_def(DimAttr)
    result = result_def(RefType)
    traits = traits_def(Pure())

    def __init__(self, source: SSAValue, offset: Dim, type_: RefType) -> None:
        super().__init__(operands=[source], properties={"offset": DimAttr(offset)}, result_types=[type_])

    def verify_(self) -> None:
        source, result = self.source.type, self.result.type
        if not isinstance(source, RefType) or not isinstance(result, RefType):
            raise VerifyException("a view is of a reference")
        if source.element_type != result.element_type:
            raise VerifyException(f"a view keeps the element type: {source.element_type} to {result.element_type}")
        room = source.span - result.span - self.offset.data
        if room.is_static and room.value < 0:
            raise VerifyException(f"the view reaches {-room.value} elements past {source}")

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_ssa_value(self.source)
        printer.print_string(f" offset {self.offset.data} -> ")
        printer.print_attribute(self.result.type)

    @classmethod
    def parse(cls, parser: Parser) -> ViewOp:
        source = parse_value(parser)
        parser.parse_keyword("offset")
        offset = parse_dim(parser)
        return cls(source, offset, _parse_ref(parser))


@irdl_op_definition
class LaunchOp(IRDLOperation, UsesSymbols):
    """`kernel.launch @f[batch * 8](%x, %w, %y)`: runs every program of @f with these dims and memory."""

    name = "kernel.launch"
    callee = prop_def(FlatSymbolRefAttrConstr)
    dims = prop_def(DimsAttr)
    args = var_operand_def(RefType)

    def __init__(
        self,
        callee: str,
        dims: Sequence[Dim],
        args: Sequence[SSAValue],
        attributes: Mapping[str, Attribute] | None = None,
    ) -> None:
        super().__init__(
            operands=[args],
            properties={"callee": SymbolRefAttr(callee), "dims": DimsAttr(tuple(dims))},
            attributes=dict(attributes or {}),
        )

    @property
    def callee_name(self) -> str:
        return self.callee.root_reference.data

    @property
    def parallel(self) -> bool:
        return "parallel" in self.attributes

    @property
    def parallel_from(self) -> int:
        """The smallest grid that threads share: 22 for `{parallel = 22}`, 2 for `{parallel}`."""
        programs = self.attributes.get("parallel")
        return programs.value.data if isinstance(programs, IntegerAttr) else 2

    def verify_symbols(self, known: Mapping[str, Operation]) -> None:
        func = known.get(self.callee_name)
        if not isinstance(func, FuncOp):
            return
        if len(self.dims.data) != len(func.dims):
            raise VerifyException(f"@{self.callee_name} has {len(func.dims)} dims, the launch {len(self.dims.data)}")
        if len(self.args) != len(func.references):
            raise VerifyException(f"@{self.callee_name} takes {len(func.references)} references, got {len(self.args)}")
        for number, (argument, value) in enumerate(zip(func.references, self.args, strict=True)):
            wanted, found = argument.type, value.type
            if isinstance(wanted, RefType) and isinstance(found, RefType) and wanted.element_type != found.element_type:
                raise VerifyException(f"reference {number} of @{self.callee_name} is {wanted}, got {found}")

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.callee_name)
        printer.print_string("[" + ", ".join(map(str, self.dims.data)) + "](")
        printer.print_list(self.args, printer.print_ssa_value)
        printer.print_string(")")
        printer.print_op_attributes(self.attributes)

    @classmethod
    def parse(cls, parser: Parser) -> LaunchOp:
        name = parser.parse_symbol_name().data
        dims = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, lambda: parse_dim(parser))
        parser.parse_punctuation("(")
        args = parse_values(parser)
        parser.parse_punctuation(")")
        return cls(name, dims, args, parser.parse_optional_dictionary_attr_dict())


@irdl_op_definition
class IfOp(IRDLOperation):
    """`kernel.if batch >= 6 { .. } else { .. }`: a choice by sizes, made on the host."""

    name = "kernel.if"
    lhs = prop_def(DimAttr)
    relation = prop_def(StringAttr)
    rhs = prop_def(DimAttr)
    then_body = region_def("single_block")
    else_body = region_def("single_block")
    traits = traits_def(NoTerminator())

    def __init__(self, lhs: Dim, relation: str, rhs: Dim, then_body: Region, else_body: Region) -> None:
        super().__init__(
            properties={"lhs": DimAttr(lhs), "relation": StringAttr(relation), "rhs": DimAttr(rhs)},
            regions=[then_body, else_body],
        )

    def holds(self, env: Mapping[str, int]) -> bool:
        return RELATIONS[self.relation.data](self.lhs.data.evaluate(env), self.rhs.data.evaluate(env))

    def verify_(self) -> None:
        if self.relation.data not in RELATIONS:
            raise VerifyException(f"a relation is one of {', '.join(RELATIONS)}, not {self.relation.data}")

    def print(self, printer: Printer) -> None:
        printer.print_string(f" {self.lhs.data} {self.relation.data} {self.rhs.data} ")
        printer.print_region(self.then_body, print_empty_block=False)
        printer.print_string(" else ")
        printer.print_region(self.else_body, print_empty_block=False)

    @classmethod
    def parse(cls, parser: Parser) -> IfOp:
        lhs = parse_dim(parser)
        relation = _parse_relation(parser)
        rhs = parse_dim(parser)
        then_body = parse_body(parser)
        parser.parse_keyword("else")
        return cls(lhs, relation, rhs, then_body, parse_body(parser))


def _parse_relation(parser: Parser) -> str:
    for first in (">", "<", "="):
        if parser.parse_optional_punctuation(first):
            parser.parse_punctuation("=")
            return first + "="
    return parser.raise_error(f"expected one of {', '.join(RELATIONS)}")
