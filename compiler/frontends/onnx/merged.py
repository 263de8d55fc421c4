"""Parameters that an exporter made one tensor, because they were equal, are taken apart again.

    LayerNormalization(x, "norm1.weight", "norm1.bias")      in the module norm1
    LayerNormalization(y, "norm1.weight", "norm1.bias")      in norm2, where it reads "norm2.weight", "norm2.bias"

In a model that is not trained yet all scales are ones, and all biases zeros. What parameters there were say the modules
that read the tensor, and Identity nodes that exporters leave for the others' names; without either no one can tell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING

from neuralc.dialects.types import is_float
from neuralc.frontends.onnx.names import ROLES, scopes_of_node
from neuralc.frontends.onnx.parameters import one_number, operands
from neuralc.frontends.onnx.tensors import TensorReader, UnsupportedElement

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto, TensorProto


def take_apart(graph: GraphProto, tensors: TensorReader) -> None:
    """Give the graph a tensor for each parameter, and let its nodes read these."""
    readers = Counter(name for node in graph.node for name in node.input)
    merged = {each.name: each for each in graph.initializer if readers[each.name] > 1 and _is_start(each, tensors)}
    if not merged:
        return
    outputs = {port.name for port in graph.output}
    for node in [node for node in graph.node if _is_name(node, merged, outputs)]:
        _add(graph, merged[node.input[0]], node.output[0])
        graph.node.remove(node)
    shapes = {each.name: tuple(each.dims) for each in graph.initializer}
    origins: dict[str, str] = dict.fromkeys((*shapes, *(name for node in graph.node for name in node.output)), "")
    for node in graph.node:
        for index in operands(node, shapes):
            if (tensor := merged.get(node.input[index])) is not None:
                name = _own(node, index, tensor.name)
                if name not in origins:
                    _add(graph, tensor, name)
                if origins.setdefault(name, tensor.name) == tensor.name:
                    node.input[index] = name


def _is_start(tensor: TensorProto, tensors: TensorReader) -> bool:
    """Whether a tensor may be how several parameters start: one number everywhere."""
    if prod(tensor.dims) < 2:
        return False
    try:
        element, array = tensors.read(tensor)
    except UnsupportedElement:
        return False
    return is_float(element) and one_number(array)


def _is_name(node: NodeProto, merged: Mapping[str, TensorProto], outputs: set[str]) -> bool:
    """Whether a node does nothing but give a parameter its name."""
    if node.op_type != "Identity" or len(node.input) != 1 or len(node.output) != 1:
        return False
    return node.input[0] in merged and node.output[0] not in outputs


def _own(node: NodeProto, index: int, name: str) -> str:
    """What the parameter of the node's own module is called, which others have under `name`."""
    scopes = scopes_of_node(node)
    if not scopes:
        return name
    roles = ROLES.get(node.op_type, ())
    role = (roles[index] if index < len(roles) else "") or name.rpartition(".")[2]
    return f"{scopes[-1].path}.{role}"


def _add(graph: GraphProto, tensor: TensorProto, name: str) -> None:
    """The same tensor under another name: its values stay where they are."""
    other = graph.initializer.add()
    other.CopyFrom(tensor)
    other.name = name
