"""Regions of control flow on their way to functions inside of the function, which read values around them by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from xdsl.ir import Block, SSAValue

from neuralc.dialects.types import shape_of
from neuralc.emit.layouts import natural
from neuralc.emit.python.expressions import Expression, name
from neuralc.emit.python.lowering import lower_block
from neuralc.emit.python.nodes import Body, Kind, Node
from neuralc.emit.python.values import Values

Returned: TypeAlias = Callable[[Sequence[Expression]], Expression]


class Region:
    """A region on its way to a function. What it reads from outside it reads by the names that things have there."""

    def __init__(self, values: Values, block: Block, captures: Mapping[Any, SSAValue]) -> None:
        """`captures` are arguments of the region, and the values around it that they stand for."""
        values.layouts.analyze_region(block)
        self._outer = values
        self._seen: dict[Node, Node] = {}
        self.values = Values(values.plan, values.layouts, values.form, values.refusals)
        self.values.inputs = [self._seen_from_inside(node) for node in values.inputs]
        for argument, value in captures.items():
            if argument not in values.plan.weight_names:
                self.values.bind(argument, self._seen_from_inside(values.at(value, natural(value))))
        self.results: list[Node] = []

    def _seen_from_inside(self, outside: Node) -> Node:
        if outside.kind is Kind.INLINE:
            return outside
        if outside not in self._seen:
            self._seen[outside] = variable(outside.name, outside.shape)
        return self._seen[outside]

    def argument(self, value: SSAValue, wanted: str) -> Node:
        """An argument of the region, as one of the function."""
        node = variable(wanted, shape_of(value.type))
        self.values.bind(value, node)
        return node

    def function(
        self, label: str, block: Block, arguments: Sequence[tuple[str, Sequence[Node]]], returned: Returned
    ) -> tuple[Body, list[Node]]:
        """The function, and the nodes around it that it reads."""
        results = lower_block(self.values, block, {})
        self._outer.helpers |= self.values.helpers
        used = _read(results)
        captured = {inside: outside for outside, inside in self._seen.items() if inside in used}
        body = Body(label, arguments, results, returned, self.values.nodes, captured)
        return body, list(captured.values())


def variable(wanted: str, shape: Any) -> Node:
    node = Node(Kind.INPUT, (), lambda _: name(node.name), shape, wanted)
    return node


def _read(results: Sequence[Node]) -> set[Node]:
    """All nodes that results are made of."""
    found, pending = set[Node](), list(results)
    while pending:
        node = pending.pop()
        if node not in found:
            found.add(node)
            pending += node.inputs
    return found
