"""graph.resize, axis by axis: repeats, `jax.image.resize`, or reads at coordinates that are written out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects.dims import Dim
from neuralc.dialects.graph import ResizeOp
from neuralc.dialects.graph.resampling import REACHES
from neuralc.dialects.types import Shape, shape_of
from neuralc.emit.jax.sized_lists import sized_shape
from neuralc.emit.python.expressions import Expression, Value, call, name
from neuralc.emit.python.nodes import Kind, Node
from neuralc.emit.python.sizes import Sizes
from neuralc.emit.python.values import Values

_ROUNDED = {
    "round_prefer_floor": "lambda at: jnp.ceil(at - 0.5)",
    "round_prefer_ceil": "lambda at: jnp.floor(at + 0.5)",
    "floor": "jnp.floor",
    "ceil": "jnp.ceil",
}


@dataclass(frozen=True)
class _Axis:
    """An axis that changes: its sizes as texts, its scale where one is given, its region."""

    index: int
    before: int | Dim
    after: int | Dim
    scale: float | None
    region: tuple[float, float]


def _resize(values: Values, op: ResizeOp) -> None:
    x, after = values.operand(op, 0), shape_of(op.result.type)
    axes = _changed(op, x.shape, after)
    found = sized_shape(values, op, [size for axis in axes for size in (axis.before, axis.after)])
    if found is None:
        return
    if not axes:
        values.alias(op, x)
    elif _is_repeated(op, axes):
        _repeat(values, op, x, axes)
    elif _is_linear(op, axes):
        _whole(values, op, x, after)
    else:
        _read(values, op, x, axes)


def _changed(op: ResizeOp, before: Shape, after: Shape) -> list[_Axis]:
    scales, roi = (op.literal(key) if key in op.properties else None for key in ("scales", "roi"))
    rank, axes = len(before), []
    for index, (n, out) in enumerate(zip(before, after, strict=True)):
        scale = scales[index] if scales is not None else None
        region = (roi[index], roi[index + rank]) if roi is not None else (0.0, 1.0)
        if n != out or scale not in (None, 1.0) or region != (0.0, 1.0):
            axes.append(_Axis(index, n, out, scale, region))
    return axes


# -- by whole factors, and the usual interpolation ---------------------------------------------------------------------


def _is_repeated(op: ResizeOp, axes: Sequence[_Axis]) -> bool:
    whole = all(axis.scale is not None and axis.scale.is_integer() for axis in axes)
    rounded = op.literal("coordinates"), op.literal("nearest_mode")
    fits = all(axis.after == axis.before * int(axis.scale or 1) for axis in axes)
    return whole and fits and op.literal("mode") == "nearest" and rounded == ("asymmetric", "floor")


def _repeat(values: Values, op: ResizeOp, x: Node, axes: Sequence[_Axis]) -> None:
    def render(x: Sequence[Expression]) -> Expression:
        repeated = x[0]
        for axis in axes:
            repeated = call("jnp.repeat", repeated, int(axis.scale or 1), axis=axis.index)
        return repeated

    values.define(op, Kind.POOL, [x], render)


def _is_linear(op: ResizeOp, axes: Sequence[_Axis]) -> bool:
    exact = all(axis.scale is None or axis.after == _length(axis) for axis in axes if not _is_symbolic(axis))
    plain = op.literal("coordinates") == "half_pixel" and not op.literal("antialias")
    return exact and plain and op.literal("mode") == "linear" and not any(map(_is_symbolic, axes))


def _is_symbolic(axis: _Axis) -> bool:
    return isinstance(axis.before, Dim) or isinstance(axis.after, Dim)


def _whole(values: Values, op: ResizeOp, x: Node, after: Shape) -> None:
    """Only sizes that stay are symbolic here."""

    def render(x: Sequence[Expression]) -> Expression:
        shape = tuple(name(f"{x[0]}.shape[{i}]") if isinstance(size, Dim) else size for i, size in enumerate(after))
        return call("jax.image.resize", x[0], shape, "linear", antialias=False)

    values.define(op, Kind.POOL, [x], render)


# -- at coordinates ----------------------------------------------------------------------------------------------------


def _read(values: Values, op: ResizeOp, x: Node, axes: Sequence[_Axis]) -> None:
    """One statement for each axis; then what lies outside of a region gets its value."""
    values.helpers |= _helpers(op)
    shape = list(x.shape)
    steps: list[tuple[Sizes, Callable[[Sequence[Expression], Expression], Expression]]] = []
    for axis in axes:
        pair = Sizes([axis.before, axis.after], values.inputs)
        steps.append((pair, partial(_one_axis, op, axis)))
    if "roi" in op.properties:
        for (pair, _), axis in zip(list(steps), axes, strict=True):
            steps.append((pair, partial(_outside, op, axis, len(shape))))
    for index, (pair, write) in enumerate(steps):
        render = _rendered(pair, write)
        if index == len(steps) - 1:
            values.define(op, Kind.POOL, [x, *pair.nodes], render)
            return
        if index < len(axes):
            shape[axes[index].index] = axes[index].after
        x = values.add(Kind.POOL, [x, *pair.nodes], render, tuple(shape))


def _rendered(
    pair: Sizes, write: Callable[[Sequence[Expression], Expression], Expression]
) -> Callable[[Sequence[Expression]], Expression]:
    return lambda x: write(pair.written(x[1:]), x[0])


def _helpers(op: ResizeOp) -> set[str]:
    mode = op.literal("mode")
    if mode == "nearest":
        return {"read_nearest"}
    return {"read_between", f"{'lanczos' if mode.startswith('lanczos') else mode}_weight"}


def _one_axis(op: ResizeOp, axis: _Axis, sized: Sequence[Expression], x: Expression) -> Expression:
    n, out = map(str, sized)
    mode, at = op.literal("mode"), name(_coordinates(op, axis, n, out))
    if mode == "nearest":
        return call("read_nearest", x, axis.index, at, name(_ROUNDED[op.literal("nearest_mode")]))
    options: dict[str, Value] = {}
    if op.literal("antialias"):
        options |= _narrow(axis, n, out)
    if op.literal("exclude_outside"):
        options["exclude_outside"] = True
    return call("read_between", x, axis.index, at, name(_weight(op)), REACHES[mode], **options)


def _narrow(axis: _Axis, n: str, out: str) -> dict[str, Value]:
    """How much wider a filter gets that makes a dim smaller."""
    options: dict[str, Value] = {"normalized": True}
    if axis.scale is not None or not _is_symbolic(axis):
        ratio = axis.scale if axis.scale is not None else int(out) / int(n)
        return options | ({"narrow": ratio} if ratio < 1.0 else {})
    return options | {"narrow": name(f"min({out} / {n}, 1.0)")}


def _weight(op: ResizeOp) -> str:
    mode, a = op.literal("mode"), op.literal("cubic_coeff_a")
    if mode == "cubic":
        return "cubic_weight" if a == -0.75 else f"lambda d: cubic_weight(d, {a!r})"
    return "linear_weight" if mode == "linear" else f"lambda d: lanczos_weight(d, {REACHES[mode]})"


def _coordinates(op: ResizeOp, axis: _Axis, n: str, out: str) -> str:
    """Where each place is read, by the table in the docstring of the op."""
    i, kind = f"jnp.arange({out})", op.literal("coordinates")
    n, out = _factor(n), _factor(out)
    last = f"{int(n) - 1}" if n.isdigit() else f"({n} - 1)"
    length = out if axis.scale is None else f"({n} * {axis.scale!r})"
    only_one = not isinstance(axis.after, Dim) and _length(axis) == 1
    if kind == "align_corners":
        return f"{i} * 0.0" if only_one else f"{i} * {last} / ({length} - 1)"
    if kind == "tf_crop_and_resize":
        start, end = axis.region
        if only_one:
            return f"{i} * 0.0 + {(start + end) / 2!r} * {last}"
        return f"{start!r} * {last} + {i} * {end - start!r} * {last} / ({length} - 1)"
    if kind == "pytorch_half_pixel" and axis.after == 1:
        return f"{i} * 0.0"
    scaled = f"* {n} / {out}" if axis.scale is None else f"/ {axis.scale!r}"
    if kind in ("asymmetric", "tf_half_pixel_for_nn"):
        return f"{i} {scaled}" if kind == "asymmetric" else f"({i} + 0.5) {scaled}"
    moved = f"{n} / 2 * (1 - {out} / {length}) + " if kind == "half_pixel_symmetric" else ""
    return f"{moved}({i} + 0.5) {scaled} - 0.5"


def _factor(size: str) -> str:
    """A size as part of a product."""
    return f"({size})" if " " in size else size


def _length(axis: _Axis) -> float | None:
    if isinstance(axis.before, Dim) or isinstance(axis.after, Dim):
        return None
    return axis.after if axis.scale is None else axis.before * axis.scale


def _outside(op: ResizeOp, axis: _Axis, rank: int, sized: Sequence[Expression], x: Expression) -> Expression:
    n, out = map(str, sized)
    at = _coordinates(op, axis, n, out)
    behind = "".join(", None" for _ in range(rank - axis.index - 1))
    inside = f"jnp.abs(({at}) * 2 - ({n} - 1)) <= {n} - 1"
    condition = f"({inside})[:{behind}]" if behind else inside
    return call("jnp.where", name(condition), x, op.literal("extrapolation_value"))


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {ResizeOp: _resize}
