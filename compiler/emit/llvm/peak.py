"""What this machine can do at best: multiply-adds that touch only registers, and plain streams through memory.

Both are kernels, made into code by the same road as all others and run on one thread: the 100 % of a roofline.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.dialects.builtin import ModuleOp, f32
from xdsl.ir import Attribute, SSAValue

from neuralc.dialects.dims import Dim
from neuralc.dialects.kernel import FuncOp, RefType, TileType
from neuralc.dialects.kernel.builder import KernelBuilder
from neuralc.dialects.kernel.memory import Index
from neuralc.dialects.types import element_bytes, numpy_dtype
from neuralc.emit.llvm.jit import compile_module
from neuralc.emit.llvm.kernel import emit_kernels, function_name
from neuralc.passes.target import Target

FMA_ROUNDS = 20_000
STREAM_VECTORS = 8
"""Vectors a round of the streams: enough to keep the memory pipes busy."""
STREAM_BYTES = 4 << 20
"""What one timed call moves at least, so that the call itself does not count."""


@dataclass(frozen=True)
class Stream:
    """GB/s of one core on arrays of `bytes` each: reading one, and reading one while writing another (both counted)."""

    bytes: int
    read: float
    copy: float


def fma_peak_gflops(target: Target, seconds: float = 0.1, element_type: Attribute = f32) -> float:
    """GFLOP/s of one core in a loop of independent multiply-adds: the best of short runs over `seconds`."""
    run, flops = fma_loop(target, element_type)
    return flops / _best_time(run, seconds) / 1e9


def fma_loop(target: Target, element_type: Attribute = f32) -> tuple[Callable[[], None], float]:
    """A call that multiplies and adds in registers for a fraction of a millisecond, and the operations it does."""
    lanes = target.lanes_of(element_type)
    # All registers but those of the two other operands, and two to spare.
    tile = TileType.of([max(4, target.vector_registers - 4), lanes], element_type, lanes)
    call = _compiled(_fma_kernel(tile), target)
    memory = np.full(tile.shape, 0.5, numpy_dtype(element_type))
    return lambda: call(0, 1, FMA_ROUNDS, memory.ctypes.data), 2.0 * memory.size * FMA_ROUNDS


def stream_bandwidth(target: Target, size: int, seconds: float = 0.1) -> Stream:
    """How fast one core reads, and copies, arrays of `size` bytes; small sizes show the caches."""
    (read, bytes_read), (copy, bytes_copied) = read_loop(target, size), _stream_loop(target, size, _copy_kernel)
    return Stream(
        size,
        bytes_read / _best_time(read, seconds) / 1e9,
        2 * bytes_copied / _best_time(copy, seconds) / 1e9,
    )


def read_loop(target: Target, size: int) -> tuple[Callable[[], None], float]:
    """A call that reads an array of about `size` bytes, a small one again and again, and the bytes it reads."""
    return _stream_loop(target, size, _read_kernel)


def _stream_loop(target: Target, size: int, kernel: Callable[[TileType], FuncOp]) -> tuple[Callable[[], None], float]:
    """A call of a kernel that goes through `source`, and may write `destination`; the bytes of the source it sees."""
    step = STREAM_VECTORS * target.lanes
    steps = max(1, size // element_bytes(f32) // step)
    # A program is one pass over the array.
    passes = max(1, STREAM_BYTES // size)
    source, destination = (np.ones(steps * step, np.float32) for _ in range(2))
    call = _compiled(kernel(TileType.of([step], f32, target.lanes)), target)
    return lambda: call(0, passes, steps, source.ctypes.data, destination.ctypes.data), float(source.nbytes * passes)


def _fma_kernel(tile: TileType) -> FuncOp:
    """Every element of a tile is multiplied and added to once a round; only the first and last value touch memory."""
    build = KernelBuilder("fma_peak", ["rounds"], [("memory", RefType.of(tile.shape, tile.element_type))])
    everywhere = [Index(0, 0), Index(0, 1)]
    start = build.load(build.references[0], everywhere, tile)
    factor, summand = build.splat(0.75, tile), build.splat(0.25, tile)

    def body(_: SSAValue, value: SSAValue) -> list[SSAValue]:
        return [build.map("fma", value, factor, summand)]

    (end,) = build.loop(0, build.dim("rounds"), 1, [start], body)
    build.store(end, build.references[0], everywhere)
    return build.finish(1)


def _stream_builder(name: str, tile: TileType) -> KernelBuilder:
    size = Dim.symbol("steps") * tile.shape[0]
    return KernelBuilder(
        name, ["steps"], [("source", RefType.of([size], f32)), ("destination", RefType.of([size], f32))]
    )


def _read_kernel(tile: TileType) -> FuncOp:
    build = _stream_builder("read", tile)
    source, destination = build.references

    def body(step: SSAValue, total: SSAValue) -> list[SSAValue]:
        place = build.index(build.mul(step, tile.shape[0]))
        return [build.map("add", total, build.load(source, [Index(place, 0)], tile))]

    (total,) = build.loop(0, build.dim("steps"), 1, [build.splat(0.0, tile)], body)
    build.store(total, destination, [Index(0, 0)])
    return build.finish(1)


def _copy_kernel(tile: TileType) -> FuncOp:
    build = _stream_builder("copy", tile)
    source, destination = build.references

    def body(step: SSAValue) -> Sequence[SSAValue]:
        place = build.index(build.mul(step, tile.shape[0]))
        build.store(build.load(source, [Index(place, 0)], tile), destination, [Index(place, 0)])
        return []

    build.loop(0, build.dim("steps"), 1, [], body)
    return build.finish(1)


def _compiled(func: FuncOp, target: Target) -> Callable[..., None]:
    """The kernel as a Python function of begin, end, dims and addresses."""
    library = compile_module(emit_kernels(ModuleOp([func]), target), target)
    integers = [ctypes.c_int64] * (2 + len(func.dims))
    addresses = [ctypes.c_void_p] * len(func.references)
    return library.function(function_name(func.sym_name.data), *integers, *addresses)


def _best_time(run: Callable[[], None], seconds: float) -> float:
    """The shortest of repeated runs: what the machine does when nothing else disturbs it."""
    run()
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return best
