"""Layers that go over one sample after the other compute what they did, on one thread and on several."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.compare import Array, calls
from support.pipelines import NATIVE, POLYNOMIALS, as_tuple, assert_same, compile_native
from support.random_graph import PLAIN, random_graph_module
from support.wide_graphs import random_inputs, wide_graph_module
from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects import kernel
from neuralc.dialects.graph import declared_dims
from neuralc.dialects.interp.kernel_host import run_host
from neuralc.dialects.weights import WeightStore
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.pipelines import load, pipeline
from neuralc.passes.target import Target
from neuralc.passes.verifier import verify_module
from neuralc.pin_dims import pin_dims

Program = tuple[ModuleOp, WeightStore, dict[str, Array]]


def program(seed: int, samples: int) -> Program:
    """Layers of pictures, or all kinds of layers, over a batch; its size is known of two programs in three."""
    rng = np.random.default_rng(seed)
    if seed % 2:
        module, weights = wide_graph_module(rng, layers=6)
    else:
        module, weights, _ = random_graph_module(rng, layers=PLAIN, ops=12)
    sizes = {name: samples if name == "batch" else 9 for name in declared_dims(module)}
    inputs = random_inputs(module, rng, sizes)
    pin_dims(module, {name: size for name, size in sizes.items() if name != "batch" or seed % 3})
    return module, WeightStore(weights), inputs


def passes(*, threads: int = 1) -> tuple[ModulePass, ...]:
    """-O2 where everything is split that can be, and every launch is shared."""
    changed = {
        "tensor-split-batch": "tensor-split-batch{always=true}",
        "kernel-plan-parallel": f"kernel-plan-parallel{{slots={threads} threshold-ns=1}}",
    }
    return load([replace(entry, spec=changed.get(entry.spec, entry.spec)) for entry in pipeline(2)])


def lowered(given: Program, threads: int) -> tuple[ModuleOp, WeightStore]:
    module, weights = given[0].clone(), WeightStore(given[1])
    context = PassContext(target=Target.cpu("haswell"), weights=weights)
    for each in passes(threads=threads):
        each.run_in(module, context)
        verify_module(module)
    return module, weights


def loops_with_slots(module: ModuleOp) -> list[kernel.ForOp]:
    return [op for op in module.walk() if isinstance(op, kernel.ForOp) and op.slot_name is not None]


SEEDS = [
    range(2),
    pytest.param(range(2, 24), marks=pytest.mark.thorough),
    pytest.param(range(24, 160), marks=pytest.mark.slow),
]


@pytest.mark.parametrize("seeds", SEEDS, ids=str)
def test_random_programs_keep_their_results(seeds: range) -> None:
    split = 0
    for seed in seeds:
        given = program(seed, samples=3 + seed % 3)
        expected = calls(given[0], given[2], given[1])
        for threads in (1, 2):
            module, weights = lowered(given, threads)
            split += bool(loops_with_slots(module))
            found = run_host(module, given[2], weights, order=seed, check_races=True)
            assert_same(found, expected, POLYNOMIALS)
    assert split > len(seeds) // 2


@pytest.mark.thorough
@pytest.mark.parametrize("seeds", SEEDS, ids=str)
def test_native_code_of_random_programs_keeps_its_results(seeds: range) -> None:
    for seed in seeds:
        module, weights, inputs = program(seed, samples=3 + seed % 3)
        expected = calls(module, inputs, weights)
        results: list[tuple[Array, ...]] = []
        for threads in (1, 2, 3):
            model = compile_native(
                module.clone(), WeightStore(weights), 2, Target.host(), threads=threads, passes=passes(threads=threads)
            )
            for _ in range(3):
                results.append(as_tuple(model(**inputs)))
        assert_same(results[0], expected, NATIVE)
        for others in results[1:]:
            for found, first in zip(others, results[0], strict=True):
                np.testing.assert_array_equal(found, first)
