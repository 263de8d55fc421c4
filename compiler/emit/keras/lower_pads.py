"""Padding: layers of zeros in the functional style, `ops.pad` elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from neuralc.emit.keras.common import applied, is_functional
from neuralc.emit.python.expressions import Expression, Value, call
from neuralc.emit.python.nodes import Kind, Node
from neuralc.emit.python.values import Values


def padded(values: Values, x: Node, spatial: Sequence[tuple[int, int]], fill: Value = 0) -> Node:
    """An image, channels last, with places around it."""
    sizes = [size + low + high for size, (low, high) in zip(x.shape[1:], spatial, strict=False)]
    functional = is_functional(values) and fill == 0

    def render(x: Sequence[Expression]) -> Expression:
        if functional:
            return applied(f"ZeroPadding{len(spatial)}D", x[0], zero_padding(spatial))
        return pad_call(x[0], ((0, 0), *spatial, (0, 0)), fill)

    return values.add(Kind.PAD, [x], render, (x.shape[0], *sizes, x.shape[-1]))


def zero_padding(spatial: Sequence[tuple[int, int]]) -> Value:
    """The argument of ZeroPadding1D..3D, as short as it can be said."""
    lows, highs = {low for low, _ in spatial}, {high for _, high in spatial}
    if lows == highs and len(lows) == 1:
        return next(iter(lows))
    if len(spatial) == 1:
        return tuple(spatial[0])
    if all(low == high for low, high in spatial):
        return tuple(low for low, _ in spatial)
    return tuple(spatial)


def pad_call(x: Expression, around: Sequence[tuple[int, int]], fill: Value = 0, mode: str = "constant") -> Expression:
    options: dict[str, Value] = {} if mode == "constant" else {"mode": mode}
    if mode == "constant" and fill != 0:
        options["constant_values"] = fill
    return call("ops.pad", x, tuple(around), **options)
