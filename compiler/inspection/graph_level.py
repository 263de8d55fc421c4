"""What a model of the graph level consists of, without compiling it: its layers, and what they cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, Operation, SSAValue

from neuralc.dialects.dims import Dim, as_dim, product
from neuralc.dialects.graph import (
    CustomOp,
    GetStateOp,
    GetWeightOp,
    ModelOp,
    SetStateOp,
    WeightOp,
    declared_dims,
    declared_states,
    the_model,
)
from neuralc.dialects.graph.cost import cost
from neuralc.dialects.types import element_bytes, element_of, numpy_dtype, shape_of
from neuralc.inspection.kinds import kind_of
from neuralc.inspection.memory import memory_of, size_in_bytes
from neuralc.inspection.names import Parts, names_of
from neuralc.inspection.summary import Layer, Port, Shape, Size, State, Summary, Unsupported, Value
from neuralc.passes.locations import file_positions

HIDDEN = {"graph.get_weight", "graph.get_state", "graph.set_state", "graph.constant", "graph.size", "graph.return"}
"""Ops that are no layers: values that are there."""

UNDEFINED = "no plugin brings it"


def summarize(name: str, module: ModuleOp, sizes: Mapping[str, int]) -> Summary:
    """The summary of a graph module without calls; costs are for the given values of its symbols."""
    model = the_model(module)
    sources = _sources(model.block.ops)
    ops = [op for op in model.block.ops if op.name not in HIDDEN and op.results[0] not in sources]
    weights = _weights(module, model)
    values = _Values(sizes)
    inputs = [_port(text, value, values) for text, value in zip(model.inputs, model.arguments, strict=True)]
    memory = memory_of(ops, [*model.arguments], [*model.terminator.operands], sizes)
    flops = [cost(op).flops for op in ops]
    describe = _Describe(sizes, values, sources, {each: _count(op.type, sizes) for each, op in weights.items()})
    layers = [describe.layer(*each) for each in zip(ops, names_of(ops), flops, memory.made, memory.live, strict=True)]
    outputs = [_port(text, value, values) for text, value in zip(model.outputs, model.terminator.operands, strict=True)]
    peak = max(memory.live, default=memory.at_start)
    return Summary(
        name,
        inputs,
        outputs,
        [_state(text, op.type, model, values) for text, op in declared_states(module).items()],
        [_size(symbol, dim, sizes) for symbol, dim in declared_dims(module).items()],
        values.known,
        layers,
        dict(Counter(layer.op for layer in layers).most_common()),
        sum(_count(op.type, sizes) for op in weights.values()),
        sum(_count(op.type, sizes) * element_bytes(element_of(op.type)) for op in weights.values()),
        sum(layer.flops or 0 for layer in layers),
        str(sum(flops, Dim.constant(0))),
        peak,
        memory.live.index(peak) if memory.live else None,
        _without_meaning(layers),
    )


def _without_meaning(layers: Iterable[Layer]) -> list[Unsupported]:
    """Layers that nobody defines."""
    places: dict[str, list[str]] = {}
    for layer in layers:
        if layer.refused:
            places.setdefault(layer.op, []).append(layer.name)
    return [Unsupported(op, UNDEFINED, len(names), names[0]) for op, names in sorted(places.items())]


def _weights(module: ModuleOp, model: ModelOp) -> dict[str, WeightOp]:
    """Those that the model reads: in a dump, weights that others were computed from are there too."""
    read = {op.weight_name for op in model.walk() if isinstance(op, GetWeightOp)}
    return {
        op.sym_name.data: op for op in module.body.block.ops if isinstance(op, WeightOp) and op.sym_name.data in read
    }


def _sources(ops: Iterable[Operation]) -> dict[SSAValue, frozenset[str]]:
    """The values that follow from weights alone, each with their names: the compiler computes them once."""
    found: dict[SSAValue, frozenset[str]] = {}
    for op in ops:
        if isinstance(op, GetWeightOp):
            found[op.result] = frozenset((op.weight_name,))
        elif op.name == "graph.constant" or (op.operands and all(operand in found for operand in op.operands)):
            names = frozenset(name for operand in op.operands for name in found[operand])
            found.update(dict.fromkeys(op.results, names))
    return found


@dataclass
class _Values:
    """The values of a summary: numbered as they are met."""

    sizes: Mapping[str, int]
    known: list[Value] = field(default_factory=list)
    numbers: dict[SSAValue, int] = field(default_factory=dict)

    def number(self, value: SSAValue) -> int:
        if value not in self.numbers:
            self.numbers[value] = len(self.known)
            at = tuple(as_dim(size).evaluate(self.sizes) for size in shape_of(value.type))
            known = Value(_dtype(value.type), _shape(value.type), at, size_in_bytes(value.type, self.sizes))
            self.known.append(known)
        return self.numbers[value]


@dataclass(frozen=True)
class _Describe:
    sizes: Mapping[str, int]
    values: _Values
    sources: Mapping[SSAValue, frozenset[str]]
    counts: dict[str, int]
    """Parameters by weight. A weight counts for the first layer that has it: it is taken out."""

    def layer(self, op: Operation, name: tuple[str, Parts], flops: Dim, made: int, live: int) -> Layer:
        result = op.results[0]
        names = {each for operand in op.operands for each in self.sources.get(operand, ())}
        names |= {inner.weight_name for inner in op.walk() if isinstance(inner, GetWeightOp)}
        return Layer(
            *name,
            op.layer.data if isinstance(op, CustomOp) else op.name.partition(".")[2],
            kind_of(op.name, type(op).__module__),
            _place(op),
            _dtype(result.type),
            _shape(result.type),
            sum(self.counts.pop(each, 0) for each in sorted(names)),
            max(0, flops.evaluate(self.sizes)),
            str(flops),
            made,
            live,
            tuple(self.values.number(operand) for operand in op.operands if operand not in self.sources),
            tuple(self.values.number(each) for each in op.results),
            UNDEFINED if isinstance(op, CustomOp) else "",
        )


def _port(name: str, value: SSAValue, values: _Values) -> Port:
    return Port(name, _dtype(value.type), _shape(value.type), values.number(value))


def _state(name: str, type_: Attribute, model: ModelOp, values: _Values) -> State:
    ops = model.block.ops
    reads = tuple(values.number(op.result) for op in ops if isinstance(op, GetStateOp) and op.state_name == name)
    writes = [values.number(op.value) for op in ops if isinstance(op, SetStateOp) and op.state_name == name]
    size = size_in_bytes(type_, values.sizes)
    return State(name, _dtype(type_), _shape(type_), size, reads, next(iter(writes), None))


def _dtype(type_: Attribute) -> str:
    return numpy_dtype(element_of(type_)).name


def _shape(type_: Attribute) -> Shape:
    return tuple(size if isinstance(size, int) else str(size) for size in shape_of(type_))


def _size(name: str, dim: Any, sizes: Mapping[str, int]) -> Size:
    maximum = None if dim.maximum is None else dim.maximum.data.value
    origin = "" if dim.origin is None else dim.origin.data
    return Size(name, dim.minimum.data.value, maximum, origin, sizes[name])


def _count(type_: Any, sizes: Mapping[str, int]) -> int:
    return product(list(shape_of(type_))).evaluate(sizes)


def _place(op: Operation) -> str:
    """`model.nr:12:5`: the folder is the reader's own."""
    place = next(file_positions(op.location), None)
    return "" if place is None else f"{Path(place.filename.data).name}:{place.line.data}:{place.column.data}"
