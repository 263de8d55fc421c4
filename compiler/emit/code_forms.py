"""The frameworks that code is written for: what `--emit` calls them, and how a model is made ready for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from xdsl.dialects.builtin import ModuleOp

from neuralc.emit.placements import WeightPlan
from neuralc.emit.written_model import WrittenModel

Script: TypeAlias = Callable[[str | None], str]
"""The text of a script as a function of the stem of the file of the model."""


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
    training_script: Callable[[ModuleOp, str], Script]
    """What trains the code of a module, whose text it is given. Raises NeuralcError E0850 with all it cannot say."""
    declared: Mapping[str, bool] = field(default_factory=dict)
    """The options of graph-raise-layers: which views of weights are weights of the code."""

    def file_of(self, model: WrittenModel) -> CodeFile:
        """Raises NeuralcError: E0850 lists every op that the code cannot say, E0704 the layers without a meaning."""
        return self.plan(self.module_of(model))

    def module_of(self, model: WrittenModel) -> ModuleOp:
        """The module that the code is written from."""
        return model.in_blocks(**self.declared)


def _torch(module: ModuleOp) -> CodeFile:
    from neuralc.emit.torch.emitter import file_of

    return file_of(module)


def _keras(module: ModuleOp) -> CodeFile:
    from neuralc.emit.keras.emitter import file_of

    return file_of(module)


def _jax(module: ModuleOp) -> CodeFile:
    from neuralc.emit.jax.emitter import file_of

    return file_of(module)


def _train_torch(module: ModuleOp, code: str) -> Script:
    from neuralc.emit.torch.training import training_script

    return training_script(module, code)


def _train_keras(module: ModuleOp, code: str) -> Script:
    from neuralc.emit.keras.training import training_script

    return training_script(module, code)


def _train_jax(module: ModuleOp, code: str) -> Script:
    from neuralc.emit.jax.training import training_script

    return training_script(module, code)


FORMS: Mapping[str, CodeForm] = {
    "torch": CodeForm("PyTorch", "pt", _torch, _train_torch),
    "keras": CodeForm("Keras", "tf", _keras, _train_keras, {"sums": True}),
    "jax": CodeForm("JAX", "flax", _jax, _train_jax, {"sums": True, "transposed_kernels": False}),
}
"""By the kinds of `--emit`."""
