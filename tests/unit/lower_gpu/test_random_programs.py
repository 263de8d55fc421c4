"""Random models for a GPU: kernels are legal there, no program depends on another, and the results are the model's."""

from __future__ import annotations

import numpy as np
import pytest
from support.compare import assert_close
from support.gpu_models import lower
from support.wide_graphs import SIZES, random_inputs, wide_graph_module

from neuralc.dialects.interp import run_module
from neuralc.dialects.interp.kernel_host import run_host

pytestmark = pytest.mark.thorough

SEEDS = [*range(100, 112), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(112, 300))]


@pytest.mark.parametrize("seed", SEEDS)
def test_random_models(seed: int) -> None:
    module, weights = wide_graph_module(np.random.default_rng(seed), layers=5)
    inputs = [random_inputs(module, np.random.default_rng(seed), sizes) for sizes in SIZES]
    expected = [run_module(module, each, weights) for each in inputs]
    lower(module, weights, opt=seed % 3)
    for arrays, wanted in zip(inputs, expected, strict=True):
        for found, exact in zip(run_host(module, arrays, weights, check_races=True), wanted, strict=True):
            assert_close(found, exact, 1e-9)
