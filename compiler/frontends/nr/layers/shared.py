"""What layers share: weights by the arguments that say how they start and train, and sizes that must be known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from xdsl.ir import Attribute, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.graph.shapes import static_shape
from neuralc.dialects.types import ShapeError, element_of, tensor_type
from neuralc.frontends.nr.site import Site, Values
from neuralc.grammar.binding import Bound
from neuralc.grammar.signatures import Signature

Lowering: TypeAlias = Callable[..., SSAValue | Values]
"""`lower(site, arguments, *values, **named_values)`: the graph ops of a layer.

Raises ShapeError for what does not fit, LayerError where the message has a code of its own or a fix."""


@dataclass(frozen=True, kw_only=True)
class Brought(Signature):
    """A layer that brings its function: what another front end applies that is not in the table."""

    lower: Lowering


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
    scale = (rank if alpha is None else alpha) / rank
    factor = site.add(graph.ConstantOp.of(result=tensor_type((), element_of(value.type)), value=scale), "lora_scale")
    return site.add(graph.AddOp.of(value, site.add(graph.MulOp.of(product, factor))), f"{name}.adapted")


def known(size: object, what: str) -> int:
    if not isinstance(size, int):
        raise ShapeError(f"{what} must be a number, it is {size}")
    return size
