"""What a model of the graph level consists of, without compiling it: its layers, and what they cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue

from neuralc.dialects.dims import Dim, as_dim, product
from neuralc.dialects.graph import GetWeightOp, ModelOp, WeightOp, declared_dims, the_model
from neuralc.dialects.graph.cost import cost
from neuralc.dialects.types import element_bytes, element_of, numpy_dtype, shape_of
from neuralc.inspection.kinds import kind_of
from neuralc.inspection.memory import memory_of, size_in_bytes
from neuralc.inspection.names import Parts, names_of
from neuralc.inspection.summary import Layer, Port, Shape, Size, Summary, Value
from neuralc.passes.locations import file_positions

HIDDEN = {"graph.get_weight", "graph.constant", "graph.size", "graph.return"}
"""Ops that are no layers: values that are there."""


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
    )


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
            self.known.append(Value(_dtype(value), _shape(value), at, size_in_bytes(value, self.sizes)))
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
            op.name.partition(".")[2],
            kind_of(op.name, type(op).__module__),
            _place(op),
            _dtype(result),
            _shape(result),
            sum(self.counts.pop(each, 0) for each in sorted(names)),
            max(0, flops.evaluate(self.sizes)),
            str(flops),
            made,
            live,
            tuple(self.values.number(operand) for operand in op.operands if operand not in self.sources),
            tuple(self.values.number(each) for each in op.results),
        )


def _port(name: str, value: SSAValue, values: _Values) -> Port:
    return Port(name, _dtype(value), _shape(value), values.number(value))


def _dtype(value: SSAValue) -> str:
    return numpy_dtype(element_of(value.type)).name


def _shape(value: SSAValue) -> Shape:
    return tuple(size if isinstance(size, int) else str(size) for size in shape_of(value.type))


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
