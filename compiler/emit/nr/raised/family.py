"""What the families of layers have in common: types and users of values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from xdsl.ir import Attribute, Block, Operation, SSAValue

from neuralc.dialects.types import Shape, element_of, shape_of
from neuralc.emit.nr.raised.template import Wanted

Family = Callable[[Block], Iterator[Wanted]]
"""The layers that the ops of a body may be."""
OpT = TypeVar("OpT", bound=Operation)


def typed(value: SSAValue) -> tuple[Shape, Attribute]:
    return shape_of(value.type), element_of(value.type)


def users_of(value: SSAValue) -> list[Operation]:
    return list(dict.fromkeys(use.operation for use in value.uses))


def only_user(value: SSAValue, kind: type[OpT]) -> OpT | None:
    """The one op of a kind that reads a value."""
    users = [user for user in users_of(value) if isinstance(user, kind)]
    return users[0] if len(users) == 1 else None
