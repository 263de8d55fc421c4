"""Loads a `.nr` model: text to graph module, with what the driver needs to know about its weights."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue

from neuralc.frontends.nr.functions import WeightDeclaration
from neuralc.frontends.nr.lower import Lowering
from neuralc.frontends.nr.trace import Origin
from neuralc.grammar import tree as t
from neuralc.grammar.diagnostics import Diagnostic, Source, Span
from neuralc.grammar.parser import parse, read_source
from neuralc.grammar.recursion import deep_recursion
from neuralc.grammar.resolve import examine

__all__ = ["LoadedProgram", "WeightDeclaration", "load", "load_parsed"]


@dataclass(frozen=True)
class LoadedProgram:
    """A model on the graph level; its weights are declared, their values are bound by `neuralc.weights_file`."""

    name: str
    module: ModuleOp
    weights: tuple[WeightDeclaration, ...]
    warnings: tuple[Diagnostic, ...]
    """Warnings and notes, in order of position; their `severity` tells which."""
    weights_path: Path | None = None
    """The file of the `weights:` clause, already relative to the model's folder."""
    weights_span: Span | None = None
    seed: int | None = None
    """The seed of the `init:` clause."""
    origins: Mapping[SSAValue, Origin] = field(default_factory=dict)
    """Which layer of the text made a value of the module."""


def load(
    model: str | Path | Source,
    *,
    network: str | None = None,
    dims: Mapping[str, int] | None = None,
    settings: Mapping[str, object] | None = None,
) -> LoadedProgram:
    """The graph module of a model file, or of a text already read.

    `network` chooses among several in one file, `dims` gives numbers to named sizes, `settings` values to searches and
    to parameters of the network, in the words of the language or as Python values. Raises NeuralcError with all errors
    found, UsageError for sizes and settings that the model does not have.
    """
    source = model if isinstance(model, Source) else read_source(model)
    with _without_collection():
        return load_parsed(parse(source), network=network, dims=dims, settings=settings)


def load_parsed(
    file: t.File,
    *,
    network: str | None = None,
    dims: Mapping[str, int] | None = None,
    settings: Mapping[str, object] | None = None,
) -> LoadedProgram:
    """As `load`, of a text that was parsed: for one network after the other."""
    with deep_recursion(), _without_collection():
        program = examine(file, network, settings)
        lowering = Lowering(program, dims)
        module, weights = lowering.run()
    warnings = sorted((*program.messages, *lowering.messages), key=lambda found: found.span.start if found.span else 0)
    path = None if program.weights is None else Path(file.span.source.name).parent / program.weights
    return LoadedProgram(
        program.name,
        module,
        tuple(weights),
        tuple(warnings),
        path,
        program.weights_span,
        program.seed,
        lowering.bodies.trace.origins,
    )


@contextmanager
def _without_collection() -> Iterator[None]:
    """What a model is made of is no garbage; that Python looks for some again and again takes a third of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
