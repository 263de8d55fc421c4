"""Padding, slices and resizing: `F.pad`, subscripts and `F.interpolate`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects.dims import Dim, as_dim
from neuralc.dialects.graph import PadOp, ResizeOp, SliceOp
from neuralc.dialects.types import element_of, is_float, shape_of
from neuralc.emit.python.expressions import Expression, Value, call, method
from neuralc.emit.python.nodes import Kind
from neuralc.emit.python.sizes import Sizes
from neuralc.emit.python.values import Values

MODES = {("linear", 1): "linear", ("linear", 2): "bilinear", ("linear", 3): "trilinear", ("cubic", 2): "bicubic"}
"""Names of torch by the mode of graph.resize and the number of dims that are resized."""


def _pad(values: Values, op: PadOp) -> None:
    if op.literal("mode") != "constant":
        values.refuse(op, f"torch pads some ranks only with mode {op.literal('mode')}")
        return
    order = values.layouts.orders[op.result]
    low, high = (tuple(op.literal(name)[axis] for axis in order) for name in ("low", "high"))
    options: dict[str, Value] = {} if op.literal("value") == 0 else {"value": op.literal("value")}
    first = next((axis for axis, both in enumerate(zip(low, high, strict=True)) if any(both)), 0)
    around = pad_argument(low[first:], high[first:])
    values.define(op, Kind.PAD, [values.operand(op, 0)], lambda x: call("F.pad", x[0], around, **options))


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

    values.define(op, Kind.VIEW, [values.operand(op, 0), *found.nodes], render)


def subscripted(x: Expression, subscripts: Sequence[str]) -> Expression:
    """`x[:, 1:-1]`, without the whole axes at the end."""
    last = max((i for i, text in enumerate(subscripts) if text != ":"), default=-1)
    return x if last < 0 else Expression(f"{x.text}[{', '.join(subscripts[: last + 1])}]")


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


def _resize(values: Values, op: ResizeOp) -> None:
    """Whole multiples of every dim but the batch and the channels, as Keras UpSampling has them."""
    order, literals = values.layouts.orders[op.result], op.literals()
    scales = [literals["scales"][axis] for axis in order] if "scales" in literals else []
    if not scales or len(scales) > 5 or scales[:2] != [1.0, 1.0] or any(scale != int(scale) for scale in scales):
        values.refuse(op, "torch resizes all dims behind the channels, by whole factors here")
        return
    mode = _mode(literals, len(scales) - 2)
    if mode is None or not is_float(element_of(op.x.type)):
        values.refuse(op, f"torch has no resizing like {literals['mode']} of {element_of(op.x.type)}")
        return
    factors = tuple(map(int, scales[2:]))
    factor = factors[0] if len(set(factors)) == 1 else factors
    options: dict[str, Value] = {} if mode == "nearest" else {"mode": mode, "align_corners": False}
    x = values.operand(op, 0)
    values.define(op, Kind.POOL, [x], lambda x: call("F.interpolate", x[0], scale_factor=factor, **options))


def _mode(literals: Mapping[str, Any], rank: int) -> str | None:
    rounded = literals["coordinates"], literals["nearest_mode"]
    if literals["mode"] == "nearest":
        return "nearest" if rounded == ("asymmetric", "floor") else None
    plain = not literals["exclude_outside"] and not literals["antialias"] and literals["cubic_coeff_a"] == -0.75
    return MODES.get((literals["mode"], rank)) if plain and literals["coordinates"] == "half_pixel" else None


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {PadOp: _pad, ResizeOp: _resize, SliceOp: _slice}
