"""Control flow: If, Loop and Scan. What the import can decide is decided; the rest becomes regions.

A loop whose number of rounds is known and small is unrolled where its values change their shape from round to round.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from xdsl.dialects.builtin import i1, i64
from xdsl.ir import Block, Operation, Region, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.control import isolate
from neuralc.dialects.types import ShapeError, tensor_type
from neuralc.frontends.builder import discard
from neuralc.frontends.onnx.node import Node
from neuralc.frontends.onnx.registry import onnx_op
from neuralc.frontends.sizes import Size
from neuralc.frontends.values import Value, as_size, from_ssa

if TYPE_CHECKING:
    from onnx import GraphProto, ValueInfoProto

UNROLLED = 32
"""Rounds up to which a loop is unrolled."""

MOST_UNROLLED = 1024
"""Rounds of all loops of a model that are unrolled, those within others included."""


@onnx_op("If", makes=("graph.if",))
def if_(node: Node) -> Sequence[Value]:
    """A known condition takes its branch, and the other one is not looked at."""
    condition = node.reshape(node.input(0), ())
    sides = node.graph("then_branch"), node.graph("else_branch")
    if condition.numbers is not None:
        return node.subgraphs.inline(sides[0] if condition.numbers else sides[1], ())
    blocks = [Block(), Block()]
    values = [node.subgraphs.block(graph_, (), block) for graph_, block in zip(sides, blocks, strict=True)]
    if len(values[0]) != len(values[1]):
        raise ShapeError("the branches have different numbers of outputs")
    for a, b in zip(*values, strict=True):
        if a.type != b.type:
            node.needs_values(f"its branches give {a.type} and {b.type}")
    regions = [_region(node, block, ends) for block, ends in zip(blocks, values, strict=True)]
    captured = [isolate(region) for region in regions]
    op = graph.IfOp.of(node.builder.ssa(condition), captured[0], regions[0], captured[1], regions[1])
    return _added(node, op)


@onnx_op("Loop", makes=("graph.loop",))
def loop(node: Node) -> Sequence[Value]:
    """Rounds up to a limit while a condition holds; the body gives the next condition first."""
    limit, condition = node.optional(0), node.optional(1)
    initial = [node.input(i) for i in range(2, node.count)]
    body = node.graph("body")
    if len(body.input) != 2 + len(initial) or len(body.output) < 1 + len(initial):
        raise ShapeError(f"the body has {len(body.input)} inputs and {len(body.output)} outputs")
    trips = _trips(limit)
    if condition is not None and condition.numbers is not None and not condition.numbers.all():
        trips = 0
    if trips == 0:
        return _no_rounds(node, body, initial)
    block = Block(arg_types=[tensor_type((), i64), *(value.type for value in initial)])
    number, *carried = (from_ssa(port.name, argument) for port, argument in zip(_ports(body), block.args, strict=True))
    holds = node.constant(np.array(True), i1)
    small = isinstance(trips, int) and trips <= UNROLLED
    run = node.subgraphs.attempt if small else node.subgraphs.block
    found = run(body, [number, holds, *carried], block)
    if found is None:
        return _unrolled(node, body, initial, trips)
    again, *ends = found
    endless = (condition is None or condition.numbers is not None) and _is_true(again)
    same = [value.type for value in ends[: len(initial)]] == [value.type for value in initial]
    if not same:
        discard(block)
        if not (endless and small):
            node.needs_values("shapes or types of its values change from round to round")
        return _unrolled(node, body, initial, trips)
    if len(ends) > len(initial) and (not endless or trips is None):
        node.needs_values("the number of its rounds, which is a size of its result, depends on values")
    return _loop(node, block, ends if endless else [again, *ends], initial, trips, endless)


def _loop(
    node: Node, block: Block, ends: Sequence[Value], initial: Sequence[Value], trips: Size | None, endless: bool
) -> Sequence[Value]:
    builder = node.builder
    limit, condition = node.optional(0), None if endless else node.optional(1)
    region = _region(node, block, ends)
    if not endless and condition is None:
        condition = node.constant(np.array(True), i1)
    limits = None if limit is None or trips is not None else node.cast(node.reshape(limit, ()), i64)
    carried = [builder.ssa(value) for value in initial]
    captured = isolate(region)
    op = graph.LoopOp.of(
        carried,
        captured,
        region,
        trips=trips,
        limit=None if limits is None else builder.ssa(limits),
        condition=None if condition is None else builder.ssa(node.reshape(condition, ())),
    )
    return _added(node, op)


def _trips(limit: Value | None) -> Size | None:
    if limit is None or limit.known is None:
        return None
    trips = as_size(limit.known.reshape(-1)[0])
    return max(trips, 0) if isinstance(trips, int) else trips


def _ports(body: GraphProto) -> list[ValueInfoProto]:
    """The inputs of a loop's body that are arguments of its region: all but the condition."""
    return [port for index, port in enumerate(body.input) if index != 1]


def _is_true(value: Value) -> bool:
    return value.numbers is not None and bool(value.numbers.all())


def _no_rounds(node: Node, body: GraphProto, initial: Sequence[Value]) -> Sequence[Value]:
    if len(body.output) > 1 + len(initial):
        node.refuse("with results of no rounds")
    return initial


