"""What holds for every program beside its values: independent programs of a grid, NaN, fp64, any number of threads."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from support.compare import Array
from support.graph_modules import GraphModule, tensor
from support.pipelines import EXACT, POLYNOMIALS, assert_native_agrees, assert_same, compile_native, passes_of
from support.random_graph import random_graph_module
from support.wide_graphs import SIZES, random_inputs, wide_graph_module
from xdsl.dialects.builtin import ModuleOp, f16, f32, f64
from xdsl.ir import Attribute, SSAValue

from neuralc.dialects import graph, kernel
from neuralc.dialects.interp import run_module
from neuralc.dialects.interp.kernel_host import run_host
from neuralc.dialects.weights import WeightStore
from neuralc.passes.base import PassContext
from neuralc.passes.kernel.plan_parallel import PlanParallelPass
from neuralc.passes.target import Target
from neuralc.runtime import ModelError

SEEDS = [range(2), pytest.param(range(2, 40), marks=pytest.mark.slow)]
FP16 = 2e-3
"""Of a dozen layers, each of which rounds to 11 bits."""
FEW = {"batch": 3, "S": 4, "H": 22, "W": 17}


def programs(seeds: range, element: Attribute = f32) -> Iterator[tuple[ModuleOp, WeightStore, dict[str, Array]]]:
    for seed in seeds:
        rng = np.random.default_rng(seed)
        if seed % 2:
            module, weights = random_graph_module(rng, ops=12, element=element)[:2]
        else:
            module, weights = wide_graph_module(rng, element=element)
        yield module, weights, random_inputs(module, rng, {**SIZES[1], "S": 4})


@pytest.mark.parametrize("seeds", SEEDS, ids=str)
def test_programs_of_a_grid_run_in_any_order_without_races(seeds: range) -> None:
    for module, weights, _ in programs(seeds):
        inputs = random_inputs(module, np.random.default_rng(1), FEW)
        expected = run_module(module, inputs, weights)
        for each in passes_of(2):
            each.run_in(module, PassContext(target=Target.cpu("haswell"), weights=weights))
        assert_same(run_host(module, inputs, weights, order=7, check_races=True), expected, POLYNOMIALS)


@pytest.mark.parametrize("seeds", SEEDS, ids=str)
def test_nan_reaches_the_values_that_depend_on_it_and_no_others(seeds: range) -> None:
    for module, weights, inputs in programs(seeds):
        rng = np.random.default_rng(2)
        for array in inputs.values():
            array.flat[rng.integers(0, array.size, 1 + array.size // 40)] = np.nan
        expected = run_module(module, inputs, weights)
        found = compile_native(module, weights, 2, Target.host())(**inputs)
        for after, before in zip(found if isinstance(found, tuple) else [found], expected, strict=True):
            np.testing.assert_array_equal(np.isnan(after), np.isnan(before))


@pytest.mark.parametrize(("element", "tolerance"), [(f16, FP16), (f64, EXACT)], ids=["fp16", "fp64"])
@pytest.mark.parametrize("seeds", SEEDS, ids=str)
def test_other_precisions_are_computed_as_the_model_says(seeds: range, element: Attribute, tolerance: float) -> None:
    for module, weights, inputs in programs(seeds, element):
        assert_native_agrees(module, weights, [inputs], 2, tolerance)


@pytest.mark.parametrize("seeds", SEEDS, ids=str)
def test_results_have_the_same_bits_for_any_number_of_threads(seeds: range) -> None:
    plan = PlanParallelPass(threshold_ns=1)  # every launch of two programs or more is worth threads
    passes = [plan if isinstance(each, PlanParallelPass) else each for each in passes_of(2)]
    shared = 0
    for module, weights, inputs in programs(seeds):
        found = []
        for threads in (1, 3):
            own = module.clone()
            model = compile_native(own, weights, 2, Target.host(), threads=threads, passes=passes)
            shared += sum(op.parallel for op in own.walk() if isinstance(op, kernel.LaunchOp))
            results = model(**inputs)
            found.append(results if isinstance(results, tuple) else (results,))
        for one, three in zip(*found, strict=True):
            assert one.tobytes() == three.tobytes()
    assert shared


def test_a_size_that_leaves_no_place_for_a_window_is_refused() -> None:
    build = GraphModule()

    def body(x: SSAValue) -> SSAValue:
        kernel = build.weight("kernel", np.ones((5, 5, 3, 4), np.float32))
        return graph.ReduceOp.of(graph.ConvOp.of(x, kernel).result, kind="maximum", axes=(1, 2)).result

    model = compile_native(build.model({"x": tensor("batch", "H", 7, 3)}, body), build.weights, 2, Target.host())
    assert model(np.ones((2, 5, 7, 3), np.float32)).tolist() == [[75.0] * 4] * 2
    with pytest.raises(ModelError, match="`H` of input `x` is 4, it may be at least 5"):
        model(np.ones((2, 4, 7, 3), np.float32))
