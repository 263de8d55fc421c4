"""The frameworks that code is written for: what `--emit` calls them, and how a model is made ready for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from xdsl.dialects.builtin import ModuleOp

from neuralc.emit.placements import WeightPlan
from neuralc.emit.written_model import WrittenModel


class CodeFile(Protocol):
    """A file of code that is planned and not yet written."""

    @property
    def weights(self) -> WeightPlan:
        """What stands in the safetensors file beside it."""
        ...

    def text(self) -> str: ...


@dataclass(frozen=True)
class CodeForm:
    """A framework."""

    name: str
    """As people write it."""
    format: str
    """What safetensors files say of the framework that wrote them, in their metadata."""
    plan: Callable[[ModuleOp], CodeFile]
    """Imports the emitter, which nothing else has to load."""
    declared: Mapping[str, bool] = field(default_factory=dict)
    """The options of graph-raise-layers: which views of weights are weights of the code."""

    def file_of(self, model: WrittenModel) -> CodeFile:
        """Raises NeuralcError: E0850 lists every op that the code cannot say, E0704 the layers without a meaning."""
        return self.plan(model.in_blocks(**self.declared))


def _torch(module: ModuleOp) -> CodeFile:
    from neuralc.emit.torch.emitter import file_of

    return file_of(module)


def _keras(module: ModuleOp) -> CodeFile:
    from neuralc.emit.keras.emitter import file_of

    return file_of(module)


def _jax(module: ModuleOp) -> CodeFile:
    from neuralc.emit.jax.emitter import file_of

    return file_of(module)


FORMS: Mapping[str, CodeForm] = {
    "torch": CodeForm("PyTorch", "pt", _torch),
    "keras": CodeForm("Keras", "tf", _keras, {"sums": True}),
    "jax": CodeForm("JAX", "flax", _jax, {"sums": True, "transposed_kernels": False}),
}
"""By the kinds of `--emit`."""
