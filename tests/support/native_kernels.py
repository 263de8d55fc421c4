"""Runs one kernel as native code of this machine, on numpy arrays."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute

from neuralc.dialects.kernel import FuncOp, RefType, TileType
from neuralc.dialects.kernel.builder import KernelBuilder
from neuralc.dialects.kernel.memory import Index
from neuralc.dialects.types import numpy_dtype
from neuralc.emit.llvm import jit
from neuralc.emit.llvm.kernel import emit_kernels, function_name
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.target import Target
from neuralc.passes.verifier import verify_module

Array = NDArray[Any]
Key = TypeVar("Key", bound=Hashable)


def run_native(
    func: FuncOp,
    arrays: Sequence[Array],
    dims: Mapping[str, int] | None = None,
    *,
    programs: tuple[int, int] | None = None,
    passes: Sequence[ModulePass] = (),
    target: Target | None = None,
) -> list[Array]:
    """The arrays after programs begin to end (default: the whole grid) have run; those passed in stay as they are.

    `target` is this machine or an older one of its kind. The kernel may be in a module; passes change it there."""
    sizes = dict(dims or {})
    target = target or Target.host()
    module = func.parent_op()
    if not isinstance(module, ModuleOp):
        module = ModuleOp([func])
    for each in passes:
        each.run_in(module, PassContext(target=target))
    verify_module(module)
    library = jit.compile_module(emit_kernels(module, target), target)
    begin, end = programs or (0, func.grid.data.evaluate(sizes))
    copies = [np.array(array, order="C") for array in arrays]
    signature = [ctypes.c_int64] * (2 + len(func.dims)) + [ctypes.c_void_p] * len(copies)
    call = library.function(function_name(func.sym_name.data), *signature)
    call(begin, end, *(sizes[name] for name in func.dims), *(copy.ctypes.data for copy in copies))
    return copies


def elementwise_kernel(
    operands: Sequence[Attribute],
    results: Sequence[Attribute],
    write: Callable[..., Sequence[Any]],
    size: int,
    lanes: int,
) -> FuncOp:
    """y0[i], y1[i], .. = write(builder, x0[i], x1[i], ..) for `size` elements, a multiple of 8, eight a program."""
    sources = [(f"x{i}", RefType.of([size], type_)) for i, type_ in enumerate(operands)]
    destinations = [(f"y{i}", RefType.of([size], type_)) for i, type_ in enumerate(results)]
    build = KernelBuilder("elementwise", [], [*sources, *destinations])
    place = Index(build.index(build.mul(build.program_id(), 8)), 0)
    tiles = [
        build.load(reference, [place], TileType.of([8], type_, lanes))
        for reference, type_ in zip(build.references[: len(operands)], operands, strict=True)
    ]
    for value, reference in zip(write(build, *tiles), build.references[len(operands) :], strict=True):
        build.store(value, reference, [place])
    return build.finish(size // 8)


def apply_natively(
    operands: Sequence[tuple[Attribute, Array]],
    results: Mapping[Key, Attribute],
    write: Callable[..., Sequence[Any]],
    *,
    lanes: int = 8,
    passes: Sequence[ModulePass] = (),
) -> dict[Key, Array]:
    """`elementwise_kernel` on arrays of any one length; what it writes, by the keys of `results`."""
    count = len(operands[0][1])
    size = -(-count // 8) * 8
    padded = [np.resize(array, size) for _, array in operands]
    func = elementwise_kernel([type_ for type_, _ in operands], list(results.values()), write, size, lanes)
    empty = [np.zeros(size, numpy_dtype(type_)) for type_ in results.values()]
    found = run_native(func, [*padded, *empty], passes=passes)[len(operands) :]
    return {key: array[:count] for key, array in zip(results, found, strict=True)}
