"""Convolution and pooling: contractions and reductions over windows."""

from __future__ import annotations

from typing import cast

from xdsl.ir import Operation, SSAValue

from neuralc.dialects import graph, tensor
from neuralc.dialects.dims import Dim
from neuralc.dialects.graph.shapes import CHANNEL, SPATIAL
from neuralc.dialects.tensor.subscripts import ONE, identity
from neuralc.dialects.types import element_of, shape_of, tensor_type
from neuralc.passes.lower.layers.dense import add_bias
from neuralc.passes.lower.lowering import Conversion, Lowering


def _windowed(letters: str, data_format: str) -> tuple[str, str]:
    """Letters of a window view and of its result; `letters` holds those that stand for the channels."""
    return (f"nhwij{letters}", f"nhw{letters}") if data_format == "NHWC" else (f"n{letters}hwij", f"n{letters}hw")


def _conv(at: Lowering, op: graph.ConvOp) -> SSAValue:
    data_format, groups = op.literal("data_format"), op.literal("groups")
    kernel, kernel_shape = op.kernel, cast("tuple[int, int, int, int]", shape_of(op.kernel.type))
    kh, kw, depth, out = kernel_shape
    pointwise = (kh, kw) == (1, 1) and op.literal("strides") == (1, 1) and not any(op.literal("pads"))
    if pointwise and groups == 1:
        spec = "nhwc,co->nhwo" if data_format == "NHWC" else "nchw,co->nohw"
        y = at.emit(tensor.ContractOp.of(op.x, at.reshape(kernel, (depth, out)), spec=spec))
        return add_bias(at, y, op.bias, CHANNEL[data_format])
    view = at.windows(op, op.x, (kh, kw), 0.0)
    if groups == 1:
        inputs, outputs = _windowed("c", data_format)[0], _windowed("o", data_format)[1]
        y = at.emit(tensor.ContractOp.of(view, kernel, spec=f"{inputs},ijco->{outputs}"))
        return add_bias(at, y, op.bias, CHANNEL[data_format])
    # Grouped: channels are (group, channel in group) on both sides. A channel count of one has no letter.
    per_group = out // groups
    inner, outer = ("c" if depth > 1 else "", "o" if per_group > 1 else "")
    inputs, outputs = _windowed("g" + inner, data_format)[0], _windowed("g" + outer, data_format)[1]
    sizes: dict[str, int | Dim] = {"g": groups, "c": depth, "o": per_group, "i": kh, "j": kw}
    view_sizes = dict(zip(_windowed("g", data_format)[0], shape_of(view.type), strict=True)) | sizes
    view = at.reshape(view, [view_sizes[letter] for letter in inputs])
    weights = "ij" + inner + "g" + outer
    kernel = at.reshape(kernel, [sizes[letter] for letter in weights])
    y = at.emit(tensor.ContractOp.of(view, kernel, spec=f"{inputs},{weights}->{outputs}"))
    return add_bias(at, at.reshape(y, shape_of(op.result.type)), op.bias, CHANNEL[data_format])


def _max_pool(at: Lowering, op: graph.MaxPoolOp) -> SSAValue:
    view = at.windows(op, op.x, op.literal("window"), float("-inf"))
    return _reduce_windows(at, "maximum", view, op.literal("data_format"))


def _reduce_windows(at: Lowering, kind: str, view: SSAValue, data_format: str) -> SSAValue:
    return at.emit(tensor.ReduceOp.of(view, kind=kind, dims=(3, 4) if data_format == "NHWC" else (4, 5)))


def _average_pool(at: Lowering, op: graph.AveragePoolOp) -> SSAValue:
    data_format, window = op.literal("data_format"), op.literal("window")
    total = _reduce_windows(at, "add", at.windows(op, op.x, window, 0.0), data_format)
    shape = shape_of(total.type)
    letters = identity(4)
    if not any(op.literal("pads")) or op.literal("count_include_pad"):
        scale = 1.0 / (window[0] * window[1])
        return at.map(f"{letters}->{letters}", [total], shape, lambda b, x: b.call("mul", x, scale))
    # How many places of each window are real depends on the position alone: ones are pooled too.
    axes = SPATIAL[data_format]
    ones_shape = [shape_of(op.x.type)[axis] if axis in axes else 1 for axis in range(4)]

    def pooled_ones(inner: Lowering) -> SSAValue:
        ones = inner.emit(tensor.FillOp.of(result=tensor_type(ones_shape, element_of(op.x.type)), value=1.0))
        return _reduce_windows(inner, "add", inner.windows(op, ones, window, 0.0), data_format)

    symbolic = any(isinstance(size, Dim) for size in ones_shape)
    count = pooled_ones(at) if symbolic else at.known("average_pool.counts", pooled_ones)
    places = "".join(letters[axis] if axis in axes else ONE for axis in range(4))
    return at.binary("div", total, count, f"{letters},{places}->{letters}", shape)


CONVERSIONS: dict[type[Operation], Conversion] = {
    graph.ConvOp: _conv,
    graph.MaxPoolOp: _max_pool,
    graph.AveragePoolOp: _average_pool,
}
