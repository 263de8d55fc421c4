"""Where lowered layers go: the body of the model, or of a graph.func whose weights and states are arguments."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

from xdsl.dialects.builtin import FileLineColLoc, IntAttr, StringAttr, UnknownLoc
from xdsl.ir import Block, BlockArgument, Operation, SSAValue

from neuralc.dialects.graph import GetStateOp, GetWeightOp, SetStateOp, StateOp
from neuralc.dialects.types import AnyTensor, ShapeError, as_tensor, format_shape, shape_of
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
    layer: str = field(default="", compare=False)
    """The layer of the signature table that has it; for names of other frameworks."""
    source: str = field(default="", compare=False)
    """What the file calls it that the model came from, where that is another name."""

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
    around: set[str] = field(default_factory=set)
    """Names that stand before a dot in others: of `encoder.dense`, `encoder`."""

    def unique(self, base: str) -> str:
        """The path of an unnamed layer."""
        name, count = base, self.counts.get(base, 0)
        while not self.is_free(name):
            count += 1
            name = f"{base}_{count}"
        self.counts[base] = count
        return self.claim(name)

    def named(self, name: str, place: Span) -> str:
        """The path of a layer that was given a name. Raises NeuralcError when another one has it."""
        if not self.is_free(name):
            raise error("E0208", f"another layer here is already named `{name}`", place, help="choose another name")
        return self.claim(name)

    def is_free(self, name: str) -> bool:
        """Whether weights under this name are under no other one: a layer is not within another one by its name."""
        return name not in self.used and name not in self.around and self.used.isdisjoint(_before(name))

    def claim(self, name: str) -> str:
        """The path of a layer with a name that is free."""
        self.used.add(name)
        self.around.update(_before(name))
        self.last = name.rpartition(".")[2]
        return f"{self.path}.{name}" if self.path else name


def _before(name: str) -> set[str]:
    """`a.b` and `a` of `a.b.c`."""
    parts = name.split(".")
    return {".".join(parts[:count]) for count in range(1, len(parts))}


@dataclass(frozen=True)
class StateDeclaration:
    """A state of the model: what a run finds of the run before it, zeros at first."""

    name: str
    type: AnyTensor


class Function(Protocol):
    """A body under construction; weights and states go by their paths within it."""

    block: Block

    def declare(self, weight: WeightDeclaration, span: Span) -> SSAValue:
        """The value of a weight. Raises ShapeError where a shared one would need another shape."""
        ...

    def state(self, state: StateDeclaration, span: Span) -> SSAValue:
        """What a state holds here: what this run kept in it, else what it found. Raises ShapeError as `declare`."""
        ...

    def keep(self, name: str, value: SSAValue) -> None:
        """From here on a state holds a value, and so it does in the next run unless another one follows."""
        ...


def emit(function: Function, op: Operation, span: Span, hint: str) -> None:
    """Adds an op at the end, with its place in the model and a name for its values."""
    op.location = location(span)
    function.block.add_op(op)
    for result in op.results:
        result.name_hint = _hint(hint)


def _hint(name: str) -> str | None:
    """A name as the IR takes it: it does not begin with a number, as paths in a container may."""
    return f"layer{name}" if name[:1].isdigit() else name or None


class _Body(ABC):
    """Weights and states of a body; one that is asked for again by its path is the same one."""

    def __init__(self, block: Block) -> None:
        self.block = block
        self.weights: dict[str, WeightDeclaration] = {}
        self.kept: dict[str, SSAValue] = {}
        """What states hold at the end."""
        self._values: dict[str, SSAValue] = {}
        self._states: dict[str, SSAValue] = {}

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

    def state(self, state: StateDeclaration, span: Span) -> SSAValue:
        found = self.kept.get(state.name, self._states.get(state.name))
        if found is None:
            found = self._states[state.name] = self.kept[state.name] = self._read(state, span)
        if found.type != state.type:
            raise ShapeError(
                f"its shared state `{state.name}` has the shape {format_shape(shape_of(found.type))}, "
                f"and would need {format_shape(shape_of(state.type))} here"
            )
        return found

    def keep(self, name: str, value: SSAValue) -> None:
        self.kept[name] = value

    @abstractmethod
    def _read(self, symbol: WeightDeclaration | StateDeclaration, span: Span) -> SSAValue:
        """The value of a weight or a state that was not asked for before."""


class ModelFunction(_Body):
    """The body of graph.model: weights and states are read from their symbols."""

    def _read(self, symbol: WeightDeclaration | StateDeclaration, span: Span) -> SSAValue:
        read = GetWeightOp if isinstance(symbol, WeightDeclaration) else GetStateOp
        op = read(symbol.name, symbol.type)
        emit(self, op, span, symbol.name)
        return op.results[0]

    def write_states(self) -> list[StateOp]:
        """Ends the body with what the next run finds; gives the declarations."""
        for name, value in self.kept.items():
            op = SetStateOp(name, value)
            op.location = value.owner.location if isinstance(value.owner, Operation) else UnknownLoc()
            self.block.add_op(op)
        return [StateOp(name, as_tensor(value.type)) for name, value in self.kept.items()]


class RegionFunction:
    """A region of control flow within a body: its ops go into a block, its weights are those of the body."""

    def __init__(self, block: Block, outer: Function) -> None:
        self.block, self.outer = block, outer

    def declare(self, weight: WeightDeclaration, span: Span) -> SSAValue:
        return self.outer.declare(weight, span)

    def state(self, state: StateDeclaration, span: Span) -> SSAValue:
        """Raises ShapeError: what a branch leaves would be lost where another one runs."""
        raise ShapeError("a layer that keeps a state cannot stand in a branch that may not run")

    def keep(self, name: str, value: SSAValue) -> None:
        """Never called: no state is read here."""


class BlockFunction(_Body):
    """The body of a graph.func: weights and states are arguments, the next values of states are results."""

    def __init__(self, block: Block) -> None:
        super().__init__(block)
        self.passed: list[WeightDeclaration | StateDeclaration] = []
        """What the arguments stand for, behind those that the body was given."""
        self._new: list[BlockArgument] = []

    def _read(self, symbol: WeightDeclaration | StateDeclaration, span: Span) -> SSAValue:
        index = len(self.block.args) + len(self._new)
        argument = BlockArgument(symbol.type, self.block, index, location(span))
        argument.name_hint = _hint(symbol.name)
        self._new.append(argument)
        self.passed.append(symbol)
        if isinstance(symbol, StateDeclaration):
            self.finish()  # the block has to know it: its sizes may still become others
        return argument

    def finish(self) -> None:
        """Gives the block its new arguments, all at once: `insert_arg` takes time for each argument before it."""
        self.block._args = (*self.block.args, *self._new)
        self._new.clear()
