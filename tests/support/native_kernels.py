"""Runs one kernel as native code of this machine, on numpy arrays."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from typing import Any

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
    call = ctypes.CFUNCTYPE(None, *signature)(library.address(function_name(func.sym_name.data)))
    call(begin, end, *(sizes[name] for name in func.dims), *(copy.ctypes.data for copy in copies))
    return copies


def elementwise_kernel(
    write: Callable[..., Any], operands: Sequence[Attribute], result: Attribute, size: int, lanes: int
) -> FuncOp:
    """y[i] = write(builder, x0[i], x1[i], ..) for `size` elements, a multiple of 8, eight a program."""
    refs = [(f"x{i}", RefType.of([size], type_)) for i, type_ in enumerate(operands)]
    build = KernelBuilder("elementwise", [], [*refs, ("y", RefType.of([size], result))])
    *sources, destination = build.references
    place = Index(build.index(build.mul(build.program_id(), 8)), 0)
    tiles = [
        build.load(source, [place], TileType.of([8], type_, lanes))
        for source, type_ in zip(sources, operands, strict=True)
    ]
    build.store(write(build, *tiles), destination, [place])
    return build.finish(size // 8)


def apply_natively(
    write: Callable[..., Any],
    arrays: Sequence[Array],
    operands: Sequence[Attribute],
    result: Attribute,
    *,
    lanes: int = 8,
    passes: Sequence[ModulePass] = (),
) -> Array:
    """`elementwise_kernel` on arrays of any length."""
    count = len(arrays[0])
    size = -(-count // 8) * 8
    padded = [np.resize(array, size) for array in arrays]
    func = elementwise_kernel(write, operands, result, size, lanes)
    return run_native(func, [*padded, np.zeros(size, numpy_dtype(result))], passes=passes)[-1][:count]
