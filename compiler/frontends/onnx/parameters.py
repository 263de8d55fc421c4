"""Which tensors of a graph are parameters of layers: they stay weights, whatever their values are.

Other tensors that are one number everywhere become that number. A bias of zeros or a scale of ones is only how a model
starts that is not trained yet; code that is written for it has the parameter all the same. A tensor that several nodes
read, and that merged.py does not take apart, may be anything: it becomes its number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from neuralc.frontends.onnx.names import scopes_of_node

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

LAYERS: Mapping[str, tuple[int, ...]] = {
    "BatchNormalization": (1, 2, 3, 4),
    "Conv": (1, 2),
    "ConvTranspose": (1, 2),
    "GRU": (1, 2, 3),
    "Gemm": (1, 2),
    "GroupNormalization": (1, 2),
    "InstanceNormalization": (1, 2),
    "LSTM": (1, 2, 3),
    "LayerNormalization": (1, 2),
    "MatMul": (1,),
    "PRelu": (1,),
    "RMSNormalization": (1,),
    "RNN": (1, 2, 3),
}
"""The operands of operators that are parameters."""

SPELLED_OUT = ("Add", "Mul")
"""Operators that apply a bias or a scale, a vector, where an exporter has taken a layer apart."""


def parameters(graph: GraphProto) -> frozenset[str]:
    """The names of the tensors, each of more than one value and read once, or by one module alone."""
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    readers: dict[str, list[str]] = {name: [] for name, shape in shapes.items() if prod(shape) > 1}
    found: set[str] = set()
    for node in graph.node:
        module = "".join(scope.path for scope in scopes_of_node(node)[-1:])
        found |= {node.input[index] for index in operands(node, shapes)}
        for name in node.input:
            readers.get(name, []).append(module)
    own = {name for name, modules in readers.items() if len(modules) == 1 or (len({*modules}) == 1 and modules[0])}
    return frozenset(found & own)


def operands(node: NodeProto, shapes: Mapping[str, tuple[int, ...]]) -> Iterator[int]:
    """The places of a node that take parameters; `shapes` are those of the tensors of the graph."""
    if node.domain in ("", "ai.onnx"):
        yield from (index for index in LAYERS.get(node.op_type, ()) if index < len(node.input))
        if node.op_type in SPELLED_OUT:
            yield from (index for index, name in enumerate(node.input) if len(shapes.get(name, ())) == 1)


def one_number(array: NDArray[Any]) -> bool:
    """Whether a tensor of more than one value has the same everywhere."""
    ends = array.reshape(-1)[[0, -1]]
    return bool(ends[0] == ends[1]) and bool(array.min() == array.max())
