"""Names of values: one table a graph, subgraphs see those around them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from neuralc.frontends.refusals import shown
from neuralc.frontends.values import Value
from neuralc.grammar.diagnostics import NeuralcError, error

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

MAX_DEPTH = 32
"""Graphs within graphs."""


class Missing:
    """Stands for the outputs of a node that was refused: what uses them is not looked at."""


MISSING: Final = Missing()


@dataclass
class Scope:
    """The values of a graph or function body, with those of the graph around it."""

    outer: Scope | None = None
    values: dict[str, Value | Missing] = field(default_factory=dict)
    deferred: dict[str, Callable[[], Value | Missing]] = field(default_factory=dict)
    """Tensors of the file, read when first used."""

    @property
    def depth(self) -> int:
        return 0 if self.outer is None else self.outer.depth + 1

    def find(self, name: str) -> Value | Missing | None:
        scope: Scope | None = self
        while scope is not None:
            if name not in scope.values and name in scope.deferred:
                scope.values[name] = scope.deferred.pop(name)()
            if name in scope.values:
                return scope.values[name]
            scope = scope.outer
        return None

    def get(self, name: str, used_by: str) -> Value | Missing:
        """Raises NeuralcError E0612 for a name that nothing defines."""
        found = self.find(name)
        if found is None:
            raise invalid(f"`{shown(used_by)}` uses `{shown(name)}`, which nothing in the graph makes")
        return found

    def define(self, name: str, value: Value | Missing) -> None:
        if name in self.values or name in self.deferred:
            raise invalid(f"`{shown(name)}` is made twice")
        self.values[name] = value


def invalid(message: str, note: str | None = None) -> NeuralcError:
    return error("E0612", message, note=note, help="`onnx.checker.check_model` says what else the model breaks")


def ordered(nodes: Sequence[NodeProto], wanted: Iterable[str]) -> list[NodeProto]:
    """The nodes that the wanted values need, each behind those it uses; the order of the file where that is one.

    Raises NeuralcError E0612 for a value made twice, and for a circle.
    """
    makers: dict[str, int] = {}
    for index, node in enumerate(nodes):
        for name in node.output:
            if name and makers.setdefault(name, index) != index:
                raise invalid(f"`{shown(name)}` is made twice")
    uses = [[makers[name] for name in names_used(node) if name in makers] for node in nodes]
    needed: set[int] = set()
    stack = [makers[name] for name in wanted if name in makers]
    while stack:
        index = stack.pop()
        if index not in needed:
            needed.add(index)
            stack += uses[index]
    live = sorted(needed)
    if all(use < index for index in live for use in uses[index]):
        return [nodes[index] for index in live]
    return [nodes[index] for index in _sorted(live, uses, nodes)]


def _sorted(live: Sequence[int], uses: Sequence[Sequence[int]], nodes: Sequence[NodeProto]) -> list[int]:
    """Kahn's algorithm, in the order of the file where there is a choice."""
    import heapq

    waiting = {index: len(set(uses[index])) for index in live}
    users: dict[int, list[int]] = {}
    for index in live:
        for use in set(uses[index]):
            users.setdefault(use, []).append(index)
    ready = [index for index in live if not waiting[index]]
    heapq.heapify(ready)
    out: list[int] = []
    while ready:
        index = heapq.heappop(ready)
        out.append(index)
        for user in users.get(index, ()):
            waiting[user] -= 1
            if not waiting[user]:
                heapq.heappush(ready, user)
    if len(out) < len(live):
        stuck = nodes[next(index for index in live if waiting[index])]
        raise invalid(f"node `{shown(label(stuck))}` needs its own output", "the graph has a circle")
    return out


def names_used(node: NodeProto, depth: int = 0) -> Iterable[str]:
    """Names that a node reads, those that its subgraphs take from outside included."""
    yield from (name for name in node.input if name)
    if depth > MAX_DEPTH:
        raise invalid(f"node `{shown(label(node))}` holds graphs within graphs, more than {MAX_DEPTH} deep")
    for attribute in node.attribute:
        for graph in ([attribute.g] if attribute.type == 5 else []) + list(attribute.graphs):
            yield from free_names(graph, depth + 1)


def free_names(graph: GraphProto, depth: int = 0) -> set[str]:
    """Names that a graph takes from those around it."""
    inside = {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer}
    inside |= {name for node in graph.node for name in node.output}
    used = {name for node in graph.node for name in names_used(node, depth)}
    return (used | {value.name for value in graph.output}) - inside


def label(node: NodeProto) -> str:
    """What a node is called in messages and locations: its name, else its first output."""
    return node.name or next((name for name in node.output if name), "") or node.op_type


def opset_of(domain: str, opsets: Mapping[str, int]) -> int | None:
    return opsets.get("" if domain == "ai.onnx" else domain)
