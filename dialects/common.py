"""Forms that ops of several levels share: a terminator with values, reads of weights and states, views of a tensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from xdsl.dialects.builtin import FlatSymbolRefAttrConstr, SymbolRefAttr, TensorType
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import IRDLOperation, operand_def, prop_def, result_def, traits_def, var_operand_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import IsTerminator, Pure
from xdsl.utils.exceptions import VerifyException

from neuralc.dialects.dims import product
from neuralc.dialects.syntax import IntsAttr, PlainOp, parse_values
from neuralc.dialects.types import ShapeError, element_of, format_shape, shape_of, tensor_type

CUMULATIONS = ("add", "mul", "maximum", "minimum")
"""How values met one after the other are combined: along a dim, or at one place."""
SCATTERS = ("set", *CUMULATIONS)
"""What happens to a value that another is written to."""


class Terminator(IRDLOperation):
    """Ends a region with its values: `level.op %a, %b`."""

    values = var_operand_def()
    traits = traits_def(IsTerminator())

    def __init__(self, values: Sequence[SSAValue] = ()) -> None:
        super().__init__(operands=[values])

    def print(self, printer: Printer) -> None:
        if self.values:
            printer.print_string(" ")
            printer.print_list(self.values, printer.print_ssa_value)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        return cls(parse_values(parser))


class UsesSymbols:
    """An op with rules about what it names by symbols: the walk over a module knows that, so that no op searches."""

    def verify_symbols(self, known: Mapping[str, Operation]) -> None:
        """Check them; that a symbol is not known is said by the walk. Raises VerifyException."""


class WeightRead(IRDLOperation):
    """The value of a weight: `level.op @dense.kernel -> type`."""

    weight = prop_def(FlatSymbolRefAttrConstr)
    result = result_def()
    traits = traits_def(Pure())

    def __init__(self, weight: str, type_: Attribute) -> None:
        # irdl's own matches lists with definitions; that takes longer than all else, and a model has many of these ops.
        Operation.__init__(self, properties={"weight": SymbolRefAttr(weight)}, result_types=[type_])

    @property
    def weight_name(self) -> str:
        return self.weight.root_reference.data

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.weight_name)
        printer.print_string(" -> ")
        printer.print_attribute(self.result.type)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        name = parser.parse_symbol_name().data
        parser.parse_punctuation("->")
        return cls(name, parser.parse_type())


class StateAccess(IRDLOperation):
    """A value or memory of a state: `level.op @lstm.h -> type`."""

    state = prop_def(FlatSymbolRefAttrConstr)
    result = result_def()

    def __init__(self, state: str, type_: Attribute) -> None:
        super().__init__(properties={"state": SymbolRefAttr(state)}, result_types=[type_])

    @property
    def state_name(self) -> str:
        return self.state.root_reference.data

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.state_name)
        printer.print_string(" -> ")
        printer.print_attribute(self.result.type)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        name = parser.parse_symbol_name().data
        parser.parse_punctuation("->")
        return cls(name, parser.parse_type())


class Reshape(PlainOp):
    """The same values in row-major order under the result's shape."""

    x = operand_def(TensorType)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    MOVES: ClassVar = True

    def verify_(self) -> None:
        before, after = shape_of(self.x.type), shape_of(self.result.type)
        if product(before) != product(after) or element_of(self.x.type) != element_of(self.result.type):
            raise VerifyException(f"cannot reshape {format_shape(before)} to {format_shape(after)}")


class Transpose(PlainOp):
    """Result dim i is operand dim perm[i] (numpy.transpose)."""

    x = operand_def(TensorType)
    perm = prop_def(IntsAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    MOVES: ClassVar = True

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        shape, perm = shape_of(types[0]), properties["perm"]
        if sorted(perm) != list(range(len(shape))):
            raise ShapeError(f"perm {list(perm)} is not an order of {len(shape)} dims")
        return tensor_type([shape[axis] for axis in perm], element_of(types[0]))
