"""Names in a model are UTF-8; protobuf hands out others as bytes, which nothing behind it expects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from neuralc.frontends.onnx.wire import malformed

if TYPE_CHECKING:
    from onnx import AttributeProto, GraphProto, ModelProto, NodeProto


def check(model: ModelProto) -> None:
    """Raise NeuralcError E0610 where a name is no text."""
    for text in _model(model):
        if not isinstance(text, str):
            raise malformed(f"the name {text!r} is not UTF-8")


def _model(model: ModelProto) -> Iterator[object]:
    yield from (each.domain for each in model.opset_import)
    yield from _graph(model.graph)
    for function in model.functions:
        yield from (function.name, function.domain, function.overload)
        yield from (*function.input, *function.output, *function.attribute)
        yield from (each.domain for each in function.opset_import)
        yield from _attributes(function.attribute_proto)
        yield from _nodes(function.node)


def _graph(graph: GraphProto) -> Iterator[object]:
    yield graph.name
    for port in (*graph.input, *graph.output):
        yield port.name
        yield from (dim.dim_param for dim in port.type.tensor_type.shape.dim)
    for tensor in (*graph.initializer, *(sparse.values for sparse in graph.sparse_initializer)):
        yield tensor.name
        yield from (text for entry in tensor.external_data for text in (entry.key, entry.value))
    yield from _nodes(graph.node)


def _nodes(nodes: Iterable[NodeProto]) -> Iterator[object]:
    for node in nodes:
        yield from (node.op_type, node.name, node.domain, node.overload)
        yield from node.input
        yield from node.output
        yield from _attributes(node.attribute)


def _attributes(attributes: Iterable[AttributeProto]) -> Iterator[object]:
    for attribute in attributes:
        yield from (attribute.name, attribute.ref_attr_name)
        if attribute.HasField("t"):
            yield attribute.t.name
            yield from (text for entry in attribute.t.external_data for text in (entry.key, entry.value))
        if attribute.HasField("g"):
            yield from _graph(attribute.g)
        for graph in attribute.graphs:
            yield from _graph(graph)
