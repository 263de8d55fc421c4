"""Control flow: the same regions on the tensor level. A loop whose rounds are known is a recurrence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from xdsl.ir import Block, BlockArgument, Operation, Region, SSAValue
from xdsl.rewriter import Rewriter

from neuralc.dialects import graph, tensor
from neuralc.dialects.control import CONDITION, Control, yielded
from neuralc.dialects.dims import Dim
from neuralc.dialects.graph.control import NUMBER_OF_ROUND
from neuralc.passes.lower.lowering import Conversion, Lowering, unsupported

ControlT = TypeVar("ControlT", bound=Control)


def _emit(at: Lowering, op: ControlT) -> Sequence[SSAValue]:
    at.insert(op)
    return op.results


def _with_yield(region: Region, values: Sequence[SSAValue] | None = None) -> Region:
    """The region with a terminator of the tensor level."""
    end = region.block.last_op
    if end is None:
        raise ValueError("a region ends in a terminator")
    new = tensor.YieldOp(list(yielded(region.block)) if values is None else values)
    new.location = end.location
    Rewriter.replace_op(end, new, [])
    return region


def _if(at: Lowering, op: graph.IfOp) -> Sequence[SSAValue]:
    sides = [(list(values), _with_yield(op.detach_region(region))) for region, _, values in op.captures]
    return _emit(at, tensor.IfOp.of(op.condition, *sides[0], *sides[1]))


def _scan(at: Lowering, op: graph.ScanOp) -> Sequence[SSAValue]:
    body = _with_yield(op.detach_region(op.body))
    return _emit(at, tensor.ScanOp.of(op.trips.data, op.carried, op.scanned, op.captured, body, op.flags))


# -- loops -----------------------------------------------------------------------------------------------------------


def _loop(at: Lowering, op: graph.LoopOp) -> Sequence[SSAValue]:
    trips = _rounds(op)
    if trips is not None:
        return _counted(at, op, trips)
    if len(op.res) > len(op.carried):
        reason = "a limit that is computed" if op.limit is not None and not _limit(op.limit) else "a condition"
        raise unsupported(op, f"it stacks results, and how many rounds it makes depends on {reason}")
    return _repeated(at, op)


def _rounds(op: graph.LoopOp) -> Dim | None:
    """How often the loop runs, where nothing but sizes decides that."""
    if op.condition is not None and not (_is_true(op.condition) and _is_true(op.yielded[0])):
        return None
    bounds = [] if op.trips is None else [op.trips.data]
    if op.limit is not None:
        if (limit := _limit(op.limit)) is None:
            return None
        bounds.append(limit)
    return bounds[0] if len(bounds) == 1 else bounds[0].min(bounds[1])


def _limit(value: SSAValue) -> Dim | None:
    """A limit as a size."""
    match _source(value).owner:
        case graph.ConstantOp() as constant:
            return Dim.constant(max(0, int(constant.literal("value"))))
        case tensor.FillOp() as fill:
            return Dim.constant(max(0, int(fill.literal("value"))))
        case tensor.MapOp() as made if isinstance(size := made.yielded.owner, tensor.SizeOp):
            return size.dim.data
        case _:
            return None


def _is_true(value: SSAValue) -> bool:
    owner = _source(value).owner
    return isinstance(owner, graph.ConstantOp | tensor.FillOp) and bool(owner.literal("value"))


def _source(value: SSAValue) -> SSAValue:
    """The value behind captures: where it stands outside of the region that reads it."""
    while isinstance(value, BlockArgument) and isinstance(op := value.block.parent_op(), Control):
        _, first, values = next(each for each in op.captures if each.region is value.block.parent)
        if value.index < first:
            return value
        value = values[value.index - first]
    return value


def _counted(at: Lowering, op: graph.LoopOp, trips: Dim) -> Sequence[SSAValue]:
    """A recurrence; the number of the round, where it is read, is one of its scanned values."""
    number, carried = op.number, len(op.carried)
    ends = list(op.yielded)[op.condition is not None :]
    scanned: list[SSAValue] = []
    if number.uses:
        scanned = [at.positions(trips)]
        after = op.block.insert_arg(NUMBER_OF_ROUND, 1 + carried)
        after.name_hint = number.name_hint
        number.replace_all_uses_with(after)
    op.block.erase_arg(op.block.args[0])
    body = _with_yield(op.detach_region(op.body), ends)
    return _emit(at, tensor.ScanOp.of(trips, op.carried, scanned, op.captured, body))


def _repeated(at: Lowering, op: graph.LoopOp) -> Sequence[SSAValue]:
    """A while loop that carries the number of the round and looks at the limit, where these are needed."""
    ends, number = list(op.yielded), op.number
    inside = Lowering(_end_of(op.block))
    carried, captured = list(op.carried), list(op.captured)
    again = ends.pop(0) if op.condition is not None else None
    start = op.condition
    counts = bool(number.uses) or op.limit is not None
    if counts:
        following = inside.map("->", [number], (), lambda b, i: b.call("add", i, 1))
        carried, ends = [at.emit(tensor.FillOp.of(result=NUMBER_OF_ROUND, value=0)), *carried], [following, *ends]
        if op.limit is not None:
            limit = op.block.insert_arg(NUMBER_OF_ROUND, len(op.block.args))
            captured.append(op.limit)
            again = _below(inside, following, limit, again)
            start = _below(at, carried[0], op.limit, start)
    else:
        op.block.erase_arg(op.block.args[0])
    again = _true(inside) if again is None else again
    start = _true(at) if start is None else start
    body = _with_yield(op.detach_region(op.body), [again, *ends])
    limit_of_rounds = None if op.trips is None else op.trips.data
    results = _emit(at, tensor.WhileOp.of(start, carried, captured, body, limit_of_rounds))
    return results[1:] if counts else results


def _below(at: Lowering, number: SSAValue, limit: SSAValue, condition: SSAValue | None) -> SSAValue:
    """Whether the limit is not reached, and the condition holds."""
    if condition is None:
        return at.map(",->", [number, limit], (), lambda b, i, n: b.call("lt", i, n))
    return at.map(",,->", [number, limit, condition], (), lambda b, i, n, c: b.call("and", b.call("lt", i, n), c))


def _true(at: Lowering) -> SSAValue:
    return at.emit(tensor.FillOp.of(result=CONDITION, value=True))


def _end_of(block: Block) -> Operation:
    if block.last_op is None:
        raise ValueError("a region ends in a terminator")
    return block.last_op


CONVERSIONS: dict[type[Operation], Conversion] = {
    graph.IfOp: _if,
    graph.LoopOp: _loop,
    graph.ScanOp: _scan,
}
