"""graph.resize, axis by axis: repeats, `jax.image.resize`, or reads at coordinates that are written out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects.dims import Dim
from neuralc.dialects.graph import ResizeOp
from neuralc.dialects.graph.resampling import REACHES
from neuralc.dialects.types import Shape, shape_of
from neuralc.emit.python.expressions import Expression, Value, call, name
from neuralc.emit.python.nodes import Kind, Node
from neuralc.emit.python.resizing import ResizedAxis, changed_axes, coordinates, is_symbolic, narrowed, whole_length
from neuralc.emit.python.sized_lists import sized_shape
from neuralc.emit.python.sizes import Sizes
from neuralc.emit.python.values import Values

_ROUNDED = {
    "round_prefer_floor": "lambda at: jnp.ceil(at - 0.5)",
    "round_prefer_ceil": "lambda at: jnp.floor(at + 0.5)",
    "floor": "jnp.floor",
    "ceil": "jnp.ceil",
}


def _resize(values: Values, op: ResizeOp) -> None:
    x, after = values.operand(op, 0), shape_of(op.result.type)
    axes = changed_axes(op, x.shape, after)
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


# -- by whole factors, and the usual interpolation ---------------------------------------------------------------------


def _is_repeated(op: ResizeOp, axes: Sequence[ResizedAxis]) -> bool:
    whole = all(axis.scale is not None and axis.scale.is_integer() for axis in axes)
    rounded = op.literal("coordinates"), op.literal("nearest_mode")
    fits = all(axis.after == axis.before * int(axis.scale or 1) for axis in axes)
    return whole and fits and op.literal("mode") == "nearest" and rounded == ("asymmetric", "floor")


def _repeat(values: Values, op: ResizeOp, x: Node, axes: Sequence[ResizedAxis]) -> None:
    def render(x: Sequence[Expression]) -> Expression:
        repeated = x[0]
        for axis in axes:
            repeated = call("jnp.repeat", repeated, int(axis.scale or 1), axis=axis.index)
        return repeated

    values.define(op, Kind.POOL, [x], render)


def _is_linear(op: ResizeOp, axes: Sequence[ResizedAxis]) -> bool:
    exact = all(axis.scale is None or axis.after == whole_length(axis) for axis in axes if not is_symbolic(axis))
    plain = op.literal("coordinates") == "half_pixel" and not op.literal("antialias")
    return exact and plain and op.literal("mode") == "linear" and not any(map(is_symbolic, axes))


def _whole(values: Values, op: ResizeOp, x: Node, after: Shape) -> None:
    """Only sizes that stay are symbolic here."""

    def render(x: Sequence[Expression]) -> Expression:
        shape = tuple(name(f"{x[0]}.shape[{i}]") if isinstance(size, Dim) else size for i, size in enumerate(after))
        return call("jax.image.resize", x[0], shape, "linear", antialias=False)

    values.define(op, Kind.POOL, [x], render)


# -- at coordinates ----------------------------------------------------------------------------------------------------


def _read(values: Values, op: ResizeOp, x: Node, axes: Sequence[ResizedAxis]) -> None:
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


def _one_axis(op: ResizeOp, axis: ResizedAxis, sized: Sequence[Expression], x: Expression) -> Expression:
    n, out = map(str, sized)
    mode, at = op.literal("mode"), name(coordinates(op, axis, n, out, f"jnp.arange({out})"))
    if mode == "nearest":
        return call("read_nearest", x, axis.index, at, name(_ROUNDED[op.literal("nearest_mode")]))
    options: dict[str, Value] = {}
    if op.literal("antialias"):
        options |= narrowed(axis, n, out)
    if op.literal("exclude_outside"):
        options["exclude_outside"] = True
    return call("read_between", x, axis.index, at, name(_weight(op)), REACHES[mode], **options)


def _weight(op: ResizeOp) -> str:
    mode, a = op.literal("mode"), op.literal("cubic_coeff_a")
    if mode == "cubic":
        return "cubic_weight" if a == -0.75 else f"lambda d: cubic_weight(d, {a!r})"
    return "linear_weight" if mode == "linear" else f"lambda d: lanczos_weight(d, {REACHES[mode]})"


def _outside(op: ResizeOp, axis: ResizedAxis, rank: int, sized: Sequence[Expression], x: Expression) -> Expression:
    n, out = map(str, sized)
    at = coordinates(op, axis, n, out, f"jnp.arange({out})")
    behind = "".join(", None" for _ in range(rank - axis.index - 1))
    inside = f"jnp.abs(({at}) * 2 - ({n} - 1)) <= {n} - 1"
    condition = f"({inside})[:{behind}]" if behind else inside
    return call("jnp.where", name(condition), x, op.literal("extrapolation_value"))


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {ResizeOp: _resize}
