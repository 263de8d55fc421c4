"""Modules become objects in threads: LLVM compiles one part of a model while Python writes the next.

A part holds whole kernels and as many instructions as `emit_kernels` finds enough. So parts depend on the model alone,
never on how many processors there are, and a library is the same bytes wherever it is made.

llvmlite lets one thread at a time into LLVM, which guards what threads share. A part has its context, its module and
its target machine for itself: the code generator is called without that lock (and ctypes gives up Python's).
"""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from llvmlite.binding import ffi

MOST_THREADS = 8


@dataclass(frozen=True)
class Objects:
    """The objects of a model, to be loaded or linked together; the last one has its description."""

    objects: tuple[bytes, ...]
    seconds: float
    """Of LLVM, all threads together."""
    threads: int


class PartCompiler:
    """Compiles parts in threads as they come. As a context manager it ends when all have come: not all may be done."""

    def __init__(self) -> None:
        available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self._threads = max(1, min(available, MOST_THREADS))
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="neuralc-llvm")
        self._parts: list[Future[tuple[bytes, float]]] = []

    def add(self, read: Callable[[], tuple[Any, Any]]) -> None:
        """A part: `read` is called in a thread and gives LLVM's module and a target machine, of this part alone."""
        self._parts.append(self._pool.submit(_compiled, read))

    def finish(self) -> Objects:
        """All objects in order, when they are there. Raises what the compilation of a part has raised."""
        done = [part.result() for part in self._parts]
        threads = min(self._threads, len(done))
        return Objects(tuple(code for code, _ in done), sum(seconds for _, seconds in done), threads)

    def __enter__(self) -> PartCompiler:
        return self

    def __exit__(self, kind: type[BaseException] | None, *fault: object) -> None:
        self._pool.shutdown(wait=False, cancel_futures=kind is not None)


def _compiled(read: Callable[[], tuple[Any, Any]]) -> tuple[bytes, float]:
    started = time.perf_counter()
    module, machine = read()
    return emit_object(module, machine), time.perf_counter() - started


def emit_object(module: Any, machine: Any) -> bytes:
    """A relocatable object; other threads may be in LLVM, with modules of other contexts. Raises RuntimeError."""
    with ffi.OutputString() as problem:
        buffer = _unlocked()(machine, module, 1, problem)
        if not buffer:
            raise RuntimeError(str(problem))
    try:
        return ctypes.string_at(ffi.lib.LLVMPY_GetBufferStart(buffer), ffi.lib.LLVMPY_GetBufferSize(buffer))
    finally:
        ffi.lib.LLVMPY_DisposeMemoryBuffer(buffer)


@lru_cache(maxsize=1)
def _unlocked() -> Callable[..., Any]:
    """The function that llvmlite's `TargetMachine.emit_object` calls, without llvmlite's lock."""
    locked = ffi.lib.LLVMPY_TargetMachineEmitToMemory
    function = ctypes.CDLL(ffi.lib._name).LLVMPY_TargetMachineEmitToMemory
    function.argtypes, function.restype = locked.argtypes, locked.restype
    return function
