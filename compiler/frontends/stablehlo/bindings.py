"""The MLIR that jax brings with it: reads texts and portable artifacts; what they are damaged by becomes an error."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neuralc.dialects.types import numpy_dtype
from neuralc.frontends.refusals import Refused
from neuralc.frontends.stablehlo.element_types import ELEMENTS
from neuralc.frontends.values import Array
from neuralc.grammar.diagnostics import NeuralcError, error

if TYPE_CHECKING:
    from jax.export import Exported
    from jax.interpreters.mlir import ir

BYTECODE = b"ML\xefR"
"""What MLIR bytecode begins with (MLIR, BytecodeFormat)."""


@dataclass(frozen=True)
class Parsed:
    """A module of StableHLO ops, and the export that it is the code of."""

    module: ir.Module
    exported: Exported | None = None


def parse_text(text: str) -> Parsed:
    """The module of a text. Raises NeuralcError E0650 where MLIR cannot read it, E0615 without jax."""
    ir, context = _context()
    with _diagnosed(context) as told, context:
        try:
            return Parsed(ir.Module.parse(text))
        except (ir.MLIRError, ValueError) as problem:
            raise damaged(told or _messages(problem)) from None


def parse_bytecode(data: bytes) -> Parsed:
    """The module of a portable artifact: VHLO in MLIR bytecode, as `stablehlo-translate --serialize` writes it."""
    _, context = _context()
    from jax.extend.mlir import dialects  # noqa: F401  registers nothing, names the package that has the next one
    from jax.extend.mlir.dialects import stablehlo

    with _diagnosed(context) as told:
        try:
            return Parsed(stablehlo.deserialize_portable_artifact(context, data))
        except ValueError as problem:
            raise damaged(told or [str(problem)]) from None


def parse_export(data: bytes) -> Parsed:
    """The module of what `jax.export.Exported.serialize` wrote, with the names and sizes that it keeps."""
    _context()
    from jax import export

    try:
        exported = export.deserialize(bytearray(data))
    except (ValueError, struct.error, IndexError, KeyError, TypeError, AssertionError, AttributeError) as problem:
        raise damaged([str(problem) or type(problem).__name__]) from None
    return of_export(exported)


def of_export(exported: Exported) -> Parsed:
    return Parsed(parse_bytecode(exported.mlir_module_serialized).module, exported)


def values_of(attribute: Any) -> Array:
    """The values of a dense attribute: a view of what MLIR holds, which lives as long as the array. Raises Refused."""
    type_ = attribute.type
    element = ELEMENTS.get(str(type_.element_type))
    if element is None:
        raise Refused(f"a constant of element type {type_.element_type}")
    try:
        found: Array = np.asarray(attribute)
    except (TypeError, ValueError, BufferError):
        try:
            found = np.array(list(attribute))  # floats of 16 bits have no buffer format
        except TypeError:
            raise Refused("a constant whose values stand in a resource") from None
    return found.reshape(tuple(type_.shape)).astype(numpy_dtype(element), copy=False)


def damaged(notes: list[str]) -> NeuralcError:
    return error(
        "E0650", "the file is no StableHLO that can be read",
        note="; ".join(notes)[:400] or None,
        help="a text, a portable artifact in MLIR bytecode, and what `jax.export` serializes are read",
    )  # fmt: skip


def require_jax(what: str) -> None:
    """Raise NeuralcError E0615 where jax is missing."""
    try:
        import jax  # noqa: F401
    except ImportError as problem:
        raise error(
            "E0615", f"{what} needs the package `jax`", note=str(problem), help="pip install 'neuralc[jax]'"
        ) from None


def _context() -> tuple[Any, ir.Context]:
    require_jax("reading StableHLO")
    from jax.interpreters import mlir

    return mlir.ir, mlir.make_ir_context()


@contextmanager
def _diagnosed(context: Any) -> Iterator[list[str]]:
    """Messages of MLIR, which would go to standard error."""
    told: list[str] = []

    def handle(diagnostic: Any) -> bool:
        told.append(f"{diagnostic.location}: {diagnostic.message}".replace('loc("-":', "").replace("): ", ": ", 1))
        return True

    handler = context.attach_diagnostic_handler(handle)
    try:
        yield told
    finally:
        handler.detach()


def _messages(problem: Exception) -> list[str]:
    return [line.strip() for line in str(problem).splitlines()[1:4]] or [str(problem)]
