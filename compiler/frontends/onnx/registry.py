"""The table of operators that have a handler. A handler turns one node into values of the builder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from xdsl.ir import Operation

    from neuralc.frontends.onnx.node import Node
    from neuralc.frontends.values import Value

STANDARD = ""
"""The domain ai.onnx, as models write it."""

FAMILIES = (
    "elementwise", "activations", "reductions", "contraction", "views", "indexing", "constants", "control",
    "machine_learning", "spatial", "norms", "quantization", "recurrent", "resampling", "signal",
)  # fmt: skip
"""The modules of `neuralc.frontends.onnx.ops`, each with the handlers of a family."""

Handler: TypeAlias = "Callable[[Node], Value | Sequence[Value]]"


@dataclass(frozen=True)
class Operator:
    """An operator that the import knows: what converts it, and which graph ops come out of it (for docs/ops.md)."""

    name: str
    domain: str
    handler: Handler
    makes: tuple[str, ...]
    unread: frozenset[str]
    """Attributes that have no effect on the result at inference."""
    since: int
    """The oldest version of the operator set that the handler knows, where 7 brought a new form of the operator."""


_FOUND: dict[tuple[str, str], Operator] = {}


def onnx_op(
    *names: str,
    makes: Iterable[str] | Mapping[str, type[Operation]] = (),
    domain: str = STANDARD,
    unread: Iterable[str] = (),
    since: int = 7,
) -> Callable[[Handler], Handler]:
    """Register a function as the handler of operators, in all their versions: it asks `node.version`.

    `makes` are names of graph ops, or the one op of each operator.
    """

    def register(handler: Handler) -> Handler:
        for name in names:
            if (domain, name) in _FOUND:
                raise ValueError(f"{name} has a handler already")
            made = (makes[name].name,) if isinstance(makes, Mapping) else tuple(makes)
            _FOUND[domain, name] = Operator(name, domain, handler, made, frozenset(unread), since)
        return handler

    return register


def operators() -> Mapping[tuple[str, str], Operator]:
    """All operators by domain and name."""
    for family in FAMILIES:
        import_module(f"neuralc.frontends.onnx.ops.{family}")
    return _FOUND
