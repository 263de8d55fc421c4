"""`neuralc.from_torch`: a module is exported with its example arguments, in eval mode, and imported."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from neuralc.frontends.refusals import Refused
from neuralc.frontends.torch import dynamic as sizes
from neuralc.frontends.torch.load import load, symbol_of
from neuralc.frontends.torch.mutations import is_write, refused_write, without_writes
from neuralc.frontends.torch.program import Program, needed
from neuralc.frontends.torch.registry import find, operators
from neuralc.grammar.diagnostics import NeuralcError, error
from neuralc.imported import ImportedModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn
    from torch.export import ExportedProgram


def from_torch(
    module: nn.Module | ExportedProgram,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    dynamic: Any = None,
    name: str | None = None,
) -> ImportedModel:
    """A module, exported with example arguments as it is at inference, or a program of torch.export.

    `dynamic` says which sizes are open: as `dynamic_shapes` of torch.export, or with names, `{"x": {0: "batch"}}`.
    Weights are the module's own memory under their names in its state dict. Raises NeuralcError: E0615 without torch,
    E0630 where torch cannot export the module, E0632 with everything that is not compiled.
    """
    try:
        import torch
    except ImportError as problem:
        raise error(
            "E0615", "importing a PyTorch module needs the package `torch`", note=str(problem),
            help="pip install 'neuralc[torch]'",
        ) from None  # fmt: skip
    if isinstance(module, torch.export.ExportedProgram):
        return _imported(module, name or "model", [])
    if not isinstance(module, torch.nn.Module):
        raise error(
            "E0630",
            f"a {type(module).__name__} is no torch.nn.Module",
            help="give a module, or what torch.export makes of one",
        )
    given = tuple(args) if isinstance(args, list | tuple) else (args,)
    with _in_eval(module):
        found = sizes.names(dynamic, module.forward, given, dict(kwargs or {}))
        return _imported(_exported(module, given, kwargs, dynamic), name or type(module).__name__, found)


@contextmanager
def _in_eval(module: nn.Module) -> Iterator[None]:
    """As at inference, and each part afterwards as it was."""
    training = [each for each in module.modules() if each.training]
    module.eval()
    try:
        yield
    finally:
        for each in training:
            each.training = True


def _exported(
    module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any] | None, dynamic: Any
) -> ExportedProgram:
    """With sizes open as far as the program works with: named sizes that are bounded by it are left to torch then."""
    try:
        return _export(module, args, kwargs, sizes.for_export(dynamic))
    except Exception as problem:  # whatever the module's own code raises
        if not sizes.has_names(dynamic):
            raise _not_exported(module, problem) from problem
    try:
        return _export(module, args, kwargs, sizes.for_export(dynamic, found=True))
    except Exception as problem:
        raise _not_exported(module, problem) from problem


def _not_exported(module: nn.Module, problem: Exception) -> NeuralcError:
    return error(
        "E0630", f"torch.export cannot export {type(module).__name__}", note=_short(problem),
        help="the arguments are those of one call of the module",
    )  # fmt: skip


def _export(module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any] | None, shapes: Any) -> ExportedProgram:
    import torch

    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        return torch.export.export(module, args, dict(kwargs or {}), dynamic_shapes=shapes, strict=False)


def _short(problem: Exception) -> str:
    text = " ".join(line.strip() for line in str(problem).splitlines() if line.strip())
    return f"{type(problem).__name__}: {text[:600]}"


def _imported(exported: ExportedProgram, name: str, found: Sequence[Mapping[int, str]]) -> ImportedModel:
    """As it stands where all its ops are known; else those that are not are taken apart by torch first."""
    program, reason = _read(exported, name, found)
    unknown = unknown_ops(program)
    if reason is None and not unknown:
        return load(program)
    simpler = _decomposed(exported)
    if simpler is not None:
        try:
            return load(_without_writes(_read(simpler, name, found)[0]))
        except NeuralcError:
            if reason is None:
                raise
    if reason is not None:
        raise refused_write(reason)
    return load(program)


def _read(exported: ExportedProgram, name: str, found: Sequence[Mapping[int, str]]) -> tuple[Program, Refused | None]:
    from neuralc.frontends.torch import exported as reader

    program = reader.read(exported, name)
    names: dict[str, str] = {}
    for port, dims in zip(program.inputs, found, strict=False):
        for axis, text in dims.items():
            symbol, factor = symbol_of(port, axis)
            if port.spec is not None and isinstance(port.spec.shape[axis], int):
                raise error(
                    "E0630", f"size `{text}` is not open: the program works with {port.spec.shape[axis]} alone",
                    help=f"leave dim {axis} of `{port.name}` out of `dynamic`",
                )  # fmt: skip
            if symbol:
                names.setdefault(symbol, text if factor == 1 else f"{text}_by_{factor}")
    program.symbols = names
    try:
        return without_writes(program), None
    except Refused as refused:
        return program, refused


def _without_writes(program: Program) -> Program:
    try:
        return without_writes(program)
    except Refused as refused:
        raise refused_write(refused) from None


def unknown_ops(program: Program) -> list[str]:
    return sorted(
        {call.op for call in needed(program) if find(call.base, call.overload) is None and not is_write(call)}
    )


def _decomposed(exported: ExportedProgram) -> ExportedProgram | None:
    """With what has no handler in terms of other ops, and without writes; None where torch cannot do that."""
    import torch

    table = torch.export.default_decompositions()
    known = operators()
    for op in list(table):
        base = str(op).partition(".")[2].partition(".")[0]
        if base in known and not base.endswith("_"):
            del table[op]
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            found: ExportedProgram = exported.run_decompositions(table)
            return found
    except Exception:  # torch's own passes fail on some programs: what is missing is told then
        return None
