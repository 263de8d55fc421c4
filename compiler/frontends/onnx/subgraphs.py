"""The graphs inside a node, as handlers of control flow use them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from onnx import GraphProto
    from xdsl.ir import Block

    from neuralc.frontends.values import Value


class Subgraphs(Protocol):
    """What the importer offers for the graphs of one node."""

    def inline(self, graph: GraphProto, arguments: Sequence[Value]) -> list[Value]:
        """The outputs of a graph whose nodes go where the node itself would."""
        ...

    def block(self, graph: GraphProto, arguments: Sequence[Value], like: Block) -> list[Value]:
        """The outputs of a graph whose nodes go into the block `like`; the arguments are values of that block."""
        ...

    def attempt(self, graph: GraphProto, arguments: Sequence[Value], like: Block) -> list[Value] | None:
        """As `block`; None, and nothing refused, where something in the graph would be."""
        ...
