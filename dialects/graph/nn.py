"""Layers of the graph level that own weights or look at a neighbourhood.

| op                 | operands                        | definition |
|--------------------|---------------------------------|------------|
| graph.conv         | x, kernel HW(I/groups)O, bias?  | cross-correlation (Keras Conv2D, DepthwiseConv2D; ONNX Conv) |
| graph.dense        | x[.., in], kernel[in, n], bias? | Keras Dense |
| graph.batch_norm   | x, gamma, beta, mean, variance  | Keras BatchNormalization at inference; keeps the momentum |
| graph.max_pool     | x                               | Keras MaxPooling2D; padding never wins |
| graph.average_pool | x                               | Keras AveragePooling2D; count_include_pad as in ONNX |
| graph.dropout      | x                               | identity at inference (Keras Dropout) |
| graph.softmax      | x                               | exp(x - max) / sum along an axis |
| graph.log_softmax  | x                               | x - max - log(sum(exp(x - max))) along an axis |
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from xdsl.dialects.builtin import FloatAttr, IntegerAttr, StringAttr, TensorType
from xdsl.ir import Attribute
from xdsl.irdl import irdl_op_definition, operand_def, opt_operand_def, prop_def, result_def, traits_def
from xdsl.traits import Pure

from neuralc.dialects.graph.shapes import CHANNEL, normalize_axis, spatial_extents, with_spatial
from neuralc.dialects.syntax import IntsAttr, PlainOp
from neuralc.dialects.types import ShapeError, element_of, format_shape, is_float, shape_of, tensor_type


def _require_float(op: str, types: Sequence[Attribute]) -> Attribute:
    element = element_of(types[0])
    if not is_float(element):
        raise ShapeError(f"{op} needs floats, got {element}")
    if any(element_of(other) != element for other in types):
        raise ShapeError(f"{op}: operands are of types {', '.join(str(element_of(t)) for t in types)}")
    return element


@irdl_op_definition
class ConvOp(PlainOp):
    """2-D cross-correlation. x: NHWC or NCHW; kernel: [kh, kw, in/groups, out]; bias: [out].

    `pads` is [top, left, bottom, right].
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
        element = _require_float("conv", types)
        x, kernel = shape_of(types[0]), shape_of(types[1])
        if len(kernel) != 4 or not all(isinstance(size, int) for size in kernel):
            raise ShapeError(f"a conv kernel is [height, width, in / groups, out], got {format_shape(kernel)}")
        kh, kw, depth, out = (int(str(size)) for size in kernel)
        data_format, groups = properties["data_format"], properties["groups"]
        extents = spatial_extents(
            x, data_format, (kh, kw), properties["strides"], properties["dilations"], properties["pads"]
        )
        channels = x[CHANNEL[data_format]]
        if groups < 1 or channels != depth * groups or out % groups:
            raise ShapeError(
                f"input has {channels} channels, "
                f"the kernel {format_shape(kernel)} with groups {groups} takes {depth * groups}"
            )
        _check_vector("bias", types[2:], out)
        return tensor_type(with_spatial(x, data_format, extents, out), element)


@irdl_op_definition
class DenseOp(PlainOp):
    """x[.., in] . kernel[in, units] + bias[units], over the last axis."""

    name = "graph.dense"
    x = operand_def(TensorType)
    kernel = operand_def(TensorType)
    bias = opt_operand_def(TensorType)
    result = result_def(TensorType)
    traits = traits_def(Pure())

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        element = _require_float("dense", types)
        x, kernel = shape_of(types[0]), shape_of(types[1])
        if not x or len(kernel) != 2 or x[-1] != kernel[0]:
            raise ShapeError(f"input {format_shape(x)} does not fit a kernel of {format_shape(kernel)}")
        _check_vector("bias", types[2:], kernel[1])
        return tensor_type((*x[:-1], kernel[1]), element)


