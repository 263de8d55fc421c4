"""Reads between the places of an image: UpSampling layers, and weights of a regular grid for the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects.graph import ResizeOp
from neuralc.dialects.graph.resampling import REACHES
from neuralc.dialects.types import shape_of
from neuralc.emit.keras.common import applied, is_functional, static
from neuralc.emit.keras.layers import square
from neuralc.emit.python.expressions import Expression, Value, call, literal, name
from neuralc.emit.python.nodes import Kind, Node
from neuralc.emit.python.values import Values

ROUND = {
    "round_prefer_floor": "np.ceil({} - 0.5)",
    "round_prefer_ceil": "np.floor({} + 0.5)",
    "floor": "np.floor({})",
    "ceil": "np.ceil({})",
}


def _resize(values: Values, op: ResizeOp) -> None:
    order, x = values.layouts.orders[op.result], values.operand(op, 0)
    rank = len(order)
    factors = _factors(op, order)
    if factors is not None and is_functional(values):
        values.define(op, Kind.POOL, [x], lambda x: applied(f"UpSampling{rank - 2}D", x[0], square(factors)))
        return
    if factors is not None:
        repeated = [(axis + 1, factor) for axis, factor in enumerate(factors) if factor > 1]
        values.define(op, Kind.POOL, [x], lambda x: _repeated(x[0], repeated))
        return
    before, after = static(x.shape[1:]), static(values.shape(op.result, order)[1:])
    if before is None or after is None or "roi" in op.properties:
        values.refuse(op, "it is resized by weights of sizes that are known, without a region")
        return
    scales = op.literal("scales") if "scales" in op.properties else None
    steps: list[tuple[int, int, int, float | None]] = []
    for place, axis in enumerate(order):
        n, out = x.shape[place], values.shape(op.result, order)[place]
        scale = None if scales is None else float(scales[axis])
        if n == out and scale in (None, 1.0):
            continue
        if not isinstance(n, int) or not isinstance(out, int):
            values.refuse(op, "the size of its batch changes")
            return
        steps.append((place, n, out, scale))
    node: Node = x
    for step in steps[:-1]:
        node = _along(values, op, node, step)
    if steps:
        last = steps[-1]
        values.define(op, Kind.OTHER, [node], lambda x: _read(values, op, x[0], last))
    else:
        values.alias(op, node)
    if op.literal("mode") != "nearest":
        values.helpers.update({"resample", _weigh(op)[0]})


def _factors(op: ResizeOp, order: Sequence[int]) -> tuple[int, ...] | None:
    """Whole factors of all dims but the batch and the channels, whose places are repeated."""
    if "scales" not in op.properties or len(order) not in (3, 4, 5) or op.literal("mode") != "nearest":
        return None
    scales = [op.literal("scales")[axis] for axis in order]
    repeats = (op.literal("coordinates"), op.literal("nearest_mode")) == ("asymmetric", "floor")
    if not repeats or scales[0] != 1 or scales[-1] != 1 or any(scale != int(scale) for scale in scales):
        return None
    return tuple(map(int, scales[1:-1]))


def _repeated(x: Expression, factors: Sequence[tuple[int, int]]) -> Expression:
    for axis, factor in factors:
        x = call("ops.repeat", x, factor, axis=axis)
    return x


def _along(values: Values, op: ResizeOp, x: Node, step: tuple[int, int, int, float | None]) -> Node:
    place, _, out, _ = step
    shape = (*x.shape[:place], out, *x.shape[place + 1 :])
    return values.add(Kind.OTHER, [x], lambda x: _read(values, op, x[0], step), shape)


def _read(values: Values, op: ResizeOp, x: Expression, step: tuple[int, int, int, float | None]) -> Expression:
    """x read along one axis."""
    place, n, out, scale = step
    at = _coordinates(op, n, out, scale)
    if op.literal("mode") == "nearest":
        rounded = ROUND[op.literal("nearest_mode")].format(at)
        return call("ops.take", x, name(f"np.clip({rounded}, 0, {n - 1}).astype(int)"), axis=place)
    function, numbers = _weigh(op)
    options: dict[str, Value] = {"reach": REACHES[op.literal("mode")]}
    if numbers:
        options["number"] = numbers[0]
    if op.literal("antialias"):
        options["narrow"] = min(out / n if scale is None else scale, 1.0)
    if op.literal("exclude_outside"):
        options["exclude_outside"] = True
    return call("resample", x, place, name(at), name(function), **options)


def _weigh(op: ResizeOp) -> tuple[str, tuple[float, ...]]:
    """The function of the file that weighs distances, and its number."""
    mode = op.literal("mode")
    if mode == "linear":
        return "linear", ()
    return ("cubic", (op.literal("cubic_coeff_a"),)) if mode == "cubic" else ("lanczos", (REACHES[mode],))


def _coordinates(op: ResizeOp, n: int, out: int, scale: float | None) -> str:
    """Where the places of the result are read, by the table in the docstring of the op."""
    kind, length = op.literal("coordinates"), out if scale is None else n * scale
    i = f"np.arange({out})"
    if kind == "align_corners":
        return f"{i} * {literal((n - 1) / (length - 1))}" if length != 1 else f"{i} * 0.0"
    if kind == "pytorch_half_pixel" and out == 1:
        return f"{i} * 0.0"
    half = i if kind == "asymmetric" else f"({i} + 0.5)"
    x = f"{half} * {n} / {out}" if scale is None else f"{half} / {literal(scale)}"
    if kind in ("asymmetric", "tf_half_pixel_for_nn"):
        return x
    moved = (n / 2 * (1 - out / length) if kind == "half_pixel_symmetric" else 0.0) - 0.5
    return f"{x} - 0.5" if moved == -0.5 else f"{x} + {literal(moved)}"


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {ResizeOp: _resize}
__all__ = ["LOWERINGS", "shape_of"]
