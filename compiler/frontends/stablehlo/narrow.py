"""Broadcasts that StableHLO writes out: what is behind each is remembered, since graph ops broadcast by themselves.

%1 = stablehlo.broadcast_in_dim %bias, dims = [1]          %2 = graph.add %0, %bias
%2 = stablehlo.add %0, %1                           ->
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from neuralc.frontends.sizes import Size
from neuralc.frontends.values import Value

if TYPE_CHECKING:
    from neuralc.frontends.node_builder import NodeBuilder


@dataclass
class Narrow:
    """The value that each broadcast one repeats; it broadcasts to the other's shape by numpy's rule."""

    _found: dict[Value, Value] = field(default_factory=dict)

    def of(self, value: Value) -> Value:
        return self._found.get(value, value)

    def expanded(self, node: NodeBuilder, value: Value, shape: Sequence[Size]) -> Value:
        """A value repeated to a shape; whoever can do without gets the value itself by `of`."""
        if tuple(value.shape) == tuple(shape):
            return value
        repeats = [size for size in shape if size != 1] != [size for size in value.shape if size != 1]
        whole = node.expand(value, shape) if repeats else node.reshape(value, shape)
        self._found[whole] = value
        return whole
