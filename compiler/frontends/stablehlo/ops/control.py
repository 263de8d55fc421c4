"""Control flow: a choice of regions, and loops. A loop that counts becomes a scan where it walks along what it reads.

jax writes `lax.scan` as a while with a counter: what is scanned is read at the counter in each round, what is stacked
is written there. Both are believed first, and given up for a value that the body uses in another way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from xdsl.dialects.builtin import i1, i64
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.transforms.dead_code_elimination import is_trivially_dead

from neuralc.dialects import graph
from neuralc.dialects.control import isolate
from neuralc.dialects.dims import as_dim, simplest
from neuralc.dialects.types import shape_of, tensor_type
from neuralc.frontends.builder import discard
from neuralc.frontends.sizes import Size
from neuralc.frontends.stablehlo.node import Node
from neuralc.frontends.stablehlo.registry import stablehlo_op
from neuralc.frontends.stablehlo.rounds import Rounds
from neuralc.frontends.values import Value, as_size, from_ssa

if TYPE_CHECKING:
    from jax.interpreters.mlir import ir


# --- choices ---------------------------------------------------------------------------------------------------------
@stablehlo_op("stablehlo.if", makes=("graph.if",))
def if_(node: Node) -> Sequence[Value]:
    """The first region where the condition is true."""
    return _choice(node, node.input(0), node.region(0), node.region(1))


@stablehlo_op("stablehlo.case", makes=("graph.if", "graph.less_equal"))
def case(node: Node) -> Sequence[Value]:
    """The region of a number; the last one for a number that has none."""
    index = node.input(0)
    return _case(node, index, [node.region(i) for i in range(node.regions)], 0)


def _case(node: Node, index: Value, blocks: Sequence[ir.Block], first: int) -> list[Value]:
    if len(blocks) == 1:
        return node.session.inline(blocks[0], ())
    truth = _truth_of(index)
    if truth is not None and len(blocks) == 2 and first == 0:
        return _choice(node, truth, blocks[1], blocks[0])
    here = node.emit(graph.EqualOp, index, node.scalar(first, index))
    return _choice(node, here, blocks[0], blocks[1:], index=index, first=first + 1)


def _truth_of(index: Value) -> Value | None:
    """The truth value that a number of a region is made from: jax makes one for `lax.cond`."""
    cast = index.ssa.owner if index.ssa is not None else None
    return (
        from_ssa("condition", cast.x) if isinstance(cast, graph.CastOp) and from_ssa("", cast.x).element == i1 else None
    )


def _choice(
    node: Node,
    condition: Value,
    on: ir.Block,
    off: ir.Block | Sequence[ir.Block],
    index: Value | None = None,
    first: int = 0,
) -> list[Value]:
    """A known condition takes its region, and the other one is not looked at."""

    def otherwise() -> list[Value]:
        if isinstance(off, Sequence) and index is not None:
            return _case(node, index, off, first)
        return node.session.inline(off, ())

    if condition.numbers is not None:
        return node.session.inline(on, ()) if condition.numbers.all() else otherwise()
    builder, blocks = node.builder, (Block(), Block())
    with builder.inside(blocks[0]):
        values = [node.session.inline(on, ())]
    with builder.inside(blocks[1]):
        values.append(otherwise())
    for a, b in zip(*values, strict=True):
        if a.type != b.type:
            node.needs_values(f"its regions give {a.type} and {b.type}")
    regions = [_region(node, block, ends) for block, ends in zip(blocks, values, strict=True)]
    captured = [isolate(region) for region in regions]
    op = graph.IfOp.of(builder.ssa(condition), captured[0], regions[0], captured[1], regions[1])
    return _added(node, op)


# --- loops -----------------------------------------------------------------------------------------------------------
@dataclass
class _Loop:
    """A while: its regions, the values that it begins with, and what each of them turned out to be."""

    cond: ir.Block
    body: ir.Block
    initial: list[Value]
    counter: int | None = None
    """The value that counts the rounds, one up in each."""
    begin: int = 0
    trips: Size | None = None
    kept: set[int] = field(default_factory=set)
    """Values that no round changes."""
    walked: set[int] = field(default_factory=set)
    """Kept values of which each round reads its own slice."""
    stacked: set[int] = field(default_factory=set)
    """Values of which each round writes its own slice."""

    @property
    def carried(self) -> list[int]:
        other = {*self.kept, *self.stacked, self.counter}
        return [i for i in range(len(self.initial)) if i not in other]


@stablehlo_op("stablehlo.while", makes=("graph.scan", "graph.loop", "graph.iota", "graph.cast"))
def while_(node: Node) -> Sequence[Value]:
    """The first region says whether there is another round, the second one is the round."""
    loop = _Loop(node.region(0), node.region(1), list(node.inputs))
    ends = _ends(loop.body)
    loop.kept = {i for i, value in enumerate(ends) if value == loop.body.arguments[i]}
    _count_rounds(node, loop, ends)
    if loop.trips is None:
        return _until(node, loop)
    if loop.trips == 0:
        return loop.initial
    along = {i for i, value in enumerate(loop.initial) if value.rank and value.shape[0] == loop.trips}
    loop.walked = loop.kept & along
    loop.stacked = along - loop.kept
    while True:
        found = _counted(node, loop)
        if found is not None:
            return found


def _ends(block: ir.Block) -> list[ir.Value]:
    *_, last = block.operations
    return list(last.operation.operands)


def _count_rounds(node: Node, loop: _Loop, ends: Sequence[ir.Value]) -> None:
    """Recognise `while i < n`, where the body gives i + 1 and the import knows n and the first i."""
    ops = [op.operation for op in loop.cond.operations]
    compare = next((op for op in ops if op.name == "stablehlo.compare"), None)
    if (
        compare is None
        or list(ops[-1].operands) != list(compare.results)
        or "LT" not in str(compare.attributes["comparison_direction"])
    ):
        return
    argument, limit = compare.operands
    if argument not in list(loop.cond.arguments):
        return
    index = list(loop.cond.arguments).index(argument)
    bound, first = _known(node, loop, limit), loop.initial[index].known
    if (
        bound is None
        or first is None
        or first.dtype == object
        or not _is_next(node, ends[index], loop.body.arguments[index])
    ):
        return
    begin = int(first.reshape(())[()])
    trips = simplest(as_dim(bound) - begin)
    loop.counter, loop.begin = index, begin
    loop.trips = max(trips, 0) if isinstance(trips, int) else trips


def _known(node: Node, loop: _Loop, limit: ir.Value) -> Size | None:
    """The size that a limit is: a constant, a size of the run, or a kept value that is one."""
    arguments = list(loop.cond.arguments)
    if limit in arguments:
        index = arguments.index(limit)
        value: Value | None = loop.initial[index] if index in loop.kept else None
    elif getattr(limit.owner, "name", "") == "stablehlo.constant":
        from neuralc.frontends.stablehlo.bindings import values_of

        return int(values_of(limit.owner.attributes["value"]).reshape(())[()])
    else:
        value = node.session.found(limit)
    if value is None or value.known is None or value.rank:
        return None
    return as_size(value.known.reshape(())[()])


def _is_next(node: Node, value: ir.Value, argument: ir.Value) -> bool:
    """Whether a value is an argument plus one."""
    op = value.owner
    if getattr(op, "name", "") != "stablehlo.add":
        return False
    lhs, rhs = op.operands
    step = rhs if lhs == argument else lhs if rhs == argument else None
    if step is None:
        return False
    if getattr(step.owner, "name", "") == "stablehlo.constant":
        from neuralc.frontends.stablehlo.bindings import values_of

        return bool((values_of(step.owner.attributes["value"]) == 1).all())
    found = node.session.found(step)
    return found is not None and found.numbers is not None and bool((found.numbers == 1).all())


def _counted(node: Node, loop: _Loop) -> Sequence[Value] | None:
    """The loop as a scan, or as a loop with a number of rounds. None: a role was given up, to be tried again."""
    trips = loop.trips if loop.trips is not None else 0
    carried = loop.carried
    walked, stacked = sorted(loop.walked), sorted(loop.stacked)
    slices = [tensor_type(loop.initial[i].shape[1:], loop.initial[i].element) for i in walked]
    held = [tensor_type(loop.initial[i].shape, loop.initial[i].element) for i in (*walked, *stacked)]
    number = loop.initial[loop.counter if loop.counter is not None else 0]
    block = Block(arg_types=[*(loop.initial[i].type for i in carried), *slices, number.type, *held])
    arguments = [from_ssa("", argument) for argument in block.args]
    inner = dict(zip(carried, arguments, strict=False))
    sliced = arguments[len(carried) : len(carried) + len(walked)]
    count, markers = arguments[len(carried) + len(walked)], arguments[len(carried) + len(walked) + 1 :]
    inner |= dict(zip((*walked, *stacked), markers, strict=True))
    inner |= {i: loop.initial[i] for i in loop.kept - loop.walked}
    if loop.counter is not None:
        inner[loop.counter] = count
    node.session.ranges.set(count, loop.begin, loop.begin + int(node.builder.symbols.bounds.interval(trips)[1]) - 1)
    rounds = Rounds(count, loop.begin, trips, dict(zip(markers, sliced, strict=False)), set(markers[len(walked) :]))
    with node.session.rounds(rounds):
        ends = node.session.block(loop.body, [inner[i] for i in range(len(loop.initial))], block)
    _erase_dead(block, [*(ends[i] for i in carried), *(each.value for each in rounds.written.values())])
    if _give_up(loop, ends, walked, stacked, markers, rounds):
        discard(block)
        return None
    for argument in reversed(block.args[len(block.args) - len(markers) :]):
        block.erase_arg(argument)
    written = [rounds.written[ends[i]] for i in stacked]
    results = [ends[i] for i in carried] + [each.value for each in written]
    if [ends[i].type for i in carried] != [loop.initial[i].type for i in carried]:
        node.refuse("shapes or types of its values change from round to round")
    if walked or stacked:
        flags = [rounds.read[marker] for marker in markers[: len(walked)]], [each.backwards for each in written]
        op = _scan(node, loop, block, results, flags)
    else:
        op = _loop(node, loop, block, results)
    return _results(node, loop, _added(node, op))


def _erase_dead(block: Block, results: Sequence[Value]) -> None:
    """Let go what nothing in the block reads: the next number of a round is one, which the loop counts itself."""
    kept = {value.ssa for value in results if value.ssa is not None}
    for op in reversed(list(block.ops)):
        if op.results and kept.isdisjoint(op.results) and is_trivially_dead(op):
            block.erase_op(op)


def _give_up(
    loop: _Loop,
    ends: Sequence[Value],
    walked: Sequence[int],
    stacked: Sequence[int],
    markers: Sequence[Value],
    rounds: Rounds,
) -> bool:
    """Take back what was believed of values that the body uses otherwise. True where there were such."""
    wrong = set()
    for i, marker in zip((*walked, *stacked), markers, strict=True):
        used = marker.ssa is not None and bool(marker.ssa.uses)
        if i in loop.walked and (used or marker not in rounds.read):
            wrong.add(i)
        if i in loop.stacked and (
            used or ends[i] not in rounds.written or rounds.written[ends[i]].marker is not marker
        ):
            wrong.add(i)
        if any(end is marker for j, end in enumerate(ends) if j != i):
            wrong.add(i)
    loop.walked -= wrong
    loop.stacked -= wrong
    return bool(wrong)


def _scan(
    node: Node, loop: _Loop, block: Block, results: Sequence[Value], flags: tuple[list[bool], list[bool]]
) -> Operation:
    """A scan. The counter is one of the scanned values, where the body reads it."""
    builder, trips = node.builder, loop.trips if loop.trips is not None else 0
    scanned = [builder.ssa(loop.initial[i]) for i in sorted(loop.walked)]
    directions = list(flags[0])
    region = _region(node, block, results)
    count = block.args[len(loop.carried) + len(loop.walked)]
    if count.uses:
        scanned.append(builder.ssa(_numbers(node, trips, loop)))
        directions.append(False)
    else:
        block.erase_arg(count)
    reverse = [int(flag) for flag in (*directions, *flags[1])]
    carried = [builder.ssa(loop.initial[i]) for i in loop.carried]
    return graph.ScanOp.of(trips, carried, scanned, isolate(region), region, reverse)


def _numbers(node: Node, trips: Size, loop: _Loop) -> Value:
    """What the counter is in each round."""
    element = loop.initial[loop.counter if loop.counter is not None else 0].element
    numbers = node.cast(node.emit(graph.IotaOp, result=tensor_type((trips,), i64)), element)
    return numbers if loop.begin == 0 else node.add(numbers, node.scalar(loop.begin, numbers))


def _loop(node: Node, loop: _Loop, block: Block, results: Sequence[Value]) -> Operation:
    """A loop with a number of rounds; the number itself is i64, the counter what the module says."""
    builder = node.builder
    region = _region(node, block, results)
    _number_first(node, block, block.args[len(loop.carried)], loop)
    carried = [builder.ssa(loop.initial[i]) for i in loop.carried]
    return graph.LoopOp.of(carried, isolate(region), region, trips=loop.trips)


def _number_first(node: Node, block: Block, count: SSAValue, loop: _Loop) -> None:
    """The number of the round as the first argument, and the counter computed from it."""
    number = block.insert_arg(tensor_type((), i64), 0)
    number.name_hint = "i"
    if count.uses:
        ops: list[Operation] = [graph.CastOp.of(number, result=count.type)]
        if loop.begin:
            constant = graph.ConstantOp.of(result=count.type, value=loop.begin)
            ops += [constant, graph.AddOp.of(ops[0].results[0], constant.result)]
        for op in reversed(ops):
            op.location = node.builder.location
            first = block.first_op
            if first is None:
                block.add_op(op)
            else:
                block.insert_op_before(op, first)
        count.replace_all_uses_with(ops[-1].results[0])
    block.erase_arg(next(argument for argument in block.args if argument is count))


def _results(node: Node, loop: _Loop, made: Sequence[Value]) -> list[Value]:
    """The values behind the loop, in the order of the while."""
    places = [*loop.carried, *sorted(loop.stacked)]
    found = dict(zip(places, made, strict=True)) | {i: loop.initial[i] for i in loop.kept}
    if loop.counter is not None:
        like = loop.initial[loop.counter]
        end = simplest(as_dim(loop.trips if loop.trips is not None else 0) + loop.begin)
        found[loop.counter] = (
            node.constant(np.array(end), like.element) if isinstance(end, int) else _size(node, end, like)
        )
    return [found[i] for i in range(len(loop.initial))]


def _size(node: Node, size: Size, like: Value) -> Value:
    return node.reshape(node.cast(node.indices([size]), like.element), ())


def _until(node: Node, loop: _Loop) -> Sequence[Value]:
    """Rounds until the first region says no: it is asked before the first one, and behind each."""
    before = node.session.inline(loop.cond, loop.initial)[0]
    if before.numbers is not None and not before.numbers.all():
        return loop.initial
    carried, number = loop.carried, tensor_type((), i64)
    block = Block(arg_types=[number, *(loop.initial[i].type for i in carried)])
    inner = {i: loop.initial[i] for i in loop.kept}
    inner |= {i: from_ssa("", argument) for i, argument in zip(carried, block.args[1:], strict=True)}
    ends = node.session.block(loop.body, [inner[i] for i in range(len(loop.initial))], block)
    again = node.session.block(loop.cond, [inner[i] if i in loop.kept else ends[i] for i in range(len(ends))], block)[0]
    results = [ends[i] for i in carried]
    if [shape_of(each.type) for each in results] != [shape_of(loop.initial[i].type) for i in carried]:
        node.refuse("shapes of its values change from round to round")
    region = _region(node, block, [again, *results])
    op = graph.LoopOp.of(
        [node.builder.ssa(loop.initial[i]) for i in carried],
        isolate(region),
        region,
        condition=node.builder.ssa(before),
    )
    found = dict(zip(carried, _added(node, op), strict=True)) | {i: loop.initial[i] for i in loop.kept}
    return [found[i] for i in range(len(loop.initial))]


# --- regions ---------------------------------------------------------------------------------------------------------
def _region(node: Node, block: Block, ends: Sequence[Value]) -> Region:
    """The region of a block that yields values, as data of this block."""
    values: list[SSAValue] = []
    with node.builder.inside(block):
        values.extend(node.builder.ssa(value) for value in ends)
    end = graph.YieldOp(values)
    end.location = node.builder.location
    block.add_op(end)
    return Region(block)


def _added(node: Node, op: Operation) -> list[Value]:
    op.verify_()
    return list(node.builder.append(op, node.name))
