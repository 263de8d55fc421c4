"""kernel-plan-parallel makes sections of loops in random host programs, which then compute what they did."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pytest
from support.pipelines import as_tuple, compile_native
from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects import kernel
from neuralc.dialects.interp.kernel_host import run_host
from neuralc.dialects.weights import WeightStore
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.parsing import parse_module
from neuralc.passes.registry import parse_pipeline
from neuralc.passes.target import Target
from neuralc.passes.verifier import verify_module

ROWS, WIDTH, BUFFERS = 5, 8, 6
KERNELS = """
kernel.func @mix(%x: !kernel.ref<[8], f32>, %y: !kernel.ref<[8], f32>, %z: !kernel.ref<[8], f32>) dims [] grid (1) {
  %a = kernel.load %x[0 over 0] -> !kernel.tile<8xf32, v8>
  %b = kernel.load %y[0 over 0] -> !kernel.tile<8xf32, v8>
  %half = kernel.splat 0.5 -> !kernel.tile<8xf32, v8>
  %c = kernel.map fma %a, %half, %b -> !kernel.tile<8xf32, v8>
  kernel.store %c, %z[0 over 0]
  kernel.return
}
kernel.func @rows(%x: !kernel.ref<[5, 8], f32>, %y: !kernel.ref<[5, 8], f32>) dims [] grid (5) {
  %p = kernel.program_id
  %a = kernel.load %x[%p, 0 over 0] -> !kernel.tile<8xf32, v8>
  kernel.store %a, %y[%p, 0 over 0]
  kernel.return
}
"""
ROW, ALL = f"!kernel.ref<[{WIDTH}], f32>", f"!kernel.ref<[{ROWS}, {WIDTH}], f32>"


def program(rng: random.Random) -> ModuleOp:
    """Buffers of rows; launches that copy one to another, and recurrences over the rows, forwards or backwards."""
    lines = [line for number in range(BUFFERS) for line in _filled(number)]
    for number in range(rng.randint(3, 8)):
        lines += _recurrence(rng, number) if rng.random() < 0.7 else [_copy(*rng.sample(range(BUFFERS), 2))]
    results = ", ".join(f"%y{number}: {ALL}" for number in range(BUFFERS))
    names = ", ".join(f'"y{number}"' for number in range(BUFFERS))
    lines += [f"kernel.launch @rows[](%b{number}, %y{number}) {{parallel}}" for number in range(BUFFERS)]
    body = "\n  ".join([*lines, "kernel.return"])
    return parse_module(
        f'{KERNELS}kernel.host @m(%x: {ALL}, {results}) dims [] inputs ["x"] outputs [{names}] {{\n  {body}\n}}'
    )


def _filled(number: int) -> Iterator[str]:
    yield f"%b{number} = kernel.alloc -> {ALL}"
    yield f"kernel.launch @rows[](%x, %b{number})"


def _copy(source: int, result: int) -> str:
    return f"kernel.launch @rows[](%b{source}, %b{result})"


def _recurrence(rng: random.Random, number: int) -> list[str]:
    """Each row of a buffer from the one before and the same row of another one."""
    other, own = rng.sample(range(BUFFERS), 2)
    step = rng.choice((1, -1))
    sign, starts = ("", (0, 1)) if step > 0 else ("-", (ROWS - 1, ROWS - 2))
    at = [f"{sign}t{number} * {WIDTH} + {start * WIDTH}" for start in starts]
    return [
        f"kernel.for @t{number} from 0 to {ROWS - 1} {{",
        f"  %p{number} = kernel.view %b{own} offset {at[0]} -> {ROW}",
        f"  %o{number} = kernel.view %b{other} offset {at[1]} -> {ROW}",
        f"  %n{number} = kernel.view %b{own} offset {at[1]} -> {ROW}",
        f"  %c{number} = kernel.alloc -> {ROW}",
        f"  kernel.launch @mix[](%o{number}, %p{number}, %c{number})",
        f"  kernel.launch @mix[](%c{number}, %p{number}, %n{number})",
        "}",
    ]


def passes(sections: int) -> tuple[ModulePass, ...]:
    return parse_pipeline(
        f"kernel-plan-parallel{{sections={sections} slots=1 threshold-ns=1}},kernel-plan-memory,kernel-place-barriers,"
        "kernel-verify-target"
    )


def sections_of(module: ModuleOp) -> list[int]:
    loops = [op for op in module.walk() if isinstance(op, kernel.ForOp)]
    return [loop.section_number for loop in loops if loop.section_number is not None]


X = np.random.default_rng(0).normal(size=(ROWS, WIDTH)).astype(np.float32)
SEEDS = [range(20), pytest.param(range(20, 120), marks=pytest.mark.thorough)]


@pytest.mark.parametrize("seeds", SEEDS, ids=str)
def test_random_programs_keep_their_results(seeds: range) -> None:
    found = 0
    for seed in seeds:
        module = program(random.Random(seed))
        expected = run_host(module, [X], WeightStore())
        for sections in (2, 3):
            lowered = module.clone()
            for each in passes(sections):
                each.run_in(lowered, PassContext(target=Target.cpu("haswell")))
                verify_module(lowered)
            assert all(number < sections for number in sections_of(lowered))
            found += bool(sections_of(lowered))
            for result, value in zip(run_host(lowered, [X], WeightStore(), check_races=True), expected, strict=True):
                np.testing.assert_array_equal(result, value)
    assert found > len(seeds) // 2


@pytest.mark.parametrize("seeds", [range(2), pytest.param(range(2, 20), marks=pytest.mark.thorough)], ids=str)
def test_threads_go_through_sections_side_by_side(seeds: range) -> None:
    for seed in seeds:
        module = program(random.Random(seed))
        expected = run_host(module, [X], WeightStore())
        for threads in (1, 2, 3):
            model = compile_native(
                module.clone(), WeightStore(), 2, Target.host(), threads=threads, passes=passes(sections=3)
            )
            for _ in range(20):
                for result, value in zip(as_tuple(model(X)), expected, strict=True):
                    np.testing.assert_allclose(result, value, rtol=1e-6)
