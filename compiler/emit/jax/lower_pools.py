"""Pools: helper functions over `lax.reduce_window`, whose window has an entry for every axis."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects.dims import as_dim
from neuralc.dialects.graph import ArgMaxPoolOp, AveragePoolOp, MaxPoolOp
from neuralc.dialects.graph.shapes import SPATIAL
from neuralc.dialects.types import element_of, is_float, shape_of
from neuralc.emit.jax.padding import padding_of
from neuralc.emit.python.expressions import Value, call
from neuralc.emit.python.nodes import Kind
from neuralc.emit.python.values import Values

Pads = tuple[tuple[int, int], ...]


def _every_axis(op: Any, entries: tuple[Any, ...], other: Any) -> tuple[Any, ...]:
    """Entries of the spatial dims with those of the other axes."""
    spatial = SPATIAL[op.literal("data_format")]
    return tuple(entries[spatial.index(axis)] if axis in spatial else other for axis in range(len(spatial) + 2))


def _pads(op: Any) -> Pads:
    rank = len(op.literal("strides"))
    return _every_axis(op, tuple(zip(op.literal("pads")[:rank], op.literal("pads")[rank:], strict=True)), (0, 0))


def _past(values: Values, op: Any) -> Pads | None:
    """What the last windows of ceil_mode reach past the padding; None where that depends on a symbolic size."""
    past = []
    shape, counts, pads = shape_of(op.x.type), shape_of(op.result.type), _pads(op)
    window, strides, dilations = op.literal("window"), op.literal("strides"), op.literal("dilations")
    for index, axis in enumerate(SPATIAL[op.literal("data_format")]):
        reach = dilations[index] * (window[index] - 1) + 1
        more = (as_dim(counts[axis]) - 1) * strides[index] + reach - (as_dim(shape[axis]) + sum(pads[axis]))
        if not op.literal("ceil_mode"):
            past.append((0, 0))
        elif more.is_static:
            past.append((0, max(more.value, 0)))
        else:
            values.refuse(op, "how far a last window reaches depends on a symbolic size")
            return None
    return _every_axis(op, tuple(past), (0, 0))


def _together(*pads: Pads) -> Pads:
    return tuple((sum(low for low, _ in axis), sum(high for _, high in axis)) for axis in zip(*pads, strict=True))


def _options(op: Any, padding: Value) -> dict[str, Value]:
    options: dict[str, Value] = {}
    if op.literal("strides") != op.literal("window"):
        options["strides"] = _every_axis(op, op.literal("strides"), 1)
    if padding != "VALID":
        options["padding"] = padding
    if any(rate != 1 for rate in op.literal("dilations")):
        options["dilation"] = _every_axis(op, op.literal("dilations"), 1)
    return options


def _max_pool(values: Values, op: MaxPoolOp) -> None:
    past = _past(values, op)
    if past is None:
        return
    reaches_past = any(high for _, high in past)
    padding = _together(_pads(op), past) if reaches_past else _usual_padding(op)
    window, options = _every_axis(op, op.literal("window"), 1), _options(op, padding)
    function = "max_pool" if is_float(element_of(op.x.type)) and "dilation" not in options else "any_max_pool"
    values.helpers.add(function)
    values.define(op, Kind.POOL, [values.operand(op, 0)], lambda x: call(function, x[0], window, **options))


def _usual_padding(op: Any) -> Value:
    padding = padding_of(op, shape_of(op.x.type))
    return padding if isinstance(padding, str) else _pads(op)


def _average_pool(values: Values, op: AveragePoolOp) -> None:
    """Padding never counts in the helper function: zeros that do are padded to x first."""
    past = _past(values, op)
    if past is None:
        return
    x, reaches_past, pads = values.operand(op, 0), any(high for _, high in past), _pads(op)
    padding: Value = _together(pads, past) if reaches_past else _usual_padding(op)
    if op.literal("count_include_pad") and any(map(any, pads)):
        sizes = tuple(size + low + high for size, (low, high) in zip(x.shape, pads, strict=True))
        x = values.add(Kind.PAD, [x], lambda x: call("jnp.pad", x[0], pads), sizes)
        padding = past if reaches_past else "VALID"
    window, options = _every_axis(op, op.literal("window"), 1), _options(op, padding)
    values.helpers.add("average_pool")
    values.define(op, Kind.POOL, [x], lambda x: call("average_pool", x[0], window, **options))


def _arg_max_pool(values: Values, op: ArgMaxPoolOp) -> None:
    past = _past(values, op)
    if past is None:
        return
    order = list(range(len(past)))
    if op.literal("column_major"):
        spatial = SPATIAL[op.literal("data_format")]
        order[spatial[0] : spatial[-1] + 1] = reversed(spatial)
    entries = [_every_axis(op, op.literal(key), 1) for key in ("window", "strides", "dilations")]
    arguments: list[Value] = [entries[0], entries[1], _together(_pads(op), past), entries[2], tuple(order)]
    values.helpers.add("arg_max_pool")
    values.define(op, Kind.POOL, [values.operand(op, 0)], lambda x: call("arg_max_pool", x[0], *arguments))


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    ArgMaxPoolOp: _arg_max_pool,
    AveragePoolOp: _average_pool,
    MaxPoolOp: _max_pool,
}
