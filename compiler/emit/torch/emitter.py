"""`--emit=torch`: the text of a PyTorch module for a graph module as the front end made it.

The module is taken before graph-specialize-inference: Dropout and BatchNormalization are layers, so the code trains.
"""

from __future__ import annotations

from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects.graph import WeightOp, refuse_custom, symbols
from neuralc.emit.torch.classes import ClassText, input_names
from neuralc.emit.torch.file import ModuleFile
from neuralc.emit.torch.layouts import Layouts, natural
from neuralc.emit.torch.lowering import lower
from neuralc.emit.torch.refusals import Refusals
from neuralc.emit.torch.sharing import share
from neuralc.emit.torch.structure import Structure


def emit(module: ModuleOp, *, weights_table: bool = True) -> str:
    """The source of a PyTorch module for the model of `module`, formatted as ruff formats it.

    The class takes and returns tensors in the model's own layout. With `weights_table` the file also maps its
    parameters to the model's weights, with `load(path)` and `save(model, path)` for safetensors files.
    Raises NeuralcError: E0850 lists every op torch code cannot be written for, E0704 the layers without a meaning.
    """
    refuse_custom(module.walk())
    refusals = Refusals()
    table = symbols(module)
    for op in table.values():
        if isinstance(op, WeightOp) and op.body is not None:
            refusals.add(
                op,
                f"@{op.sym_name.data} is derived from other weights",
                help="emit torch code from the model as written, before passes that fold weights",
            )
    structure = Structure(module, table, refusals)
    layouts = Layouts(table, structure.weights)
    layouts.analyze(structure.model.function, [natural(argument) for argument in structure.model.function.arguments])
    classes = [ClassText(plan, lower(plan, layouts, refusals, input_names(plan))) for plan in structure.classes]
    refusals.raise_if_any()
    return ModuleFile(structure, share(classes), weights_table).text()
