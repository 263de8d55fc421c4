"""Control flow: `lax.cond`, `lax.fori_loop`, `lax.while_loop` and `lax.scan` over functions inside of the function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.ir import Block, Operation, SSAValue

from neuralc.dialects.graph import IfOp, LoopOp, ScanOp
from neuralc.dialects.types import shape_of
from neuralc.emit.jax.lower_functions import define_items
from neuralc.emit.jax.lower_training import acts_in_training
from neuralc.emit.jax.sized_lists import sized_shape
from neuralc.emit.layouts import natural
from neuralc.emit.python.expressions import Expression, call, name
from neuralc.emit.python.lowering import lower_block
from neuralc.emit.python.nodes import Body, Kind, Node
from neuralc.emit.python.sizes import Sizes
from neuralc.emit.python.values import Values

Returned = Callable[[Sequence[Expression]], Expression]


class _Region:
    """A region on its way to a function. What it reads from outside it reads by the names that things have there."""

    def __init__(self, values: Values, block: Block, captures: Mapping[SSAValue, SSAValue]) -> None:
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
            self._seen[outside] = _variable(outside.name, outside.shape)
        return self._seen[outside]

    def argument(self, value: SSAValue, wanted: str) -> Node:
        """An argument of the region, as one of the function."""
        node = _variable(wanted, shape_of(value.type))
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


def _variable(wanted: str, shape: Any) -> Node:
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


def _names(count: int, only: str, several: str) -> list[str]:
    """One name for each of some values."""
    return [only] if count == 1 else [several[i] if i < len(several) else f"{several[0]}{i}" for i in range(count)]


def _packed(values: Sequence[Expression]) -> Expression:
    """One value, or a tuple of several."""
    return values[0] if len(values) == 1 else name(f"({', '.join(map(str, values))})")


def _acts_in_training(values: Values, op: Operation) -> bool:
    """Refuses a region with layers that act in training: what a loop traces cannot leave it."""
    if any(map(acts_in_training, op.walk())):
        values.refuse(op, "dropout and batch norms inside of a region have no step of training")
        return True
    return False


def _define(
    values: Values, op: Operation, inputs: Sequence[Node], bodies: Sequence[Body], render: Returned, count: int
) -> None:
    """The statement with its functions; several results are unpacked."""
    if count == 1:
        values.define(op, Kind.OTHER, inputs, render).bodies = bodies
        return
    made = values.add(Kind.CALL, inputs, render, ())
    made.bodies = bodies
    define_items(values, op, made)


# -- choice ------------------------------------------------------------------------------------------------------------


def _if(values: Values, op: IfOp) -> None:
    if _acts_in_training(values, op):
        return
    bodies, read = [], [values.operand(op, 0)]
    for label, (body, first, captured) in zip(("then", "otherwise"), op.captures, strict=True):
        arguments = body.block.args[first:]
        region = _Region(values, body.block, dict(zip(arguments, captured, strict=True)))
        function, nodes = region.function(label, body.block, [], _packed)
        bodies.append(function)
        read += nodes
    _define(values, op, read, bodies, lambda x: call("lax.cond", x[0], name("then"), name("otherwise")), len(op.res))


# -- recurrence --------------------------------------------------------------------------------------------------------


def _scan(values: Values, op: ScanOp) -> None:
    flags = op.flags
    if _acts_in_training(values, op):
        return
    carried, scanned = len(op.carried), len(op.scanned)
    block = op.block
    captures: dict[SSAValue, SSAValue] = dict(zip(block.args[carried + scanned :], op.captured, strict=True))
    region = _Region(values, block, captures)
    states = [region.argument(block.args[i], key) for i, key in enumerate(_names(carried, "carry", "abcdefgh"))]
    slices = [region.argument(block.args[carried + i], key) for i, key in enumerate(_names(scanned, "x", "xyz"))]
    length = sized_shape(values, op, [op.trips.data] if not scanned else [])
    if length is None:
        return

    def returned(x: Sequence[Expression]) -> Expression:
        ends = x[carried:]
        return name(f"{_tuple(x[:carried])}, {_tuple(ends) if ends else 'None'}")

    function, read = region.function("body", block, [("carry", states), ("slices", slices)], returned)
    nodes = [values.operand(op, i) for i in range(carried + scanned)]
    flipped = [bool(flag) for flag in flags]
    together = bool(flipped) and all(flipped)

    def render(x: Sequence[Expression]) -> Expression:
        first, xs = x[:carried], list(x[carried : carried + scanned])
        if not together:
            xs = [
                call("jnp.flip", value, 0) if flip else value for value, flip in zip(xs, flipped[:scanned], strict=True)
            ]
        options = {"reverse": True} if together else {}
        if not scanned:
            sizes = length.written(x[carried : carried + len(length.nodes)])
            return call("lax.scan", name("body"), name(_tuple(first)), None, length=sizes[0], **options)
        return call("lax.scan", name("body"), name(_tuple(first)), name(_tuple(xs)), **options)

    made = values.add(Kind.CALL, [*nodes, *length.nodes, *read], render, ())
    made.bodies = [function]
    ends = [] if together else flipped[scanned:]
    _unpack_scan(values, op, made, carried, ends)


def _tuple(values: Sequence[Expression]) -> str:
    """`a`, `(a, b)` or `()`."""
    return str(values[0]) if len(values) == 1 else f"({', '.join(map(str, values))})"


def _unpack_scan(values: Values, op: Operation, made: Node, carried: int, flipped: Sequence[bool]) -> None:
    """`(a, b), y = lax.scan(..)`: the carried values and the stacked ones."""
    groups = [list(op.results[:carried]), list(op.results[carried:])]
    for group in groups:
        node = Node(Kind.ITEM, (made,), lambda x: x[0], ())
        for result in group:
            item = Node(Kind.ITEM, (made,), lambda x: x[0], shape_of(result.type))
            values.nodes.append(item)
            index = list(op.results).index(result)
            if index >= carried and flipped and flipped[index - carried]:
                turned = values.add(Kind.VIEW, [item], lambda x: call("jnp.flip", x[0], 0), shape_of(result.type))
                values.alias(op, turned, index)
            else:
                values.alias(op, item, index)
            node.items.append(item)
        made.items.append(node.items[0] if len(node.items) == 1 else node)


# -- repetition --------------------------------------------------------------------------------------------------------


def _loop(values: Values, op: LoopOp) -> None:
    if _acts_in_training(values, op):
        return
    stacked = len(op.res) > len(op.carried)
    trips = sized_shape(values, op, [] if op.trips is None else [op.trips.data])
    if trips is None:
        return
    block, carried = op.block, len(op.carried)
    captures: dict[SSAValue, SSAValue] = dict(zip(block.args[1 + carried :], op.captured, strict=True))
    region = _Region(values, block, captures)
    number = region.argument(block.args[0], "i")
    states = [region.argument(block.args[1 + i], key) for i, key in enumerate(_names(carried, "carry", "abcdefgh"))]
    skipped = int(op.condition is not None)
    nodes = [values.at(value, natural(value)) for value in op.operands[: len(op.operands) - len(op.captured)]]
    if stacked:
        # Every round is run, so that the condition holds in all of them.
        function, read = region.function(
            "body",
            block,
            [("carry", states), ("i", [number])],
            lambda x: name(f"{_tuple(x[skipped : skipped + carried])}, {_tuple(x[skipped + carried :])}"),
        )
        _stacked_loop(values, op, nodes, trips, function, read)
    elif skipped:
        function, read = region.function(
            "body",
            block,
            [("carry", [number, _variable("_", ()), *states])],
            lambda x: name(f"{_tuple([_next_number(number), *x])}"),
        )
        _while_loop(values, op, nodes, trips, function, read)
    else:
        function, read = region.function("body", block, [("i", [number]), ("carry", states)], lambda x: name(_tuple(x)))
        _counted_loop(values, op, nodes, trips, function, read)


def _next_number(number: Node) -> Expression:
    return name(f"{number.name} + 1")


def _initial(op: LoopOp, x: Sequence[Expression]) -> Sequence[Expression]:
    first = int(op.limit is not None) + int(op.condition is not None)
    return x[first : first + len(op.carried)]


def _bound(op: LoopOp, x: Sequence[Expression], trips: Sizes, count: int) -> Expression | None:
    """The number of rounds: a limit, a known number, or the smaller of both."""
    found = trips.written(x[count:])[:1] if op.trips is not None else []
    limits = [x[0]] if op.limit is not None else []
    both = [*limits, *found]
    return None if not both else both[0] if len(both) == 1 else call("jnp.minimum", *both)


def _counted_loop(
    values: Values, op: LoopOp, nodes: Sequence[Node], trips: Sizes, function: Body, read: Sequence[Node]
) -> None:
    def render(x: Sequence[Expression]) -> Expression:
        bound = _bound(op, x, trips, len(nodes))
        return call("lax.fori_loop", 0, bound, name("body"), name(_tuple(_initial(op, x))))

    _define(values, op, [*nodes, *trips.nodes, *read], [function], render, len(op.res))


def _stacked_loop(
    values: Values, op: LoopOp, nodes: Sequence[Node], trips: Sizes, function: Body, read: Sequence[Node]
) -> None:
    def render(x: Sequence[Expression]) -> Expression:
        count = trips.written(x[len(nodes) :])[0]
        return call("lax.scan", name("body"), name(_tuple(_initial(op, x))), call("jnp.arange", count))

    made = values.add(Kind.CALL, [*nodes, *trips.nodes, *read], render, ())
    made.bodies = [function]
    _unpack_scan(values, op, made, len(op.carried), [])


def _while_loop(
    values: Values, op: LoopOp, nodes: Sequence[Node], trips: Sizes, function: Body, read: Sequence[Node]
) -> None:
    """The number of the round and the condition are carried in front of the values."""
    carried = len(op.carried)

    def render(x: Sequence[Expression]) -> Expression:
        bound = _bound(op, x, trips, len(nodes))
        going = x[int(op.limit is not None)]
        again = "lambda carry: carry[1]" + ("" if bound is None else f" & (carry[0] < {bound})")
        start = name(_tuple([name("0"), going, *_initial(op, x)]))
        found = call("lax.while_loop", name(again), name("body"), start)
        return name(f"{found}[2]" if carried == 1 else f"{found}[2:]")

    _define(values, op, [*nodes, *trips.nodes, *read], [function], render, len(op.res))


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {IfOp: _if, LoopOp: _loop, ScanOp: _scan}
