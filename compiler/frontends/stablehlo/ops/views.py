"""Ops that move values: shapes, slices, joins, paddings; and constants."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import IntegerType, i1
from xdsl.ir import Attribute

from neuralc.dialects.dims import as_dim, simplest
from neuralc.frontends.padding import padded
from neuralc.frontends.sizes import Size
from neuralc.frontends.stablehlo.bindings import values_of
from neuralc.frontends.stablehlo.interior import spaced
from neuralc.frontends.stablehlo.node import Node
from neuralc.frontends.stablehlo.registry import stablehlo_op
from neuralc.frontends.values import Value

SMALL = 1 << 10
"""Elements of a constant up to which it is folded into what uses it; a larger one is a weight of the file."""


@stablehlo_op("stablehlo.constant", makes=("graph.constant",))
def constant(node: Node) -> Value:
    attribute = node.attribute("value")
    element, shape = node.element(), node.static("value")
    values = values_of(attribute)
    if getattr(attribute, "is_splat", False) and shape and values.size:
        one = node.constant(values.reshape(-1)[0], element)
        return node.session.narrow.expanded(node, one, shape)
    return node.builder.known(values, element, node.name, weight=values.size > SMALL)


@stablehlo_op("stablehlo.broadcast_in_dim", makes=("graph.reshape", "graph.expand"))
def broadcast_in_dim(node: Node) -> Value:
    return placed(node, node.input(0), node.static("shape"), node.integers("broadcast_dimensions"))


def placed(node: Node, x: Value, shape: Sequence[Size], dims: Sequence[int]) -> Value:
    """x with its dims put at some dims of a shape, and repeated along the others."""
    order = sorted(range(len(dims)), key=lambda axis: dims[axis])
    if order != list(range(len(dims))):
        x = node.transpose(x, order)
    result = node.spread(x, shape, sorted(dims))
    return node.session.ranges.result("same", (x,), result)


@stablehlo_op("stablehlo.reshape", makes=("graph.reshape",))
def reshape(node: Node) -> Value:
    return reshaped(node, node.input(0), node.static("shape"))


def reshaped(node: Node, x: Value, shape: Sequence[Size]) -> Value:
    if not shape and (entries := node.session.vectors.entries(node, x)) is not None:
        return entries[0]
    result = node.reshape(x, shape)
    if x.rank == 0 and len(shape) == 1 and is_integer(x.element):
        node.session.vectors.set(result, [x])
    narrow = node.session.narrow.of(x)
    if narrow is not x and narrow.rank == 0:
        result = node.session.narrow.expanded(node, narrow, shape)
    return node.session.ranges.result("same", (x,), result)


@stablehlo_op("stablehlo.transpose", makes=("graph.transpose",))
def transpose(node: Node) -> Value:
    return node.transpose(node.input(0), node.integers("permutation"))


@stablehlo_op("stablehlo.slice", makes=("graph.slice",))
def slice_(node: Node) -> Value:
    x = node.input(0)
    starts, limits = node.integers("start_indices"), node.integers("limit_indices")
    steps = node.integers("strides", (1,) * x.rank)
    sizes: list[Size] = [
        max(-(-(limit - start) // step), 0) for start, limit, step in zip(starts, limits, steps, strict=True)
    ]
    # A dim of unknown size is written with INT64_MAX or its own size as the limit: then it is taken whole.
    for axis, (size, wanted) in enumerate(zip(x.shape, node.declared(), strict=True)):
        if wanted is None:
            sizes[axis] = simplest(as_dim(size) - starts[axis]) if steps[axis] == 1 else node.refuse("of an open size")
    result = node.slice(x, starts, sizes, steps)
    return node.session.ranges.result("same", (x,), result)


@stablehlo_op("stablehlo.reverse", makes=("graph.slice",))
def reverse(node: Node) -> Value:
    x, dims = node.input(0), node.integers("dimensions")
    return reversed_along(node, x, dims)


def reversed_along(node: Node, x: Value, dims: Sequence[int]) -> Value:
    if all(x.shape[axis] == 1 for axis in dims):
        return x
    starts = [simplest(as_dim(size) - 1) if axis in dims else 0 for axis, size in enumerate(x.shape)]
    return node.slice(x, starts, x.shape, [-1 if axis in dims else 1 for axis in range(x.rank)])


@stablehlo_op("stablehlo.concatenate", makes=("graph.concat",))
def concatenate(node: Node) -> Value:
    result = node.concat(node.inputs, node.integer("dimension"))
    parts = [node.session.vectors.entries(node, each) for each in node.inputs] if result.rank == 1 else [None]
    entries = [entry for part in parts if part is not None for entry in part]
    if None not in parts and is_integer(result.element):
        node.session.vectors.set(result, entries)
    return node.session.ranges.result("same", node.inputs, result)


def is_integer(element: Attribute) -> bool:
    return isinstance(element, IntegerType) and element != i1


@stablehlo_op("stablehlo.pad", makes=("graph.pad", "graph.slice", "graph.reshape", "graph.concat"))
def pad(node: Node) -> Value:
    """Places between elements first, then those around; negative ones are cut off."""
    x, value = node.input(0), node.session.narrow.of(node.input(1))
    low, high = node.integers("edge_padding_low"), node.integers("edge_padding_high")
    x = spaced(node, x, node.integers("interior_padding"), value)
    return padded(node, x, low, high, "constant", value)
