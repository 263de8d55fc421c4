"""States: weights that no one trains, which a call reads, and sets when it has ended. `reset()` forgets them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from xdsl.dialects.builtin import SymbolRefAttr
from xdsl.ir import Operation

from neuralc.dialects.dims import as_dim
from neuralc.dialects.graph import GetStateOp, SetStateOp, StateOp
from neuralc.dialects.syntax import to_literal
from neuralc.dialects.types import element_of, numpy_dtype, shape_of
from neuralc.emit.python.expressions import Expression, Value, call, literal, name
from neuralc.emit.python.names import identifier
from neuralc.emit.python.nodes import Kind
from neuralc.emit.python.sizes import written
from neuralc.emit.python.values import Values
from neuralc.emit.python.writer import Writer
from neuralc.emit.refusals import Refusals


def attribute_of(state: str) -> str:
    """The attribute that holds a state, which is its name in Keras too."""
    return f"state_{identifier(state)}"


def kept(state: str, value: Expression) -> Expression:
    """The statement that sets a state."""
    return call(f"self.{attribute_of(state)}.assign", value)


@dataclass(frozen=True)
class States:
    """The states of a model, as the class of the model has them."""

    declared: Mapping[str, StateOp]

    @property
    def attributes(self) -> list[str]:
        return [attribute_of(state) for state in self.declared]

    @property
    def sizes(self) -> list[str]:
        """The symbolic sizes of states, which are parameters: a batch goes on where it ended."""
        shapes = [shape_of(op.type) for op in self.declared.values()]
        return sorted({symbol for shape in shapes for size in shape for symbol in as_dim(size).symbols})

    @property
    def parameters(self) -> list[str]:
        return [f"{size}=1" for size in self.sizes]

    def write_build(self, writer: Writer) -> None:
        """`self.state_h = self.add_weight(..)`."""
        for state, op in self.declared.items():
            options: dict[str, Value] = {"name": attribute_of(state), "shape": self._shape(op)}
            dtype = numpy_dtype(element_of(op.type)).name
            if dtype != "float32":
                options["dtype"] = dtype
            number = to_literal(op.initial)
            constant = name(f"keras.initializers.Constant({literal(number)})") if number else "zeros"
            options |= {"initializer": constant, "trainable": False}
            writer.statement(f"self.{attribute_of(state)} = ", call("self.add_weight", **options))

    def write_reset(self, writer: Writer) -> None:
        """`reset()`."""
        writer.blank()
        with writer.block("def reset(self):"):
            writer.docstring("Begin anew: forget what calls have kept.")
            for state, op in self.declared.items():
                held, number = name(f"self.{attribute_of(state)}"), to_literal(op.initial)
                first = call("ops.full_like", held, number) if number else call("ops.zeros_like", held)
                writer.statement("", call(f"{held}.assign", first))

    def refuse_weights(self, form: str) -> None:
        """Raises E0850 for states that begin with a weight, which a call would have to look up."""
        refusals = Refusals(form)
        for op in self.declared.values():
            if isinstance(op.initial, SymbolRefAttr):
                refusals.add(op, f"state @{op.sym_name.data} begins with a weight")
        refusals.raise_if_any()

    def _shape(self, op: StateOp) -> Value:
        places = {symbol: name(f"self.{symbol}") for symbol in self.sizes}
        return tuple(size if isinstance(size, int) else written(size, places) for size in shape_of(op.type))


def _get_state(values: Values, op: GetStateOp) -> None:
    held = name(f"self.{attribute_of(op.state_name)}")
    values.define(op, Kind.OTHER, [], lambda _: call("ops.convert_to_tensor", held))


def _set_state(values: Values, op: SetStateOp) -> None:
    values.kept[op.state_name] = values.operand(op, 0)


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    GetStateOp: _get_state,
    SetStateOp: _set_state,
}
