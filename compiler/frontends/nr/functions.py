"""Where lowered layers go: the body of the model, or of a graph.func whose weights are arguments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

from xdsl.dialects.builtin import FileLineColLoc, IntAttr, StringAttr
from xdsl.ir import Attribute, Block, Operation, SSAValue

from neuralc.dialects.graph import GetWeightOp
from neuralc.dialects.types import AnyTensor, ShapeError, element_of, format_shape, is_float, shape_of, tensor_type
from neuralc.grammar.diagnostics import Span, error


@dataclass(frozen=True)
class WeightDeclaration:
    """A weight of the model: its name and type, how it starts untrained, and whether training changes it."""

    name: str
    type: AnyTensor
    initializer: str
    trainable: bool = True

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.type.get_shape())


@lru_cache(maxsize=64)
def location(span: Span) -> FileLineColLoc:
    """The place of a layer in its file, as IR carries it."""
    return FileLineColLoc(StringAttr(span.source.name), IntAttr(span.line), IntAttr(span.column))


@dataclass
class Scope:
    """Names within one network, macro or block: `dense`, `dense_1`; nested ones are joined by dots."""

    path: str = ""
    used: set[str] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)
    last: str = ""
    """The name given last, without the path."""

    def unique(self, base: str) -> str:
        """The path of an unnamed layer."""
        name, count = base, self.counts.get(base, 0)
        while name in self.used:
            count += 1
            name = f"{base}_{count}"
        self.counts[base] = count
        return self._take(name)

    def named(self, name: str, place: Span) -> str:
        """The path of a layer that was given a name. Raises NeuralcError when another one has it."""
        if name in self.used:
            raise error("E0208", f"another layer here is already named `{name}`", place, help="choose another name")
        return self._take(name)

    def _take(self, name: str) -> str:
        self.used.add(name)
        self.last = name
        return f"{self.path}.{name}" if self.path else name


class Function(Protocol):
    """A body under construction. `declare` gives the value of a weight by its path within this body."""

    block: Block
    weights: list[WeightDeclaration]

    def declare(self, weight: WeightDeclaration, span: Span) -> SSAValue: ...


def emit(function: Function, op: Operation, span: Span, hint: str) -> SSAValue:
    """Adds an op at the end, with its place in the model and a name for its value."""
    op.location = location(span)
    function.block.add_op(op)
    op.results[0].name_hint = hint
    return op.results[0]


class ModelFunction:
    """The body of graph.model: a weight is read from its symbol."""

    def __init__(self, block: Block) -> None:
        self.block = block
        self.weights: list[WeightDeclaration] = []

    def declare(self, weight: WeightDeclaration, span: Span) -> SSAValue:
        self.weights.append(weight)
        return emit(self, GetWeightOp(weight.name, weight.type), span, weight.name)


class BlockFunction:
    """The body of a graph.func: a weight is an argument."""

    def __init__(self, block: Block) -> None:
        self.block = block
        self.weights: list[WeightDeclaration] = []

    def declare(self, weight: WeightDeclaration, span: Span) -> SSAValue:
        self.weights.append(weight)
        argument = self.block.insert_arg(weight.type, len(self.block.args))
        argument.name_hint = weight.name
        argument.location = location(span)
        return argument


@dataclass(frozen=True)
class Site:
    """One layer being lowered: where its ops and weights go and what they are called."""

    function: Function
    path: str
    span: Span

    def add(self, op: Operation, suffix: str = "") -> SSAValue:
        return emit(self.function, op, self.span, f"{self.path}.{suffix}" if suffix else self.path)

    def weight(
        self, name: str, shape: Sequence[int], like: SSAValue, initializer: str, *, trainable: bool = True
    ) -> SSAValue:
        """A weight of this layer; its element type is that of the value it meets."""
        element: Attribute = element_of(like.type)
        if not is_float(element):
            raise ShapeError(f"a layer with weights needs floats, got {element} of shape {shown(like)}")
        declaration = WeightDeclaration(f"{self.path}.{name}", tensor_type(shape, element), initializer, trainable)
        return self.function.declare(declaration, self.span)


def shown(value: SSAValue) -> str:
    return format_shape(shape_of(value.type))
