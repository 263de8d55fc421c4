"""`python -m benchmarks.profile_kernels MODEL --batch 64`: the time of each launch of a compiled model, alone and warm.

The best of many short samples of this thread's processor time: what the code can do when nothing disturbs it. With
`--flops` (the operations of a model of one layer) it prints the share of peak of the longest launch.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import numpy as np
from xdsl.ir import Block

from neuralc import driver
from neuralc.dialects import kernel
from neuralc.dialects.dims import Dim
from neuralc.dialects.types import is_float, numpy_dtype
from neuralc.emit.llvm.jit import compile_module
from neuralc.emit.llvm.kernel import emit_kernels, function_name
from neuralc.emit.llvm.peak import fma_peak_gflops

SAMPLES, SAMPLE_SECONDS = 300, 2e-4


@click.command()
@click.argument("model", type=click.Path(exists=True, path_type=Path))
@click.option("--batch", default=1, show_default=True, help="The batch, where it is symbolic.")
@click.option("--dim", "pinned", multiple=True, metavar="S=128", help="Fix a symbolic size when compiling.")
@click.option("--flops", type=float, help="Operations of the model: prints the share of peak of its longest launch.")
def main(model: Path, batch: int, pinned: tuple[str, ...], flops: float | None) -> None:
    """Time each launch of MODEL at -O2 on one core."""
    dims = {name: int(size) for name, size in (each.split("=") for each in pinned)}
    compilation = driver.load(model, driver.Options(opt=2, dims=dims))
    driver.compile_to(compilation, "kernel")
    library = compile_module(emit_kernels(compilation.module, compilation.target), compilation.target)
    funcs = {op.sym_name.data: op for op in compilation.module.ops if isinstance(op, kernel.FuncOp)}
    host = next(op for op in compilation.module.ops if isinstance(op, kernel.HostOp))
    sizes = {"batch": batch}
    total = longest = 0.0
    for launch in _launches(host.block, sizes):
        seconds = _best(library.address(function_name(launch.callee_name)), funcs[launch.callee_name], launch, sizes)
        total, longest = total + seconds, max(longest, seconds)
        click.echo(f"{launch.callee_name:32} {seconds * 1e6:10.2f} us")
    click.echo(f"{'all':32} {total * 1e6:10.2f} us")
    if flops:
        peak = fma_peak_gflops(compilation.target, 0.5)
        click.echo(
            f"longest: {flops / longest / 1e9:.1f} GFLOP/s, {100 * flops / longest / 1e9 / peak:.0f} % of {peak:.1f}"
        )


def _launches(block: Block, sizes: dict[str, int]) -> Iterator[kernel.LaunchOp]:
    """The launches that run with these sizes, in order."""
    for op in block.ops:
        if isinstance(op, kernel.LaunchOp):
            yield op
        elif isinstance(op, kernel.IfOp):
            yield from _launches((op.then_body if op.holds(sizes) else op.else_body).block, sizes)


def _best(address: int, func: kernel.FuncOp, launch: kernel.LaunchOp, sizes: dict[str, int]) -> float:
    dims = [Dim.evaluate(dim, sizes) for dim in launch.dims.data]
    own = dict(zip(func.dims, dims, strict=True))
    memory = [_memory(argument.type, own) for argument in func.references]
    types = [ctypes.c_int64] * (2 + len(dims)) + [ctypes.c_void_p] * len(memory)
    function: Callable[..., None] = ctypes.CFUNCTYPE(None, *types)(address)
    arguments = (0, func.grid.data.evaluate(own), *dims, *(each.ctypes.data for each in memory))
    function(*arguments)
    start = time.thread_time()
    function(*arguments)
    calls = max(1, int(SAMPLE_SECONDS / max(time.thread_time() - start, 1e-7)))
    best = float("inf")
    for _ in range(SAMPLES):
        start = time.thread_time()
        for _ in range(calls):
            function(*arguments)
        best = min(best, (time.thread_time() - start) / calls)
    return best


def _memory(type_: object, sizes: dict[str, int]) -> np.ndarray[tuple[int], np.dtype[np.generic]]:
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


if __name__ == "__main__":
    main()
