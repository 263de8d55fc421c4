"""What a model consists of, without compiling it: inputs, outputs, layers, weights, and what they cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from xdsl.dialects.builtin import ModuleOp, NameLoc
from xdsl.ir import Attribute, Operation, SSAValue

from neuralc.dialects.dims import as_dim, product
from neuralc.dialects.graph import (
    CustomOp,
    GetWeightOp,
    TrainingOp,
    WeightOp,
    declared_dims,
    declared_states,
    derived,
    the_model,
)
from neuralc.dialects.graph.cost import cost
from neuralc.dialects.types import element_bytes, element_of, numpy_dtype, shape_of
from neuralc.passes.locations import file_positions

HIDDEN = {"graph.get_weight", "graph.get_state", "graph.set_state", "graph.constant", "graph.size", "graph.return"}
"""Ops that are no layers: values that are there."""

VIEWS = {"graph.reshape", "graph.identity", *(op.name for op in derived(TrainingOp))}
"""Ops whose result is the memory of their operand."""


@dataclass(frozen=True)
class Port:
    """An input or output; sizes of its shape are numbers or expressions."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]


@dataclass(frozen=True)
class State(Port):
    """What the model keeps from run to run."""

    bytes: int


@dataclass(frozen=True)
class Size:
    """A symbolic size: its bounds, who names it, and the number it has in the costs."""

    name: str
    minimum: int
    maximum: int | None
    origin: str
    value: int


@dataclass(frozen=True)
class Layer:
    """One op: where it stands in the model, its result, its weights and its arithmetic."""

    name: str
    op: str
    place: str
    dtype: str
    shape: tuple[int | str, ...]
    parameters: int
    flops: int


@dataclass(frozen=True)
class Unsupported:
    """An operator that keeps the model from being compiled."""

    operator: str
    reason: str
    count: int
    first: str


@dataclass(frozen=True)
class Summary:
    """A model. One that is not compiled has its ports, its operators, and what stands in the way."""

    name: str
    inputs: Sequence[Port]
    outputs: Sequence[Port]
    operators: Mapping[str, int]
    states: Sequence[State] = ()
    sizes: Sequence[Size] = ()
    layers: Sequence[Layer] = ()
    parameters: int = 0
    weight_bytes: int = 0
    flops: int = 0
    peak_bytes: int = 0
    """The most that inputs, outputs and values between layers take at one time, if each layer runs by itself."""
    unsupported: Sequence[Unsupported] = field(default_factory=tuple)

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "operators": dict(self.operators), "compiles": not self.unsupported}


def summarize(name: str, module: ModuleOp, sizes: Mapping[str, int]) -> Summary:
    """The summary of a graph module without calls; costs are for the given values of its symbols."""
    model = the_model(module)
    weights = {op.sym_name.data: op for op in module.body.block.ops if isinstance(op, WeightOp)}
    counts = {weight: _count(op.type, sizes) for weight, op in weights.items()}
    sources = _sources(model.block.ops)
    ops = [op for op in model.block.ops if op.name not in HIDDEN and op.results[0] not in sources]
    layers = [_layer(op, sizes, sources, counts) for op in ops]
    return Summary(
        name,
        [_port(text, value.type) for text, value in zip(model.inputs, model.arguments, strict=True)],
        [_port(text, value.type) for text, value in zip(model.outputs, model.terminator.operands, strict=True)],
        dict(Counter(layer.op for layer in layers).most_common()),
        [_state(text, op.type, sizes) for text, op in declared_states(module).items()],
        [_size(symbol, dim, sizes) for symbol, dim in declared_dims(module).items()],
        layers,
        sum(_count(op.type, sizes) for op in weights.values()),
        sum(_count(op.type, sizes) * element_bytes(element_of(op.type)) for op in weights.values()),
        sum(layer.flops for layer in layers),
        _peak(ops, [*model.arguments], [*model.terminator.operands], sizes),
        _without_meaning(op for op in ops if isinstance(op, CustomOp)),
    )


def _without_meaning(ops: Iterable[CustomOp]) -> Sequence[Unsupported]:
    places: dict[str, list[str]] = {}
    for op in ops:
        places.setdefault(op.layer.data, []).append(_name(op))
    return [Unsupported(layer, "no plugin brings it", len(found), found[0]) for layer, found in sorted(places.items())]


def _port(name: str, type_: Attribute) -> Port:
    return Port(name, numpy_dtype(element_of(type_)).name, _shape(type_))


def _state(name: str, type_: Attribute, sizes: Mapping[str, int]) -> State:
    port = _port(name, type_)
    return State(name, port.dtype, port.shape, _bytes(type_, sizes))


def _shape(type_: Attribute) -> tuple[int | str, ...]:
    return tuple(size if isinstance(size, int) else str(size) for size in shape_of(type_))


def _size(name: str, dim: Any, sizes: Mapping[str, int]) -> Size:
    maximum = None if dim.maximum is None else dim.maximum.data.value
    origin = "" if dim.origin is None else dim.origin.data
    return Size(name, dim.minimum.data.value, maximum, origin, sizes[name])


def _count(type_: Any, sizes: Mapping[str, int]) -> int:
    return product(list(shape_of(type_))).evaluate(sizes)


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


def _layer(
    op: Operation, sizes: Mapping[str, int], sources: Mapping[SSAValue, frozenset[str]], counts: dict[str, int]
) -> Layer:
    """A weight counts for the first layer that has it: it is taken out of `counts`."""
    result = op.results[0]
    names = {name for operand in op.operands for name in sources.get(operand, ())}
    parameters = sum(counts.pop(name, 0) for name in sorted(names))
    place = next((f"line {position.line.data}" for position in file_positions(op.location)), "")
    short = op.name.partition(".")[2]
    return Layer(
        _name(op),
        short,
        place,
        numpy_dtype(element_of(result.type)).name,
        _shape(result.type),
        parameters,
        max(0, cost(op).flops.evaluate(sizes)),
    )


def _name(op: Operation) -> str:
    """ONNX nodes have names. xDSL cuts the number off a value's name, so that is the second choice."""
    if isinstance(op.location, NameLoc):
        return op.location.desc.data
    return op.results[0].name_hint or op.name.partition(".")[2]


# --- memory ------------------------------------------------------------------------------------------------------
def _peak(
    steps: Sequence[Operation], arguments: Sequence[SSAValue], results: Sequence[SSAValue], sizes: Mapping[str, int]
) -> int:
    """Values live from the op that makes them to the last one that reads them; a view is its operand."""
    root: dict[SSAValue, SSAValue] = {}
    last: dict[SSAValue, int] = {}
    for step, op in enumerate(steps):
        for operand in op.operands:
            last[root.get(operand, operand)] = step
        for result in op.results:
            root[result] = root.get(op.operands[0], op.operands[0]) if op.name in VIEWS and op.operands else result
    for value in (*arguments, *results):  # the caller has these before and behind the run
        last[root.get(value, value)] = len(steps)
    live = {value: _bytes(value.type, sizes) for value in arguments}
    peak = sum(live.values())
    for step, op in enumerate(steps):
        for result in op.results:
            if root[result] is result:
                live[result] = _bytes(result.type, sizes)
        peak = max(peak, sum(live.values()))
        live = {value: size for value, size in live.items() if last.get(value, step) > step}
    return peak


def _bytes(type_: Attribute, sizes: Mapping[str, int]) -> int:
    count = product([as_dim(size) for size in shape_of(type_)]).evaluate(sizes)
    return max(0, count) * element_bytes(element_of(type_))
