"""Reads between the places of an image: UpSampling layers, and weights of a regular grid for the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects.dims import Dim
from neuralc.dialects.graph import ResizeOp
from neuralc.dialects.graph.resampling import REACHES
from neuralc.dialects.types import Shape
from neuralc.emit.keras.common import applied, is_functional
from neuralc.emit.keras.layers import square
from neuralc.emit.keras.orders import is_repeated
from neuralc.emit.keras.run_sizes import SIZE
from neuralc.emit.python.expressions import Expression, Value, call, literal, name
from neuralc.emit.python.nodes import Kind, Node
from neuralc.emit.python.sizes import Sizes
from neuralc.emit.python.values import Values

ROUND = {
    "round_prefer_floor": "np.ceil({} - 0.5)",
    "round_prefer_ceil": "np.floor({} + 0.5)",
    "floor": "np.floor({})",
    "ceil": "np.ceil({})",
}
"""Of coordinates that are known when the file is run."""

ROUNDED = {
    "round_prefer_floor": "lambda at: ops.ceil(at - 0.5)",
    "round_prefer_ceil": "lambda at: ops.floor(at + 0.5)",
    "floor": "ops.floor",
    "ceil": "ops.ceil",
}
"""The functions for other coordinates."""


@dataclass(frozen=True)
class _Axis:
    """An axis that changes, where it stands in the emitted tensor: its sizes, scale and region where they are given."""

    place: int
    before: int | Dim
    after: int | Dim
    scale: float | None
    region: tuple[float, float] | None

    @property
    def known(self) -> tuple[int, int] | None:
        """Both sizes, where not only a run knows them."""
        if isinstance(self.before, int) and isinstance(self.after, int):
            return self.before, self.after
        return None


def _resize(values: Values, op: ResizeOp) -> None:
    order, x = values.layouts.orders[op.result], values.operand(op, 0)
    if is_repeated(op):
        factors = tuple(int(op.literal("scales")[axis]) for axis in order[1:-1])
        if is_functional(values):
            layer = f"UpSampling{len(order) - 2}D"
            values.define(op, Kind.POOL, [x], lambda x: applied(layer, x[0], square(factors)))
            return
        repeated = [(axis + 1, factor) for axis, factor in enumerate(factors) if factor > 1]
        values.define(op, Kind.POOL, [x], lambda x: _repeated(x[0], repeated))
        return
    _read(values, op, x, _changed(op, order, x.shape, values.shape(op.result, order)))


def _repeated(x: Expression, factors: Sequence[tuple[int, int]]) -> Expression:
    for axis, factor in factors:
        x = call("ops.repeat", x, factor, axis=axis)
    return x


# -- at coordinates ----------------------------------------------------------------------------------------------------


def _changed(op: ResizeOp, order: Sequence[int], before: Shape, after: Shape) -> list[_Axis]:
    scales, roi = (op.literal(key) if key in op.properties else None for key in ("scales", "roi"))
    found = []
    for place, axis in enumerate(order):
        scale = None if scales is None else float(scales[axis])
        region = None if roi is None else (roi[axis], roi[axis + len(order)])
        if before[place] != after[place] or scale not in (None, 1.0) or region not in (None, (0.0, 1.0)):
            found.append(_Axis(place, before[place], after[place], scale, region))
    return found


def _read(values: Values, op: ResizeOp, x: Node, axes: Sequence[_Axis]) -> None:
    """One statement for each axis; then what lies outside of a region gets its value."""
    if any(axis.known is None for axis in axes) and op.literal("antialias"):
        values.refuse(op, "its filter is as wide as sizes say that only a run knows")
        return
    places = [_places(values, op, axis) for axis in axes]
    shape = list(x.shape)
    for axis, at in zip(axes, places, strict=True):
        shape[axis.place] = axis.after
        x = values.add(Kind.OTHER, [x, at], _reader(values, op, axis), tuple(shape))
    for axis, at in zip(axes, places, strict=True):
        if "roi" in op.properties:
            x = _bordered(values, op, x, axis, at)
    values.alias(op, x)


def _places(values: Values, op: ResizeOp, axis: _Axis) -> Node:
    """Where the axis is read: numbers, or what finds them from sizes that only a run knows."""
    if axis.known is not None:
        written = _coordinates(op, axis, *axis.known)
        return Node(Kind.INLINE, (), lambda _: name(written), ())
    values.helpers.add("coordinates_of")
    sizes = Sizes([axis.before, axis.after], values.inputs)
    if sizes.absent is not None:
        values.refuse(op, f"no argument has the size {sizes.absent}")
        return Node(Kind.INLINE, (), lambda _: name("..."), ())
    kind = op.literal("coordinates")
    options: dict[str, Value] = {} if axis.scale is None else {"scale": axis.scale}
    if axis.region is not None and kind == "tf_crop_and_resize":
        options["region"] = axis.region
    return values.add(
        Kind.OTHER, sizes.nodes, lambda x: call("coordinates_of", kind, *sizes.written(x, SIZE), **options), ()
    )


def _reader(values: Values, op: ResizeOp, axis: _Axis) -> Callable[[Sequence[Expression]], Expression]:
    """x read along one axis at coordinates."""
    if op.literal("mode") == "nearest":
        return _nearest(values, op, axis)
    function, numbers = _weigh(op)
    options: dict[str, Value] = {"reach": REACHES[op.literal("mode")]}
    if numbers:
        options["number"] = numbers[0]
    if op.literal("antialias") and axis.known is not None:
        before, after = axis.known
        narrow = after / before if axis.scale is None else axis.scale
        options |= {"narrow": min(narrow, 1.0), "normalized": True}
    if op.literal("exclude_outside"):
        options["exclude_outside"] = True
    values.helpers |= {"read_between", function}
    return lambda x: call("read_between", x[0], axis.place, x[1], name(function), **options)


def _nearest(values: Values, op: ResizeOp, axis: _Axis) -> Callable[[Sequence[Expression]], Expression]:
    mode = op.literal("nearest_mode")
    if axis.known is None:
        values.helpers.add("read_nearest")
        return lambda x: call("read_nearest", x[0], axis.place, x[1], name(ROUNDED[mode]))
    last = axis.known[0] - 1

    def write(x: Sequence[Expression]) -> Expression:
        places = f"np.clip({ROUND[mode].format(x[1])}, 0, {last}).astype(int)"
        return call("ops.take", x[0], name(places), axis=axis.place)

    return write


def _bordered(values: Values, op: ResizeOp, x: Node, axis: _Axis, at: Node) -> Node:
    """x with the value that is outside of a region."""
    values.helpers.add("bordered")
    value, size = op.literal("extrapolation_value"), Sizes([axis.before], values.inputs)
    return values.add(
        Kind.OTHER,
        [x, at, *size.nodes],
        lambda x: call("bordered", x[0], axis.place, x[1], size.written(x[2:], SIZE)[0], value),
        x.shape,
    )


def _weigh(op: ResizeOp) -> tuple[str, tuple[float, ...]]:
    """The function of the file that weighs distances, and its number."""
    mode = op.literal("mode")
    if mode == "linear":
        return "linear_weight", ()
    return ("cubic_weight", (op.literal("cubic_coeff_a"),)) if mode == "cubic" else ("lanczos_weight", (REACHES[mode],))


def _coordinates(op: ResizeOp, axis: _Axis, n: int, out: int) -> str:
    """Where the places of the result are read, by the table in the docstring of the op."""
    kind, scale = op.literal("coordinates"), axis.scale
    length = out if scale is None else n * scale
    i = f"np.arange({out})"
    if kind == "align_corners":
        return f"{i} * 0.0" if length == 1 else f"{i} * {n - 1} / {literal(length - 1)}"
    if kind == "tf_crop_and_resize":
        start, end = axis.region or (0.0, 1.0)
        if length == 1:
            return f"{i} * 0.0 + {literal((start + end) * (n - 1) / 2)}"
        return f"{literal(start * (n - 1))} + {i} * {literal((end - start) * (n - 1))} / {literal(length - 1)}"
    if kind == "pytorch_half_pixel" and out == 1:
        return f"{i} * 0.0"
    half = i if kind == "asymmetric" else f"({i} + 0.5)"
    x = f"{half} * {n} / {out}" if scale is None else f"{half} / {literal(scale)}"
    if kind in ("asymmetric", "tf_half_pixel_for_nn"):
        return x
    moved = n / 2 * (1 - out / length) if kind == "half_pixel_symmetric" else 0.0
    return f"{x} - 0.5" if moved == 0.0 else f"{literal(moved)} + {x} - 0.5"


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {ResizeOp: _resize}
