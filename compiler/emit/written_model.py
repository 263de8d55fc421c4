"""A model on its way into another form: with the layers and blocks that a person would write it with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects.weights import WeightStore
from neuralc.emit.structure_of_imports import with_structure
from neuralc.emit.structure_of_programs import with_layers
from neuralc.passes.base import PassContext
from neuralc.passes.graph.specialize_inference import SpecializeInferencePass


@dataclass(frozen=True)
class WrittenModel:
    """A module as a front end made it, which stays as it is."""

    module: ModuleOp
    weights: WeightStore | None = None
    """Of an imported model."""
    imported: bool = False
    """True for a model that has lost its structure."""
    inference: bool = False
    """True for code without layers that only train."""

    def in_blocks(self, **declared: bool) -> ModuleOp:
        """The module that framework code is written from: with a function for what a person writes a class for."""
        module = self.structured(None, **declared)
        return module if self.imported else with_layers(module)

    def structured(self, raised: Callable[[ModuleOp], None] | None = None, **declared: bool) -> ModuleOp:
        """The module as a program has it, or with the structure that an import lost.

        `raised` finds what the form has as one layer. Options say which views of weights are weights of the code.
        """
        module = self.module
        if self.imported:
            module = with_structure(module, self.weights, raised, **declared)
        elif raised is not None:
            module = module.clone()
            raised(module)
        if not self.inference:
            return module
        module = module.clone()
        SpecializeInferencePass().run(module, PassContext())
        return module
