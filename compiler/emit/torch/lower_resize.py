"""graph.resize: `F.interpolate` where torch has it, else reads at coordinates that are written out, axis by axis."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects.graph import ResizeOp
from neuralc.dialects.graph.resampling import REACHES
from neuralc.dialects.types import element_of, is_float, shape_of
from neuralc.emit.layouts import permuted
from neuralc.emit.python.expressions import Expression, Value, call, name
from neuralc.emit.python.nodes import Kind
from neuralc.emit.python.resizing import ResizedAxis, changed_axes, coordinates, narrowed
from neuralc.emit.python.sized_lists import sized_shape
from neuralc.emit.python.sizes import Sizes
from neuralc.emit.python.values import Values

MODES = {("linear", 1): "linear", ("linear", 2): "bilinear", ("linear", 3): "trilinear", ("cubic", 2): "bicubic"}
"""Names of torch by the mode of graph.resize and the number of dims that are resized."""

_ROUNDED = {
    "round_prefer_floor": "lambda at: torch.ceil(at - 0.5)",
    "round_prefer_ceil": "lambda at: torch.floor(at + 0.5)",
    "floor": "torch.floor",
    "ceil": "torch.ceil",
}


def _resize(values: Values, op: ResizeOp) -> None:
    order = values.layouts.orders[op.result]
    literals, shape = op.literals(), shape_of(op.result.type)
    scales = [literals["scales"][axis] for axis in order] if "scales" in literals else []
    mode = _mode(literals, len(order) - 2) if is_float(element_of(op.x.type)) else None
    if mode is not None and scales and scales[:2] == [1.0, 1.0] and all(scale == int(scale) for scale in scales):
        _interpolate(values, op, mode, {"scale_factor": _one(tuple(map(int, scales[2:])))})
        return
    before, after = permuted(shape_of(op.x.type), order), permuted(shape, order)
    sizes = [size for size in after[2:] if isinstance(size, int)]
    if mode is not None and not scales and before[:2] == after[:2] and len(sizes) == len(after) - 2:
        _interpolate(values, op, mode, {"size": _one(tuple(sizes))})
        return
    _read(values, op)


def _one(values: tuple[int, ...]) -> Value:
    return values[0] if len(set(values)) == 1 else values


def _interpolate(values: Values, op: ResizeOp, mode: str, options: dict[str, Value]) -> None:
    if mode != "nearest":
        options |= {"mode": mode}
    if mode not in ("nearest", "nearest-exact"):
        options |= {"align_corners": op.literal("coordinates") == "align_corners"}
    x = values.operand(op, 0)
    values.define(op, Kind.POOL, [x], lambda x: call("F.interpolate", x[0], **options))


def _mode(literals: Mapping[str, Any], rank: int) -> str | None:
    """The mode of torch that computes the same."""
    if not 1 <= rank <= 3 or "roi" in literals:
        return None
    rounded = literals["coordinates"], literals["nearest_mode"]
    if literals["mode"] == "nearest":
        return "nearest" if rounded == ("asymmetric", "floor") else None
    plain = not literals["exclude_outside"] and not literals["antialias"] and literals["cubic_coeff_a"] == -0.75
    known = literals["coordinates"] in ("half_pixel", "align_corners")
    return MODES.get((literals["mode"], rank)) if plain and known else None


# -- at coordinates ----------------------------------------------------------------------------------------------------


def _read(values: Values, op: ResizeOp) -> None:
    """One statement for each axis; then what lies outside of a region gets its value."""
    order = values.layouts.orders[op.result]
    x = values.operand(op, 0)
    axes = changed_axes(op, shape_of(op.x.type), shape_of(op.result.type))
    if sized_shape(values, op, [size for axis in axes for size in (axis.before, axis.after)]) is None:
        return
    if not axes:
        values.alias(op, x)
        return
    values.helpers |= _helpers(op)
    shape = list(x.shape)
    pairs = [(axis, Sizes([axis.before, axis.after], values.inputs)) for axis in axes]
    steps: list[tuple[Sizes, Callable[..., Expression], ResizedAxis, int]] = []
    steps += [(pair, _one_axis, axis, order.index(axis.index)) for axis, pair in pairs]
    if "roi" in op.properties:
        steps += [(pair, _outside, axis, len(order) - 1 - order.index(axis.index)) for axis, pair in pairs]
    for index, (pair, write, axis, place) in enumerate(steps):
        render = partial(_rendered, op, pair, write, axis, place)
        if index == len(steps) - 1:
            values.define(op, Kind.POOL, [x, *pair.nodes], render)
            return
        if index < len(axes):
            shape[place] = axis.after
        x = values.add(Kind.POOL, [x, *pair.nodes], render, tuple(shape))


def _rendered(
    op: ResizeOp,
    pair: Sizes,
    write: Callable[..., Expression],
    axis: ResizedAxis,
    place: int,
    x: Sequence[Expression],
) -> Expression:
    return write(op, x[0], axis, place, *map(str, pair.written(x[1:])))


def _helpers(op: ResizeOp) -> set[str]:
    mode = op.literal("mode")
    if mode == "nearest":
        return {"read_nearest"}
    return {"read_between", f"{'lanczos' if mode.startswith('lanczos') else mode}_weight"}


def _one_axis(op: ResizeOp, x: Expression, axis: ResizedAxis, place: int, n: str, out: str) -> Expression:
    mode, at = op.literal("mode"), name(coordinates(op, axis, n, out, _places(out)))
    if mode == "nearest":
        return call("read_nearest", x, place, at, name(_ROUNDED[op.literal("nearest_mode")]))
    options: dict[str, Value] = {}
    if op.literal("antialias"):
        options |= narrowed(axis, n, out)
    if op.literal("exclude_outside"):
        options["exclude_outside"] = True
    return call("read_between", x, place, at, name(_weight(op)), REACHES[mode], **options)


def _places(count: str) -> str:
    """Exact places whatever the type of the model is."""
    return f"torch.arange({count}, dtype=torch.float64)"


def _weight(op: ResizeOp) -> str:
    mode, a = op.literal("mode"), op.literal("cubic_coeff_a")
    if mode == "cubic":
        return "cubic_weight" if a == -0.75 else f"lambda d: cubic_weight(d, {a!r})"
    return "linear_weight" if mode == "linear" else f"lambda d: lanczos_weight(d, {REACHES[mode]})"


def _outside(op: ResizeOp, x: Expression, axis: ResizedAxis, behind: int, n: str, out: str) -> Expression:
    at = coordinates(op, axis, n, out, _places(out))
    inside = f"(({at}) * 2 - ({n} - 1)).abs() <= {n} - 1"
    condition = f"({inside})[:{', None' * behind}]" if behind else f"({inside})"
    return call("torch.where", name(f"{condition}.to({x}.device)"), x, op.literal("extrapolation_value"))


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {ResizeOp: _resize}