def _unrolled(node: Node, body: GraphProto, initial: Sequence[Value], trips: Size | None) -> Sequence[Value]:
    node.builder.unrolled += trips if isinstance(trips, int) else 0
    if node.builder.unrolled > MOST_UNROLLED:
        node.refuse(f"unrolled to more than {MOST_UNROLLED} rounds")
    values, rounds = list(initial), list[list[Value]]()
    for index in range(trips if isinstance(trips, int) else 0):
        number, holds = node.constant(np.array(index), i64), node.constant(np.array(True), i1)
        again, *ends = node.subgraphs.inline(body, [number, holds, *values])
        if not _is_true(again):
            node.needs_values("the number of its rounds depends on values")
        values = ends[: len(initial)]
        rounds.append(ends[len(initial) :])
    return [*values, *(_stacked(node, parts) for parts in zip(*rounds, strict=True))]


def _stacked(node: Node, parts: Sequence[Value]) -> Value:
    return node.concat([node.reshape(part, (1, *part.shape)) for part in parts], 0)


# --- scan ------------------------------------------------------------------------------------------------------------
@onnx_op("Scan", makes=("graph.scan", "graph.transpose"))
def scan(node: Node) -> Sequence[Value]:
    """A recurrence along an axis of each scanned input; version 8 has a batch around it."""
    count, body = node.integer("num_scan_inputs"), node.graph("body")
    if node.version < 9:
        return _scan_with_batch(node, body, count)
    inputs = node.inputs
    states, scanned = list(inputs[: len(inputs) - count]), list(inputs[len(inputs) - count :])
    outputs = len(body.output) - len(states)
    if not 1 <= count <= len(inputs) or len(body.input) != len(inputs) or outputs < 0:
        raise ShapeError(f"the body has {len(body.input)} inputs and {len(body.output)} outputs")
    directions = _listed(node, "scan_input_directions", count), _listed(node, "scan_output_directions", outputs)
    axes = _listed(node, "scan_input_axes", count), _listed(node, "scan_output_axes", outputs)
    moved = [_to_front(node, x, node.axis(axis, x.rank)) for x, axis in zip(scanned, axes[0], strict=True)]
    results = _scan(node, body, states, moved, [*directions[0], *directions[1]])
    stacked = [
        _from_front(node, y, node.axis(axis, y.rank)) for y, axis in zip(results[len(states) :], axes[1], strict=True)
    ]
    return [*results[: len(states)], *stacked]


def _scan(
    node: Node, body: GraphProto, states: Sequence[Value], scanned: Sequence[Value], reverse: Sequence[int]
) -> Sequence[Value]:
    for other in scanned[1:]:
        node.builder.symbols.unify(scanned[0].shape[0], other.shape[0])
    trips = scanned[0].shape[0]
    slices = [tensor_type(x.shape[1:], x.element) for x in scanned]
    block = Block(arg_types=[*(value.type for value in states), *slices])
    arguments = [from_ssa(port.name, argument) for port, argument in zip(body.input, block.args, strict=True)]
    ends = node.subgraphs.block(body, arguments, block)
    if [value.type for value in ends[: len(states)]] != [value.type for value in states]:
        node.refuse("shapes or types of its states change from round to round")
    region = _region(node, block, ends)
    carried, walked = [node.builder.ssa(x) for x in states], [node.builder.ssa(x) for x in scanned]
    op = graph.ScanOp.of(trips, carried, walked, isolate(region), region, reverse)
    return _added(node, op)


def _scan_with_batch(node: Node, body: GraphProto, count: int) -> Sequence[Value]:
    """Version 8: every value has a batch in front, whose entries are scanned one by one."""
    if node.optional(0) is not None:
        node.refuse("with lengths of sequences (version 8)")
    inputs = [node.input(i) for i in range(1, node.count)]
    directions = _listed(node, "directions", count)
    batch = inputs[0].shape[0]
    if not isinstance(batch, int) or not 1 <= batch <= UNROLLED:
        node.refuse(f"of a batch of {batch} (version 8)")
    rounds: list[Sequence[Value]] = []
    split = len(inputs) - count
    for entry in range(batch):
        parts = [node.reshape(node.pick(x, 0, entry, 1), x.shape[1:]) for x in inputs]
        outputs = len(body.output) - split
        rounds.append(_scan(node, body, parts[:split], parts[split:], [*directions, *([0] * outputs)]))
    return [_stacked(node, parts) for parts in zip(*rounds, strict=True)]


def _listed(node: Node, name: str, count: int) -> list[int]:
    values = list(node.integers(name, [0] * count))
    if len(values) != count:
        raise ShapeError(f"{name} has {len(values)} entries for {count} values")
    return values


def _to_front(node: Node, x: Value, axis: int) -> Value:
    return node.transpose(x, [axis, *(i for i in range(x.rank) if i != axis)])


def _from_front(node: Node, x: Value, axis: int) -> Value:
    order = list(range(1, x.rank))
    order.insert(axis, 0)
    return node.transpose(x, order)


# --- regions ---------------------------------------------------------------------------------------------------------
def _region(node: Node, block: Block, ends: Sequence[Value]) -> Region:
    """The region of a block that yields values, as data of this block."""
    builder = node.builder
    values: list[SSAValue] = []
    with builder.inside(block):
        values.extend(builder.ssa(value) for value in ends)
    end = graph.YieldOp(values)
    end.location = builder.location
    block.add_op(end)
    return Region(block)


def _added(node: Node, op: Operation) -> Sequence[Value]:
    op.verify_()
    return node.builder.append(op, node.name)
