"""Walks the functions of a StableHLO module: every op is converted by its handler."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from xdsl.ir import Block
from xdsl.utils.exceptions import VerifyException

from neuralc.dialects.dims import Dim
from neuralc.dialects.types import ShapeError
from neuralc.frontends.builder import Builder
from neuralc.frontends.node_builder import NodeBuilder
from neuralc.frontends.refusals import Refusals, Refused, shown
from neuralc.frontends.sizes import Undecided
from neuralc.frontends.stablehlo.narrow import Narrow
from neuralc.frontends.stablehlo.node import Node, element_of, sizes_of
from neuralc.frontends.stablehlo.ranges import Ranges
from neuralc.frontends.stablehlo.registry import Operator, operators
from neuralc.frontends.stablehlo.rounds import Rounds
from neuralc.frontends.stablehlo.scope import Place, place_of
from neuralc.frontends.stablehlo.vectors import BY_ENTRY, Vectors
from neuralc.frontends.values import Value
from neuralc.grammar.diagnostics import NeuralcError, error
from neuralc.passes.scopes import located

if TYPE_CHECKING:
    from jax.interpreters.mlir import ir

MAX_DEPTH = 64
"""Functions that call one another, and regions within regions."""

ENDS = frozenset({"func.return", "stablehlo.return"})


class Missing:
    """Stands for the results of an op that was refused: what uses them is not looked at."""


MISSING: Final = Missing()


class Unavailable(Exception):
    """A region or function has a result that comes from a refused op."""


@dataclass
class Importer:
    """One import. Handlers get nodes, and ask for regions and functions here."""

    builder: Builder
    functions: Mapping[str, ir.Operation]
    model: str = ""
    """The scope around all modules, which is the model itself."""
    refusals: Refusals = field(default_factory=lambda: Refusals(code="E0653"))
    narrow: Narrow = field(default_factory=Narrow)
    ranges: Ranges = field(default_factory=Ranges)
    vectors: Vectors = field(default_factory=Vectors)
    iotas: dict[Value, int] = field(default_factory=dict)
    _values: dict[ir.Value, Value | Missing] = field(default_factory=dict)
    _place: Place = field(default_factory=Place)
    _loops: list[Rounds] = field(default_factory=list)
    _depth: int = 0

    # --- blocks --------------------------------------------------------------------------------------------------
    def inline(self, block: ir.Block, arguments: Sequence[Value | Missing]) -> list[Value]:
        with self._deeper():
            if len(block.arguments) != len(arguments):
                raise ShapeError(f"a region of {len(block.arguments)} arguments gets {len(arguments)}")
            self._values.update(zip(block.arguments, arguments, strict=True))
            for op in block.operations:
                operation = op.operation
                if operation.name in ENDS:
                    return _available([self._values[value] for value in operation.operands])
                self._op(operation)
        raise ShapeError("a region without an end")

    def block(self, block: ir.Block, arguments: Sequence[Value], into: Block) -> list[Value]:
        with self.builder.inside(into):
            return self.inline(block, arguments)

    def call(self, name: str, arguments: Sequence[Value], place: Place) -> list[Value]:
        if name not in self.functions:
            raise ShapeError(f"nothing defines the function `{shown(name)}`")
        weights = [value.name for value in arguments if value.weight]
        before, self._place = self._place, place.called(place.primitive, weights)
        try:
            return self.inline(self.functions[name].regions[0].blocks[0], arguments)
        finally:
            self._place = before

    def found(self, value: ir.Value) -> Value | None:
        found = self._values.get(value)
        return found if isinstance(found, Value) else None

    # --- loops ---------------------------------------------------------------------------------------------------
    @contextmanager
    def rounds(self, rounds: Rounds) -> Iterator[None]:
        self._loops.append(rounds)
        try:
            yield
        finally:
            self._loops.pop()

    def walked(self, x: Value, start: Value) -> Value | None:
        return next(filter(None, (loop.slice_of(x, start) for loop in self._loops)), None)

    def stacked(self, x: Value, update: Value, start: Value) -> Value | None:
        if update.rank != x.rank or not x.rank or update.shape[0] != 1 or update.shape[1:] != x.shape[1:]:
            return None
        loop = next((loop for loop in self._loops if x in loop.stacked), None)
        if loop is None:
            return None
        node = NodeBuilder("stacked", self.builder)
        return loop.write(x, node.reshape(update, update.shape[1:]), start)

    @contextmanager
    def _deeper(self) -> Iterator[None]:
        if self._depth == MAX_DEPTH:
            raise ShapeError(f"functions and regions within one another, more than {MAX_DEPTH} deep")
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

    # --- ops -----------------------------------------------------------------------------------------------------
    def _op(self, op: ir.Operation) -> None:
        """Convert one op; its results have values afterwards. Raises NeuralcError E0652."""
        place = place_of(op.location).inside(self._place).below(self.model)
        label = "/".join((*place.scopes, place.primitive)) or op.name
        operands = [self._values[value] for value in op.operands]
        operator = operators().get(op.name)
        results: Sequence[Value | Missing] = [MISSING] * len(op.results)
        try:
            if operator is None:
                raise Refused(_unknown(op))
            values = [value for value in operands if not isinstance(value, Missing)]
            if len(values) == len(operands):
                results = self._convert(operator, op, place, values)
        except Refused as refused:
            self.refusals.add(op.name, str(refused), label, by_values=refused.by_values)
        except Undecided as question:
            self.refusals.add(op.name, f"`{question}` differs between runs", label)
        except Unavailable:
            pass
        except (ShapeError, VerifyException) as problem:
            raise invalid(f"op `{shown(label)}` ({op.name}) does not fit: {problem}") from None
        except (ValueError, IndexError, OverflowError, ZeroDivisionError, AttributeError) as problem:
            raise invalid(f"op `{shown(label)}` ({op.name}) cannot be read", str(problem)) from problem
        self._values.update(zip(op.results, results, strict=True))

    def _convert(self, operator: Operator, op: ir.Operation, place: Place, inputs: Sequence[Value]) -> Sequence[Value]:
        node = Node(op, place, _name(op, place), inputs, self)
        with self._at(place):
            found = operator.handler(node)
        unread = [text for text in node.unread() if text not in operator.unread and not _is_annotation(text)]
        if unread:
            raise Refused(f"with the attribute `{unread[0]}`")
        results = [found] if isinstance(found, Value) else list(found)
        if op.name in BY_ENTRY:
            self.vectors.follow(node, inputs, results[0], lambda row: self._entry(operator, op, place, row))
        for value, result in zip(results, op.results, strict=True):
            self._check(value, result)
        return results

    def _entry(self, operator: Operator, op: ir.Operation, place: Place, inputs: Sequence[Value]) -> Value:
        found = operator.handler(Node(op, place, _name(op, place), inputs, self))
        return found if isinstance(found, Value) else found[0]

    def _check(self, value: Value, result: ir.Value) -> None:
        """What a handler made is what the module declares; sizes that it says are numbers are."""
        if value.element != element_of(result.type):
            raise ShapeError(f"its result is {value.type}, declared is {result.type}")
        declared = sizes_of(result.type)
        if len(declared) != value.rank:
            raise ShapeError(f"its result is {value.type}, declared is {result.type}")
        for size, wanted in zip(value.shape, declared, strict=True):
            if wanted is not None and isinstance(size, Dim):
                self.builder.symbols.unify(size, wanted)
            elif wanted is not None and size != wanted:
                raise ShapeError(f"its result is {value.type}, declared is {result.type}")

    @contextmanager
    def _at(self, place: Place) -> Iterator[None]:
        before, self.builder.location = self.builder.location, located(place.primitive, place.modules)
        try:
            yield
        finally:
            self.builder.location = before


def invalid(message: str, note: str | None = None) -> NeuralcError:
    return error("E0652", message, note=note, help="`stablehlo-opt` says what else the module breaks")


def _available(values: Sequence[Any]) -> list[Value]:
    found = [value for value in values if isinstance(value, Value)]
    if len(found) < len(values):
        raise Unavailable
    return found


def _unknown(op: ir.Operation) -> str:
    from neuralc.tables.stablehlo_ops import NOT_COMPILED

    return NOT_COMPILED.get(op.name, "not compiled yet")


def _name(op: ir.Operation, place: Place) -> str:
    """What jax calls the op. Layers get better names when the whole is known (naming.py)."""
    return place.primitive or op.name.partition(".")[2]


def _is_annotation(attribute: str) -> bool:
    """Attributes with a prefix are notes of whoever wrote the module: `jax.result_info`."""
    return "." in attribute
