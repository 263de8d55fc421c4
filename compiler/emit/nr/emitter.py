"""`--emit=nr`: the program of a graph module as the front end made it, and its weights in a file beside it.

The module is taken before graph-specialize-inference: Dropout and BatchNormalization are layers, so the program trains.
"""

from __future__ import annotations

from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects.graph import refuse_custom
from neuralc.emit.nr.layout import to_channels_last
from neuralc.emit.nr.network import FORM, Program, Writer
from neuralc.emit.nr.tidy import expand_derived, inline, tidy
from neuralc.emit.refusals import Refusals


def emit(module: ModuleOp) -> Program:
    """The program of the model of `module`, formatted as `neuralc fmt` does.

    Raises NeuralcError: E0850 lists every op that the language has no words for, E0704 the layers without a meaning.
    """
    refuse_custom(module.walk())
    refusals = Refusals(FORM)
    inlined: frozenset[str] = frozenset()
    while True:
        copy = module.clone()
        expand_derived(copy)
        inline(copy, inlined)
        tidy(copy)
        to_channels_last(copy)
        writer = Writer(copy, refusals)
        program = writer.program()
        if not writer.inexpressible:
            return program
        inlined |= writer.inexpressible
