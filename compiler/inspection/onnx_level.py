"""What the file says of an ONNX model that is not compiled: its nodes, shapes and parameters, and what is refused.

Shapes are those that ONNX's own inference finds. Arithmetic and memory are not known: shapes may be missing, and
costs are defined for the ops of the graph level.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from neuralc.dialects.types import numpy_dtype
from neuralc.frontends.onnx import wire
from neuralc.frontends.onnx.element_types import ELEMENTS, name_of
from neuralc.frontends.onnx.names import module_of
from neuralc.frontends.onnx.scope import label, names_used, ordered
from neuralc.inspection.kinds import KINDS, kind_of
from neuralc.inspection.names import split
from neuralc.inspection.summary import Layer, Port, Shape, Summary, Unsupported, Value
from neuralc.mapped_file import map_file

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto

    from neuralc.frontends.refusals import Refusals

BITS = {"float": 32, "double": 64, "bool": 8}
"""Of element types whose names do not say it."""


def summarize_file(path: Path, refusals: Refusals) -> Summary:
    """The summary of a model that was refused."""
    from onnx import ModelProto

    # Large weights stay in the file: only their shapes are of interest.
    model = ModelProto.FromString(wire.cut(memoryview(map_file(path)))[0])
    graph = _inferred(model).graph
    reader = _Reader(graph, {name: reason for (_, reason), names in refusals.found.items() for name in names})
    return reader.summary(path.name, refusals)


def _inferred(model: ModelProto) -> ModelProto:
    """The model with the shapes that can be found; as it is where ONNX finds it inconsistent."""
    from onnx import shape_inference

    try:
        return shape_inference.infer_shapes(model, data_prop=True)
    except (shape_inference.InferenceError, ValueError):
        return model


@dataclass
class _Reader:
    graph: GraphProto
    reasons: Mapping[str, str]
    """Why nodes are not compiled, by their labels."""
    values: list[Value] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)

    def summary(self, name: str, refusals: Refusals) -> Summary:
        graph = self.graph
        weights = {tensor.name: tensor for tensor in graph.initializer}
        weights |= {tensor.values.name: tensor.values for tensor in graph.sparse_initializer}
        total, size = sum(map(_elements, weights.values())), sum(map(_bytes, weights.values()))
        infos = {info.name: info for info in (*graph.input, *graph.value_info, *graph.output)}
        constants = {text: {text} for text in weights}
        inputs = [self._port(port, infos) for port in graph.input if port.name not in weights]
        layers: list[Layer] = []
        for node in ordered(graph.node, [text for each in graph.node for text in each.output]):
            reason = next((self.reasons[each] for each in _labels(node) if each in self.reasons), "")
            used = list(dict.fromkeys(names_used(node)))
            if all(text in constants for text in used) and not reason:
                constants.update({text: {each for use in used for each in constants[use]} for text in node.output})
                continue
            owned = sorted({each for text in used for each in constants.get(text, ())})
            counts = [_elements(weights.pop(each)) for each in owned if each in weights]
            read = [text for text in used if text not in constants]
            layers.append(self._layer(node, read, sum(counts), infos, reason))
        outputs = [self._port(port, infos) for port in graph.output]
        return Summary(
            name,
            inputs,
            outputs,
            [],
            [],
            self.values,
            layers,
            dict(Counter(node.op_type for node in graph.node).most_common()),
            total,
            size,
            None,
            "",
            None,
            None,
            [
                Unsupported(operator, reason, len(nodes), nodes[0])
                for (operator, reason), nodes in sorted(refusals.found.items())
            ],
        )

    def _layer(
        self, node: NodeProto, used: Sequence[str], parameters: int, infos: Mapping[str, ValueInfoProto], reason: str
    ) -> Layer:
        name = label(node)
        results = tuple(self._number(text, infos) for text in node.output if text)
        first = self.values[results[0]] if results else Value("", None, None, None)
        module = module_of(node)
        return Layer(
            name=name,
            path=(*(split(module) if module else ()), *split(name)),
            op=node.op_type,
            kind=_kind(node),
            place="",
            dtype=first.dtype,
            shape=first.shape,
            parameters=parameters,
            flops=None,
            flops_formula="",
            bytes=None,
            live_bytes=None,
            operands=tuple(self._number(text, infos) for text in used),
            results=results,
            refused=reason,
        )

    def _port(self, port: ValueInfoProto, infos: Mapping[str, ValueInfoProto]) -> Port:
        number = self._number(port.name, infos)
        return Port(port.name, self.values[number].dtype, self.values[number].shape, number)

    def _number(self, name: str, infos: Mapping[str, ValueInfoProto]) -> int:
        if name not in self.numbers:
            self.numbers[name] = len(self.values)
            dtype, shape = _declared(infos[name]) if name in infos else ("", None)
            self.values.append(Value(dtype, shape, None, None))
        return self.numbers[name]


def _declared(info: ValueInfoProto) -> tuple[str, Shape | None]:
    kind = info.type.WhichOneof("value")
    if kind != "tensor_type":
        return (kind or "").removesuffix("_type"), None
    tensor = info.type.tensor_type
    element = ELEMENTS.get(tensor.elem_type)
    dtype = name_of(tensor.elem_type) if element is None else numpy_dtype(element).name
    if not tensor.HasField("shape"):
        return dtype, None
    sizes = (dim.dim_value if dim.HasField("dim_value") else dim.dim_param or "?" for dim in tensor.shape.dim)
    return dtype, tuple(sizes)


def _labels(node: NodeProto) -> Iterator[str]:
    """What the node and those in its graphs are called."""
    yield label(node)
    for attribute in node.attribute:
        for graph in (*((attribute.g,) if attribute.HasField("g") else ()), *attribute.graphs):
            for inner in graph.node:
                yield from _labels(inner)


def _kind(node: NodeProto) -> str:
    """That of the dearest graph op that the operator becomes where it is compiled."""
    from neuralc.dialects.graph import Graph
    from neuralc.frontends.onnx.registry import STANDARD, operators

    operator = operators().get((STANDARD if node.domain == "ai.onnx" else node.domain, node.op_type))
    made = set(operator.makes) if operator is not None else set()
    kinds = [kind_of(op.name, op.__module__) for op in Graph.operations if op.name in made]
    return min(kinds, key=KINDS.index, default="control")


def _elements(tensor: TensorProto) -> int:
    return math.prod(tensor.dims)


def _bytes(tensor: TensorProto) -> int:
    """Of a tensor of texts, those of the texts."""
    name = name_of(tensor.data_type)
    digits = re.search(r"[0-9]+", name)
    bits = int(digits[0]) if digits else BITS.get(name, 0)
    return -(-_elements(tensor) * bits // 8) or sum(map(len, tensor.string_data))
