"""Padding and slices: `F.pad` and subscripts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects.dims import Dim, as_dim
from neuralc.dialects.graph import PadOp, SliceOp
from neuralc.dialects.types import shape_of
from neuralc.emit.python.expressions import Expression, Precedence, Value, call, method
from neuralc.emit.python.nodes import Kind
from neuralc.emit.python.sizes import Sizes
from neuralc.emit.python.values import Values


def _pad(values: Values, op: PadOp) -> None:
    if op.literal("mode") != "constant":
        _pad_along(values, op)
        return
    order = values.layouts.orders[op.result]
    low, high = (tuple(op.literal(name)[axis] for axis in order) for name in ("low", "high"))
    options: dict[str, Value] = {} if op.literal("value") == 0 else {"value": op.literal("value")}
    first = next((axis for axis, both in enumerate(zip(low, high, strict=True)) if any(both)), 0)
    around = pad_argument(low[first:], high[first:])
    values.define(op, Kind.PAD, [values.operand(op, 0)], lambda x: call("F.pad", x[0], around, **options))


def _pad_along(values: Values, op: PadOp) -> None:
    """Torch pads some ranks only with what is there: here axis by axis, by a function of the file."""
    order, mode, x = values.layouts.orders[op.result], op.literal("mode"), values.operand(op, 0)
    changed = [axis for axis in range(len(order)) if op.literal("low")[order[axis]] or op.literal("high")[order[axis]]]
    if not changed:
        values.alias(op, x)
        return
    values.helpers.add("pad_along")
    shape = list(x.shape)
    for axis in changed:
        low, high = op.literal("low")[order[axis]], op.literal("high")[order[axis]]
        shape[axis] += low + high
        render = partial(_padded_along, axis=axis, low=low, high=high, mode=mode)
        x = values.add(Kind.PAD, [x], render, tuple(shape))
    values.alias(op, x)


def _padded_along(x: Sequence[Expression], axis: int, low: int, high: int, mode: str) -> Expression:
    return call("pad_along", x[0], axis, low, high, mode)


def pad_argument(low: Sequence[int], high: Sequence[int]) -> tuple[Value, ...]:
    """torch's order: from the last axis to the first, low before high."""
    return tuple(side[axis] for axis in reversed(range(len(low))) for side in (low, high))


def _slice(values: Values, op: SliceOp) -> None:
    """torch slices forwards: what goes backwards is turned around first."""
    order, literals = values.layouts.orders[op.result], op.literals()
    sizes, counts, steps = shape_of(op.x.type), shape_of(op.result.type), literals["steps"]
    turned = [axis for axis in range(len(order)) if steps[order[axis]] < 0]
    bounds = [
        _bounds(sizes[i], as_dim(sizes[i]) - op.starts.data[i] - 1 if steps[i] < 0 else op.starts.data[i], steps[i], n)
        for i, n in ((i, counts[i]) for i in order)
    ]
    found = Sizes([bound for pair in bounds for bound in pair], values.inputs)
    if found.absent is not None:
        values.refuse(op, f"no argument has the size {found.absent}")
        return

    def render(x: Sequence[Expression]) -> Expression:
        written = iter(found.written(x[1:]))
        forwards = method(x[0], "flip", *turned) if turned else x[0]
        pairs = ((next(written).text, next(written).text) for _ in order)
        return subscripted(forwards, [_subscript(*pair, abs(steps[i])) for i, pair in zip(order, pairs, strict=True)])

    values.define(op, Kind.SUBSCRIPT, [values.operand(op, 0), *found.nodes], render)


def subscripted(x: Expression, subscripts: Sequence[str]) -> Expression:
    """`x[:, 1:-1]`, without the whole axes at the end."""
    last = max((i for i, text in enumerate(subscripts) if text != ":"), default=-1)
    return x if last < 0 else Expression(f"{x.within(Precedence.ATOM)}[{', '.join(subscripts[: last + 1])}]")


def _bounds(size: int | Dim, start: Dim, step: int, count: int | Dim) -> tuple[Dim, Dim]:
    """Where a slice begins and ends: the end counted from behind where that is a number, 0 for the end itself."""
    end = start + (as_dim(count) - 1) * abs(step) + 1
    behind = as_dim(size) - end
    if not behind.is_static:
        return start, end
    return start, as_dim(0 if behind.value < abs(step) else -behind.value)


def _subscript(start: str, end: str, step: int) -> str:
    """One entry of a subscript; bounds that are more than a name or a number stand apart, as ruff writes them."""
    low, high = (text if text != "0" else "" for text in (start, end))
    simple = all(re.fullmatch(r"-?\w*", text) for text in (low, high))
    written = f"{low}:{high}" if simple else f"{low} : {high}".strip()
    return written + (f":{step}" if step > 1 and simple else f" : {step}" if step > 1 else "")


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {PadOp: _pad, SliceOp: _slice}
