"""The MLIR that jax brings with it: reads texts and portable artifacts; what they are damaged by becomes an error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from neuralc.dialects.types import numpy_dtype
from neuralc.frontends.refusals import Refused
from neuralc.frontends.stablehlo.element_types import ELEMENTS
from neuralc.frontends.stablehlo.trial import dialect, survives
from neuralc.frontends.values import Array
from neuralc.grammar.diagnostics import NeuralcError, error

if TYPE_CHECKING:
    from jax.interpreters.mlir import ir

BYTECODE = b"ML\xefR"
"""What MLIR bytecode begins with (MLIR, BytecodeFormat)."""


def parse_text(text: str) -> ir.Module:
    """The module of a text. Raises NeuralcError E0650 where MLIR cannot read it, E0615 without jax."""
    ir, context = _context()
    with _diagnosed(context) as told, context:
        try:
            return ir.Module.parse(text)
        except (ir.MLIRError, ValueError) as problem:
            raise damaged(told or _messages(problem)) from None


def parse_bytecode(data: bytes) -> ir.Module:
    """The module of a portable artifact: VHLO in MLIR bytecode, as `stablehlo-translate --serialize` writes it."""
    mlir, context = _context()
    if not survives(data):
        raise damaged(["MLIR crashes when it reads the bytecode"])
    with _diagnosed(context) as told:
        try:
            module = dialect().deserialize_portable_artifact(context, data)
            module.operation.verify()
        except (mlir.MLIRError, ValueError) as problem:
            raise damaged(told or _messages(problem)) from None
    found: ir.Module = module
    return found


def parse_export(data: bytes) -> ir.Module:
    """The module in what `jax.export.Exported.serialize` wrote.

    That is a flatbuffer, which jax reads without checking it. Its code is a vector of bytes, which flatbuffers write
    with their number in front (https://flatbuffers.dev/internals); names and sizes stand in the code as well.
    """
    start = data.find(BYTECODE)
    if start < 4:
        raise damaged(["neither a text nor MLIR bytecode, and no export of jax that holds such"])
    size = int.from_bytes(data[start - 4 : start], "little")
    if start + size > len(data):
        raise damaged([f"the code has {size} bytes, {len(data) - start} are there"])
    return parse_bytecode(data[start : start + size])


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


def require_jax(what: str) -> Any:
    """The package jax. Raises NeuralcError E0615 where it is missing."""
    try:
        return import_module("jax")
    except ImportError as problem:
        raise error(
            "E0615", f"{what} needs the package `jax`", note=str(problem), help="pip install 'neuralc[jax]'"
        ) from None


def _context() -> tuple[Any, ir.Context]:
    require_jax("reading StableHLO")
    mlir = import_module("jax.interpreters.mlir")
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
