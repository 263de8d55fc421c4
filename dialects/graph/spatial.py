"""Layers that look at a neighbourhood: convolution and pooling over one to three spatial dims.

| op                   | operands                           | definition |
|----------------------|------------------------------------|------------|
| graph.conv           | x, kernel [*k, I/groups, O], bias? | cross-correlation (Keras Conv1D..3D, ONNX Conv) |
| graph.conv_transpose | x, kernel [*k, I, O/groups], bias? | the adjoint of conv (Keras Conv2DTranspose) |
| graph.max_pool       | x                                  | Keras MaxPooling2D, ONNX MaxPool; padding never wins |
| graph.arg_max_pool   | x                                  | where max_pool found its values (ONNX MaxPool, Indices) |
| graph.average_pool   | x                                  | Keras AveragePooling2D, ONNX AveragePool |

`data_format` names the order of dims: NWC or NCW, NHWC or NCHW, NDHWC or NCDHW. `strides`, `dilations` and the window
have one entry per spatial dim, `pads` two: all lows, then all highs ([top, left, bottom, right] of an image). The
defaults are those of an image; `of` takes the ones of the operand's rank.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

from xdsl.dialects.builtin import IntegerAttr, StringAttr, TensorType, i64
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, opt_operand_def, prop_def, result_def, traits_def
from xdsl.traits import Pure

from neuralc.dialects.graph.shapes import (
    CHANNEL,
    CHANNELS_LAST,
    require_float,
    require_number,
    require_vector,
    spatial_extents,
    static_shape,
    transposed_extents,
    with_spatial,
)
from neuralc.dialects.syntax import IntsAttr, Literal, PlainOp
from neuralc.dialects.types import ShapeError, element_of, format_shape, shape_of, tensor_type


class _WindowOp(PlainOp):
    """Lists that are left out are those of a plain window of the operand's rank."""

    @classmethod
    def of(cls, *operands: SSAValue, result: Attribute | None = None, **properties: Literal | Attribute) -> Self:
        rank = max(len(shape_of(operands[0].type)) - 2, 1)
        plain: dict[str, Literal] = {
            "strides": (1,) * rank,
            "dilations": (1,) * rank,
            "pads": (0,) * (2 * rank),
            "output_padding": (0,) * rank,
            "data_format": CHANNELS_LAST.get(rank, "NHWC"),
        }
        chosen = {name: value for name, value in plain.items() if name in cls.DEFAULTS}
        return super().of(*operands, result=result, **{**chosen, **properties})


def _kernel_sizes(op: str, kernel: Attribute, rank: int, last: str) -> tuple[tuple[int, ...], int, int]:
    """Window, and the two sizes behind it. Raises ShapeError."""
    shape = shape_of(kernel)
    if len(shape) != rank + 2 or not all(isinstance(size, int) for size in shape):
        names = ", ".join([("width", "height", "depth")[i] for i in reversed(range(rank))])
        raise ShapeError(f"a {op} kernel is [{names}, {last}], got {format_shape(shape)}")
    *window, depth, out = static_shape("a kernel", kernel)
    return tuple(window), depth, out


