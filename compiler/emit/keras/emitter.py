"""`--emit=keras`: the text of a Keras model for a graph module as the front end made it.

The module is taken before graph-specialize-inference: Dropout and BatchNormalization are layers, so the code trains.
"""

from __future__ import annotations

from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects.graph import declared_states
from neuralc.emit.keras.file import ModelFile
from neuralc.emit.keras.form import keras_form
from neuralc.emit.keras.functional import Styles
from neuralc.emit.keras.states import States
from neuralc.emit.python.planned import planned
from neuralc.emit.refusals import Refusals


def file_of(module: ModuleOp) -> ModelFile:
    """The file of the model of `module`: its text, and what of the weights those of the code are.

    Raises NeuralcError: E0850 lists every op Keras code cannot be written for, E0704 the layers without a meaning.
    """
    refusals = Refusals("Keras code")
    for state in declared_states(module).values():
        if state.initial_weight is not None:
            refusals.add(state, "it begins with a weight, which is not written yet")
    refusals.raise_if_any()
    styles = Styles()
    states = States(declared_states(module))
    states.refuse_weights("Keras code")
    found = planned(module, keras_form(styles.forms))
    for shared in found.classes:
        styles.know(shared)
    return ModelFile(found, styles, states)


def emit(module: ModuleOp) -> str:
    """The source of a Keras model for the model of `module`, formatted as ruff formats it.

    `build_model()` of the file gives a keras.Model that takes and returns tensors in the model's own layout,
    `load(path)` one with the weights of a safetensors file, and `save(model, path)` writes such a file.
    Raises NeuralcError, as `file_of` does.
    """
    return file_of(module).text()
