"""Where lowered layers go: the body of the model, or of a graph.func whose weights are arguments."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

from xdsl.dialects.builtin import FileLineColLoc, IntAttr, StringAttr
from xdsl.ir import Block, Operation, SSAValue

from neuralc.dialects.graph import GetWeightOp
from neuralc.dialects.types import AnyTensor, ShapeError, format_shape
from neuralc.grammar.configured import Configured
from neuralc.grammar.diagnostics import Span, error


@dataclass(frozen=True)
class WeightDeclaration:
    """A weight of the model: its name and type, how it starts untrained, and what training does with it."""

    name: str
    type: AnyTensor
    initializer: Configured
    trainable: bool = True
    regularizer: Configured | None = None
    constraint: Configured | None = None

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
    weights: dict[str, WeightDeclaration]

    def declare(self, weight: WeightDeclaration, span: Span) -> SSAValue: ...


def emit(function: Function, op: Operation, span: Span, hint: str) -> None:
    """Adds an op at the end, with its place in the model and a name for its values."""
    op.location = location(span)
    function.block.add_op(op)
    for result in op.results:
        result.name_hint = hint or None


class _Weights(ABC):
    """The weights of a body; one that is asked for again by its path is the same one."""

    def __init__(self, block: Block) -> None:
        self.block = block
        self.weights: dict[str, WeightDeclaration] = {}
        self._values: dict[str, SSAValue] = {}

    def declare(self, weight: WeightDeclaration, span: Span) -> SSAValue:
        """Raises ShapeError where a shared weight would need another shape."""
        known = self.weights.get(weight.name)
        if known is None:
            self.weights[weight.name] = weight
            self._values[weight.name] = self._read(weight, span)
        elif known.type != weight.type:
            raise ShapeError(
                f"its shared weight `{weight.name}` has the shape {format_shape(known.shape)}, "
                f"and would need {format_shape(weight.shape)} here"
            )
        return self._values[weight.name]

    @abstractmethod
    def _read(self, weight: WeightDeclaration, span: Span) -> SSAValue:
        """The value of a weight that was not asked for before."""


class ModelFunction(_Weights):
    """The body of graph.model: a weight is read from its symbol."""

    def _read(self, weight: WeightDeclaration, span: Span) -> SSAValue:
        op = GetWeightOp(weight.name, weight.type)
        emit(self, op, span, weight.name)
        return op.results[0]


class BlockFunction(_Weights):
    """The body of a graph.func: a weight is an argument."""

    def _read(self, weight: WeightDeclaration, span: Span) -> SSAValue:
        argument = self.block.insert_arg(weight.type, len(self.block.args))
        argument.name_hint = weight.name
        argument.location = location(span)
        return argument