@irdl_op_definition
class BatchNormOp(PlainOp):
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta along `axis`."""

    name = "graph.batch_norm"
    x = operand_def(TensorType)
    gamma = operand_def(TensorType)
    beta = operand_def(TensorType)
    mean = operand_def(TensorType)
    variance = operand_def(TensorType)
    epsilon = prop_def(FloatAttr)
    momentum = prop_def(FloatAttr)
    axis = prop_def(IntegerAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    DEFAULTS: ClassVar = {"epsilon": 1e-3, "momentum": 0.99, "axis": -1}

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        _require_float("batch_norm", types)
        x = shape_of(types[0])
        channels = x[normalize_axis(properties["axis"], len(x))]
        for name, type_ in zip(("gamma", "beta", "mean", "variance"), types[1:], strict=True):
            _check_vector(name, [type_], channels)
        return types[0]


def _check_vector(name: str, types: Sequence[Attribute], size: Any) -> None:
    for type_ in types:
        if shape_of(type_) != (size,):
            raise ShapeError(f"{name} is {format_shape(shape_of(type_))}, expected ({size},)")


class _Pool(PlainOp):
    """What the pooling ops share: a window over height and width, channels kept."""

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        x, data_format, window, pads = (
            shape_of(types[0]),
            properties["data_format"],
            properties["window"],
            properties["pads"],
        )
        extents = spatial_extents(x, data_format, window, properties["strides"], (1, 1), pads)
        if any(pad >= size for pad, size in zip(pads, (*window, *window), strict=True)):
            raise ShapeError(f"padding {list(pads)} reaches over a whole window of {list(window)}")
        return tensor_type(with_spatial(x, data_format, extents, x[CHANNEL[data_format]]), element_of(types[0]))


@irdl_op_definition
class MaxPoolOp(_Pool):
    """The largest value under each window; padded places do not count."""

    name = "graph.max_pool"
    x = operand_def(TensorType)
    window = prop_def(IntsAttr)
    strides = prop_def(IntsAttr)
    pads = prop_def(IntsAttr)
    data_format = prop_def(StringAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    DEFAULTS: ClassVar = {"pads": (0, 0, 0, 0), "data_format": "NHWC"}


@irdl_op_definition
class AveragePoolOp(_Pool):
    """The mean under each window; padded places count as zeros only with count_include_pad."""

    name = "graph.average_pool"
    x = operand_def(TensorType)
    window = prop_def(IntsAttr)
    strides = prop_def(IntsAttr)
    pads = prop_def(IntsAttr)
    count_include_pad = prop_def(IntegerAttr)
    data_format = prop_def(StringAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    DEFAULTS: ClassVar = {"pads": (0, 0, 0, 0), "count_include_pad": False, "data_format": "NHWC"}

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        _require_float("average_pool", types)
        return super().infer(types, **properties)


@irdl_op_definition
class DropoutOp(PlainOp):
    """Zeroes a fraction `rate` of the values in training and scales the rest; identity at inference."""

    name = "graph.dropout"
    x = operand_def(TensorType)
    rate = prop_def(FloatAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    KINDS: ClassVar = {"rate": 0.5}

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        if not 0.0 <= properties["rate"] < 1.0:
            raise ShapeError(f"dropout rate {properties['rate']} is outside [0, 1)")
        return types[0]


class _AlongAxis(PlainOp):
    """What softmax and log_softmax share."""

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        _require_float(cls.name, types)
        normalize_axis(properties["axis"], len(shape_of(types[0])))
        return types[0]


@irdl_op_definition
class SoftmaxOp(_AlongAxis):
    """exp(x - max(x)) / sum(exp(x - max(x))) along `axis`."""

    name = "graph.softmax"
    x = operand_def(TensorType)
    axis = prop_def(IntegerAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    DEFAULTS: ClassVar = {"axis": -1}


@irdl_op_definition
class LogSoftmaxOp(_AlongAxis):
    """x - max(x) - log(sum(exp(x - max(x)))) along `axis`."""

    name = "graph.log_softmax"
    x = operand_def(TensorType)
    axis = prop_def(IntegerAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    DEFAULTS: ClassVar = {"axis": -1}
