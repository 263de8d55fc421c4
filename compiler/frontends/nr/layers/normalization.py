"""Normalization over the batch, over features of one example, over groups of channels, to length 1."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from xdsl.ir import Operation, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.types import ShapeError, element_of, shape_of, tensor_type
from neuralc.frontends.nr.activations import constant
from neuralc.frontends.nr.layers.shared import Lowering, known, weight
from neuralc.frontends.nr.site import LayerError, Site, shown
from neuralc.grammar.binding import Bound

LONGEST: Mapping[str, float] = {"f16": 65504.0}
"""The largest 1 / length of UnitNormalization where 1e12 is no number of the type."""


# --- over channels ---------------------------------------------------------------------------------------------------
def batch_normalization(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    axis, channels = _channels(arguments, x)
    gamma, beta = _scale_and_shift(site, arguments, (channels,), x, arguments["scale"], arguments["center"])
    mean = weight(site, arguments, "moving_mean", (channels,), x, trainable=False)
    variance = weight(site, arguments, "moving_variance", (channels,), x, trainable=False)
    op = graph.BatchNormOp.of(
        x, gamma, beta, mean, variance, epsilon=arguments["epsilon"], momentum=arguments["momentum"], axis=axis
    )
    return site.add(op)


def group_normalization(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    axis, channels = _channels(arguments, x)
    groups = arguments["groups"]
    if groups == 0:
        raise ShapeError("`groups` is at least 1, or -1 for a group a channel")
    if groups > channels:
        of = "1 channel is 1 group" if channels == 1 else f"{channels} channels are {channels} groups"
        site.warn("W0410", f"{of}, not {groups}", f"write `groups={channels}`, or -1 for a group a channel")
    groups = channels if groups == -1 else min(groups, channels)
    if channels % groups:
        fitting = [str(n) for n in range(1, channels + 1) if channels % n == 0]
        raise LayerError(
            f"{channels} channels cannot be divided into {groups} groups",
            help=f"groups of equal size are {', '.join(fitting)}",
        )
    gamma, beta = _scale_and_shift(site, arguments, (channels,), x, arguments["scale"], arguments["center"])
    return site.add(graph.GroupNormOp.of(x, gamma, beta, groups=groups, epsilon=arguments["epsilon"], axis=axis))


def instance_normalization(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    """PyTorch: each channel of each example by itself, which is a group norm of as many groups."""
    axis, channels = _channels(arguments, x)
    if len(shape_of(x.type)) < 3:
        raise ShapeError(f"a channel needs places to be normalized over, its input is {shown(x)}")
    if arguments["num_features"] not in (None, channels):
        raise ShapeError(f"`num_features` is {arguments['num_features']}, its input {shown(x)} has {channels} channels")
    started = Bound({"gamma_initializer": "ones", "beta_initializer": "zeros"})
    affine = arguments["affine"]
    gamma, beta = _scale_and_shift(site, started, (channels,), x, affine, affine)
    return site.add(graph.GroupNormOp.of(x, gamma, beta, groups=channels, epsilon=arguments["eps"], axis=axis))


def _channels(arguments: Bound, x: SSAValue) -> tuple[int, int]:
    """The axis of the channels, and their number."""
    shape = shape_of(x.type)
    axis = normalize_axis(arguments["axis"], len(shape))
    if axis == 0:
        raise ShapeError("axis 0 is the batch, the channels are another one")
    return axis, known(shape[axis], "the size of the normalized axis")


def _scale_and_shift(
    site: Site, arguments: Bound, shape: Sequence[int], x: SSAValue, scale: bool, center: bool
) -> tuple[SSAValue, SSAValue]:
    """Gamma and beta: weights, or constants that change nothing where they are not wanted."""

    def either(name: str, wanted: bool, neutral: float) -> SSAValue:
        if wanted:
            return weight(site, arguments, name, shape, x)
        return site.add(graph.ConstantOp.of(result=tensor_type(shape, element_of(x.type)), value=neutral), name)

    return either("gamma", scale, 1.0), either("beta", center, 0.0)


# --- over features of one example ------------------------------------------------------------------------------------
def layer_normalization(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    scale, center, epsilon = (arguments[name] for name in ("scale", "center", "epsilon"))
    axes = _axes(arguments["axis"], x)
    if arguments["rms_scaling"]:
        return _scaled_by_deviation(site, arguments, x, axes)
    gamma = _features(site, arguments, "gamma", x, axes) if scale else constant(site, x, 1.0, "gamma")
    beta = [_features(site, arguments, "beta", x, axes)] if center else []
    return _over_last(site, x, axes, lambda y: graph.LayerNormOp.of(y, gamma, *beta, epsilon=epsilon, axis=-len(axes)))


def rms_normalization(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    axes = _axes(arguments["axis"], x)
    scale = _features(site, Bound({"scale_initializer": "ones"}), "scale", x, axes)
    epsilon = arguments["epsilon"]
    return _over_last(site, x, axes, lambda y: graph.RmsNormOp.of(y, scale, epsilon=epsilon, axis=-len(axes)))


def _scaled_by_deviation(site: Site, arguments: Bound, x: SSAValue, axes: Sequence[int]) -> SSAValue:
    """Keras's `rms_scaling`: x * gamma / sqrt(variance + epsilon), the mean stays."""
    mean = site.add(graph.ReduceOp.of(x, kind="mean", axes=tuple(axes), keepdims=True), "mean")
    distance = site.add(graph.SubOp.of(x, mean))
    square = site.add(graph.MulOp.of(distance, distance))
    variance = site.add(graph.ReduceOp.of(square, kind="mean", axes=tuple(axes), keepdims=True), "variance")
    shifted = site.add(graph.AddOp.of(variance, constant(site, x, arguments["epsilon"], "epsilon")))
    scaled = site.add(graph.MulOp.of(x, site.add(graph.RsqrtOp.of(shifted))))
    gamma = _features(site, arguments, "gamma", x, axes)
    along = [size if axis in axes else 1 for axis, size in enumerate(shape_of(x.type))]
    gamma = site.add(graph.ReshapeOp.of(gamma, result=tensor_type(along, element_of(x.type))), "gamma")
    return site.add(graph.MulOp.of(scaled, gamma))


