"""Every pass of the graph level, and their pipeline, leaves random programs valid and their results as they were."""

from __future__ import annotations

import numpy as np
import pytest
from support.compare import assert_pass_preserves
from support.random_graph import EVERY, PLAIN, random_graph_module

from neuralc.dialects import graph
from neuralc.passes.base import PassContext
from neuralc.passes.printing import print_module
from neuralc.passes.registry import NAMES, parse_pipeline

GRAPH_PASSES = [name for name in NAMES if name.startswith("graph-") and "-to-" not in name]
PIPELINE = ",".join(
    f"graph-{name}"
    for name in (
        "inline",
        "specialize-inference",
        "canonicalize",
        "fold-batch-norm",
        "fold-constants",
        "cse",
        "dce",
    )
)


SEEDS = [range(6), pytest.param(range(6, 60), marks=pytest.mark.slow)]
LAYERS = {"plain": PLAIN, "every": EVERY}


@pytest.mark.parametrize("layers", LAYERS)
@pytest.mark.parametrize("seeds", SEEDS, ids=str)
@pytest.mark.parametrize("name", GRAPH_PASSES)
def test_pass_preserves_results(name: str, seeds: range, layers: str) -> None:
    for seed in seeds:
        module, weights, inputs = random_graph_module(np.random.default_rng(seed), ops=14, layers=LAYERS[layers])
        assert_pass_preserves(parse_pipeline(name), module, weights, inputs)


@pytest.mark.parametrize("layers", LAYERS)
@pytest.mark.parametrize("seeds", SEEDS, ids=str)
def test_pipeline_preserves_results_and_leaves_no_layer_that_only_training_needs(seeds: range, layers: str) -> None:
    for seed in seeds:
        module, weights, inputs = random_graph_module(np.random.default_rng(seed), ops=18, layers=LAYERS[layers])
        assert_pass_preserves(parse_pipeline(PIPELINE), module, weights, inputs)
        gone = (graph.CallOp, graph.FuncOp, graph.DropoutOp, graph.IdentityOp, graph.BatchNormOp)
        assert not [op.name for op in module.walk() if isinstance(op, gone)]


@pytest.mark.parametrize("name", GRAPH_PASSES)
def test_pass_has_nothing_to_do_on_its_own_result(name: str) -> None:
    for seed in range(8):
        layers = PLAIN if seed % 2 else EVERY
        module, weights, _ = random_graph_module(np.random.default_rng(seed), ops=14, layers=layers)
        (each,) = parse_pipeline(name)
        each.run_in(module, PassContext(weights=weights))
        once = print_module(module)
        each.run_in(module, PassContext(weights=weights))
        assert print_module(module) == once


def test_passes_are_deterministic() -> None:
    texts = set()
    for _ in range(2):
        module, weights, _ = random_graph_module(np.random.default_rng(5), ops=18)
        for each in parse_pipeline(PIPELINE):
            each.run_in(module, PassContext(weights=weights))
        texts.add(print_module(module))
    assert len(texts) == 1
