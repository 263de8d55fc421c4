"""The padding of convolutions and pools, in lax's words where it has one."""

from __future__ import annotations

from typing import Any

from neuralc.dialects.dims import as_dim
from neuralc.dialects.graph import ConvOp
from neuralc.dialects.graph.shapes import SPATIAL
from neuralc.dialects.types import Shape, shape_of
from neuralc.emit.python.expressions import Value


def padding_of(op: Any, shape: Shape) -> Value:
    """lax's word for the padding of a window where it has one, else low and high of each spatial dim."""
    pads, strides = op.literal("pads"), op.literal("strides")
    rank = len(strides)
    pairs = tuple(zip(pads[:rank], pads[rank:], strict=True))
    window = op.literal("window") if "window" in op.properties else shape_of(op.kernel.type)[:rank]
    reaches = [rate * (int(str(size)) - 1) + 1 for size, rate in zip(window, op.literal("dilations"), strict=True)]
    sizes = [shape[axis] for axis in SPATIAL[op.literal("data_format")]]
    same = [_same(size, *rest) for size, *rest in zip(sizes, strides, reaches, strict=True)]
    if list(pairs) == same and (any(pads) or isinstance(op, ConvOp)):
        return "SAME"
    return pairs if any(pads) else "VALID"


def _same(size: Any, stride: int, reach: int) -> tuple[int, int] | None:
    """The padding that "SAME" is: as many places as there are strides in the dim, the odd one at the end."""
    if stride == 1:
        total = reach - 1
    elif not as_dim(size).is_static:
        return None
    else:
        count = as_dim(size).value
        total = max((-(-count // stride) - 1) * stride + reach - count, 0)
    return total // 2, total - total // 2
