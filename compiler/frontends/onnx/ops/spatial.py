"""Convolutions, pooling, and their relatives. ONNX images are channels-first, and stay so."""

from __future__ import annotations

from collections.abc import Sequence

from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim, simplest
from neuralc.dialects.graph.shapes import CHANNELS_FIRST, window_extent
from neuralc.dialects.types import DimsAttr, ShapeError
from neuralc.frontends.onnx.node import Node
from neuralc.frontends.onnx.registry import onnx_op
from neuralc.frontends.onnx.windows import Window, read_window, spatial_rank, split
from neuralc.frontends.refusals import Refused
from neuralc.frontends.sizes import Size, total
from neuralc.frontends.values import Value


# --- convolution -------------------------------------------------------------------------------------------------
@onnx_op("Conv", makes=("graph.conv", "graph.transpose"))
def conv(node: Node) -> Value:
    return convolution(node, node.input(0), node.input(1), node.optional(2))


def convolution(node: Node, x: Value, kernel: Value, bias: Value | None) -> Value:
    """graph.conv of a node with the attributes of Conv; the kernel is [out, in / groups, *window]."""
    window = read_window(node, x, window_of(kernel, x))
    moved = node.transpose(kernel, (*range(2, kernel.rank), 1, 0))
    return node.emit(
        graph.ConvOp, x, moved, *([] if bias is None else [bias]),
        groups=node.integer("group", 1), data_format=CHANNELS_FIRST[window.rank], **window.lists,
    )  # fmt: skip


def window_of(kernel: Value, x: Value) -> tuple[int, ...]:
    """The window of a kernel [a, b, *window]. Raises ShapeError, and Refused where its shape is symbolic."""
    if kernel.rank != spatial_rank(x) + 2:
        raise ShapeError(f"a kernel of {kernel.rank} dims for an operand of {x.rank}")
    if not all(isinstance(size, int) for size in kernel.shape):
        raise Refused(f"with a kernel of symbolic shape {kernel.shape}")
    return tuple(int(str(size)) for size in kernel.shape[2:])


@onnx_op("ConvTranspose", makes=("graph.conv_transpose", "graph.transpose"))
def conv_transpose(node: Node) -> Value:
    """With `output_shape`, or auto_pad SAME, the padding is what leaves a result of the size asked for."""
    x, kernel, bias = node.input(0), node.input(1), node.optional(2)
    automatic = node.string("auto_pad", "NOTSET")
    rank = spatial_rank(x)
    shape = window_of(kernel, x)
    strides, dilations = node.integers("strides", (1,) * rank), node.integers("dilations", (1,) * rank)
    extra = list(node.integers("output_padding", (0,) * rank))
    asked: Sequence[Size] | None = node.integers("output_shape", ()) or None
    if node.integers("kernel_shape", shape) != shape or not len(strides) == len(dilations) == len(extra) == rank:
        raise ShapeError("kernel_shape, strides, dilations or output_padding do not fit the kernel")
    window = Window(shape, strides, dilations, node.integers("pads", (0,) * (2 * rank)))
    if asked is None and automatic in ("SAME_UPPER", "SAME_LOWER"):
        asked = [simplest(as_dim(x.shape[i + 2]) * strides[i]) for i in range(rank)]
    pads = (0,) * (2 * rank) if automatic == "VALID" else window.pads
    if asked is not None:
        spare = [_spare(x, window, extra, asked, i) for i in range(rank)]
        extra = [more + max(-total, 0) for more, total in zip(extra, spare, strict=True)]
        pads = split([max(total, 0) for total in spare], upper=automatic == "SAME_UPPER")
    moved = node.transpose(kernel, (*range(2, kernel.rank), 0, 1))
    return node.emit(
        graph.ConvTransposeOp, x, moved, *([] if bias is None else [bias]),
        strides=strides, dilations=dilations, pads=pads, output_padding=tuple(extra),
        groups=node.integer("group", 1), data_format=CHANNELS_FIRST[rank],
    )  # fmt: skip


