"""Pooling over windows and over everything, resizing, dropout: layers without weights over places."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.dialects.graph.shapes import CHANNELS_FIRST, SPATIAL
from neuralc.dialects.scalar import identity
from neuralc.dialects.types import is_float, shape_of
from neuralc.emit.nr.body import Body
from neuralc.emit.nr.expressions import binary, function
from neuralc.emit.nr.graph_ops import as_function
from neuralc.emit.nr.layers import around, format_of, padded_shape, window_padding
from neuralc.emit.nr.values import Step, Value
from neuralc.emit.nr.views import padded
from neuralc.frontends.nr.layers.shape import INTERPOLATIONS

_NOT_NEGATIVE = frozenset({"ReLU", "ReLU6", "Sigmoid", "Softmax", "Softplus", "Exponential"})


def _pool(body: Body, op: Any, kind: str, x: Value, padding: str) -> Value:
    window, strides = op.literal("window"), op.literal("strides")
    arguments = {
        "pool_size": tuple(window),
        "strides": None if window == strides else tuple(strides),
        "padding": padding,
        **format_of(op.literal("data_format")),
    }
    return body.layer(f"{kind}Pooling{len(window)}D", x, shape_of(op.results[0].type), arguments)


def _overhang(op: Any, x: Value) -> list[int] | None:
    """What the last windows have behind the padding (`ceil_mode`); None where it differs between runs."""
    if not op.literal("ceil_mode"):
        return [0] * len(op.literal("window"))
    found = []
    axes, pads = SPATIAL[op.literal("data_format")], op.literal("pads")
    for i, axis in enumerate(axes):
        size, count = x.shape[axis], shape_of(op.results[0].type)[axis]
        if not isinstance(size, int) or not isinstance(count, int):
            return None
        reach = op.literal("dilations")[i] * (op.literal("window")[i] - 1) + 1
        covered = (count - 1) * op.literal("strides")[i] + reach
        found.append(max(covered - size - pads[i] - pads[i + len(axes)], 0))
    return found


def _ends(op: Any, x: Value) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The places around x that all windows together need."""
    over, pads = _overhang(op, x) or [0] * len(op.literal("window")), op.literal("pads")
    rank = len(over)
    return around(x, op, (*pads[:rank], *(pads[i + rank] + over[i] for i in range(rank))))


def _is_plain(op: Any, x: Value) -> str | None:
    """The padding of the layer that does the same; None where there is none."""
    ones = (1,) * len(op.literal("window"))
    over = _overhang(op, x)
    if over is None or any(over):
        return None
    return window_padding(op, x, op.literal("window"), op.literal("strides"), ones)


def max_pool(body: Body, op: graph.MaxPoolOp) -> Value | Sequence[Value]:
    x = body[op.x]
    if any(each != 1 for each in op.literal("dilations")):
        return as_function(body, op)
    padding = _is_plain(op, x)
    if padding is not None:
        return _pool(body, op, "Max", x, padding)
    if _overhang(op, x) is None or not is_float(x.element):
        return as_function(body, op)
    low, high = _ends(op, x)
    lowest = 0 if is_not_negative(x) else identity("maximum", x.element)
    wide = padded(body, x, low, high, padded_shape(x, low, high), value=lowest)
    return _pool(body, op, "Max", wide, "valid")


def is_not_negative(x: Value) -> bool:
    """Whether no value is below 0, so that zeros around it never win a maximum."""
    source = x.source
    if isinstance(source, Step):
        return source.call.name in _NOT_NEGATIVE
    layer = getattr(source, "layer", None)
    return layer is not None and (layer.name in _NOT_NEGATIVE)


def average_pool(body: Body, op: graph.AveragePoolOp) -> Value | Sequence[Value]:
    x = body[op.x]
    if any(each != 1 for each in op.literal("dilations")):
        return as_function(body, op)
    padding, counted = _is_plain(op, x), op.literal("count_include_pad")
    if padding == "valid" or (padding == "same" and not counted):
        return _pool(body, op, "Average", x, padding)
    over = _overhang(op, x)
    if over is None:
        return as_function(body, op)
    low, high = _ends(op, x)
    shape = padded_shape(x, low, high)
    mean = _pool(body, op, "Average", padded(body, x, low, high, shape), "valid")
    if counted and not any(over):
        return mean
    ones = body.formula([x], lambda e: function("ones_like", e[0]), x.shape, x.element)
    if counted:
        own_low, own_high = around(x, op, op.literal("pads"))
        ones = padded(body, ones, own_low, own_high, padded_shape(x, own_low, own_high), value=1.0)
        low, high = (0,) * x.rank, tuple(a - b for a, b in zip(high, own_high, strict=True))
    part = _pool(body, op, "Average", padded(body, ones, low, high, shape), "valid")
    return body.formula([mean, part], lambda e: binary("/", e[0], e[1]), mean.shape, mean.element)


