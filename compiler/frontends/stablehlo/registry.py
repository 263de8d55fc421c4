"""The table of StableHLO ops that have a handler. A handler turns one op into values of the builder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from xdsl.ir import Operation

    from neuralc.frontends.stablehlo.node import Node
    from neuralc.frontends.values import Value

FAMILIES = (
    "elementwise", "functions", "views", "sizes", "contraction", "convolution", "reductions", "windows", "indexing",
    "scattering", "sorting", "control", "calls", "norms",
)  # fmt: skip
"""The modules of `neuralc.frontends.stablehlo.ops`, each with the handlers of a family."""

Handler: TypeAlias = "Callable[[Node], Value | Sequence[Value]]"


@dataclass(frozen=True)
class Operator:
    """An op that the import knows: what converts it, and which graph ops come out of it (for docs/ops.md)."""

    name: str
    handler: Handler
    makes: tuple[str, ...]
    unread: frozenset[str]
    """Attributes that have no effect on the result, or only on how it is computed."""


_FOUND: dict[str, Operator] = {}


def stablehlo_op(
    *names: str, makes: Iterable[str] | Mapping[str, type[Operation]] = (), unread: Iterable[str] = ()
) -> Callable[[Handler], Handler]:
    """Register a function as the handler of ops, by names with their dialect.

    `makes` are names of graph ops, or the one op of each name.
    """

    def register(handler: Handler) -> Handler:
        for name in names:
            if name in _FOUND:
                raise ValueError(f"{name} has a handler already")
            made = (makes[name].name,) if isinstance(makes, Mapping) else tuple(makes)
            _FOUND[name] = Operator(name, handler, made, frozenset(unread))
        return handler

    return register


def operators() -> Mapping[str, Operator]:
    """All ops that have a handler, by name."""
    for family in FAMILIES:
        import_module(f"neuralc.frontends.stablehlo.ops.{family}")
    return _FOUND
