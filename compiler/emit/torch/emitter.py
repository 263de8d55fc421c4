"""`--emit=torch`: the text of a PyTorch module for a graph module as the front end made it.

The module is taken before graph-specialize-inference: Dropout and BatchNormalization are layers, so the code trains.
"""

from __future__ import annotations

from xdsl.dialects.builtin import ModuleOp

from neuralc.emit.python.planned import planned
from neuralc.emit.torch.file import ModuleFile
from neuralc.emit.torch.form import FORM
from neuralc.emit.torch.lower_states import with_starts


def file_of(module: ModuleOp) -> ModuleFile:
    """The file of the model of `module`: its text, and what of the weights its parameters are.

    Raises NeuralcError: E0850 lists every op torch code cannot be written for, E0704 the layers without a meaning.
    """
    return ModuleFile(planned(with_starts(module), FORM))


def emit(module: ModuleOp) -> str:
    """The source of a PyTorch module for the model of `module`, formatted as ruff formats it.

    The class takes and returns tensors in the model's own layout. `load(path)` and `save(model, path)` read and write
    its `state_dict` as a safetensors file. Raises NeuralcError, as `file_of` does.
    """
    return file_of(module).text()
