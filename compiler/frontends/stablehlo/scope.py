"""Where an op comes from in the source: jax writes the names around it into its location."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jax.interpreters.mlir import ir

TRANSFORMED = re.compile(
    r"^(jit|pjit|vmap|remat|checkpoint|custom_jvp_call|custom_vjp_call|closed_call|jvp|transpose)\b"
)
"""Parts of a name stack that jax adds: they are no names of the source."""

STRUCTURE = frozenset({"while", "body", "cond", "scan", "branch_0_fun", "branch_1_fun", ""})


@dataclass(frozen=True)
class Place:
    """The name stack of an op: `encoder/layer_0/dot_general` in the function `main`."""

    scopes: tuple[str, ...] = ()
    primitive: str = ""

    @property
    def path(self) -> str:
        """The named scopes, joined as paths of weights are."""
        return ".".join(self.scopes)

    def inside(self, outer: Place) -> Place:
        """The place of an op of a function that is called at another place."""
        return Place((*outer.scopes, *self.scopes), self.primitive)


def place_of(location: ir.Location) -> Place:
    text = name_of(location)
    parts = [part.strip() for part in text.rstrip(":").split("/")]
    named = tuple(part for part in parts[:-1] if part not in STRUCTURE and not TRANSFORMED.match(part))
    last = parts[-1]
    inner = re.fullmatch(r"\w+\((\w+)\)", last)
    return Place(named, inner[1] if inner else last)


def name_of(location: ir.Location) -> str:
    """The name that a location carries, or nothing."""
    found: str = getattr(location, "name_str", "")
    return found
