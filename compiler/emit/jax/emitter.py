"""`--emit=jax`: the text of a JAX module for a graph module as the front end made it.

The module is taken before graph-specialize-inference: with Dropout and BatchNormalization in it the code trains.
"""

from __future__ import annotations

from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects.graph import declared_states
from neuralc.emit.jax.conventions import Conventions
from neuralc.emit.jax.file import ModuleFile
from neuralc.emit.jax.form import form_of
from neuralc.emit.python.planned import planned
from neuralc.emit.refusals import Refusals


def file_of(module: ModuleOp) -> ModuleFile:
    """The file of the model of `module`: its text, and what of the weights its parameters are.

    Raises NeuralcError: E0850 lists every op JAX code cannot be written for, E0704 the layers without a meaning.
    """
    refusals = Refusals("JAX code")
    for state in declared_states(module).values():
        if state.initial_weight is not None:
            refusals.add(state, "it begins with a weight, which is not written yet")
    refusals.raise_if_any()
    conventions = Conventions.of(module)
    return ModuleFile(planned(module, form_of(conventions)), conventions, module)


def emit(module: ModuleOp) -> str:
    """The source of a JAX module for the model of `module`, formatted as ruff formats it.

    It has `forward(params, *inputs)` in the model's own layout, `init(key)`, and `load(path)` and `save(params, path)`
    for safetensors files, where the model has weights; `train_forward` where training does something else than
    inference. Raises NeuralcError, as `file_of` does.
    """
    return file_of(module).text()
