"""What layers over images share: where channels stand, known sizes, `same` padding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from xdsl.ir import SSAValue

from neuralc.dialects.graph.shapes import CHANNEL, SPATIAL, same_padding
from neuralc.dialects.types import ShapeError, shape_of
from neuralc.frontends.nr.site import Site, Values, shown
from neuralc.grammar.binding import Bound

Lowering: TypeAlias = Callable[..., SSAValue | Values]
"""`lower(site, arguments, *values, **named_values)`: the graph ops of a layer.

Raises ShapeError for what does not fit, LayerError where the message has a code of its own or a fix."""

Pair: TypeAlias = tuple[int, int]


def weight(
    site: Site,
    arguments: Bound,
    name: str,
    shape: Sequence[int],
    like: SSAValue,
    *,
    key: str = "",
    trainable: bool = True,
) -> SSAValue:
    """A weight by its arguments `<key>_initializer`, `<key>_regularizer` and `<key>_constraint`.

    The key is the name of the weight unless said.
    """
    key = key or name
    return site.weight(
        name,
        shape,
        like,
        arguments[f"{key}_initializer"],
        trainable=trainable,
        regularizer=arguments.get(f"{key}_regularizer"),
        constraint=arguments.get(f"{key}_constraint"),
    )


def data_format(arguments: Bound) -> str:
    return "NCHW" if arguments["data_format"] == "channels_first" else "NHWC"


def image(x: SSAValue, form: str) -> tuple[int, Pair]:
    """Channels, and (height, width). Raises ShapeError for anything but an image of known size."""
    shape = shape_of(x.type)
    order = "height, width, channels" if form == "NHWC" else "channels, height, width"
    if len(shape) != 4:
        raise ShapeError(f"it takes images (batch, {order}), its input is {shown(x)}")
    height, width = (known(shape[axis], "height or width") for axis in SPATIAL[form])
    return known(shape[CHANNEL[form]], "channels"), (height, width)


def known(size: object, what: str) -> int:
    if not isinstance(size, int):
        raise ShapeError(f"{what} must be a number, it is {size}")
    return size


def pads(padding: str, size: Pair, window: Pair, strides: Pair, dilations: tuple[int, int] = (1, 1)) -> tuple[int, ...]:
    """[top, left, bottom, right]; `same` as in Keras: the odd one goes to the bottom and the right."""
    if padding == "valid":
        return (0, 0, 0, 0)
    both = [same_padding(*axis) for axis in zip(size, window, strides, dilations, strict=True)]
    return (both[0][0], both[1][0], both[0][1], both[1][1])
