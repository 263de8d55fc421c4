"""What this machine can do at best: multiply-adds that touch only registers, and plain streams through memory.

Both run in code made by the same LLVM as the kernels, on one thread, so that they are the 100 % of a roofline.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from llvmlite import ir
from xdsl.dialects.builtin import Float32Type, f32

from neuralc.emit.llvm.instructions import constant, multiply_add, splat
from neuralc.emit.llvm.jit import NativeLibrary, compile_module
from neuralc.emit.llvm.loops import disable_unrolling
from neuralc.emit.llvm.types import I64, POINTER, element, vector
from neuralc.passes.target import Target

STREAM_VECTORS = 8
"""Vectors a round of the stream loops: enough to keep the memory pipes busy."""


@dataclass(frozen=True)
class Stream:
    """Bytes a second in GB/s for one array of a size: read only, and read one while writing another."""

    bytes: int
    read: float
    copy: float


def fma_peak_gflops(target: Target, seconds: float = 0.1, element_type: Float32Type = f32) -> float:
    """GFLOP/s of one core in a loop of independent multiply-adds, the best of short runs over `seconds`."""
    module = ir.Module(name="fma_peak")
    registers = max(4, target.vector_registers - 4)
    _fma_loop(module, target, registers, element_type)
    library = compile_module(module, target)
    run = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_void_p)(library.address("fma_peak"))
    rounds = 20_000
    sink = np.zeros(64, dtype=np.float64)
    best = _best_time(lambda: run(rounds, sink.ctypes.data), seconds)
    return 2.0 * target.lanes_of(element_type) * registers * rounds / best / 1e9


def stream_bandwidth(target: Target, bytes_: int, seconds: float = 0.1) -> Stream:
    """How fast one core reads, and copies, arrays of a size; small sizes show the caches."""
    module = ir.Module(name="streams")
    step = STREAM_VECTORS * target.lanes
    for copies in (False, True):
        _stream_loop(module, target, copies=copies)
    library = compile_module(module, target)
    count = max(step, bytes_ // 4 // step * step)
    source, destination = (np.ones(count + 64, dtype=np.float32) for _ in range(2))
    rounds = max(1, (1 << 20) // count)

    def timed(name: str) -> float:
        run = _stream_function(library, name)
        return _best_time(lambda: run(count, rounds, source.ctypes.data, destination.ctypes.data), seconds)

    moved = 4.0 * count * rounds / 1e9
    return Stream(4 * count, moved / timed("read"), 2 * moved / timed("copy"))


def _stream_function(library: NativeLibrary, name: str) -> Callable[[int, int, int, int], None]:
    types = [ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p]
    return ctypes.CFUNCTYPE(None, *types)(library.address(name))


def _best_time(run: Callable[[], None], seconds: float) -> float:
    """The shortest run: what the machine does when nothing else disturbs it."""
    run()
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return best


def _fma_loop(module: ir.Module, target: Target, registers: int, element_type: Float32Type) -> None:
    """void fma_peak(i64 rounds, ptr sink): `registers` accumulators, each multiplied and added to once a round."""
    type_ = vector(element_type, target.lanes_of(element_type))
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [I64, POINTER]), "fma_peak")
    entry, body, done = (function.append_basic_block(name) for name in ("entry", "body", "done"))
    builder = ir.IRBuilder(entry)
    start = splat(builder, builder.load(function.args[1], typ=element(element_type)), target.lanes_of(element_type))
    builder.branch(body)
    builder.position_at_end(body)
    counter = builder.phi(I64, "round")
    counter.add_incoming(ir.Constant(I64, 0), entry)
    factor = constant(type_, 0.999)
    sums = []
    for _ in range(registers):
        phi = builder.phi(type_)
        phi.add_incoming(start, entry)
        sums.append((phi, multiply_add(builder, target.has_fma, phi, factor, start)) if False else (phi, None))
    products = [multiply_add(builder, target.has_fma, phi, factor, start) for phi, _ in sums]
    for (phi, _), product in zip(sums, products, strict=True):
        phi.add_incoming(product, body)
    following = builder.add(counter, ir.Constant(I64, 1))
    counter.add_incoming(following, body)
    latch = builder.cbranch(builder.icmp_signed("<", following, function.args[0]), body, done)
    disable_unrolling(module, latch)
    builder.position_at_end(done)
    total = products[0]
    for product in products[1:]:
        total = builder.fadd(total, product)
    builder.store(total, function.args[1], align=4)
    builder.ret_void()


def _stream_loop(module: ir.Module, target: Target, *, copies: bool) -> None:
    """void read|copy(i64 count, i64 rounds, ptr source, ptr destination)."""
    type_ = vector(f32, target.lanes)
    name = "copy" if copies else "read"
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [I64, I64, POINTER, POINTER]), name)
    count, rounds, source, destination = function.args
    entry, outer, body, after, done = (
        function.append_basic_block(block) for block in ("entry", "outer", "body", "after", "done")
    )
    builder = ir.IRBuilder(entry)
    builder.branch(outer)
    builder.position_at_end(outer)
    turn = builder.phi(I64, "turn")
    turn.add_incoming(ir.Constant(I64, 0), entry)
    builder.branch(body)
    builder.position_at_end(body)
    place = builder.phi(I64, "place")
    place.add_incoming(ir.Constant(I64, 0), outer)
    sums = [builder.phi(type_) for _ in range(STREAM_VECTORS)]
    for number, phi in enumerate(sums):
        phi.add_incoming(constant(type_, 0.0), outer)
        offset = builder.add(place, ir.Constant(I64, number * target.lanes))
        value = builder.load(builder.gep(source, [offset], source_etype=element(f32)), typ=type_, align=4)
        if copies:
            builder.store(value, builder.gep(destination, [offset], source_etype=element(f32)), align=4)
            phi.add_incoming(phi, body)
        else:
            phi.add_incoming(builder.fadd(phi, value), body)
    following = builder.add(place, ir.Constant(I64, STREAM_VECTORS * target.lanes))
    place.add_incoming(following, body)
    disable_unrolling(module, builder.cbranch(builder.icmp_signed("<", following, count), body, after))
    builder.position_at_end(after)
    if not copies:
        for phi in sums:
            builder.store(phi, destination, align=4)
    next_turn = builder.add(turn, ir.Constant(I64, 1))
    turn.add_incoming(next_turn, after)
    builder.cbranch(builder.icmp_signed("<", next_turn, rounds), outer, done)
    builder.position_at_end(done)
    builder.ret_void()
