"""Loads StableHLO files: a text, a portable artifact, or what jax.export serialized."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from neuralc.frontends.stablehlo import bindings
from neuralc.frontends.stablehlo.bindings import BYTECODE, Parsed
from neuralc.frontends.stablehlo.module import Port, convert
from neuralc.frontends.stablehlo.naming import name_values
from neuralc.frontends.stablehlo.ports import identifier, unique
from neuralc.grammar.diagnostics import error
from neuralc.imported import ImportedModel
from neuralc.mapped_file import map_file
from neuralc.passes.base import PassContext
from neuralc.passes.manager import run_pipeline
from neuralc.passes.registry import parse_pipeline

if TYPE_CHECKING:
    from jax.export import Exported

RAISED = "graph-dce,graph-cse,graph-raise-layers,graph-dce"
"""Passes that make layers of what StableHLO spells out. The first one lets the broadcasts go that nobody needs."""


def load(path: str | Path, sizes: Mapping[str, int] | None = None) -> ImportedModel:
    """The model of a file. Raises NeuralcError."""
    path = Path(path)
    return imported(parse(_bytes(path)), path.stem, sizes=sizes)


def parse(data: memoryview) -> Parsed:
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
    parsed: Parsed, name: str, ports: Sequence[Port] | None = None, sizes: Mapping[str, int] | None = None
) -> ImportedModel:
    """The model of a parsed module, its idioms raised to layers. `ports` are the arguments of an export."""
    if ports is None and parsed.exported is not None:
        ports = _ports(parsed.exported)
    kept = None if parsed.exported is None else parsed.exported.module_kept_var_idx
    converted = convert(parsed, identifier(name), ports, sizes or {}, kept)
    run_pipeline(converted.module, parse_pipeline(RAISED), PassContext(weights=converted.store))
    name_values(converted.module)
    return ImportedModel(name, converted.module, converted.store, values=converted.values)


def _ports(exported: Exported) -> list[Port]:
    """The arguments of an export, with their names and sizes."""
    import jax

    leaves = jax.tree_util.tree_unflatten(exported.in_tree, range(len(exported.in_avals)))
    paths = [jax.tree_util.keystr(path[1:]) for path, _ in jax.tree_util.tree_flatten_with_path(leaves)[0]]
    names = unique(identifier(f"arg{path}" if path.startswith("[") else path) for path in paths)
    shapes = [tuple(size if isinstance(size, int) else str(size) for size in aval.shape) for aval in exported.in_avals]
    return [Port(name, None, shape) for name, shape in zip(names, shapes, strict=True)]


def _bytes(path: Path) -> memoryview:
    try:
        if path.stat().st_size == 0:
            raise bindings.damaged(["the file is empty"])
        return memoryview(map_file(path))
    except OSError as fault:
        raise error("E0901", f"cannot read {path}", note=(fault.strerror or str(fault)).lower()) from None
