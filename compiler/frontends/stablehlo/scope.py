"""Where an op comes from in the source: jax writes the names around it into its location."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from neuralc.passes.graph.outline_blocks.groups import common_path
from neuralc.passes.scopes import CALLED, Scope

if TYPE_CHECKING:
    from jax.interpreters.mlir import ir

STRUCTURE = frozenset({"while", "body", "cond", "scan", "closed_call", "checkpoint", "rematted_computation"})
"""Parts of a name stack that say how something is computed, not what it is part of."""

NAME = re.compile(r"[A-Za-z_]\w*")
"""A part that names a module of the source; `jit(main)`, `vmap(f)` and the words of an einsum are none."""


@dataclass(frozen=True)
class Place:
    """The name stack of an op: `encoder/layer_0/dot_general` in the function `main`."""

    scopes: tuple[str, ...] = ()
    primitive: str = ""
    around: tuple[Scope, ...] = ()
    """The modules that the name stack begins in: functions with weights of their own."""

    @property
    def modules(self) -> list[Scope]:
        """The modules that the op is in, the outermost first, by their whole paths."""
        before = [scope.path for scope in self.around[-1:]]
        inside = [Scope(".".join((*before, *self.scopes[: i + 1]))) for i in range(len(self.scopes))]
        return [*self.around, *inside]

    def inside(self, outer: Place) -> Place:
        """The place of an op of a function that is called at another place."""
        return Place((*outer.scopes, *self.scopes), self.primitive, outer.around)

    def below(self, model: str) -> Place:
        """The place in the model: what is in the scope of the model alone is in no module."""
        return replace(self, scopes=self.scopes[1:]) if model and self.scopes[:1] == (model,) else self

    def called(self, function: str, weights: Sequence[str]) -> Place:
        """The place of a function that is called here with these weights: it is a module where they stand together.

        Functions of jax have one weight at most, or names that begin with `_`.
        """
        path, around = common_path(weights), [scope.path for scope in self.modules[-1:]]
        if len(weights) < 2 or not path or function.startswith("_"):
            return self
        if around and not path.startswith(f"{around[0]}."):
            path = f"{around[0]}.{path.rpartition('.')[2]}"
        return Place((), self.primitive, (*self.modules, Scope(path, f"{function}{CALLED}")))


def place_of(location: ir.Location) -> Place:
    parts = [part.strip() for part in name_of(location).rstrip(":").split("/")]
    named = tuple(part for part in parts[:-1] if NAME.fullmatch(part) and not _is_structure(part))
    called = re.fullmatch(r"\w+\((\w+)\)", parts[-1])
    return Place(named, called[1] if called else parts[-1])


def model_scope(block: ir.Block, weights: Iterable[str]) -> str:
    """The scope around all modules of a model, whose class Flax calls it by; weights have names without it."""
    heads = {name.partition(".")[0] for name in weights}
    scopes = (place_of(op.operation.location).scopes for op in block.operations)
    return next((each[0] for each in scopes if len(each) > 1 and each[0] not in heads and each[1] in heads), "")


def _is_structure(part: str) -> bool:
    return part in STRUCTURE or re.fullmatch(r"branch_\d+_fun", part) is not None


def name_of(location: ir.Location) -> str:
    """The name that a location carries, or nothing."""
    found: str = getattr(location, "name_str", "")
    return found