def _spare(x: Value, window: Window, extra: Sequence[int], asked: Sequence[Size], i: int) -> int:
    """What has to be cut off the whole result along a spatial dim. Raises Refused where it differs between runs."""
    if len(asked) != window.rank:
        raise ShapeError(f"output_shape has {len(asked)} entries for {window.rank} spatial dims")
    whole = (as_dim(x.shape[i + 2]) - 1) * window.strides[i] + window.reaches[i] + extra[i]
    spare = whole - asked[i]
    if not spare.is_static:
        raise Refused(f"with an output of {asked[i]} places from {x.shape[i + 2]}")
    return spare.value


@onnx_op("DeformConv", makes=("graph.deform_conv", "graph.transpose"))
def deform_conv(node: Node) -> Value:
    x, kernel, offset, bias, mask = (*node.inputs[:3], node.optional(3), node.optional(4))
    if spatial_rank(x) != 2:
        node.refuse(f"with {spatial_rank(x)} spatial dims")
    window = read_window(node, x, window_of(kernel, x))
    rest = [value for value in (mask, bias) if value is not None]
    return node.emit(
        graph.DeformConvOp, x, offset, node.transpose(kernel, (2, 3, 1, 0)), *rest,
        groups=node.integer("group", 1), offset_groups=node.integer("offset_group", 1), **window.lists,
    )  # fmt: skip


@onnx_op("Col2Im", makes=("graph.fold",))
def col2im(node: Node) -> Value:
    """The adjoint of cutting an image into blocks."""
    x, sizes, block = node.input(0), node.sizes(1, "image sizes"), tuple(node.whole(2, "block shape"))
    rank = len(block)
    if rank not in (1, 2, 3):
        node.refuse(f"with {rank} spatial dims")
    return node.emit(
        graph.FoldOp, x,
        sizes=DimsAttr(tuple(map(as_dim, sizes))), window=block,
        strides=node.integers("strides", (1,) * rank), dilations=node.integers("dilations", (1,) * rank),
        pads=node.integers("pads", (0,) * (2 * rank)),
    )  # fmt: skip


# --- pooling -----------------------------------------------------------------------------------------------------
@onnx_op("MaxPool", makes=("graph.max_pool", "graph.arg_max_pool"))
def max_pool(node: Node) -> list[Value]:
    x = node.input(0)
    window = read_window(node, x)
    column_major = bool(node.integer("storage_order", 0))
    properties = {
        **window.lists,
        "window": window.shape,
        "ceil_mode": bool(node.integer("ceil_mode", 0)),
        "data_format": CHANNELS_FIRST[window.rank],
    }
    y = node.emit(graph.MaxPoolOp, x, **properties)
    if not node.wants(1):
        return [y]
    return [y, node.emit(graph.ArgMaxPoolOp, x, column_major=column_major, **properties)]


@onnx_op("AveragePool", makes=("graph.average_pool",), since=1)
def average_pool(node: Node) -> Value:
    x = node.input(0)
    window = read_window(node, x)
    return node.emit(
        graph.AveragePoolOp, x, window=window.shape, **window.lists,
        ceil_mode=bool(node.integer("ceil_mode", 0)), count_include_pad=bool(node.integer("count_include_pad", 0)),
        data_format=CHANNELS_FIRST[window.rank],
    )  # fmt: skip


@onnx_op("GlobalAveragePool", "GlobalMaxPool", makes=("graph.reduce",))
def global_pool(node: Node) -> Value:
    x = node.input(0)
    kind = "mean" if node.op == "GlobalAveragePool" else "maximum"
    return node.reduce(x, kind, range(2, x.rank), keepdims=True)


@onnx_op("GlobalLpPool", makes=("graph.abs", "graph.pow", "graph.reduce"))
def global_lp_pool(node: Node) -> Value:
    x, p = node.input(0), node.integer("p", 2)
    return root(node, node.reduce(power(node, x, p), "sum", range(2, x.rank), keepdims=True), p)


@onnx_op("LpPool", makes=("graph.abs", "graph.pow", "graph.conv"))
def lp_pool(node: Node) -> Value:
    """The p-norm under each window: a sum is a convolution with ones, places outside add nothing to it."""
    x, p = node.input(0), node.integer("p", 2)
    window = read_window(node, x)
    pads = list(window.pads)
    if node.integer("ceil_mode", 0):
        for i in range(window.rank):
            pads[window.rank + i] += _missing(x.shape[i + 2], window, i)
    alone = node.reshape(power(node, x, p), (total(x.shape[:2]), 1, *x.shape[2:]))
    ones = node.fill(1, (*window.shape, 1, 1), x.element)
    sums = node.emit(
        graph.ConvOp, alone, ones, strides=window.strides, dilations=window.dilations, pads=tuple(pads),
        data_format=CHANNELS_FIRST[window.rank],
    )  # fmt: skip
    return root(node, node.reshape(sums, (*x.shape[:2], *sums.shape[2:])), p)


