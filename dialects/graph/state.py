"""What a model keeps from one run to the next: the state of a recurrent layer, a cache, a count.

    graph.state @lstm.h : tensor<?x64xf32, #graph.dims<batch>>
    graph.model @m(%x: ..) -> (..) inputs ["x"] outputs ["y"] {
      %h = graph.get_state @lstm.h -> tensor<?x64xf32, #graph.dims<batch>>
      ..
      graph.set_state @lstm.h, %next
      graph.return %y
    }

| op              | meaning | built by |
|-----------------|---------|----------|
| graph.state     | declares a state: its type, and what it holds at first | `StateOp(name, type, initial)` |
| graph.get_state | the value that the run finds, wherever the op stands | `GetStateOp(name, type)` |
| graph.set_state | the value that the next run finds, at most one a state | `SetStateOp(name, value)` |

States belong to the context of a run; a reset lets all of them begin anew. The first run after it fixes the symbolic
sizes in their types, and a run with other ones is an error (E0912); sizes that no state has may change from run to
run. A run that its data ends (E0910, E0911) resets the states.

A state is read and written in the model itself: a function gets it as an argument and returns its next value, a region
captures it. The tensor level keeps the three ops as they are.
"""

from __future__ import annotations

from typing import Self

from xdsl.dialects.builtin import (
    FlatSymbolRefAttrConstr,
    FloatAttr,
    StringAttr,
    SymbolNameConstraint,
    SymbolRefAttr,
    TensorType,
)
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import Pure, SymbolOpInterface
from xdsl.utils.exceptions import VerifyException

from neuralc.dialects.common import StateAccess
from neuralc.dialects.graph.module import ModelOp, WeightOp, symbols
from neuralc.dialects.syntax import NUMBER, parse_optional_literal, parse_value, print_literal, to_attribute, to_literal
from neuralc.dialects.types import AnyTensor, element_of, format_shape, is_float, shape_of


@irdl_op_definition
class StateOp(IRDLOperation):
    """A state by name, and what it holds before the first run.

    `graph.state @h : tensor<4x64xf32>` begins with zeros, `.. init 1.0` with that number everywhere, `.. init @start`
    with a weight. A weight may lack leading dims of the state: it is repeated along them.
    """

    name = "graph.state"
    sym_name = prop_def(SymbolNameConstraint())
    type = prop_def(TensorType)
    initial = prop_def(NUMBER | FlatSymbolRefAttrConstr)
    traits = traits_def(SymbolOpInterface())

    def __init__(self, name: str, type_: AnyTensor, initial: bool | int | float | str = 0) -> None:
        """`initial` is a number, or the name of a weight."""
        if isinstance(initial, str):
            value: Attribute = SymbolRefAttr(initial)
        else:
            value = to_attribute(float(initial) if is_float(type_.element_type) else initial)
        super().__init__(properties={"sym_name": StringAttr(name), "type": type_, "initial": value})

    @property
    def initial_weight(self) -> str | None:
        """The weight that the state begins with, where it does not begin with a number."""
        return self.initial.root_reference.data if isinstance(self.initial, SymbolRefAttr) else None

    def verify_(self) -> None:
        shape_of(self.type)  # each `?` has an expression
        if self.initial_weight is not None:
            self._verify_weight(self.initial_weight)
        elif isinstance(self.initial, FloatAttr) and not is_float(self.type.element_type):
            raise VerifyException(f"a state of {self.type.element_type} does not begin with {to_literal(self.initial)}")

    def _verify_weight(self, name: str) -> None:
        table = _table_around(self)
        if table is None or name not in table:
            return  # the walk over symbols says so
        weight = table[name]
        if not isinstance(weight, WeightOp):
            raise VerifyException(f"@{name} is no graph.weight: a state begins with a number or a weight")
        own, given = shape_of(self.type), shape_of(weight.type)
        if element_of(weight.type) != element_of(self.type) or given != own[max(0, len(own) - len(given)) :]:
            raise VerifyException(
                f"weight @{name} of {element_of(weight.type)} {format_shape(given)} does not fill a state of "
                f"{element_of(self.type)} {format_shape(own)}: it has the shape of the state, or its last dims"
            )

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)
        printer.print_string(" : ")
        printer.print_attribute(self.type)
        if self.initial_weight is not None:
            printer.print_string(" init ")
            printer.print_symbol_name(self.initial_weight)
        elif to_literal(self.initial) != 0:
            printer.print_string(" init ")
            print_literal(printer, self.initial)
        printer.print_op_attributes(self.attributes)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        name = parser.parse_symbol_name().data
        parser.parse_punctuation(":")
        type_ = parser.parse_type()
        if not isinstance(type_, TensorType):
            parser.raise_error("a state is a tensor")
        initial: bool | int | float | str = 0
        if parser.parse_optional_keyword("init"):
            initial = _parse_initial(parser, type_)
        op = cls(name, type_, initial)
        op.attributes |= parser.parse_optional_dictionary_attr_dict()
        return op


