"""The attributes of operators that slide a window: kernel_shape, strides, dilations, pads, auto_pad."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from neuralc.dialects.dims import as_dim
from neuralc.dialects.types import ShapeError
from neuralc.frontends.onnx.node import Node
from neuralc.frontends.refusals import Refused
from neuralc.frontends.sizes import Size
from neuralc.frontends.values import Value

AUTOMATIC = ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID", "")

SPATIAL_RANKS = (1, 2, 3)


@dataclass(frozen=True)
class Window:
    """A window over the spatial dims of an operand [N, C, *spatial]."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[int, ...]
    """All lows, then all highs."""

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def reaches(self) -> tuple[int, ...]:
        """How many places the dilated window covers along each dim."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.shape, self.dilations, strict=True))

    @property
    def lists(self) -> dict[str, Any]:
        """The properties of a graph op without the window itself."""
        return {"strides": self.strides, "dilations": self.dilations, "pads": self.pads}


def spatial_rank(x: Value) -> int:
    """The number of spatial dims of an operand [N, C, *spatial]. Raises ShapeError, and Refused for more than 3."""
    rank = x.rank - 2
    if rank < 1:
        raise ShapeError(f"an operand of {x.rank} dims has no spatial ones")
    if rank not in SPATIAL_RANKS:
        raise Refused(f"with {rank} spatial dims")
    return rank


def read_window(node: Node, x: Value, shape: Sequence[int] | None = None) -> Window:
    """The window of a node: `shape` is known from a kernel, or else an attribute. Raises ShapeError and Refused."""
    rank = spatial_rank(x)
    given = node.integers("kernel_shape", shape)
    if shape is not None and given != tuple(shape):
        raise ShapeError(f"kernel_shape is {list(given)}, the kernel {list(shape)}")
    strides, dilations = node.integers("strides", (1,) * rank), node.integers("dilations", (1,) * rank)
    pads = node.integers("pads", (0,) * (2 * rank))
    automatic = node.string("auto_pad", "NOTSET")
    if automatic not in AUTOMATIC:
        raise ShapeError(f"auto_pad is `{automatic}`")
    if not len(given) == len(strides) == len(dilations) == rank or len(pads) != 2 * rank:
        raise ShapeError(f"the lists of a window over {rank} dims are {given}, {strides}, {dilations}, {pads}")
    if min((*given, *strides, *dilations)) < 1:
        raise ShapeError("window, strides and dilations are at least 1")
    window = Window(given, strides, dilations, pads)
    if automatic == "VALID":
        return Window(given, strides, dilations, (0,) * (2 * rank))
    if automatic in ("SAME_UPPER", "SAME_LOWER"):
        totals = [_same(x.shape[i + 2], window, i) for i in range(rank)]
        return Window(given, strides, dilations, split(totals, upper=automatic == "SAME_UPPER"))
    return window


def _same(size: Size, window: Window, i: int) -> int:
    """The padding with which ceil(size / stride) windows fit. Raises Refused where it differs between runs."""
    stride = window.strides[i]
    total = (as_dim(size).ceildiv(stride) - 1) * stride + window.reaches[i] - size
    if not total.is_static:
        raise Refused(f"auto_pad of a symbolic size {size} with stride {stride}")
    return max(total.value, 0)


def split(totals: Sequence[int], *, upper: bool) -> tuple[int, ...]:
    """Paddings shared by both ends; the odd place goes to the high end, or to the low one."""
    lows = [total // 2 if upper else total - total // 2 for total in totals]
    return (*lows, *(total - low for total, low in zip(totals, lows, strict=True)))
