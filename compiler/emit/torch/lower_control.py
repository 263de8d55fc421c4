"""Control flow: functions inside of `forward`, which one call or a loop of the file calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects.graph import IfOp, LoopOp, ScanOp
from neuralc.dialects.types import shape_of
from neuralc.emit.layouts import natural
from neuralc.emit.python.expressions import Expression, Value, call, name
from neuralc.emit.python.nodes import Body, Kind, Node
from neuralc.emit.python.regions import Region
from neuralc.emit.python.sized_lists import sized_shape
from neuralc.emit.python.values import Values

_CARRIED, _SCANNED = ("carry", "c1", "c2"), ("x", "y", "z")


def _names(count: int, wanted: Sequence[str]) -> list[str]:
    """One name for each of some values."""
    return [wanted[i] if i < len(wanted) else f"{wanted[0]}{i}" for i in range(count)]


def _tuple(values: Sequence[Expression]) -> Expression:
    """`(a, b)`, `(a,)` or `()`."""
    return name(f"({', '.join(map(str, values))}{',' * (len(values) == 1)})")


def _one_or_several(values: Sequence[Expression]) -> Expression:
    return values[0] if len(values) == 1 else name(", ".join(map(str, values)))


def _items(values: Values, op: Operation, made: Node) -> None:
    """The results of an op that is one call, which gives a tuple."""
    for index, result in enumerate(op.results):
        item = Node(Kind.ITEM, (made,), lambda x: x[0], shape_of(result.type))
        made.items.append(item)
        values.nodes.append(item)
        values.alias(op, item, index)


def _if(values: Values, op: IfOp) -> None:
    bodies, read = list[Body](), [values.operand(op, 0)]
    for label, (body, first, captured) in zip(("then", "otherwise"), op.captures, strict=True):
        region = Region(values, body.block, dict(zip(body.block.args[first:], captured, strict=True)))
        function, nodes = region.function(label, body.block, [], _one_or_several)
        bodies.append(function)
        read += nodes

    def render(x: Sequence[Expression]) -> Expression:
        return name(f"then() if {x[0]} else otherwise()")

    if len(op.results) == 1:
        values.define(op, Kind.CALL, read, render).bodies = bodies
        return
    made = values.add(Kind.CALL, read, render, ())
    made.bodies = bodies
    _items(values, op, made)


def _single(made: Values, op: Operation, inputs: Sequence[Node], body: Body, render: Any) -> None:
    """A loop of the file, which gives a tuple; of one value that value."""
    if len(op.results) == 1:
        made.define(op, Kind.CALL, inputs, lambda x: name(f"{render(x)}[0]")).bodies = [body]
        return
    node = made.add(Kind.CALL, inputs, render, ())
    node.bodies = [body]
    _items(made, op, node)


def _scan(values: Values, op: ScanOp) -> None:
    carried, scanned, block = len(op.carried), len(op.scanned), op.block
    region = Region(values, block, dict(zip(block.args[carried + scanned :], op.captured, strict=True)))
    states = [region.argument(block.args[i], key) for i, key in enumerate(_names(carried, _CARRIED))]
    slices = [region.argument(block.args[carried + i], key) for i, key in enumerate(_names(scanned, _SCANNED))]
    length = sized_shape(values, op, [op.trips.data] if not scanned else [])
    if length is None:
        return
    arguments = [(node.name, [node]) for node in (*states, *slices)]
    body, read = region.function("body", block, arguments, _tuple)
    nodes = [values.at(value, natural(value)) for value in op.operands[: carried + scanned]]
    flags = [bool(flag) for flag in op.flags]
    options: dict[str, Value] = {"reverse": tuple(flags)} if any(flags) else {}
    values.helpers.add("scan")

    def render(x: Sequence[Expression]) -> Expression:
        first, xs = x[:carried], x[carried : carried + scanned]
        rounds = name(f"len({xs[0]})") if xs else length.written(x[carried : carried + len(length.nodes)])[0]
        return call("scan", name("body"), _tuple(first), _tuple(xs), rounds, **options)

    _single(values, op, [*nodes, *length.nodes, *read], body, render)


def _loop(values: Values, op: LoopOp) -> None:
    block, carried = op.block, len(op.carried)
    region = Region(values, block, dict(zip(block.args[1 + carried :], op.captured, strict=True)))
    number = region.argument(block.args[0], "i")
    states = [region.argument(block.args[1 + i], key) for i, key in enumerate(_names(carried, _CARRIED))]
    rounds = sized_shape(values, op, [] if op.trips is None else [op.trips.data])
    if rounds is None:
        return
    body, read = region.function("body", block, [(node.name, [node]) for node in (number, *states)], _tuple)
    given = op.operands[: len(op.operands) - len(op.captured)]
    nodes = [values.at(value, natural(value)) for value in given]
    leading = [key for key, value in (("limit", op.limit), ("condition", op.condition)) if value is not None]
    values.helpers.add("loop")

    def render(x: Sequence[Expression]) -> Expression:
        options: dict[str, Value] = dict(zip(leading, x, strict=False))
        if op.trips is not None:
            options = {"rounds": rounds.written(x[len(nodes) :])[0], **options}
        return call("loop", name("body"), _tuple(x[len(leading) : len(nodes)]), **options)

    _single(values, op, [*nodes, *rounds.nodes, *read], body, render)


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {IfOp: _if, LoopOp: _loop, ScanOp: _scan}
