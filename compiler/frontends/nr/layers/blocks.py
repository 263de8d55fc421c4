"""Layers that hold other layers."""

from __future__ import annotations

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import ShapeError, format_shape, shape_of
from neuralc.frontends.nr.layers.shared import Lowering, known
from neuralc.frontends.nr.site import LayerError, Site, shown
from neuralc.grammar.binding import Bound

_KEEP_SHAPE = 'keep the shape (padding="same", equal channels), or write ResidualConnection(shortcut="projection")'


def residual(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    (result,) = site.body(x)
    shortcut = x
    if shape_of(result.type) != shape_of(x.type):
        changed = f"this block turns {shown(x)} into {shown(result)}, so its input cannot be added"
        if arguments["shortcut"] != "projection":
            raise LayerError(changed, "E0404", _KEEP_SHAPE)
        try:
            shortcut = project(site.sub("shortcut"), x, result)
        except ShapeError as problem:
            raise LayerError(f"{changed}; {problem}", "E0404") from None
    return site.add(graph.AddOp.of(result, shortcut))


def project(site: Site, x: SSAValue, target: SSAValue) -> SSAValue:
    """The shortcut of He et al. 2016, eq. 2: a linear map without bias from the shape of `x` to that of `target`.

    On images it is a 1x1 convolution whose stride gives the target's height and width. Raises ShapeError where no
    such map exists.
    """
    before, after = shape_of(x.type), shape_of(target.type)
    if len(before) != len(after) or before[0] != after[0]:
        raise ShapeError(f"no projection leads from {format_shape(before)} to {format_shape(after)}")
    inner, outer = known(before[-1], "channels"), known(after[-1], "channels")
    if len(before) != 4:
        if before[:-1] != after[:-1]:
            raise ShapeError(f"no projection leads from {format_shape(before)} to {format_shape(after)}")
        return site.add(graph.DenseOp.of(x, site.weight("kernel", (inner, outer), x, "glorot_uniform")))
    strides = tuple(
        _stride(known(a, "a size"), known(b, "a size")) for a, b in zip(before[1:3], after[1:3], strict=True)
    )
    kernel = site.weight("kernel", (1, 1, inner, outer), x, "glorot_uniform")
    return site.add(graph.ConvOp.of(x, kernel, strides=strides))


def _stride(before: int, after: int) -> int:
    stride = -(-before // after)
    if (before - 1) // stride + 1 != after:
        raise ShapeError(f"no stride leads from {before} to {after} places")
    return stride


LOWERINGS: dict[str, Lowering] = {"ResidualConnection": residual}
