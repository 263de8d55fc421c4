"""What a module holds on the graph level: sizes, weights, functions and the model itself.

| op               | meaning |
|------------------|---------|
| graph.dim        | declares a symbolic size with its bounds and where it came from |
| graph.weight     | declares a weight; its bytes live in a WeightStore, or a region derives it from other weights |
| graph.func       | a network, macro or repeated block; its weights are arguments |
| graph.model      | what is compiled: named inputs and outputs, training clauses as attributes |
| graph.call       | applies a graph.func |
| graph.get_weight | the value of a graph.weight |
| graph.return     | ends a func, a model, or the region of a derived weight |

What a model keeps from run to run is in state.py. The tensor level keeps dim, weight, model, get_weight and return as
they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.dialects.builtin import (
    ArrayAttr,
    DictionaryAttr,
    FlatSymbolRefAttrConstr,
    StringAttr,
    SymbolNameConstraint,
    SymbolRefAttr,
    TensorType,
)
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    opt_prop_def,
    opt_region_def,
    prop_def,
    region_def,
    result_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import IsolatedFromAbove, Pure, SymbolOpInterface
from xdsl.utils.exceptions import VerifyException

from neuralc.dialects.common import Terminator, WeightRead
from neuralc.dialects.dims import as_dim
from neuralc.dialects.graph.clauses import print_clauses, verify_clauses
from neuralc.dialects.graph.initializers import ConstraintAttr, InitializerAttr, RegularizerAttr
from neuralc.dialects.syntax import parse_values
from neuralc.dialects.types import AnyTensor, DimAttr


@irdl_op_definition
class DimOp(IRDLOperation):
    """`graph.dim @S from 1 to 2048 origin "m.nr:3:12"`: a symbolic size, its inclusive bounds, and its origin."""

    name = "graph.dim"
    sym_name = prop_def(SymbolNameConstraint())
    minimum = prop_def(DimAttr)
    maximum = opt_prop_def(DimAttr)
    origin = opt_prop_def(StringAttr)
    traits = traits_def(SymbolOpInterface())

    def __init__(self, name: str, minimum: int = 1, maximum: int | None = None, origin: str | None = None) -> None:
        super().__init__(
            properties={
                "sym_name": StringAttr(name),
                "minimum": DimAttr(as_dim(minimum)),
                "maximum": None if maximum is None else DimAttr(as_dim(maximum)),
                "origin": None if origin is None else StringAttr(origin),
            }
        )

    def verify_(self) -> None:
        bounds = [self.minimum.data] + ([self.maximum.data] if self.maximum else [])
        if not all(bound.is_static for bound in bounds):
            raise VerifyException("the bounds of a dim are constants")
        if len(bounds) == 2 and bounds[0].value > bounds[1].value:
            raise VerifyException(f"dim @{self.sym_name.data} has no value: from {bounds[0]} to {bounds[1]}")

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)
        printer.print_string(f" from {self.minimum.data}")
        if self.maximum:
            printer.print_string(f" to {self.maximum.data}")
        if self.origin:
            printer.print_string(" origin ")
            printer.print_string_literal(self.origin.data)

    @classmethod
    def parse(cls, parser: Parser) -> DimOp:
        name = parser.parse_symbol_name().data
        parser.parse_keyword("from")
        minimum = parser.parse_integer()
        maximum = parser.parse_integer() if parser.parse_optional_keyword("to") else None
        origin = parser.parse_str_literal() if parser.parse_optional_keyword("origin") else None
        return cls(name, minimum, maximum, origin)


_NO_SOURCES: ArrayAttr[SymbolRefAttr] = ArrayAttr([])

SOURCE = "source"
"""The attribute of a weight that says what the file calls it that it came from, where that is another name."""


@irdl_op_definition
class WeightOp(IRDLOperation):
    """A weight, by name.

    `graph.weight @dense.kernel : tensor<784x128xf32> init "glorot_uniform"` has bytes in the WeightStore; for training
    it may say `regularizer "l2"(l2 = 0.001) constraint "max_norm"`, all three as keras.initializers, .regularizers and
    .constraints define them;
    `graph.weight @a : tensor<..> from (@b, @c) { ^bb0(%b: .., %c: ..): ... graph.return %r }` is computed from others
    by the interpreters, in float64 where the run is exact: swap @b and @a follows. `trainable = false` weights
    (moving statistics) are state of training, not parameters. `source = "onnx::Conv_193"` is the name in the file that
    the model came from, where that is another one.
    """

    name = "graph.weight"
    sym_name = prop_def(SymbolNameConstraint())
    type = prop_def(TensorType)
    init = opt_prop_def(InitializerAttr)
    regularizer = opt_prop_def(RegularizerAttr)
    constraint = opt_prop_def(ConstraintAttr)
    sources = prop_def(ArrayAttr[SymbolRefAttr])
    body = opt_region_def()
    traits = traits_def(SymbolOpInterface(), IsolatedFromAbove())

    def __init__(
        self,
        name: str,
        type_: AnyTensor,
        *,
        init: InitializerAttr | None = None,
        regularizer: RegularizerAttr | None = None,
        constraint: ConstraintAttr | None = None,
        sources: Sequence[str] = (),
        body: Region | None = None,
        attributes: Mapping[str, Attribute] | None = None,
    ) -> None:
        rules = {"init": init, "regularizer": regularizer, "constraint": constraint}
        given = {key: rule for key, rule in rules.items() if rule is not None}
        refs = ArrayAttr([SymbolRefAttr(source) for source in sources]) if sources else _NO_SOURCES
        # As in `WeightRead`: without irdl's matching of lists.
        Operation.__init__(
            self,
            properties={"sym_name": StringAttr(name), "type": type_, **given, "sources": refs},
            attributes=dict(attributes or {}),
            regions=[body] if body is not None else [],
        )

    @property
    def source_names(self) -> tuple[str, ...]:
        return tuple(source.root_reference.data for source in self.sources)

    def verify_(self) -> None:
        if self.body is None:
            if self.sources.data:
                raise VerifyException("a weight with sources needs a region that derives it")
            return
        if len(self.body.block.args) != len(self.sources):
            raise VerifyException(f"{len(self.sources)} sources, but {len(self.body.block.args)} region arguments")
        end = self.body.block.last_op
        if not isinstance(end, ReturnOp) or [value.type for value in end.values] != [self.type]:
            raise VerifyException(f"the region of a derived weight returns one value of type {self.type}")

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)
        printer.print_string(" : ")
        printer.print_attribute(self.type)
        rules = {"init": self.init, "regularizer": self.regularizer, "constraint": self.constraint}
        for keyword, rule in rules.items():
            if rule is not None:
                printer.print_string(f" {keyword} ")
                rule.print_short(printer)
        printer.print_op_attributes(self.attributes)
        if self.body is not None:
            printer.print_string(" from (")
            printer.print_list(self.source_names, printer.print_symbol_name)
            printer.print_string(") ")
            printer.print_region(self.body)

    @classmethod
    def parse(cls, parser: Parser) -> WeightOp:
        name = parser.parse_symbol_name().data
        parser.parse_punctuation(":")
        type_ = parser.parse_type()
        if not isinstance(type_, TensorType):
            parser.raise_error("a weight is a tensor")
        init = InitializerAttr.parse_short(parser) if parser.parse_optional_keyword("init") else None
        regularizer = RegularizerAttr.parse_short(parser) if parser.parse_optional_keyword("regularizer") else None
        constraint = ConstraintAttr.parse_short(parser) if parser.parse_optional_keyword("constraint") else None
        attributes = parser.parse_optional_dictionary_attr_dict()
        sources: list[str] = []
        body = None
        if parser.parse_optional_keyword("from"):
            names = parser.parse_comma_separated_list(parser.Delimiter.PAREN, parser.parse_symbol_name)
            sources = [name.data for name in names]
            body = parser.parse_region()
        return cls(
            name,
            type_,
            init=init,
            regularizer=regularizer,
            constraint=constraint,
            sources=sources,
            body=body,
            attributes=attributes,
        )


class FunctionLike(IRDLOperation):
    """The shared form of graph.func and graph.model: `@name(%x: type, ..) -> (type, ..) [clauses] { .. }`."""

    sym_name = prop_def(SymbolNameConstraint())
    returns = prop_def(ArrayAttr[Attribute])
    body = region_def("single_block")

    @property
    def block(self) -> Block:
        return self.body.block

    @property
    def arguments(self) -> Sequence[SSAValue]:
        return self.body.block.args

    @property
    def terminator(self) -> Operation:
        end = self.body.block.last_op
        if end is None:
            raise VerifyException(f"@{self.sym_name.data} has no body")
        return end

    def verify_(self) -> None:
        end = self.body.block.last_op
        if not isinstance(end, ReturnOp):
            raise VerifyException(f"@{self.sym_name.data} must end in graph.return")
        found = [value.type for value in end.operands]
        if found != list(self.returns):
            shown = ", ".join(map(str, self.returns))
            raise VerifyException(f"@{self.sym_name.data} returns ({', '.join(map(str, found))}), declared ({shown})")

    def _print_signature(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)
        printer.print_string("(")
        printer.print_list(self.body.block.args, printer.print_block_argument)
        printer.print_string(") -> (")
        printer.print_list(self.returns.data, printer.print_attribute)
        printer.print_string(")")

    def _print_body(self, printer: Printer) -> None:
        print_clauses(printer, self.attributes)
        printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False)


def _parse_attributes(parser: Parser) -> Mapping[str, Attribute]:
    found = parser.parse_optional_attr_dict_with_keyword()
    return found.data if isinstance(found, DictionaryAttr) else {}


@irdl_op_definition
class FuncOp(FunctionLike):
    """A network, macro or repeated block applied by graph.call: emitters write a class for it."""

    name = "graph.func"
    traits = traits_def(SymbolOpInterface(), IsolatedFromAbove())

    def __init__(
        self,
        name: str,
        result_types: Sequence[Attribute],
        body: Region,
        attributes: Mapping[str, Attribute] | None = None,
    ) -> None:
        super().__init__(
            properties={"sym_name": StringAttr(name), "returns": ArrayAttr(result_types)},
            attributes=dict(attributes or {}),
            regions=[body],
        )

    def print(self, printer: Printer) -> None:
        self._print_signature(printer)
        self._print_body(printer)

    @classmethod
    def parse(cls, parser: Parser) -> FuncOp:
        name = parser.parse_symbol_name().data
        arguments = parser.parse_comma_separated_list(parser.Delimiter.PAREN, parser.parse_argument)
        parser.parse_punctuation("->")
        results = parser.parse_comma_separated_list(parser.Delimiter.PAREN, parser.parse_type)
        attributes = _parse_attributes(parser)
        return cls(name, results, parser.parse_region(arguments), attributes)


@irdl_op_definition
class ModelOp(FunctionLike):
    """The model: what is compiled, with the names callers use for its inputs and outputs."""

    name = "graph.model"
    input_names = prop_def(ArrayAttr[StringAttr])
    output_names = prop_def(ArrayAttr[StringAttr])
    traits = traits_def(SymbolOpInterface(), IsolatedFromAbove())

    def __init__(
        self,
        name: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        result_types: Sequence[Attribute],
        body: Region,
        attributes: Mapping[str, Attribute] | None = None,
    ) -> None:
        super().__init__(
            properties={
                "sym_name": StringAttr(name),
                "returns": ArrayAttr(result_types),
                "input_names": ArrayAttr([StringAttr(name) for name in inputs]),
                "output_names": ArrayAttr([StringAttr(name) for name in outputs]),
            },
            attributes=dict(attributes or {}),
            regions=[body],
        )

    @property
    def inputs(self) -> tuple[str, ...]:
        return tuple(name.data for name in self.input_names)

    @property
    def outputs(self) -> tuple[str, ...]:
        return tuple(name.data for name in self.output_names)

    def verify_(self) -> None:
        super().verify_()
        if len(self.inputs) != len(self.body.block.args) or len(self.outputs) != len(self.returns):
            raise VerifyException(f"@{self.sym_name.data}: every input and output has one name")
        if len({*self.inputs}) != len(self.inputs) or len({*self.outputs}) != len(self.outputs):
            raise VerifyException(f"@{self.sym_name.data}: names of inputs and of outputs are distinct")
        verify_clauses(self.attributes)

    def print(self, printer: Printer) -> None:
        self._print_signature(printer)
        for keyword, names in (("inputs", self.inputs), ("outputs", self.outputs)):
            printer.print_string(f" {keyword} [")
            printer.print_list(names, printer.print_string_literal)
            printer.print_string("]")
        self._print_body(printer)

    @classmethod
    def parse(cls, parser: Parser) -> ModelOp:
        name = parser.parse_symbol_name().data
        arguments = parser.parse_comma_separated_list(parser.Delimiter.PAREN, parser.parse_argument)
        parser.parse_punctuation("->")
        results = parser.parse_comma_separated_list(parser.Delimiter.PAREN, parser.parse_type)
        parser.parse_keyword("inputs")
        inputs = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_str_literal)
        parser.parse_keyword("outputs")
        outputs = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_str_literal)
        attributes = _parse_attributes(parser)
        return cls(name, inputs, outputs, results, parser.parse_region(arguments), attributes)


@irdl_op_definition
class ReturnOp(Terminator):
    """Ends a func, a model or the region of a derived weight with its values."""

    name = "graph.return"


@irdl_op_definition
class CallOp(IRDLOperation):
    """`%y = graph.call @block(%x, %kernel) -> type`: applies a graph.func. `path` names this use ("encoder.3")."""

    name = "graph.call"
    callee = prop_def(FlatSymbolRefAttrConstr)
    path = opt_prop_def(StringAttr)
    args = var_operand_def()
    res = var_result_def()
    traits = traits_def(Pure())

    def __init__(
        self, callee: str, args: Sequence[SSAValue], result_types: Sequence[Attribute], path: str | None = None
    ) -> None:
        super().__init__(
            operands=[args],
            result_types=[result_types],
            properties={"callee": SymbolRefAttr(callee), "path": None if path is None else StringAttr(path)},
        )

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.callee.string_value())
        printer.print_string("(")
        printer.print_list(self.args, printer.print_ssa_value)
        printer.print_string(")")
        if self.path:
            printer.print_string(" path ")
            printer.print_string_literal(self.path.data)
        printer.print_string(" -> ")
        printer.print_list([result.type for result in self.res], printer.print_attribute)

    @classmethod
    def parse(cls, parser: Parser) -> CallOp:
        callee = parser.parse_symbol_name().data
        parser.parse_punctuation("(")
        args = parse_values(parser)
        parser.parse_punctuation(")")
        path = parser.parse_str_literal() if parser.parse_optional_keyword("path") else None
        parser.parse_punctuation("->")
        results = parser.parse_comma_separated_list(parser.Delimiter.NONE, parser.parse_type)
        return cls(callee, args, results, path)


@irdl_op_definition
class GetWeightOp(WeightRead):
    """`%k = graph.get_weight @dense.kernel -> tensor<784x128xf32>`: the value of a weight."""

    name = "graph.get_weight"
    result = result_def(TensorType)


def symbols(module: Operation) -> dict[str, Operation]:
    """The module's symbols by name, in one pass (a look-up through xDSL is linear in the module)."""
    found: dict[str, Operation] = {}
    for op in module.regions[0].block.ops:
        name = op.properties.get("sym_name")
        if isinstance(name, StringAttr):
            found[name.data] = op
    return found


def declared_dims(module: Operation) -> dict[str, DimOp]:
    return {name: op for name, op in symbols(module).items() if isinstance(op, DimOp)}


def the_model(module: Operation) -> ModelOp:
    """The one graph.model of a module. Raises ValueError where there is none or more than one."""
    models = [op for op in module.regions[0].block.ops if isinstance(op, ModelOp)]
    if len(models) != 1:
        raise ValueError(f"expected one graph.model in the module, found {len(models)}")
    return models[0]
