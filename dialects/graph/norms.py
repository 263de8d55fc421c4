"""Normalizations, and softmax: layers that scale values by what stands beside them.

| op                 | operands                       | definition |
|--------------------|--------------------------------|------------|
| graph.batch_norm   | x, gamma, beta, mean, variance | Keras BatchNormalization at inference; keeps the momentum |
| graph.group_norm   | x, scale, bias                 | Wu and He 2018; instance normalization with a group a channel |
| graph.layer_norm   | x, scale, bias?                | Ba et al. 2016, over the dims from an axis on |
| graph.rms_norm     | x, scale                       | Zhang and Sennrich 2019 |
| graph.lrn          | x                              | local response normalization, Krizhevsky et al. 2012 |
| graph.softmax      | x                              | exp(x - max) / sum along an axis |
| graph.log_softmax  | x                              | x - max - log(sum(exp(x - max))) along an axis |
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from xdsl.dialects.builtin import FloatAttr, IntegerAttr, TensorType
from xdsl.ir import Attribute
from xdsl.irdl import irdl_op_definition, operand_def, opt_operand_def, prop_def, result_def, traits_def
from xdsl.traits import Pure

from neuralc.dialects.graph.shapes import broadcast, normalize_axis, require_float, require_vector
from neuralc.dialects.syntax import PlainOp
from neuralc.dialects.types import ShapeError, format_shape, shape_of


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
        require_float("batch_norm", types)
        x = shape_of(types[0])
        channels = x[normalize_axis(properties["axis"], len(x))]
        for name, type_ in zip(("gamma", "beta", "mean", "variance"), types[1:], strict=True):
            require_vector(name, [type_], channels)
        return types[0]


@irdl_op_definition
class GroupNormOp(PlainOp):
    """scale * (x - mean) / sqrt(variance + epsilon) + bias over each of `groups` parts of the channels of a sample.

    x: [N, .., C, ..] with the channels at `axis`; scale, bias: [C]. Mean and (biased) variance are over the channels of
    a group and all dims but the first (ONNX GroupNormalization 21; InstanceNormalization with groups = C)."""

    name = "graph.group_norm"
    x = operand_def(TensorType)
    scale = operand_def(TensorType)
    bias = operand_def(TensorType)
    groups = prop_def(IntegerAttr)
    epsilon = prop_def(FloatAttr)
    axis = prop_def(IntegerAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    DEFAULTS: ClassVar = {"epsilon": 1e-5, "axis": 1}

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        require_float(cls.name, types)
        shape, groups = shape_of(types[0]), properties["groups"]
        axis = normalize_axis(properties["axis"], len(shape))
        channels = shape[axis]
        if axis == 0:
            raise ShapeError(f"{cls.name}: dim 0 is the batch, the channels are another one")
        if not isinstance(channels, int) or groups < 1 or channels % groups:
            raise ShapeError(f"{cls.name}: {channels} channels do not make {groups} groups")
        require_vector("scale", types[1:2], channels)
        require_vector("bias", types[2:], channels)
        return types[0]


def _check_broadcasts(name: str, type_: Attribute, x: Attribute, axis: int) -> None:
    """An operand that broadcasts to the normalized dims. Raises ShapeError."""
    shape = shape_of(x)
    normalized, own = shape[normalize_axis(axis, len(shape)) :], shape_of(type_)
    if len(own) > len(normalized) or broadcast(normalized, own) != normalized:
        raise ShapeError(f"{name} {format_shape(own)} does not broadcast to {format_shape(normalized)}")


@irdl_op_definition
class LayerNormOp(PlainOp):
    """scale * (x - mean) / sqrt(variance + epsilon) + bias over the dims from `axis` on (ONNX LayerNormalization).

    The variance is the biased one; scale and bias broadcast to the normalized dims."""

    name = "graph.layer_norm"
    x = operand_def(TensorType)
    scale = operand_def(TensorType)
    bias = opt_operand_def(TensorType)
    epsilon = prop_def(FloatAttr)
    axis = prop_def(IntegerAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    DEFAULTS: ClassVar = {"epsilon": 1e-5, "axis": -1}

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        require_float(cls.name, types)
        for name, type_ in zip(("scale", "bias"), types[1:], strict=False):
            _check_broadcasts(name, type_, types[0], properties["axis"])
        return types[0]


@irdl_op_definition
class RmsNormOp(PlainOp):
    """scale * x / sqrt(mean(x * x) + epsilon) over the dims from `axis` on (ONNX RMSNormalization)."""

    name = "graph.rms_norm"
    x = operand_def(TensorType)
    scale = operand_def(TensorType)
    epsilon = prop_def(FloatAttr)
    axis = prop_def(IntegerAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    DEFAULTS: ClassVar = {"epsilon": 1e-5, "axis": -1}

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        require_float(cls.name, types)
        _check_broadcasts("scale", types[1], types[0], properties["axis"])
        return types[0]


@irdl_op_definition
class LrnOp(PlainOp):
    """x / (bias + alpha / size * sum(x * x)) ** beta, the sum over `size` channels around each one (ONNX LRN).

    Of channel c these are c - floor((size - 1) / 2) .. c + ceil((size - 1) / 2), as far as they exist."""

    name = "graph.lrn"
    x = operand_def(TensorType)
    size = prop_def(IntegerAttr)
    alpha = prop_def(FloatAttr)
    beta = prop_def(FloatAttr)
    bias = prop_def(FloatAttr)
    axis = prop_def(IntegerAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    DEFAULTS: ClassVar = {"alpha": 1e-4, "beta": 0.75, "bias": 1.0, "axis": 1}

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        require_float(cls.name, types)
        normalize_axis(properties["axis"], len(shape_of(types[0])))
        if properties["size"] < 1:
            raise ShapeError(f"{cls.name}: a window of {properties['size']} channels")
        return types[0]


class _AlongAxis(PlainOp):
    """What softmax and log_softmax share."""

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        require_float(cls.name, types)
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
