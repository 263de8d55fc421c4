"""The launches of a compiled model, each alone and warm: how long it takes, and what the machine's limits allow.

The best of many short samples of this thread's processor time: what the code can do when nothing disturbs it. Inside of
a model a launch also waits for memory that others have just used, so that a model takes longer than its launches.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block

from neuralc.bench.work import Work, work_of
from neuralc.dialects import kernel
from neuralc.dialects.dims import Dim
from neuralc.dialects.types import is_float, numpy_dtype
from neuralc.emit.llvm.jit import compile_module
from neuralc.emit.llvm.kernel import emit_kernels, function_name
from neuralc.emit.llvm.loaded import NativeLibrary
from neuralc.verify.layers import place_of

if TYPE_CHECKING:
    from neuralc.machine import Machine
    from neuralc.passes.target import Target

SAMPLES, SAMPLE_SECONDS = 300, 2e-4
LONGEST = 0.5
"""Seconds after which no more samples of a launch are taken."""


@dataclass(frozen=True)
class Launch:
    """One launch: its kernel, the layer it is of, the programs it has, the seconds of all of them on one core."""

    kernel: str
    layer: str
    programs: int
    seconds: float
    work: Work

    def share(self, machine: Machine) -> float | None:
        """The part of the time that the machine's limits account for."""
        if self.work.flops is None:
            return None
        return machine.limit_seconds(self.work.flops, self.work.bytes) / self.seconds


def profile(
    module: ModuleOp, target: Target, sizes: Mapping[str, int], progress: Callable[[str], None] = lambda what: None
) -> list[Launch]:
    """Every launch that a run with these sizes makes, in order; `module` is on the kernel level."""
    library = compile_module(emit_kernels(module, target), target)
    host = next(op for op in module.ops if isinstance(op, kernel.HostOp))
    measured: list[Launch] = []
    for launch in launches(host.block, sizes):
        progress(f"kernel {launch.callee_name}")
        measured.append(_measured(module, library, launch, sizes))
    return measured


def launches(block: Block, sizes: Mapping[str, int]) -> Iterator[kernel.LaunchOp]:
    """The launches that run with these sizes, in order; of a loop those of one round."""
    for op in block.ops:
        if isinstance(op, kernel.LaunchOp):
            yield op
        elif isinstance(op, kernel.IfOp):
            yield from launches((op.then_body if op.holds(sizes) else op.else_body).block, sizes)
        else:
            for region in op.regions:
                for inside in region.blocks:
                    yield from launches(inside, sizes)


def _measured(module: ModuleOp, library: NativeLibrary, launch: kernel.LaunchOp, sizes: Mapping[str, int]) -> Launch:
    func = next(op for op in module.ops if isinstance(op, kernel.FuncOp) and op.sym_name.data == launch.callee_name)
    dims = [Dim.evaluate(dim, sizes) for dim in launch.dims.data]
    own = dict(zip(func.dims, dims, strict=True))
    programs = func.grid.data.evaluate(own)
    seconds = _best(library.address(function_name(launch.callee_name)), func, own, programs)
    return Launch(launch.callee_name, place_of(launch), programs, seconds, work_of(func, own))


def _best(address: int, func: kernel.FuncOp, sizes: Mapping[str, int], programs: int) -> float:
    """Seconds of all programs, without those of the call from Python, which a run of no program takes as well."""
    memory = [_memory(argument.type, sizes) for argument in func.references]
    types = [ctypes.c_int64] * (2 + len(sizes)) + [ctypes.c_void_p] * len(memory)
    function: Callable[..., None] = ctypes.CFUNCTYPE(None, *types)(address)
    given = (*sizes.values(), *(each.ctypes.data for each in memory))
    return max(1e-9, _best_sample(lambda: function(0, programs, *given)) - _best_sample(lambda: function(0, 0, *given)))


def _best_sample(run: Callable[[], None]) -> float:
    run()
    start = time.thread_time()
    run()
    calls = max(1, int(SAMPLE_SECONDS / max(time.thread_time() - start, 1e-7)))
    best, end = float("inf"), time.perf_counter() + LONGEST
    for _ in range(SAMPLES):
        start = time.thread_time()
        for _ in range(calls):
            run()
        best = min(best, (time.thread_time() - start) / calls)
        if time.perf_counter() > end:
            break
    return best


def _memory(type_: object, sizes: Mapping[str, int]) -> NDArray[Any]:
    """Random floats, or zeros for integers, which may be places; 64-byte aligned, for a reference."""
    if not isinstance(type_, kernel.RefType):
        raise TypeError(f"expected a reference, got {type_}")
    count, dtype = type_.span.evaluate(sizes), numpy_dtype(type_.element_type)
    raw = np.zeros(dtype.itemsize * count + 64, np.uint8)
    start = -raw.ctypes.data % 64
    values = raw[start : start + dtype.itemsize * count].view(dtype)
    if is_float(type_.element_type):
        values[:] = np.random.default_rng(0).random(count, dtype=np.float32).astype(dtype)
    return values
