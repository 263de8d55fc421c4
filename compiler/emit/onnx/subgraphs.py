"""Graphs inside of nodes: the regions of control flow. They read the values around them by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import onnx
from onnx import helper
from xdsl.ir import Attribute

from neuralc.dialects.dims import Dim
from neuralc.dialects.types import Shape
from neuralc.emit.onnx.values import Values
from neuralc.emit.onnx.writer import Writer
from neuralc.frontends.onnx.element_types import NUMBERS


def inside(values: Values) -> Values:
    """The values of a graph inside of this one. Sizes are computed around it, once."""
    writer = Writer(values.writer.scope, label=values.writer.label, doc=values.writer.doc)
    return replace(values, writer=writer, names=dict(values.names), reserved={}, uniform=set(values.uniform), turned={})


def port(name: str, element: Attribute, shape: Shape | None) -> onnx.ValueInfoProto:
    """An input or output. A size that is an expression has its text as its name, as exporters write it."""
    sizes = None if shape is None else [str(size) if isinstance(size, Dim) else size for size in shape]
    return helper.make_tensor_value_info(name, NUMBERS[element], sizes)


def result(name: str, element: Attribute, shape: Shape | None) -> onnx.ValueInfoProto:
    """An output: what shapes follow from others is left to those who read it, but for names of sizes."""
    if shape is None:
        return port(name, element, None)
    known = [size if not isinstance(size, Dim) or size.linear == (str(size), 1, 0) else None for size in shape]
    return helper.make_tensor_value_info(
        name, NUMBERS[element], [str(size) if isinstance(size, Dim) else size for size in known]
    )


def graph(
    values: Values, name: str, inputs: Sequence[onnx.ValueInfoProto], outputs: Sequence[onnx.ValueInfoProto]
) -> onnx.GraphProto:
    return helper.make_graph(values.writer.nodes, name, list(inputs), list(outputs))


def own_result(values: Values, name: str) -> str:
    """A value as an output of a graph, which one of its own nodes has to compute, once."""
    return values("Identity", name)
