"""Ops whose sizes are values, as modules with symbolic shapes have them, and the sizes themselves."""

from __future__ import annotations

from xdsl.dialects.builtin import i32, i64

from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim, simplest
from neuralc.dialects.types import tensor_type
from neuralc.frontends.padding import padded
from neuralc.frontends.sizes import Size, floor_quotient
from neuralc.frontends.stablehlo.interior import spaced
from neuralc.frontends.stablehlo.node import Node
from neuralc.frontends.stablehlo.ops.indexing import sliced_at
from neuralc.frontends.stablehlo.ops.views import placed, reshaped
from neuralc.frontends.stablehlo.registry import stablehlo_op
from neuralc.frontends.values import Value, as_size, objects


@stablehlo_op("stablehlo.get_dimension_size", makes=("graph.size",))
def get_dimension_size(node: Node) -> Value:
    size = node.input(0).shape[node.integer("dimension")]
    return node.constant(objects([size], ()), i32)


@stablehlo_op("stablehlo.iota", makes=("graph.iota", "graph.cast", "graph.reshape", "graph.expand"))
def iota(node: Node) -> Value:
    return counted(node, node.static("shape"))


@stablehlo_op("stablehlo.dynamic_iota", makes=("graph.iota", "graph.cast", "graph.reshape", "graph.expand"))
def dynamic_iota(node: Node) -> Value:
    return counted(node, node.sizes(0, "shape"))


def counted(node: Node, shape: tuple[int, ...] | list[Size]) -> Value:
    """0, 1, 2, .. along one dim of a shape."""
    axis, element = node.integer("iota_dimension"), node.element()
    size = shape[axis]
    numbers = node.iota(size)
    if element != i64:
        numbers = node.emit(graph.CastOp, numbers, result=tensor_type((size,), element))
    result = node.session.narrow.expanded(node, node.along(numbers, axis, len(shape)), shape)
    node.session.iotas[result] = axis
    return node.session.ranges.set(result, 0, int(node.builder.symbols.bounds.interval(size)[1]) - 1)


@stablehlo_op("stablehlo.dynamic_broadcast_in_dim", makes=("graph.reshape", "graph.expand"),
              unread=("known_expanding_dimensions", "known_nonexpanding_dimensions"))  # fmt: skip
def dynamic_broadcast_in_dim(node: Node) -> Value:
    return placed(node, node.input(0), node.sizes(1, "shape"), node.integers("broadcast_dimensions"))


@stablehlo_op("stablehlo.dynamic_reshape", makes=("graph.reshape",))
def dynamic_reshape(node: Node) -> Value:
    return reshaped(node, node.input(0), node.sizes(1, "shape"))


@stablehlo_op("stablehlo.dynamic_pad", makes=("graph.pad", "graph.slice", "graph.reshape", "graph.concat"))
def dynamic_pad(node: Node) -> Value:
    x, value = node.input(0), node.session.narrow.of(node.input(1))
    low, high, between = (node.sizes(index, "padding") for index in (2, 3, 4))
    if not all(isinstance(count, int) for count in between):
        node.refuse("with as many places between elements as a run says")
    x = spaced(node, x, [int(str(count)) for count in between], value)
    return padded(node, x, low, high, "constant", value)


@stablehlo_op("stablehlo.real_dynamic_slice", makes=("graph.slice", "graph.gather"))
def real_dynamic_slice(node: Node) -> Value:
    """A slice whose starts and limits are values, as many of them known as sizes need."""
    x = node.input(0)
    steps = [int(step) for step in node.sizes(3, "strides") if isinstance(step, int)]
    starts, limits = node.entries(1, "starts"), node.entries(2, "limits")
    if len(steps) != x.rank:
        node.refuse("with strides that differ between runs")
    sizes = [_extent(node, *each) for each in zip(starts, limits, steps, node.declared(), strict=True)]
    if set(steps) <= {1}:
        return sliced_at(node, x, starts, sizes)
    if any(start.known is None for start in starts):
        node.needs_values("its starts are computed when the model runs")
    places = [as_size(start.known.reshape(())[()]) for start in starts if start.known is not None]
    return node.slice(x, places, sizes, steps)


def _extent(node: Node, start: Value, limit: Value, step: int, declared: int | None) -> Size:
    """How many places a slice takes of one dim."""
    if declared is not None:
        return declared
    if start.known is None or limit.known is None:
        node.needs_values("its limits are computed when the model runs")
    first, last = (as_size(value.known.reshape(())[()]) for value in (start, limit) if value.known is not None)
    return floor_quotient(simplest(as_dim(last) - first + (step - 1)), step)
