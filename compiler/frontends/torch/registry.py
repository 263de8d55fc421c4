"""The table of ops that have a handler. A handler turns one call into values of the builder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

if TYPE_CHECKING:
    from xdsl.ir import Operation

    from neuralc.frontends.values import Value

FAMILIES = (
    "arithmetic", "functions", "logic", "activations", "reductions", "contraction", "attention", "views", "joining",
    "indexing", "scattering", "creation", "conversion", "convolution", "pooling", "norms", "recurrent", "resampling",
    "ordering", "training",
)  # fmt: skip
"""The modules of `neuralc.frontends.torch.ops`, each with the handlers of a family."""

Handler: TypeAlias = "Callable[..., Value | Sequence[Value | None]]"
"""`f(node, *args, **kwargs)` with the arguments of the op's schema: values, sizes, numbers, element types."""


@dataclass(frozen=True)
class Operator:
    """An op that the import knows: what converts it, and which graph ops come out of it (for docs/ops.md)."""

    name: str
    handler: Handler
    makes: tuple[str, ...]


AnyHandler = TypeVar("AnyHandler", bound="Callable[..., Any]")

_FOUND: dict[str, Operator] = {}


def aten(*names: str, makes: Iterable[str] | Mapping[str, type[Operation]] = ()) -> Callable[[AnyHandler], AnyHandler]:
    """Register a function as the handler of ops: `add` for all its overloads, `max.dim` for one.

    `makes` are names of graph ops, or the one op of each.
    """

    def register(handler: AnyHandler) -> AnyHandler:
        for name in names:
            if name in _FOUND:
                raise ValueError(f"{name} has a handler already")
            made = (makes[name].name,) if isinstance(makes, Mapping) else tuple(makes)
            _FOUND[name] = Operator(name, handler, made)
        return handler

    return register


def operators() -> Mapping[str, Operator]:
    """All ops by name."""
    for family in FAMILIES:
        import_module(f"neuralc.frontends.torch.ops.{family}")
    return _FOUND


def find(base: str, overload: str) -> Operator | None:
    """The operator of a call: that of its overload, else that of all of them."""
    table = operators()
    return table.get(overload) or table.get(base)