def _missing(size: Size, window: Window, i: int) -> int:
    """Places behind the padding that the last window of ceil_mode covers. Raises Refused for a symbolic size."""
    if not isinstance(size, int):
        raise Refused(f"ceil_mode over a symbolic size {size}")
    low, high, stride = window.pads[i], window.pads[window.rank + i], window.strides[i]
    count = window_extent(size, window.shape[i], stride, window.dilations[i], low, high, ceil_mode=True)
    return max((int(str(count)) - 1) * stride + window.reaches[i] - (size + low + high), 0)


def power(node: Node, x: Value, p: int) -> Value:
    """|x| ** p."""
    if p == 1:
        return node.emit(graph.AbsOp, x)
    return node.mul(x, x) if p == 2 else node.emit(graph.PowOp, node.emit(graph.AbsOp, x), node.scalar(p, x))


def root(node: Node, x: Value, p: int) -> Value:
    """The p-th root of x."""
    if p == 1:
        return x
    return node.emit(graph.SqrtOp, x) if p == 2 else node.emit(graph.PowOp, x, node.scalar(1 / p, x))


@onnx_op("MaxUnpool", makes=("graph.scatter_elements", "graph.pad", "graph.reshape"))
def max_unpool(node: Node) -> Value:
    """Values back at the places that MaxPool found them; `output_shape` adds places at the ends."""
    x, places = node.input(0), node.input(1)
    rank = spatial_rank(x)
    shape, strides = node.integers("kernel_shape"), node.integers("strides", (1,) * rank)
    pads = node.integers("pads", (0,) * (2 * rank))
    whole = list(x.shape[:2])
    for i, size in enumerate(x.shape[2:]):
        whole.append(simplest((as_dim(size) - 1) * strides[i] + shape[i] - pads[i] - pads[rank + i]))
    empty = node.fill(0, (total(whole),), x.element)
    count = total(x.shape)
    flat = node.emit(
        graph.ScatterElementsOp, empty, node.reshape(places, (count,)), node.reshape(x, (count,)), axis=0, kind="set"
    )
    y = node.reshape(flat, whole)
    if node.optional(2) is None:
        return y
    more = [as_dim(wanted) - size for wanted, size in zip(node.sizes(2, "output shape"), whole, strict=True)]
    if not all(each.is_static and each.value >= 0 for each in more):
        node.refuse("with an output shape that is smaller than the window's, or symbolic")
    return node.emit(graph.PadOp, y, low=(0,) * y.rank, high=tuple(each.value for each in more))


@onnx_op("RoiAlign", makes=("graph.roi_align",))
def roi_align(node: Node) -> Value:
    x, rois, batch_indices = node.inputs
    aligned = node.string("coordinate_transformation_mode", "half_pixel" if node.version >= 16 else "output_half_pixel")
    modes = {"avg": "average", "max": "maximum"}
    mode = node.string("mode", "avg")
    if mode not in modes or aligned not in ("half_pixel", "output_half_pixel"):
        raise ShapeError(f"mode is `{mode}`, coordinate_transformation_mode `{aligned}`")
    return node.emit(
        graph.RoiAlignOp, x, rois, batch_indices,
        sizes=(node.integer("output_height", 1), node.integer("output_width", 1)), mode=modes[mode],
        spatial_scale=node.real("spatial_scale", 1.0), sampling_ratio=node.integer("sampling_ratio", 0),
        half_pixel=aligned == "half_pixel",
    )  # fmt: skip


@onnx_op("MaxRoiPool", makes=("graph.max_roi_pool",))
def max_roi_pool(node: Node) -> Value:
    return node.emit(
        graph.MaxRoiPoolOp, *node.inputs,
        sizes=node.integers("pooled_shape"), spatial_scale=node.real("spatial_scale", 1.0),
    )  # fmt: skip
