"""Places around a tensor: as many as the model writes down, or as a run says; negative ones are cut off."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neuralc.dialects import graph
from neuralc.dialects.dims import Dim, as_dim, simplest
from neuralc.frontends.node_builder import NodeBuilder
from neuralc.frontends.sizes import Size
from neuralc.frontends.values import Value


def padded(
    node: NodeBuilder, x: Value, low: Sequence[Size], high: Sequence[Size], mode: str, value: Value | None = None
) -> Value:
    """x with places added before and behind each dim, or removed where the number is negative."""
    cut = [(min(a, 0) if isinstance(a, int) else 0, min(b, 0) if isinstance(b, int) else 0)
           for a, b in zip(low, high, strict=True)]  # fmt: skip
    if any(a or b for a, b in cut):
        sizes = [simplest(as_dim(size) + a + b) for size, (a, b) in zip(x.shape, cut, strict=True)]
        x = node.slice(x, [-a for a, _ in cut], sizes)
    added = [(size if isinstance(size, Dim) else max(size, 0)) for size in (*low, *high)]
    whole = [size for size in added if isinstance(size, int)]
    number = None if value is None else value.numbers
    if len(whole) < len(added) or (value is not None and number is None):
        if mode != "constant" or value is None:
            node.refuse(f"its pads are symbolic in mode {mode}")
        return _surrounded(node, x, added[: x.rank], added[x.rank :], value)
    if not any(whole):
        return x
    constant = 0.0 if number is None else np.asarray(number).reshape(()).item()
    return node.emit(graph.PadOp, x, low=whole[: x.rank], high=whole[x.rank :], mode=mode, value=constant)


def _surrounded(node: NodeBuilder, x: Value, low: Sequence[Size], high: Sequence[Size], value: Value) -> Value:
    """x between constants, dim by dim: as many as a run says."""
    for axis in range(x.rank):
        parts = [x]
        for count, at in ((low[axis], 0), (high[axis], len(parts))):
            if count != 0:
                shape = [count if i == axis else size for i, size in enumerate(x.shape)]
                parts.insert(at if at == 0 else len(parts), node.expand(value, shape))
        x = node.concat(parts, axis)
    return x
