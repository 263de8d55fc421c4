"""What layers over images share: where channels stand, known sizes, `same` padding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from xdsl.ir import Attribute, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.graph.shapes import CHANNEL, SPATIAL, same_padding, static_shape
from neuralc.dialects.types import ShapeError, element_of, shape_of, tensor_type
from neuralc.frontends.nr.site import Site, Values, shown
from neuralc.grammar.binding import Bound

Lowering: TypeAlias = Callable[..., SSAValue | Values]
"""`lower(site, arguments, *values, **named_values)`: the graph ops of a layer.

Raises ShapeError for what does not fit, LayerError where the message has a code of its own or a fix."""

Pair: TypeAlias = tuple[int, int]


ADAPTED = ("kernel", "embeddings")
"""The weights that `lora_rank` adapts."""


def weight(
    site: Site,
    arguments: Bound,
    name: str,
    shape: Sequence[int],
    like: SSAValue | Attribute,
    *,
    key: str = "",
    trainable: bool = True,
) -> SSAValue:
    """A weight by its arguments `<key>_initializer`, `<key>_regularizer` and `<key>_constraint`.

    The key is the name of the weight unless said. What `lora_rank` adapts is not trained itself.
    """
    key = key or name
    if name in ADAPTED and arguments.get("lora_rank") is not None:
        trainable = False
    return site.weight(
        name,
        shape,
        like,
        arguments[f"{key}_initializer"],
        trainable=trainable,
        regularizer=arguments.get(f"{key}_regularizer"),
        constraint=arguments.get(f"{key}_constraint"),
    )


def adapted(site: Site, arguments: Bound, name: str, value: SSAValue) -> SSAValue:
    """A weight and what `lora_rank` adds to it: lora_alpha / lora_rank * a . b (Hu et al. 2021, as in Keras)."""
    rank, alpha = arguments["lora_rank"], arguments["lora_alpha"]
    if rank is None:
        return value
    if arguments[f"{name}_constraint"] is not None:
        raise ShapeError(f"`lora_rank` and `{name}_constraint` exclude each other: what is adapted is not trained")
    *inner, last = static_shape(name, value.type)
    penalty = arguments[f"{name}_regularizer"]
    a = site.weight(f"lora_{name}_a", (*inner, rank), value, "he_uniform", regularizer=penalty)
    b = site.weight(f"lora_{name}_b", (rank, last), value, "zeros", regularizer=penalty)
    product = site.add(graph.MatmulOp.of(a, b), f"lora_{name}")
    factor = graph.ConstantOp.of(
        result=tensor_type((), element_of(value.type)), value=(rank if alpha is None else alpha) / rank
    )
    change = site.add(graph.MulOp.of(product, site.add(factor, "lora_scale")))
    return site.add(graph.AddOp.of(value, change), f"{name}.adapted")


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
