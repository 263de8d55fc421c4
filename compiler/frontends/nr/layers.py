"""How each layer becomes graph ops: one function a layer, found by its name in `LOWERINGS`.

A function takes the site of the layer, its arguments and its input value, and gives its result. Shapes that do not fit
raise ShapeError; the caller adds the layer and its place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import product
from neuralc.dialects.graph.shapes import CHANNEL, SPATIAL, normalize_axis, same_padding
from neuralc.dialects.types import ShapeError, element_of, format_shape, shape_of, tensor_type
from neuralc.frontends.nr.activations import activate
from neuralc.frontends.nr.functions import Site, shown
from neuralc.grammar.binding import Bound

Lowering: TypeAlias = Callable[[Site, Bound, SSAValue], SSAValue]
Pair: TypeAlias = tuple[int, int]


# --- shared by layers over images ------------------------------------------------------------------------------------
def _data_format(arguments: Bound) -> str:
    return "NCHW" if arguments["data_format"] == "channels_first" else "NHWC"


def _image(x: SSAValue, data_format: str) -> tuple[int, Pair]:
    """Channels, and (height, width). Raises ShapeError for anything but an image of known size."""
    shape = shape_of(x.type)
    order = "height, width, channels" if data_format == "NHWC" else "channels, height, width"
    if len(shape) != 4:
        raise ShapeError(f"it takes images (batch, {order}), its input is {shown(x)}")
    height, width = (_known(shape[axis], "height or width") for axis in SPATIAL[data_format])
    return _known(shape[CHANNEL[data_format]], "channels"), (height, width)


def _known(size: object, what: str) -> int:
    if not isinstance(size, int):
        raise ShapeError(f"{what} must be a number, it is {size}")
    return size


def _pads(padding: str, size: Pair, window: Pair, strides: Pair, dilations: Pair = (1, 1)) -> tuple[int, ...]:
    """[top, left, bottom, right]; `same` as in Keras: the odd one goes to the bottom and the right."""
    if padding == "valid":
        return (0, 0, 0, 0)
    both = [same_padding(*axis) for axis in zip(size, window, strides, dilations, strict=True)]
    return (both[0][0], both[1][0], both[0][1], both[1][1])


# --- layers with weights ---------------------------------------------------------------------------------------------
def dense(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    shape = shape_of(x.type)
    if len(shape) < 2:
        raise ShapeError(f"it needs an axis besides the batch, its input is {shown(x)}")
    units: int = arguments["units"]
    kernel = site.weight("kernel", (_known(shape[-1], "the last axis"), units), x, arguments["kernel_initializer"])
    bias = [site.weight("bias", (units,), x, arguments["bias_initializer"])] if arguments["use_bias"] else []
    return activate(site, site.add(graph.DenseOp.of(x, kernel, *bias)), arguments["activation"])


def conv2d(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    data_format = _data_format(arguments)
    channels, size = _image(x, data_format)
    filters: int = arguments["filters"]
    groups: int = arguments["groups"]
    for what, count in (("input channels", channels), ("filters", filters)):
        if count % groups:
            raise ShapeError(f"{count} {what} cannot be divided into {groups} groups")
    window, strides, dilations = arguments["kernel_size"], arguments["strides"], arguments["dilation_rate"]
    kernel = site.weight("kernel", (*window, channels // groups, filters), x, arguments["kernel_initializer"])
    bias = [site.weight("bias", (filters,), x, arguments["bias_initializer"])] if arguments["use_bias"] else []
    op = graph.ConvOp.of(
        x,
        kernel,
        *bias,
        strides=strides,
        dilations=dilations,
        pads=_pads(arguments["padding"], size, window, strides, dilations),
        groups=groups,
        data_format=data_format,
    )
    return activate(site, site.add(op), arguments["activation"])


def depthwise_conv2d(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    """Keras keeps the kernel as [kh, kw, channels, multiplier]; a grouped conv reads it as [kh, kw, 1, all]."""
    data_format = _data_format(arguments)
    channels, size = _image(x, data_format)
    multiplier: int = arguments["depth_multiplier"]
    filters = channels * multiplier
    window, strides, dilations = arguments["kernel_size"], arguments["strides"], arguments["dilation_rate"]
    kernel = site.weight("kernel", (*window, channels, multiplier), x, arguments["depthwise_initializer"])
    flat = site.add(
        graph.ReshapeOp.of(kernel, result=tensor_type((*window, 1, filters), element_of(x.type))), "kernel.grouped"
    )
    bias = [site.weight("bias", (filters,), x, arguments["bias_initializer"])] if arguments["use_bias"] else []
    op = graph.ConvOp.of(
        x,
        flat,
        *bias,
        strides=strides,
        dilations=dilations,
        pads=_pads(arguments["padding"], size, window, strides, dilations),
        groups=channels,
        data_format=data_format,
    )
    return activate(site, site.add(op), arguments["activation"])


def batch_normalization(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    shape = shape_of(x.type)
    axis = normalize_axis(arguments["axis"], len(shape))
    channels = (_known(shape[axis], "the normalized axis"),)

    def scale_or_shift(name: str, wanted: bool, neutral: float) -> SSAValue:
        if wanted:
            return site.weight(name, channels, x, arguments[f"{name}_initializer"])
        constant = graph.ConstantOp.of(result=tensor_type(channels, element_of(x.type)), value=neutral)
        return site.add(constant, name)

    gamma = scale_or_shift("gamma", arguments["scale"], 1.0)
    beta = scale_or_shift("beta", arguments["center"], 0.0)
    mean = site.weight("moving_mean", channels, x, arguments["moving_mean_initializer"], trainable=False)
    variance = site.weight("moving_variance", channels, x, arguments["moving_variance_initializer"], trainable=False)
    op = graph.BatchNormOp.of(
        x, gamma, beta, mean, variance, epsilon=arguments["epsilon"], momentum=arguments["momentum"], axis=axis
    )
    return site.add(op)


def prelu(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    sizes = list(shape_of(x.type)[1:])
    for axis in arguments["shared_axes"] or ():
        if axis > len(sizes):
            raise ShapeError(f"shared axis {axis} is outside its input {shown(x)}")
        sizes[axis - 1] = 1
    alpha = site.weight("alpha", [_known(size, "a size") for size in sizes], x, arguments["alpha_initializer"])
    return site.add(graph.PreluOp.of(x, alpha))


# --- pooling ---------------------------------------------------------------------------------------------------------
def _pool(op: type[graph.MaxPoolOp] | type[graph.AveragePoolOp]) -> Lowering:
    def lower(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
        data_format = _data_format(arguments)
        _, size = _image(x, data_format)
        window: Pair = arguments["pool_size"]
        strides: Pair = arguments["strides"] or window
        pads = _pads(arguments["padding"], size, window, strides)
        return site.add(op.of(x, window=window, strides=strides, pads=pads, data_format=data_format))

    return lower


def _global_pool(kind: str) -> Lowering:
    def lower(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
        data_format = _data_format(arguments)
        _image(x, data_format)
        return site.add(graph.ReduceOp.of(x, kind=kind, axes=SPATIAL[data_format], keepdims=arguments["keepdims"]))

    return lower


# --- shapes, regularization, activations -----------------------------------------------------------------------------
def flatten(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    shape = shape_of(x.type)
    if arguments["data_format"] == "channels_first" and len(shape) > 2:
        # Keras: the order of the result is that of channels last, whatever the input has.
        x = site.add(graph.TransposeOp.of(x, perm=(0, *range(2, len(shape)), 1)), "channels_last")
    result = tensor_type((shape[0], product(shape[1:])), element_of(x.type))
    return site.add(graph.ReshapeOp.of(x, result=result))


def dropout(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    return site.add(graph.DropoutOp.of(x, rate=arguments["rate"]))


def identity(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    return site.add(graph.IdentityOp.of(x))


def activation(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    return activate(site, x, arguments["activation"])


def relu(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    slope, largest = arguments["negative_slope"], arguments["max_value"]
    if slope == 0.0 and largest == 6.0:
        return site.add(graph.Relu6Op.of(x))
    y = site.add(graph.LeakyReluOp.of(x, alpha=slope) if slope else graph.ReluOp.of(x))
    if largest is None:
        return y
    bound = site.add(graph.ConstantOp.of(result=tensor_type((), element_of(x.type)), value=largest), "max_value")
    return site.add(graph.MinimumOp.of(y, bound))


def _function(name: str, properties: Sequence[tuple[str, str]] = ()) -> Lowering:
    """An activation layer: `properties` pairs a property of the op with the parameter that gives it."""

    def lower(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
        return activate(site, x, name, {prop: arguments[parameter] for prop, parameter in properties})

    return lower


LOWERINGS: dict[str, Lowering] = {
    "Dense": dense,
    "Output": dense,
    "Flatten": flatten,
    "Identity": identity,
    "Activation": activation,
    "Conv2D": conv2d,
    "DepthwiseConv2D": depthwise_conv2d,
    "MaxPooling2D": _pool(graph.MaxPoolOp),
    "AveragePooling2D": _pool(graph.AveragePoolOp),
    "GlobalAveragePooling2D": _global_pool("mean"),
    "GlobalMaxPooling2D": _global_pool("maximum"),
    "BatchNormalization": batch_normalization,
    "Dropout": dropout,
    "ReLU": relu,
    "LeakyReLU": _function("leaky_relu", (("alpha", "negative_slope"),)),
    "PReLU": prelu,
    "ELU": _function("elu", (("alpha", "alpha"),)),
    "SELU": _function("selu"),
    "GELU": _function("gelu", (("approximate", "approximate"),)),
    "SiLU": _function("silu"),
    "Mish": _function("mish"),
    "Sigmoid": _function("sigmoid"),
    "Tanh": _function("tanh"),
    "Softmax": _function("softmax", (("axis", "axis"),)),
    "LogSoftmax": _function("log_softmax", (("axis", "axis"),)),
    "Softplus": _function("softplus"),
    "Softsign": _function("softsign"),
    "HardSigmoid": _function("hard_sigmoid"),
    "HardSwish": _function("hard_swish"),
    "Exponential": _function("exponential"),
    "Linear": _function("linear"),
}
"""Every layer without a block; a test compares it with the signature table."""


def project(site: Site, x: SSAValue, target: SSAValue) -> SSAValue:
    """The shortcut of He et al. 2016, eq. 2: a linear map without bias from the shape of `x` to that of `target`.

    On images it is a 1x1 convolution whose stride gives the target's height and width. Raises ShapeError where no
    such map exists.
    """
    before, after = shape_of(x.type), shape_of(target.type)
    if len(before) != len(after) or before[0] != after[0]:
        raise ShapeError(f"no projection leads from {format_shape(before)} to {format_shape(after)}")
    inner, outer = _known(before[-1], "channels"), _known(after[-1], "channels")
    if len(before) != 4:
        if before[:-1] != after[:-1]:
            raise ShapeError(f"no projection leads from {format_shape(before)} to {format_shape(after)}")
        return site.add(graph.DenseOp.of(x, site.weight("kernel", (inner, outer), x, "glorot_uniform")))
    strides = tuple(
        _stride(_known(a, "a size"), _known(b, "a size")) for a, b in zip(before[1:3], after[1:3], strict=True)
    )
    kernel = site.weight("kernel", (1, 1, inner, outer), x, "glorot_uniform")
    return site.add(graph.ConvOp.of(x, kernel, strides=strides))


def _stride(before: int, after: int) -> int:
    stride = -(-before // after)
    if (before - 1) // stride + 1 != after:
        raise ShapeError(f"no stride leads from {before} to {after} places")
    return stride
