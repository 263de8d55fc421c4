"""`--emit=nr`: the program of a graph module as the front end made it, and its weights in a file beside it.

The module is taken before graph-specialize-inference: Dropout and BatchNormalization are layers, so the program trains.
"""

from __future__ import annotations

from collections.abc import Callable

from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects.graph import refuse_custom
from neuralc.emit.nr.layout import to_channels_last
from neuralc.emit.nr.network import FORM, Program, Writer
from neuralc.emit.nr.raised import Raising
from neuralc.emit.nr.raised.batch_first import batch_first
from neuralc.emit.nr.tidy import expand_derived, inline, tidy
from neuralc.emit.refusals import Refusals
from neuralc.grammar.diagnostics import NeuralcError
from neuralc.passes.base import PassContext
from neuralc.passes.driver import rewrite
from neuralc.passes.graph.raise_layers import RaiseLayersPass, linear
from neuralc.passes.registry import parse_pipeline


def emit_with_layers(structured: Callable[[Raising | None], ModuleOp], imported: bool) -> Program:
    """The program of a model, with what a layer was lowered to as that layer wherever the language can say it so.

    `structured` makes the module with the layers that it is given a way to find. Raises NeuralcError as `emit` does.
    """
    normal = of_imports if imported else of_programs
    for raising in (Raising(normal), Raising(normal, masked=False)):
        try:
            return emit(structured(raising))
        except NeuralcError as problem:
            if any(found.code != "E0850" for found in problem.diagnostics):
                raise
    return emit(structured(None))


def of_imports(module: ModuleOp) -> None:
    """The form of imported models, for templates of layers."""
    for each in (RaiseLayersPass(views=False), *parse_pipeline("graph-cse,graph-dce")):
        each.run(module, PassContext())
    batch_first(module)


def of_programs(module: ModuleOp) -> None:
    """The form of programs: products with weights are dense layers, and recurrent layers take the batch first."""
    rewrite(module, linear.PATTERNS, PassContext())
    batch_first(module)


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
