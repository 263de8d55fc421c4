"""What layers share: weights by the arguments that say how they start and train, and sizes that must be known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from xdsl.ir import SSAValue

from neuralc.dialects.types import ShapeError
from neuralc.frontends.nr.site import Site, Values
from neuralc.grammar.binding import Bound

Lowering: TypeAlias = Callable[..., SSAValue | Values]
"""`lower(site, arguments, *values, **named_values)`: the graph ops of a layer.

Raises ShapeError for what does not fit, LayerError where the message has a code of its own or a fix."""


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


def known(size: object, what: str) -> int:
    if not isinstance(size, int):
        raise ShapeError(f"{what} must be a number, it is {size}")
    return size
