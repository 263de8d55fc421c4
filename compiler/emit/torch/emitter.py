"""`--emit=torch`: the text of a PyTorch module for a graph module as the front end made it.

The module is taken before graph-specialize-inference: Dropout and BatchNormalization are layers, so the code trains.
"""

from __future__ import annotations

from xdsl.dialects.builtin import ModuleOp

from neuralc.emit.python.planned import planned
from neuralc.emit.torch.file import ModuleFile
from neuralc.emit.torch.form import FORM


def emit(module: ModuleOp, *, weights_table: bool = True) -> str:
    """The source of a PyTorch module for the model of `module`, formatted as ruff formats it.

    The class takes and returns tensors in the model's own layout. With `weights_table` the file also maps its
    parameters to the model's weights, with `load(path)` and `save(model, path)` for safetensors files.
    Raises NeuralcError: E0850 lists every op torch code cannot be written for, E0704 the layers without a meaning.
    """
    return ModuleFile(planned(module, FORM), weights_table).text()
