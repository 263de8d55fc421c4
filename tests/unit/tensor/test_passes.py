"""Every pass of the tensor level leaves random programs valid and their results as they were, and is then done."""

from __future__ import annotations

import numpy as np
import pytest
from support.compare import Array
from support.pipelines import EXACT, assert_same
from support.random_graph import random_graph_module
from support.wide_graphs import SIZES, random_inputs, wide_graph_module
from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects import tensor
from neuralc.dialects.interp import run_module
from neuralc.dialects.weights import WeightStore
from neuralc.passes.base import PassContext
from neuralc.passes.pipelines import load, pipeline
from neuralc.passes.printing import print_module
from neuralc.passes.registry import parse_pipeline
from neuralc.passes.target import Target
from neuralc.passes.verifier import verify_module

PASSES = (
    "tensor-canonicalize",
    "tensor-fuse-elementwise",
    "tensor-fuse-groups",
    "tensor-fuse-groups{fuse=false}",
    "tensor-fuse-groups,tensor-pack-weights",
    "tensor-canonicalize,tensor-fuse-elementwise,tensor-fuse-groups,tensor-pack-weights",
    "tensor-fuse-groups,tensor-split-batch{always=true},tensor-pack-weights",
    "tensor-fuse-groups,tensor-pack-weights,tensor-skip-padding",
)
SEEDS = [range(4), pytest.param(range(4, 60), marks=pytest.mark.slow)]


def context(weights: WeightStore) -> PassContext:
    return PassContext(target=Target.cpu("haswell"), weights=weights)


def tensor_program(seed: int) -> tuple[ModuleOp, WeightStore, dict[str, Array]]:
    """A random program at the beginning of the tensor level; the graph level was simplified for every second one."""
    rng = np.random.default_rng(seed)
    if seed % 2:
        module, weights, inputs = random_graph_module(rng, ops=14)
    else:
        module, weights = wide_graph_module(rng)
        inputs = random_inputs(module, rng, SIZES[1])
    for each in load(pipeline(opt=seed // 2 % 2)):
        each.run_in(module, context(weights))
        if each.name == "graph-to-tensor":
            break
    return module, weights, inputs


@pytest.mark.parametrize("seeds", SEEDS, ids=str)
@pytest.mark.parametrize("passes", PASSES)
def test_passes_preserve_results(passes: str, seeds: range) -> None:
    for seed in seeds:
        module, weights, inputs = tensor_program(seed)
        expected = run_module(module, inputs, weights)
        for each in parse_pipeline(passes):
            each.run_in(module, context(weights))
            verify_module(module)
        assert_same(run_module(module, inputs, weights), expected, EXACT)


@pytest.mark.parametrize("passes", PASSES)
def test_passes_have_nothing_to_do_on_their_own_result(passes: str) -> None:
    for seed in range(4):
        module, weights, _ = tensor_program(seed)
        texts = []
        for _ in range(2):
            for each in parse_pipeline(passes):
                each.run_in(module, context(weights))
            texts.append(print_module(module))
        assert texts[0] == texts[1]


def test_passes_are_deterministic() -> None:
    texts = set()
    for _ in range(2):
        module, weights, _ = tensor_program(7)
        for each in parse_pipeline(PASSES[-1]):
            each.run_in(module, context(weights))
        texts.add(print_module(module))
    assert len(texts) == 1


@pytest.mark.parametrize("fuse", ["true", "false"])
def test_all_computation_is_in_groups_of_one_result(fuse: str) -> None:
    for seed in range(4):
        module, weights, _ = tensor_program(seed)
        for each in parse_pipeline(f"tensor-fuse-groups{{fuse={fuse}}}"):
            each.run_in(module, context(weights))
        for op in module.walk():
            if isinstance(op, tensor.ContractOp | tensor.ReduceOp | tensor.MapOp):
                assert isinstance(op.parent_op(), tensor.GroupOp)
            if isinstance(op, tensor.GroupOp):
                assert len(op.res) == 1