@irdl_op_definition
class ConvOp(_WindowOp):
    """Cross-correlation. x: floats or integers as `data_format` says; kernel: [*window, in/groups, out]; bias: [out].

    Integers accumulate, and wrap around, in their own type (ONNX ConvInteger: cast to i32 first).
    """

    name = "graph.conv"
    x = operand_def(TensorType)
    kernel = operand_def(TensorType)
    bias = opt_operand_def(TensorType)
    strides = prop_def(IntsAttr)
    dilations = prop_def(IntsAttr)
    pads = prop_def(IntsAttr)
    groups = prop_def(IntegerAttr)
    data_format = prop_def(StringAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    DEFAULTS: ClassVar = {
        "strides": (1, 1),
        "dilations": (1, 1),
        "pads": (0, 0, 0, 0),
        "groups": 1,
        "data_format": "NHWC",
    }

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        element = require_number("conv", types)
        x, data_format, groups = shape_of(types[0]), properties["data_format"], properties["groups"]
        window, depth, out = _kernel_sizes("conv", types[1], len(properties["strides"]), "in / groups, out")
        extents = spatial_extents(
            x, data_format, window, properties["strides"], properties["dilations"], properties["pads"]
        )
        channels = x[CHANNEL[data_format]]
        if groups < 1 or channels != depth * groups or out % groups:
            raise ShapeError(
                f"input has {channels} channels, "
                f"the kernel {format_shape(shape_of(types[1]))} with groups {groups} takes {depth * groups}"
            )
        require_vector("bias", types[2:], out)
        return tensor_type(with_spatial(x, data_format, extents, out), element)


@irdl_op_definition
class ConvTransposeOp(_WindowOp):
    """Each place of x adds its multiple of the kernel to the result, `strides` apart: the adjoint of graph.conv.

    kernel: [*window, in, out/groups]; bias: [out]. `pads` are cut off the result, `output_padding` is added to its high
    ends (ONNX ConvTranspose, torch.nn.ConvTranspose2d): size = stride * (size - 1) + reach + output padding - pads.
    """

    name = "graph.conv_transpose"
    x = operand_def(TensorType)
    kernel = operand_def(TensorType)
    bias = opt_operand_def(TensorType)
    strides = prop_def(IntsAttr)
    dilations = prop_def(IntsAttr)
    pads = prop_def(IntsAttr)
    output_padding = prop_def(IntsAttr)
    groups = prop_def(IntegerAttr)
    data_format = prop_def(StringAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    DEFAULTS: ClassVar = {
        "strides": (1, 1),
        "dilations": (1, 1),
        "pads": (0, 0, 0, 0),
        "output_padding": (0, 0),
        "groups": 1,
        "data_format": "NHWC",
    }

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        element = require_number("conv_transpose", types)
        x, data_format, groups = shape_of(types[0]), properties["data_format"], properties["groups"]
        window, depth, per_group = _kernel_sizes(
            "conv_transpose", types[1], len(properties["strides"]), "in, out / groups"
        )
        lists = [properties[name] for name in ("strides", "dilations", "pads", "output_padding")]
        extents = transposed_extents(x, data_format, window, *lists)
        channels = x[CHANNEL[data_format]]
        if groups < 1 or channels != depth or depth % groups:
            raise ShapeError(
                f"input has {channels} channels, "
                f"the kernel {format_shape(shape_of(types[1]))} takes {depth} in {groups} groups"
            )
        require_vector("bias", types[2:], per_group * groups)
        return tensor_type(with_spatial(x, data_format, extents, per_group * groups), element)


class _PoolOp(_WindowOp):
    """What the pooling ops share: a window over the spatial dims, channels kept."""

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        require_number(cls.name.removeprefix("graph."), types)
        window, dilations, pads = (tuple(properties[name]) for name in ("window", "dilations", "pads"))
        x, data_format = shape_of(types[0]), properties["data_format"]
        extents = spatial_extents(
            x, data_format, window, properties["strides"], dilations, pads, ceil_mode=properties["ceil_mode"]
        )
        reaches = [dilation * (size - 1) + 1 for size, dilation in zip(window, dilations, strict=True)]
        if any(pad >= reach for pad, reach in zip(pads, (*reaches, *reaches), strict=True)):
            raise ShapeError(f"padding {list(pads)} reaches over a whole window of {list(window)}")
        return tensor_type(with_spatial(x, data_format, extents, x[CHANNEL[data_format]]), element_of(types[0]))


@irdl_op_definition
class MaxPoolOp(_PoolOp):
    """The largest value under each window; padded places do not count, NaN wins.

    With `ceil_mode` a last window reaches past the end where it starts inside the operand or its low padding.
    """

    name = "graph.max_pool"
    x = operand_def(TensorType)
    window = prop_def(IntsAttr)
    strides = prop_def(IntsAttr)
    dilations = prop_def(IntsAttr)
    pads = prop_def(IntsAttr)
    ceil_mode = prop_def(IntegerAttr)
    data_format = prop_def(StringAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    DEFAULTS: ClassVar = {"dilations": (1, 1), "pads": (0, 0, 0, 0), "ceil_mode": False, "data_format": "NHWC"}


@irdl_op_definition
class ArgMaxPoolOp(_PoolOp):
    """Where in x, flattened, graph.max_pool finds its value: the first of equal ones in the window, a NaN first.

    With `column_major` the spatial dims count in reverse order, the first of them fastest (ONNX MaxPool,
    storage_order); batch and channels keep their places.
    """

    name = "graph.arg_max_pool"
    x = operand_def(TensorType)
    window = prop_def(IntsAttr)
    strides = prop_def(IntsAttr)
    dilations = prop_def(IntsAttr)
    pads = prop_def(IntsAttr)
    ceil_mode = prop_def(IntegerAttr)
    column_major = prop_def(IntegerAttr)
    data_format = prop_def(StringAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    DEFAULTS: ClassVar = {**MaxPoolOp.DEFAULTS, "column_major": False}

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        return tensor_type(shape_of(super().infer(types, **properties)), i64)


@irdl_op_definition
class AveragePoolOp(_PoolOp):
    """The mean under each window; padded places count, as zeros, only with `count_include_pad`.

    What a window has past the padding, in `ceil_mode`, never counts (ONNX AveragePool, torch.nn.AvgPool2d).
    """

    name = "graph.average_pool"
    x = operand_def(TensorType)
    window = prop_def(IntsAttr)
    strides = prop_def(IntsAttr)
    dilations = prop_def(IntsAttr)
    pads = prop_def(IntsAttr)
    ceil_mode = prop_def(IntegerAttr)
    count_include_pad = prop_def(IntegerAttr)
    data_format = prop_def(StringAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    DEFAULTS: ClassVar = {**MaxPoolOp.DEFAULTS, "count_include_pad": False}

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        require_float("average_pool", types)
        return super().infer(types, **properties)
