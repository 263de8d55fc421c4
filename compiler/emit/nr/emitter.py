"""`--emit=nr`: the program of a graph module as the front end made it, and its weights in a file beside it.

The module is taken before graph-specialize-inference: Dropout and BatchNormalization are layers, so the program trains.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects.graph import WeightOp, refuse_custom, symbols, the_model
from neuralc.emit.nr.layout import to_channels_last
from neuralc.emit.nr.network import Program, Writer
from neuralc.emit.nr.tidy import tidy
from neuralc.emit.nr.weights import MovedWeights
from neuralc.emit.refusals import Refusals
from neuralc.grammar.diagnostics import Source
from neuralc.grammar.format import format_source
from neuralc.passes.base import PassContext
from neuralc.passes.graph.inline import InlinePass

FORM = "a program"


def emit(module: ModuleOp) -> Program:
    """The program of the model of `module`, formatted as `neuralc fmt` does.

    Raises NeuralcError: E0850 lists every op that the language has no words for, E0704 the layers without a meaning.
    """
    refuse_custom(module.walk())
    refusals = Refusals(FORM)
    module = module.clone()
    for op in symbols(module).values():
        if isinstance(op, WeightOp) and op.body is not None:
            refusals.add(
                op,
                f"@{op.sym_name.data} is derived from other weights",
                help="emit the program from the model as written, before passes that fold weights",
            )
    InlinePass().run(module, PassContext())
    tidy(module)
    to_channels_last(module)
    return Writer(module, the_model(module), refusals).program()


def formatted(text: str) -> str:
    """In the layout of `neuralc fmt`."""
    return format_source(Source("<program>", text))


def moved_weights(program: Program, arrays: Mapping[str, NDArray[Any]]) -> MovedWeights:
    return MovedWeights(arrays, program.weights)