def _parse_initial(parser: Parser, type_: AnyTensor) -> bool | int | float | str:
    symbol = parser.parse_optional_symbol_name()
    if symbol is not None:
        return symbol.data
    number = parse_optional_literal(parser, 0.0 if is_float(type_.element_type) else 0)
    found = None if number is None else to_literal(number)
    if not isinstance(found, bool | int | float):
        parser.raise_error("a state begins with a number or with a weight")
    return found


@irdl_op_definition
class GetStateOp(StateAccess):
    """`%h = graph.get_state @lstm.h -> type`: what the run found, also behind a set_state of the same state."""

    name = "graph.get_state"
    result = result_def(TensorType)
    traits = traits_def(Pure())

    def verify_(self) -> None:
        _verify_access(self, self.state_name, self.result.type)


@irdl_op_definition
class SetStateOp(IRDLOperation):
    """`graph.set_state @lstm.h, %next`: what the next run finds. It takes effect when the run has ended."""

    name = "graph.set_state"
    state = prop_def(FlatSymbolRefAttrConstr)
    value = operand_def(TensorType)

    def __init__(self, state: str, value: SSAValue) -> None:
        super().__init__(operands=[value], properties={"state": SymbolRefAttr(state)})

    @property
    def state_name(self) -> str:
        return self.state.root_reference.data

    def verify_(self) -> None:
        _verify_access(self, self.state_name, self.value.type)
        others = self.parent.ops if self.parent is not None else ()
        if sum(isinstance(op, SetStateOp) and op.state == self.state for op in others) > 1:
            raise VerifyException(f"state @{self.state_name} is set more than once")

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.state_name)
        printer.print_string(", ")
        printer.print_ssa_value(self.value)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        name = parser.parse_symbol_name().data
        parser.parse_punctuation(",")
        return cls(name, parse_value(parser))


def declared_states(module: Operation) -> dict[str, StateOp]:
    return {name: op for name, op in symbols(module).items() if isinstance(op, StateOp)}


def _verify_access(op: Operation, name: str, type_: Attribute) -> None:
    """Raise VerifyException for an access outside of a model, of what is no state, or of another type than it has."""
    outer = op.parent_op()
    if outer is not None and not isinstance(outer, ModelOp):
        raise VerifyException(f"a state is accessed in graph.model itself, not in {outer.name}: hand its value on")
    table = _table_around(op)
    if table is None or name not in table:
        return  # the walk over symbols says so
    state = table[name]
    if not isinstance(state, StateOp):
        raise VerifyException(f"@{name} is no graph.state")
    if state.type != type_:
        raise VerifyException(f"state @{name} is {state.type}, not {type_}")


def _table_around(op: Operation) -> dict[str, Operation] | None:
    """The symbols of the module that an op stands in, if it stands in one."""
    top = op.parent_op()
    while top is not None and (outer := top.parent_op()) is not None:
        top = outer
    return None if top is None else symbols(top)
