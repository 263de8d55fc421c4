"""Convolutions over one to three spatial axes."""

from __future__ import annotations

from neuralc.grammar.parameters import OneOf, Optional, Parameter, Parameters, Tuple, Whole
from neuralc.grammar.signatures.base import (
    ACTIVATION_ARGUMENT,
    ACTIVITY_REGULARIZER,
    BIAS_INIT,
    FORMAT,
    INITIALIZER,
    KERNEL_INIT,
    KERNEL_TRAINING,
    LORA,
    PADDING,
    USE_BIAS,
    Signature,
    constraint,
    p,
    regularizer,
)
from neuralc.grammar.signatures.spatial import AXES, image, input_of

_FILTERS = Parameter("filters", Whole(1), doc="channels of the result")
_GROUPS = p("groups", Whole(1), 1, "channel groups that are convolved separately")
_MULTIPLIER = p("depth_multiplier", Whole(1), 1, "results per input channel")


def _window(rank: int) -> Parameter:
    return Parameter("kernel_size", Tuple(rank), doc=f"{AXES[rank]} of the window")


def _strides(rank: int) -> Parameter:
    return p("strides", Tuple(rank), (1,) * rank, "step of the window")


def _dilation(rank: int) -> Parameter:
    return p("dilation_rate", Tuple(rank), (1,) * rank, "distance between the taps of the window")


def _padding(*, causal: bool = False) -> Parameter:
    if not causal:
        return p("padding", PADDING, "valid", "`same` gives ceil(size / stride) places")
    doc = "`same` gives ceil(size / stride) places; `causal` does so too, and no place reads a later one"
    return p("padding", OneOf(("valid", "same", "causal")), "valid", doc)


def _kernel(kind: str) -> tuple[Parameter, Parameter, Parameter]:
    """Initializer, regularizer and constraint of one of the kernels of a separable convolution."""
    start = p(f"{kind}_initializer", INITIALIZER, "glorot_uniform", f"how an untrained {kind} kernel starts")
    return start, regularizer(kind), constraint(kind)


_DEPTHWISE, _POINTWISE = _kernel("depthwise"), _kernel("pointwise")


# --- signatures ------------------------------------------------------------------------------------------------------
def _conv(rank: int) -> Signature:
    parameters: Parameters = (
        _FILTERS, _window(rank), ACTIVATION_ARGUMENT, _strides(rank), _padding(causal=rank == 1), FORMAT,
        _dilation(rank), _GROUPS, USE_BIAS, KERNEL_INIT, BIAS_INIT, *KERNEL_TRAINING, *LORA,
    )  # fmt: skip
    return Signature(
        f"Conv{rank}D",
        parameters,
        f"Keras 3 Conv{rank}D",
        f"cross-correlation over {AXES[rank]}",
        (f"Convolution{rank}D",),
        shapes=f"{image(rank, 'in')} -> {image(rank, 'filters')}",
        example=f'{input_of(rank)} layers: Conv{rank}D(8, 3, "relu", strides=2, padding="same")',
    )


def _conv_transpose(rank: int) -> Signature:
    more = p("output_padding", Optional(Tuple(rank, 0)), None, "places added to the end of the result")
    parameters: Parameters = (
        _FILTERS, _window(rank), ACTIVATION_ARGUMENT, _strides(rank), _padding(), more, FORMAT, _dilation(rank),
        USE_BIAS, KERNEL_INIT, BIAS_INIT, *KERNEL_TRAINING,
    )  # fmt: skip
    return Signature(
        f"Conv{rank}DTranspose",
        parameters,
        f"Keras 3 Conv{rank}DTranspose",
        "the adjoint of a convolution: each place adds its multiple of the kernel to the result, `strides` apart. "
        "Without `output_padding` there are size * stride places (`same`), or those that are reached (`valid`)",
        (f"Convolution{rank}DTranspose",),
        shapes=f"{image(rank, 'in')} -> {image(rank, 'filters')}",
        example=f'{input_of(rank)} layers: Conv{rank}DTranspose(8, 3, strides=2, padding="same")',
    )


def _depthwise_conv(rank: int) -> Signature:
    start, penalty, limit = _DEPTHWISE
    parameters: Parameters = (
        _window(rank), ACTIVATION_ARGUMENT, _strides(rank), _padding(), _MULTIPLIER, FORMAT, _dilation(rank), USE_BIAS,
        start, BIAS_INIT, penalty, regularizer("bias"), ACTIVITY_REGULARIZER, limit, constraint("bias"),
    )  # fmt: skip
    return Signature(
        f"DepthwiseConv{rank}D",
        parameters,
        f"Keras 3 DepthwiseConv{rank}D",
        "each channel is convolved on its own",
        shapes=f"{image(rank, 'in')} -> {image(rank, 'in * depth_multiplier')}",
        example=f'{input_of(rank)} layers: DepthwiseConv{rank}D(3, padding="same")',
    )


def _separable_conv(rank: int) -> Signature:
    (start, penalty, limit), (start_1x1, penalty_1x1, limit_1x1) = _DEPTHWISE, _POINTWISE
    parameters: Parameters = (
        _FILTERS, _window(rank), ACTIVATION_ARGUMENT, _strides(rank), _padding(), FORMAT, _dilation(rank), _MULTIPLIER,
        USE_BIAS, start, start_1x1, BIAS_INIT, penalty, penalty_1x1, regularizer("bias"), ACTIVITY_REGULARIZER,
        limit, limit_1x1, constraint("bias"),
    )  # fmt: skip
    return Signature(
        f"SeparableConv{rank}D",
        parameters,
        f"Keras 3 SeparableConv{rank}D",
        "each channel is convolved on its own, then a convolution with a window of 1 mixes the channels",
        (f"SeparableConvolution{rank}D",),
        shapes=f"{image(rank, 'in')} -> {image(rank, 'filters')}",
        example=f'{input_of(rank)} layers: SeparableConv{rank}D(8, 3, padding="same")',
    )


SIGNATURES: tuple[Signature, ...] = (
    *map(_conv, (1, 2, 3)),
    *map(_conv_transpose, (1, 2, 3)),
    *map(_separable_conv, (1, 2)),
    *map(_depthwise_conv, (1, 2)),
)