def _axes(axes: Sequence[int], x: SSAValue) -> tuple[int, ...]:
    """The axes of a norm in order, none of them twice."""
    rank = len(shape_of(x.type))
    found = sorted({normalize_axis(axis, rank) for axis in axes})
    if len(found) != len(axes) or not found:
        raise ShapeError(f"`axis` names {'no axis' if not found else 'one axis twice'}")
    return tuple(found)


def _features(site: Site, arguments: Bound, name: str, x: SSAValue, axes: Sequence[int]) -> SSAValue:
    """A weight with the sizes of the normalized axes."""
    shape = shape_of(x.type)
    return weight(site, arguments, name, [known(shape[axis], f"the size of axis {axis}") for axis in axes], x)


def _over_last(site: Site, x: SSAValue, axes: Sequence[int], norm: Callable[[SSAValue], Operation]) -> SSAValue:
    """A norm over the last axes, of axes anywhere: they go to the end and come back."""
    rank = len(shape_of(x.type))
    order = (*(axis for axis in range(rank) if axis not in axes), *axes)
    if order == tuple(range(rank)):
        return site.add(norm(x))
    moved = site.add(graph.TransposeOp.of(x, perm=order))
    back = tuple(order.index(axis) for axis in range(rank))
    return site.add(graph.TransposeOp.of(site.add(norm(moved)), perm=back))


# --- to length 1 -----------------------------------------------------------------------------------------------------
def unit_normalization(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    axes = _axes(arguments["axis"], x)
    square = site.add(graph.MulOp.of(x, x))
    total = site.add(graph.ReduceOp.of(square, kind="sum", axes=axes, keepdims=True), "square_sum")
    longest = constant(site, x, LONGEST.get(str(element_of(x.type)), 1e12), "longest")
    inverse = site.add(graph.MinimumOp.of(site.add(graph.RsqrtOp.of(total)), longest))
    return site.add(graph.MulOp.of(x, inverse))


LOWERINGS: dict[str, Lowering] = {
    "BatchNormalization": batch_normalization,
    "LayerNormalization": layer_normalization,
    "GroupNormalization": group_normalization,
    "InstanceNormalization": instance_normalization,
    "RMSNormalization": rms_normalization,
    "UnitNormalization": unit_normalization,
}
