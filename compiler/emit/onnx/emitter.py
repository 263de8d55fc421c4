"""`--emit=onnx`: the ONNX model of a graph module as the front end made it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import onnx
from onnx import helper
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, Operation

from neuralc import __version__
from neuralc.dialects.graph import (
    GetStateOp,
    GetWeightOp,
    ModelOp,
    SetStateOp,
    StateOp,
    refuse_custom,
    symbols,
    the_model,
)
from neuralc.dialects.types import Shape, element_of, shape_of
from neuralc.dialects.weights import WeightStore
from neuralc.emit.layouts import natural
from neuralc.emit.onnx.functions import VERSION, Functions
from neuralc.emit.onnx.layouts import OnnxLayouts
from neuralc.emit.onnx.metadata import metadata
from neuralc.emit.onnx.subgraphs import port
from neuralc.emit.onnx.subgraphs import result as result_port
from neuralc.emit.onnx.values import Values
from neuralc.emit.onnx.weights import Tensors
from neuralc.emit.onnx.writer import Opset, Scope
from neuralc.emit.refusals import Refusals
from neuralc.frontends.onnx.metadata import NEXT, PRODUCER


@dataclass(frozen=True)
class OnnxModel:
    """A model and its weights, which stand in a file of their own where they are large."""

    _write: Callable[[Sequence[onnx.TensorProto]], bytes]
    tensors: Tensors

    def whole(self) -> bytes:
        """The model with all its weights. Raises NeuralcError E0850 where they are more than a message may hold."""
        return self._write(self.tensors.inside())

    def beside(self, location: str) -> bytes:
        """The model whose weights are `pieces` in the file `location` of its folder."""
        return self._write(self.tensors.outside(location))

    def pieces(self) -> Iterator[bytes | memoryview]:
        """The bytes of that file."""
        return self.tensors.pieces()


def emit(module: ModuleOp, weights: WeightStore) -> OnnxModel:
    """The ONNX model of `module`.

    Inputs, outputs and weights have the model's names, functions become local functions. The operator set is the lowest
    one that all operators are in, at least 17. A state is one more input `name`, and one more output `name_out`.
    Raises NeuralcError: E0850 lists every op that ONNX does not say, E0704 the layers without a meaning, E0504 a weight
    without values.
    """
    refuse_custom(module.walk())
    table, model = symbols(module), the_model(module)
    layouts = OnnxLayouts(table, model)
    layouts.analyze(model, [natural(argument) for argument in model.arguments])
    opset = Opset()
    while True:
        refusals = Refusals("ONNX")
        graph = _Graph(model, Functions(table, layouts, refusals, opset, model.sym_name.data))
        graph.write()
        refusals.raise_if_any()
        if opset.needed == opset.version:
            break
        opset = Opset(opset.needed, opset.needed)
    tensors = Tensors(
        module, weights, table, {name: layouts.of_weights[name] for name in graph.weights}, graph.values.forms
    )
    entries = list(metadata(module, model))

    def write(initializers: Sequence[onnx.TensorProto]) -> bytes:
        proto = graph.proto(initializers)
        proto.metadata_props.extend(entries)
        text: bytes = proto.SerializeToString(deterministic=True)
        return text

    return OnnxModel(write, tensors)


@dataclass
class _Graph:
    """The main graph."""

    model: ModelOp
    functions: Functions
    inputs: list[onnx.ValueInfoProto] = field(default_factory=list)
    outputs: list[onnx.ValueInfoProto] = field(default_factory=list)
    values: Values = field(init=False)

    def write(self) -> None:
        names = list(self.model.inputs)
        scope = Scope(self.functions.opset)
        for name in (*names, *self.weights, *self.model.outputs):
            scope.names.claim(name)
        self.values = self.functions.values(scope, self.model.arguments, names)
        self.inputs = [
            port(name, element_of(argument.type), shape_of(argument.type))
            for name, argument in zip(names, self.model.arguments, strict=True)
        ]
        self.values.weights = Counter(op.weight_name for op in self.model.walk() if isinstance(op, GetWeightOp))
        self._states(scope)
        outputs = self._output_names(scope)
        end, reserved = self.model.terminator, self.values.reserved
        for value, name in zip(end.operands, outputs, strict=True):
            computed = isinstance(value.owner, Operation) and not isinstance(value.owner, GetWeightOp | GetStateOp)
            if computed and self.functions.layouts.orders[value] == natural(value):
                reserved.setdefault(value, name)
        self.functions.block(self.values, self.model)
        for index, (value, name) in enumerate(zip(end.operands, outputs, strict=True)):
            self.values.turned.clear()
            made = self.values.operand(end, index)
            turned = made != self.values.names[value]
            self._output(made, name, element_of(value.type), shape_of(value.type), turned=turned)
        self._next_states()

    @property
    def weights(self) -> list[str]:
        """The weights that the model reads, or that states begin with, in the order of the module."""
        read = {op.weight_name for op in self.model.walk() if isinstance(op, GetWeightOp)}
        read |= {start for name in self._state_names if (start := self._state(name).initial_weight) is not None}
        return [name for name in self.functions.table if name in read]

    def _output_names(self, scope: Scope) -> list[str]:
        """Those of the model; one that an input has already gets another."""
        taken = {*self.model.inputs, *self.weights}
        return [scope.names.claim(name) if name in taken else name for name in self.model.outputs]

    def _output(self, made: str, name: str, element: Attribute, shape: Shape, *, turned: bool = False) -> None:
        """A node that only turns the result round, for this output alone, has the output's name."""
        self.values.writer.label = ""
        if turned:
            self.values.writer.rename(made, name)
        elif made != name:
            self.values.write("Identity", made, element=element, output=name)
        self.outputs.append(result_port(name, element, shape))

    # -- states ------------------------------------------------------------------------------------------------------
    def _states(self, scope: Scope) -> None:
        """An input for each state that the model reads or writes."""
        for name in self._state_names:
            type_ = self._state(name).type
            claimed = self.values.states[name] = scope.names.claim(name)
            scope.elements[claimed] = element_of(type_)
            self.inputs.append(port(claimed, element_of(type_), shape_of(type_)))
            self.values.sizes.add(claimed, shape_of(type_))

    def _next_states(self) -> None:
        for name in self._state_names:
            type_ = self._state(name).type
            made = self.values.next_states.get(name, self.values.states[name])
            claimed = self.values.writer.claim(self.values.states[name] + NEXT)
            self._output(made, claimed, element_of(type_), shape_of(type_))

    @property
    def _state_names(self) -> list[str]:
        used = {op.state_name for op in self.model.walk() if isinstance(op, GetStateOp | SetStateOp)}
        return [name for name in self.functions.table if name in used]

    def _state(self, name: str) -> StateOp:
        state = self.functions.table[name]
        assert isinstance(state, StateOp), "the verifier resolves states"
        return state

    # -- the model ---------------------------------------------------------------------------------------------------
    def proto(self, initializers: Sequence[onnx.TensorProto]) -> onnx.ModelProto:
        name, opset = self.model.sym_name.data, self.functions.opset.version
        graph = helper.make_graph(self.values.writer.nodes, name, self.inputs, self.outputs, list(initializers))
        imports = [helper.make_opsetid("", opset)]
        functions = list(self.functions.written.values())
        if functions:
            imports.append(helper.make_opsetid(name, VERSION))
        return helper.make_model(
            graph,
            producer_name=PRODUCER,
            producer_version=__version__,
            opset_imports=imports,
            functions=functions,
            ir_version=max(8, helper.find_min_ir_version_for(imports[:1])),
        )
