"""Places between the elements of a tensor: padding of StableHLO has them, and the operand of a dilated convolution."""

from __future__ import annotations

from collections.abc import Sequence

from neuralc.dialects.dims import as_dim, simplest
from neuralc.frontends.node_builder import NodeBuilder
from neuralc.frontends.padding import padded
from neuralc.frontends.values import Value


def spaced(node: NodeBuilder, x: Value, between: Sequence[int], value: Value) -> Value:
    """x with as many places between two elements of each dim, filled with one value.

    Each element gets its places behind it in a dim of its own; those behind the last one are cut off again.
    """
    for axis, count in enumerate(between):
        if not count or x.shape[axis] in (0, 1):
            continue
        size = x.shape[axis]
        before, after = list(x.shape[:axis]), list(x.shape[axis + 1 :])
        apart = node.reshape(x, [*before, size, 1, *after])
        zeros = [0] * apart.rank
        apart = padded(node, apart, zeros, [*zeros[: axis + 1], count, *zeros[axis + 2 :]], "constant", value)
        whole = simplest(as_dim(size) * (count + 1))
        x = node.pick(node.reshape(apart, [*before, whole, *after]), axis, 0, simplest(as_dim(whole) - count))
    return x