# --- reductions ------------------------------------------------------------------------------------------------------
def global_pooling(x: Value, kind: str, axes: tuple[int, ...], keepdims: bool) -> tuple[str, dict[str, Any]] | None:
    """The layer that reduces all places of a sequence, an image or a volume."""
    rank = x.rank - 2
    if rank not in (1, 2, 3) or kind not in ("mean", "maximum") or not is_float(x.element):
        return None
    first = axes == tuple(range(2, x.rank)) and rank > 1
    if not first and axes != tuple(range(1, x.rank - 1)):
        return None
    name = f"Global{'Average' if kind == 'mean' else 'Max'}Pooling{rank}D"
    return name, {**({"data_format": "channels_first"} if first else {}), "keepdims": keepdims}


# --- sizes of images -------------------------------------------------------------------------------------------------
def resize(body: Body, op: graph.ResizeOp) -> Value | Sequence[Value]:
    x, shape, rank = body[op.x], shape_of(op.result.type), len(shape_of(op.result.type)) - 2
    literals = {**op.DEFAULTS, **op.literals()}
    scales = literals.pop("scales", None)
    found = next((name for name, wanted in INTERPOLATIONS.items() if {**literals, **wanted} == literals), None)
    for data_format, axes in SPATIAL.items():
        if scales is None or found is None or len(axes) != rank:
            continue
        factors = [scales[axis] for axis in axes]
        others = [scale for axis, scale in enumerate(scales) if axis not in axes]
        if set(others) == {1.0} and all(factor == int(factor) >= 1 for factor in factors):
            given = {"size": tuple(map(int, factors))}
            if found != "nearest" and rank != 2:
                break
            more = {} if found == "nearest" else {"interpolation": found}
            first = data_format in CHANNELS_FIRST.values()
            if first and rank == 1:
                continue
            return body.layer(f"UpSampling{rank}D", x, shape, {**given, **format_of(data_format), **more})
    return as_function(body, op)


# --- what only training does -----------------------------------------------------------------------------------------
def dropout(body: Body, op: graph.DropoutOp) -> Value:
    x, kind, rate, shared = body[op.x], op.literal("kind"), op.literal("rate"), tuple(op.literal("shared"))
    seed = {"seed": op.literal("seed")} if "seed" in op.properties else {}
    rank = x.rank - 2
    if kind == "gaussian":
        return body.layer("GaussianDropout", x, x.shape, {"rate": rate, **seed})
    if kind == "zeros" and rank in (1, 2, 3) and shared == tuple(range(1, x.rank - 1)):
        return body.layer(f"SpatialDropout{rank}D", x, x.shape, {"rate": rate, **seed})
    if kind == "zeros" and rank in (2, 3) and shared == tuple(range(2, x.rank)):
        given = {"rate": rate, "data_format": "channels_first", **seed}
        return body.layer(f"SpatialDropout{rank}D", x, x.shape, given)
    noise = tuple(1 if axis in shared else None for axis in range(x.rank)) if shared else None
    name = "AlphaDropout" if kind == "alpha" else "Dropout"
    return body.layer(name, x, x.shape, {"rate": rate, "noise_shape": noise, **seed})


def gaussian_noise(body: Body, op: graph.GaussianNoiseOp) -> Value:
    x = body[op.x]
    seed = {"seed": op.literal("seed")} if "seed" in op.properties else {}
    return body.layer("GaussianNoise", x, x.shape, {"stddev": op.literal("stddev"), **seed})


def activity_regularizer(body: Body, op: graph.ActivityRegularizerOp) -> Value:
    x = body[op.x]
    return body.layer("ActivityRegularization", x, x.shape, {"l1": op.literal("l1"), "l2": op.literal("l2")})


LOWERINGS: Mapping[type[Operation], Callable[..., Any]] = {
    graph.MaxPoolOp: max_pool,
    graph.AveragePoolOp: average_pool,
    graph.ResizeOp: resize,
    graph.DropoutOp: dropout,
    graph.GaussianNoiseOp: gaussian_noise,
    graph.ActivityRegularizerOp: activity_regularizer,
}
