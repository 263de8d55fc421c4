"""A model that came from another framework: on the graph level, with its weights, ready for all that neuralc makes.

model = neuralc.from_torch(module, (x,))
y = model.compile()(x)
print(model.emit("jax"))
model.emit("nr", "model.nr")        # model.nr and, beside it, model.safetensors
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue

from neuralc.dialects.weights import WeightStore
from neuralc.grammar.diagnostics import Diagnostic

if TYPE_CHECKING:
    from neuralc.interpreted import InterpretedModel
    from neuralc.runtime import Model


@dataclass(frozen=True, eq=False)
class ImportedModel:
    """What a front end of a framework gives. Its module and weights are read, never changed."""

    name: str
    module: ModuleOp
    """One `graph.model`; submodules of the source that repeat are functions."""
    weights: WeightStore
    """By the source's own names; arrays are shared with it where they can be."""
    notices: Sequence[Diagnostic] = ()
    values: Mapping[str, SSAValue] = field(default_factory=dict)
    """Values inside, by the names that the source has for them."""

    def compile(self, **options: Any) -> Model | InterpretedModel:
        """Compile for this process; the options are those of `neuralc.compile`."""
        from neuralc import api

        return api.compile(self, **options)

    def emit(self, kind: str, path: str | PathLike[str] | None = None, **options: Any) -> str | bytes | Path:
        """What `neuralc --emit=KIND` makes: as a value, or with `path` as a file with what belongs beside it.

        The options are those of `neuralc.convert`. Raises NeuralcError E0850 for what the form cannot say.
        """
        from neuralc import api

        return api.convert(self, kind, path, **options)

    def copied(self) -> tuple[ModuleOp, WeightStore]:
        """A module and a store of their own, for passes, which change modules and add weights."""
        return self.module.clone(), self.weights.copied()

    def __repr__(self) -> str:
        return f"<imported model {self.name}, {len(self.weights)} weights>"
