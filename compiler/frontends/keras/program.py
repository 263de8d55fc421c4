"""From the configuration of a Keras model to the checked program that the front end of the language lowers.

A layer is the layer of the language by its name, a model within the model a network used as a layer, a function of
keras.ops a layer that brings its lowering. A layer that is called several times is named once and keeps its weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from neuralc.frontends.keras.arguments import Arguments
from neuralc.frontends.keras.calls import WITHOUT_MASK, applied
from neuralc.frontends.keras.layers import brought, cast_to, itself, only, with_mask, with_results
from neuralc.frontends.keras.listing import Listing
from neuralc.frontends.keras.model_config import Call, LayerConfig, ModelConfig, Tensor, read_model
from neuralc.frontends.keras.names import Unique, identifier
from neuralc.frontends.keras.operations import Unknown, lowering_of_operation, name_of
from neuralc.frontends.keras.order import in_order
from neuralc.frontends.keras.refusals import Refusals, malformed
from neuralc.frontends.nr.layers.shared import Lowering
from neuralc.grammar.binding import Bound
from neuralc.grammar.diagnostics import Span
from neuralc.grammar.inputs import BATCH
from neuralc.grammar.program import (
    RUNNING,
    Body,
    BrokenNode,
    Callee,
    CallNode,
    Fed,
    LayerNode,
    Node,
    Program,
    ProgramInput,
    SharedNode,
    SizeDeclaration,
    Step,
    Use,
)
from neuralc.grammar.reporter import Reporter
from neuralc.grammar.signatures import find
from neuralc.grammar.signatures.base import ELEMENTS


@dataclass(frozen=True)
class Translation:
    """A program, and the layers that it was made of by the paths of their weights."""

    program: Program
    layers: Mapping[str, LayerConfig]


@dataclass
class _Run:
    """What the networks of one translation share."""

    listing: Listing
    floats: str
    """The float type of functions of integers, where the model does not say that of their results."""
    report: Reporter = field(default_factory=Reporter)
    refusals: Refusals = field(default_factory=Refusals)
    layers: dict[str, LayerConfig] = field(default_factory=dict)


def translate(config: LayerConfig, source: str) -> Translation:
    """The program of a serialized model; `source` is what messages call it. Raises NeuralcError.

    What is wrong with layers is in the `errors` of the program.
    """
    model = read_model(config)
    run = _Run(Listing(source, model), _floats(model))
    network = _Network(model, "", run)
    body = network.body()
    errors = [*run.report.errors, *([run.refusals.diagnostic()] if run.refusals else [])]
    program = Program(
        identifier(config.name),
        run.listing.whole,
        network.inputs,
        tuple(network.sizes()),
        (),
        body,
        network.outputs,
        messages=tuple(run.report.messages),
        errors=tuple(errors),
    )
    return Translation(program, run.layers)


class _Network:
    """One model: its values by name, and its layers as items of a body."""

    def __init__(self, model: ModelConfig, path: str, run: _Run) -> None:
        self.model, self.path, self.run = model, path, run
        self.layers = {layer.name: layer for layer in model.layers}
        self.inputs: tuple[ProgramInput, ...] = ()
        self.outputs: tuple[Use, ...] = ()
        self._names, scopes = Unique(), Unique()
        self._scopes = {layer.name: scopes.take(identifier(layer.name)) for layer in model.layers}
        self._values: dict[Tensor, str] = {}
        self._steps: list[Step] = []
        self._nodes: dict[str, LayerNode | CallNode | None] = {}
        self._counts, self._dtypes = _counts(model), _dtypes(model)
        self._arguments = _WithModels(self)

    def body(self) -> Body:
        """The layers of the model; inputs and outputs are known after it."""
        self._read_inputs()
        ends = self._name_outputs()
        for layer, index in in_order(self.model):
            self._apply(layer, index)
        for name, tensor in ends:
            if self._value(tensor) != name:
                span = self._span(tensor.layer)
                source = (Use(self._value(tensor), span),)
                self._steps.append(Step(brought("Identity", f"{name}_output", itself, source, span), (name,)))
        return Body(tuple(self._steps), max(1, sum(step.node.size for step in self._steps)), 1)

    def _span(self, layer: str, call: int = 0) -> Span:
        return self.run.listing.span(self.path, layer, call)

    # --- inputs and outputs ------------------------------------------------------------------------------------------
    def _read_inputs(self) -> None:
        ports: list[ProgramInput] = []
        for key, tensor in self.model.inputs:
            layer = self._layer(tensor)
            if layer.class_name != "InputLayer":
                raise malformed(f"the input `{layer.name}` of a model is made by a layer")
            name = self._names.take(identifier(key or layer.name))
            self._values[_plain(tensor)] = name
            ports.append(self._port(name, layer))
        self.inputs = tuple(ports)

    def _port(self, name: str, layer: LayerConfig) -> ProgramInput:
        shape, dtype = layer.config.get("batch_shape"), layer.config.get("dtype") or "float32"
        if not isinstance(shape, list) or not shape or any(not isinstance(size, int | None) for size in shape):
            raise malformed(f"the input `{layer.name}` has no shape")
        for flag in ("sparse", "ragged", "optional"):
            if layer.config.get(flag):
                self.run.refusals.add(f"InputLayer({flag}=True)", "values of a model are dense tensors", layer.name)
        if dtype not in ELEMENTS:
            self.run.refusals.add("InputLayer", f"its values are {dtype}", layer.name)
            dtype = "float32"
        sizes = tuple(f"{name}_{axis}" if size is None else size for axis, size in enumerate(shape) if axis)
        return ProgramInput(name, sizes, dtype, self._span(layer.name))

    def sizes(self) -> Iterator[SizeDeclaration]:
        """The sizes that the inputs leave open; a batch that the model fixes is a size of one value."""
        batches = {self._layer(tensor).config["batch_shape"][0] for _, tensor in self.model.inputs}
        fixed = batches.pop() if len(batches) == 1 else None
        if fixed is not None:
            yield SizeDeclaration(BATCH, "the batch of the inputs", fixed, fixed)
        for port in self.inputs:
            for axis, size in enumerate(port.sizes, 1):
                if isinstance(size, str):
                    yield SizeDeclaration(size, f"axis {axis} of the input `{port.name}`")

    def _name_outputs(self) -> list[tuple[str, Tensor]]:
        """Outputs have the names of their layers, or those of a dictionary."""
        ends: list[tuple[str, Tensor]] = []
        for key, tensor in self.model.outputs:
            self._layer(tensor)
            name = self._names.take(identifier(key or tensor.layer))
            ends.append((name, tensor))
            self._values.setdefault(_plain(tensor), name)
        self.outputs = tuple(Use(name, self._span(tensor.layer)) for name, tensor in ends)
        return ends

    def _layer(self, tensor: Tensor) -> LayerConfig:
        found = self.layers.get(tensor.layer)
        if found is None:
            raise malformed(f"nothing defines the layer `{tensor.layer}`")
        return found

    def _value(self, tensor: Tensor) -> str:
        """The name of a value. Raises NeuralcError for one that its layer does not give."""
        found = self._values.get(_plain(tensor))
        if found is None:
            raise malformed(f"the layer `{tensor.layer}` gives no value {tensor.index}")
        return found

    # --- layers ------------------------------------------------------------------------------------------------------
    def _apply(self, layer: LayerConfig, index: int) -> None:
        """A call of a layer as a step, with names for its results."""
        call, span = layer.calls[index], self._span(layer.name, index)
        path = self.path + self._scopes[layer.name]
        self.run.layers[path] = layer
        if layer.is_operation:
            self._give(self._operation(layer, call, path, span), layer, index)
            return
        use = applied(layer, call)
        problem = use.problem
        if problem is None and any(applied(layer, other).arguments != use.arguments for other in layer.calls):
            problem = "its calls have different arguments"
        if problem is not None:
            self.run.refusals.add(layer.class_name, problem, path)
            self._give(BrokenNode(span), layer, index)
            return
        positional = self._cast(layer, use.positional, index, span)
        named = {name: self._uses(values, span) for name, values in use.named.items()}
        if "mask" in named and not self._takes_mask(layer):
            mask = named.pop("mask")
            if layer.class_name not in WITHOUT_MASK:
                positional = self._masked(layer, positional, mask, span)
        if layer.name not in self._nodes:
            self._nodes[layer.name] = self._made(layer, path, span, use.arguments)
            if len(layer.calls) > 1:
                node = self._nodes[layer.name] or BrokenNode(span)
                self._steps.append(Step(node, (self._scopes[layer.name],), shared=True, applied=False))
        self._give(self._node(layer, Fed(positional, named), span), layer, index)

    def _made(self, layer: LayerConfig, path: str, span: Span, flags: Mapping[str, Any]) -> LayerNode | CallNode | None:
        if layer.is_model:
            return replace(self.call(layer, path, span), scope=self._scopes[layer.name])
        node = self._arguments.node(layer, path, span, flags)
        if node is None:
            return None
        signature = with_results(node.signature, self._counts[layer.name])
        arguments = Bound({**node.arguments.values, "name": self._scopes[layer.name]}, node.arguments.spans)
        return replace(node, signature=signature, arguments=arguments)

    def _node(self, layer: LayerConfig, fed: Fed, span: Span) -> Node:
        node = self._nodes[layer.name]
        if node is None:
            return BrokenNode(span)
        if len(layer.calls) > 1:
            return SharedNode(self._scopes[layer.name], fed, span)
        return replace(node, fed=fed)

    def _operation(self, layer: LayerConfig, call: Call, path: str, span: Span) -> Node:
        result = self._dtypes.get(Tensor(layer.name, layer.calls.index(call), 0), "")
        try:
            lower = lowering_of_operation(layer, call, result if "float" in result else self.run.floats)
        except Unknown as problem:
            self.run.refusals.add(f"keras.ops {name_of(layer)}", str(problem), path)
            return BrokenNode(span)
        cut = only(lower, self._counts[layer.name])
        return brought(layer.class_name, self._scopes[layer.name], cut, self._uses(call.tensors, span), span)

    def _give(self, node: Node, layer: LayerConfig, index: int) -> None:
        """Adds a step whose results have the names that others use them by."""
        targets = []
        for place in range(self._counts[layer.name]):
            tensor = Tensor(layer.name, index, place)
            if tensor not in self._values:
                base = self._scopes[layer.name]
                self._values[tensor] = self._names.take(base if place == 0 else f"{base}_{place}")
            targets.append(self._values[tensor])
        self._steps.append(Step(node, tuple(targets)))

    # --- values ------------------------------------------------------------------------------------------------------
    def _uses(self, tensors: Sequence[Tensor], span: Span) -> tuple[Use, ...]:
        return tuple(Use(self._value(tensor), span) for tensor in tensors)

    def _takes_mask(self, layer: LayerConfig) -> bool:
        signature = None if layer.is_model else find(layer.class_name)
        return signature is not None and "mask" in signature.inputs.names

    def _masked(
        self, layer: LayerConfig, positional: tuple[Use, ...], mask: tuple[Use, ...], span: Span
    ) -> tuple[Use, ...]:
        """Values that carry the masks that a call gives: what Keras does for models, and for layers that read them."""
        if len(mask) != len(positional):
            return positional
        return tuple(
            self._extra(f"{layer.name}_mask", with_mask, (value, given), span)
            for value, given in zip(positional, mask, strict=True)
        )

    def _cast(self, layer: LayerConfig, tensors: Sequence[Tensor], index: int, span: Span) -> tuple[Use, ...]:
        """The values of a call; a model gets them in the types of its inputs, as Keras casts them."""
        uses = self._uses(tensors, span)
        if not layer.is_model:
            return uses
        inner = read_model(layer)
        wanted = [
            next(each for each in inner.layers if each.name == tensor.layer).config.get("dtype")
            for _, tensor in inner.inputs
        ]
        return tuple(
            use
            if not tensor.dtype or dtype is None or tensor.dtype == dtype
            else self._extra(f"{layer.name}_cast", cast_to(dtype), (use,), span)
            for use, tensor, dtype in zip(uses, tensors, wanted, strict=False)
        )

    def _extra(self, base: str, lower: Lowering, uses: tuple[Use, ...], span: Span) -> Use:
        name = self._names.take(identifier(base))
        self._steps.append(Step(brought("Identity", name, lower, uses, span), (name,)))
        return Use(name, span)

    # --- models within models ----------------------------------------------------------------------------------------
    def call(self, layer: LayerConfig, path: str, span: Span) -> CallNode:
        """A model as a network that is used as a layer."""
        inner = _Network(read_model(layer), f"{path}.", self.run)
        body = inner.body()
        callee = Callee(identifier(layer.name), body, inner.inputs, inner.outputs)
        return CallNode(callee, identifier(layer.name), RUNNING, span, span, body.size)


class _WithModels(Arguments):
    """Arguments of layers that hold models: `TimeDistributed(encoder)`."""

    def __init__(self, network: _Network) -> None:
        super().__init__(network.run.report, network.run.refusals)
        self._network = network

    def inner(self, layer: LayerConfig, path: str, span: Span) -> LayerNode | CallNode | None:
        return self._network.call(layer, path, span) if layer.is_model else super().inner(layer, path, span)


def _plain(tensor: Tensor) -> Tensor:
    """A value without what is said of it."""
    return replace(tensor, dtype="")


def _counts(model: ModelConfig) -> Mapping[str, int]:
    """How many results of each layer have to have names: up to the last one that is used."""
    counts = {layer.name: len(read_model(layer).outputs) if layer.is_model else 1 for layer in model.layers}
    used = [tensor for layer in model.layers for call in layer.calls for tensor in call.tensors]
    for tensor in (*used, *(tensor for _, tensor in model.outputs)):
        counts[tensor.layer] = max(counts.get(tensor.layer, 1), tensor.index + 1)
    return counts


def _dtypes(model: ModelConfig) -> Mapping[Tensor, str]:
    """The types of values, as far as their users say them."""
    used = (tensor for layer in model.layers for call in layer.calls for tensor in call.tensors)
    return {_plain(tensor): tensor.dtype for tensor in used if tensor.dtype}


def _floats(model: ModelConfig) -> str:
    """The float type of a model: that of its first input or layer that has one; float32 where nothing says it."""
    for layer in model.layers:
        match layer.config.get("dtype"):
            case str() as name if "float" in name:
                return name.removeprefix("mixed_")
            case {"config": {"name": str() as name}}:
                return name.removeprefix("mixed_")
    return "float32"
