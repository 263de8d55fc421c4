"""Loads StableHLO files: a text, a portable artifact, or what jax.export serialized."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from neuralc.frontends.stablehlo import bindings
from neuralc.frontends.stablehlo.bindings import BYTECODE
from neuralc.frontends.stablehlo.module import Port, convert
from neuralc.frontends.stablehlo.naming import name_values
from neuralc.frontends.stablehlo.ports import identifier
from neuralc.grammar.diagnostics import error
from neuralc.imported import ImportedModel
from neuralc.mapped_file import map_file
from neuralc.passes.base import PassContext
from neuralc.passes.manager import run_pipeline
from neuralc.passes.registry import parse_pipeline

if TYPE_CHECKING:
    from jax.interpreters.mlir import ir

RAISED = "graph-dce,graph-cse,graph-raise-layers{views=false},graph-dce"
"""Passes that make layers of what StableHLO spells out. The first one lets the broadcasts go that nobody needs."""


def load(path: str | Path, sizes: Mapping[str, int] | None = None) -> ImportedModel:
    """The model of a file. Raises NeuralcError."""
    path = Path(path)
    return imported(parse(_bytes(path)), path.stem, sizes=sizes)


def parse(data: memoryview) -> ir.Module:
    """A file of any of the three forms, told by how it begins. Raises NeuralcError E0650."""
    if bytes(data[:4]) == BYTECODE:
        return bindings.parse_bytecode(bytes(data))
    try:
        text = bytes(data).decode("utf-8")
    except UnicodeDecodeError:
        return bindings.parse_export(bytes(data))
    if "\0" in text:
        return bindings.parse_export(bytes(data))
    return bindings.parse_text(text)


def imported(
    module: ir.Module, name: str, ports: Sequence[Port] | None = None, sizes: Mapping[str, int] | None = None
) -> ImportedModel:
    """The model of a module, its idioms raised to layers. `ports` are the arguments of its function, if known."""
    converted = convert(module, identifier(name), ports, sizes or {})
    run_pipeline(converted.module, parse_pipeline(RAISED), PassContext(weights=converted.store))
    return ImportedModel(name, converted.module, converted.store, values=name_values(converted.module))


def _bytes(path: Path) -> memoryview:
    try:
        if path.stat().st_size == 0:
            raise bindings.damaged(["the file is empty"])
        return memoryview(map_file(path))
    except OSError as fault:
        raise error("E0901", f"cannot read {path}", note=(fault.strerror or str(fault)).lower()) from None
