"""Control flow over functions inside of the function: a framework has its words for a choice, loops, recurrences."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xdsl.ir import Operation, SSAValue

from neuralc.dialects.dims import Dim
from neuralc.dialects.graph import IfOp, LoopOp, ScanOp, SetStateOp
from neuralc.dialects.types import shape_of
from neuralc.emit.layouts import natural
from neuralc.emit.python.expressions import Expression, call, name
from neuralc.emit.python.nodes import Body, Kind, Node
from neuralc.emit.python.regions import Region, Returned, variable
from neuralc.emit.python.sizes import ENTRY, Sizes
from neuralc.emit.python.training import acts_in_training
from neuralc.emit.python.values import Values


def _names(count: int, only: str, several: str) -> list[str]:
    """One name for each of some values."""
    return [only] if count == 1 else [several[i] if i < len(several) else f"{several[0]}{i}" for i in range(count)]


def packed(values: Sequence[Expression]) -> Expression:
    """One value, or a tuple of several."""
    return values[0] if len(values) == 1 else name(f"({', '.join(map(str, values))})")


def define_items(values: Values, op: Operation, made: Node) -> None:
    """The results of an op that is one call with several."""
    for index, result in enumerate(op.results):
        item = Node(Kind.ITEM, (made,), lambda x: x[0], shape_of(result.type))
        made.items.append(item)
        values.nodes.append(item)
        values.alias(op, item, index)


def _acts_outside(values: Values, op: Operation) -> bool:
    """Refuses a region with layers that act in training, or states: what a loop traces cannot leave it."""
    if any(map(acts_in_training, op.walk())):
        values.refuse(op, "dropout and batch norms inside of a region have no step of training")
        return True
    if any(isinstance(inner, SetStateOp) for inner in op.walk()):
        values.refuse(op, "a state that a region sets is not kept")
        return True
    return False


@dataclass(frozen=True)
class Rounds:
    """What a recurrence is written of: its first values, what it takes slices of, how often it runs."""

    carried: Expression
    scanned: Sequence[Expression]
    length: Expression | None
    """Where nothing is scanned."""
    ends: Sequence[Expression]
    """What the form says of each slice that a round adds to a stack."""
    reverse: bool


@dataclass(frozen=True)
class Stacks:
    """What a form says of each stacked result, and the nodes that it reads for that."""

    nodes: Sequence[Node] = ()
    written: Callable[[Sequence[Expression]], list[Expression]] = lambda x: []


class ControlFlow(ABC):
    """The words of a framework for a choice, loops and recurrences over functions called `body`."""

    choice: str
    flip: str
    minimum: str
    entry: str = ENTRY
    """A size of an array along an axis."""
    no_ends: str = "None"
    """What a round ends with that adds to no stack."""
    unpacks: bool = False
    """Whether the body of a loop with a condition takes each carried value as an argument."""

    @abstractmethod
    def scan(self, rounds: Rounds) -> Expression:
        """The carried values behind the last round, and stacks of what the rounds end with."""

    @abstractmethod
    def counted(self, bound: Expression, carried: Expression) -> Expression:
        """`body(i, carry)` for each number below the bound."""

    @abstractmethod
    def repeated(self, going: Expression, bound: Expression | None, carried: Sequence[Expression]) -> Expression:
        """`body` while a condition holds: the number of the round, the condition, the carried values."""

    @abstractmethod
    def numbers(self, count: Expression) -> Expression:
        """The numbers of the rounds, as an array."""

    def bound(self, size: Expression) -> Expression:
        """A size that numbers of rounds are compared with."""
        return size

    def stacks(self, values: Values, op: Operation, results: Sequence[SSAValue]) -> Stacks | None:
        """What `scan` is told of its stacks; None where that was refused."""
        return Stacks()

    @property
    def lowerings(self) -> Mapping[type[Operation], Callable[[Values, Any], None]]:
        return {IfOp: self._if, LoopOp: self._loop, ScanOp: self._scan}

    # -- choice --------------------------------------------------------------------------------------------------------

    def _if(self, values: Values, op: IfOp) -> None:
        if _acts_outside(values, op):
            return
        bodies, read = [], [values.operand(op, 0)]
        for label, (body, first, captured) in zip(("then", "otherwise"), op.captures, strict=True):
            arguments = body.block.args[first:]
            region = Region(values, body.block, dict(zip(arguments, captured, strict=True)))
            function, nodes = region.function(label, body.block, [], packed)
            bodies.append(function)
            read += nodes
        _define(values, op, read, bodies, lambda x: call(self.choice, x[0], name("then"), name("otherwise")))

    # -- recurrence ----------------------------------------------------------------------------------------------------

    def _scan(self, values: Values, op: ScanOp) -> None:
        if _acts_outside(values, op):
            return
        carried, scanned, block = len(op.carried), len(op.scanned), op.block
        region = Region(values, block, dict(zip(block.args[carried + scanned :], op.captured, strict=True)))
        states = [region.argument(block.args[i], key) for i, key in enumerate(_names(carried, "carry", "abcdefgh"))]
        slices = [region.argument(block.args[carried + i], key) for i, key in enumerate(_names(scanned, "x", "xyz"))]
        length = self._sizes(values, op, [op.trips.data] if not scanned else [])
        stacks = self.stacks(values, op, op.results[carried:])
        if length is None or stacks is None:
            return
        arguments = [("carry", states), ("slices", slices)]
        function, read = region.function("body", block, arguments, lambda x: self._round(x[:carried], x[carried:]))
        flipped = [bool(flag) for flag in op.flags]
        together = bool(flipped) and all(flipped)

        def render(x: Sequence[Expression]) -> Expression:
            xs, rest = list(x[carried : carried + scanned]), x[carried + scanned :]
            if not together:
                pairs = zip(xs, flipped[:scanned], strict=True)
                xs = [call(self.flip, value, 0) if flip else value for value, flip in pairs]
            sizes, ends = length.written(rest, self.entry), stacks.written(rest[len(length.nodes) :])
            return self.scan(Rounds(_grouped(x[:carried]), xs, sizes[0] if sizes else None, ends, together))

        nodes = [values.operand(op, i) for i in range(carried + scanned)]
        made = values.add(Kind.CALL, [*nodes, *length.nodes, *stacks.nodes, *read], render, ())
        made.bodies = [function]
        self._unpack(values, op, made, carried, [] if together else flipped[scanned:])

    def _round(self, carried: Sequence[Expression], ends: Sequence[Expression]) -> Expression:
        """What a round gives."""
        return name(f"{_tuple(carried)}, {_tuple(ends) if ends else self.no_ends}")

    def _unpack(self, values: Values, op: Operation, made: Node, carried: int, flipped: Sequence[bool]) -> None:
        """`(a, b), y = scan(..)`: the carried values and the stacked ones."""
        for group in (list(op.results[:carried]), list(op.results[carried:])):
            node = Node(Kind.ITEM, (made,), lambda x: x[0], ())
            for result in group:
                item = Node(Kind.ITEM, (made,), lambda x: x[0], shape_of(result.type))
                values.nodes.append(item)
                index = list(op.results).index(result)
                if index >= carried and flipped and flipped[index - carried]:
                    turned = values.add(Kind.VIEW, [item], lambda x: call(self.flip, x[0], 0), shape_of(result.type))
                    values.alias(op, turned, index)
                else:
                    values.alias(op, item, index)
                node.items.append(item)
            made.items.append(node.items[0] if len(node.items) == 1 else node)

    # -- repetition ----------------------------------------------------------------------------------------------------

    def _loop(self, values: Values, op: LoopOp) -> None:
        if _acts_outside(values, op):
            return
        trips = self._sizes(values, op, [] if op.trips is None else [op.trips.data])
        if trips is None:
            return
        block, carried = op.block, len(op.carried)
        region = Region(values, block, dict(zip(block.args[1 + carried :], op.captured, strict=True)))
        number = region.argument(block.args[0], "i")
        states = [region.argument(block.args[1 + i], key) for i, key in enumerate(_names(carried, "carry", "abcdefgh"))]
        loop = _Loop(values, op, region, number, states, trips)
        if len(op.res) > carried:
            self._stacked_loop(loop)
        elif op.condition is not None:
            self._while_loop(loop)
        else:
            self._counted_loop(loop)

    def _counted_loop(self, loop: _Loop) -> None:
        function, read = loop.function([("i", [loop.number]), ("carry", loop.states)], lambda x: name(_tuple(x)))

        def render(x: Sequence[Expression]) -> Expression:
            bound = self._bound(loop, x)
            assert bound is not None, "a loop without a condition has a bound"
            return self.counted(bound, _grouped(loop.initial(x)))

        _define(loop.values, loop.op, [*loop.nodes, *loop.trips.nodes, *read], [function], render)

    def _stacked_loop(self, loop: _Loop) -> None:
        """Every round is run, so that the condition holds in all of them."""
        skipped, carried = int(loop.op.condition is not None), len(loop.states)
        stacks = self.stacks(loop.values, loop.op, loop.op.results[carried:])
        if stacks is None:
            return
        function, read = loop.function(
            [("carry", loop.states), ("i", [loop.number])],
            lambda x: self._round(x[skipped : skipped + carried], x[skipped + carried :]),
        )

        def render(x: Sequence[Expression]) -> Expression:
            rest = x[len(loop.nodes) :]
            count = loop.trips.written(rest, self.entry)[0]
            ends = stacks.written(rest[len(loop.trips.nodes) :])
            return self.scan(Rounds(_grouped(loop.initial(x)), [self.numbers(count)], None, ends, reverse=False))

        made = loop.values.add(Kind.CALL, [*loop.nodes, *loop.trips.nodes, *stacks.nodes, *read], render, ())
        made.bodies = [function]
        self._unpack(loop.values, loop.op, made, carried, [])

    def _while_loop(self, loop: _Loop) -> None:
        """The number of the round and the condition are carried in front of the values."""
        arguments = [loop.number, variable("_", ()), *loop.states]
        taken = [(node.name, [node]) for node in arguments] if self.unpacks else [("carry", arguments)]
        function, read = loop.function(taken, lambda x: name(_tuple([name(f"{loop.number.name} + 1"), *x])))

        def render(x: Sequence[Expression]) -> Expression:
            going = x[int(loop.op.limit is not None)]
            found = self.repeated(going, self._bound(loop, x), loop.initial(x))
            return name(f"{found}[2]" if len(loop.states) == 1 else f"{found}[2:]")

        _define(loop.values, loop.op, [*loop.nodes, *loop.trips.nodes, *read], [function], render)

    def _bound(self, loop: _Loop, x: Sequence[Expression]) -> Expression | None:
        """The number of rounds: a limit, a known number, or the smaller of both."""
        limits = [x[0]] if loop.op.limit is not None else []
        if loop.op.trips is not None:
            size = loop.trips.written(x[len(loop.nodes) :], self.entry)[0]
            limits.append(size if loop.op.trips.data.is_static else self.bound(size))
        return None if not limits else limits[0] if len(limits) == 1 else call(self.minimum, *limits)

    def _sizes(self, values: Values, op: Operation, wanted: Sequence[Dim]) -> Sizes | None:
        found = Sizes(wanted, values.inputs)
        if found.absent is None:
            return found
        values.refuse(op, f"no argument has the size {found.absent}")
        return None


class _Loop:
    """A loop on its way to code."""

    def __init__(
        self, values: Values, op: LoopOp, region: Region, number: Node, states: Sequence[Node], trips: Sizes
    ) -> None:
        self.values = values
        self.op = op
        self.number = number
        self.states = states
        self.trips = trips
        self.nodes = [values.at(value, natural(value)) for value in op.operands[: len(op.operands) - len(op.captured)]]
        """Of the limit, the condition and the first carried values."""
        self._region = region

    def function(
        self, arguments: Sequence[tuple[str, Sequence[Node]]], returned: Returned
    ) -> tuple[Body, Sequence[Node]]:
        return self._region.function("body", self.op.block, arguments, returned)

    def initial(self, x: Sequence[Expression]) -> Sequence[Expression]:
        """The first carried values."""
        first = int(self.op.limit is not None) + int(self.op.condition is not None)
        return x[first : first + len(self.op.carried)]


def _define(values: Values, op: Operation, inputs: Sequence[Node], bodies: Sequence[Body], render: Returned) -> None:
    """The statement with its functions; several results are unpacked."""
    if len(op.results) == 1:
        values.define(op, Kind.OTHER, inputs, render).bodies = bodies
        return
    made = values.add(Kind.CALL, inputs, render, ())
    made.bodies = bodies
    define_items(values, op, made)


def _tuple(values: Sequence[Expression]) -> str:
    """`a`, `(a, b)` or `()`."""
    return str(values[0]) if len(values) == 1 else f"({', '.join(map(str, values))})"


def _grouped(values: Sequence[Expression]) -> Expression:
    return name(_tuple(values))
