"""Whole random models at the kernel level: no program depends on another, and the results are the model's."""

import numpy as np
import pytest
from support.compare import assert_close
from support.random_graph import random_graph_module

from neuralc.dialects.interp import run_module
from neuralc.dialects.interp.kernel_host import run_host
from neuralc.passes.base import PassContext
from neuralc.passes.manager import run_pipeline
from neuralc.passes.pipelines import load, pipeline
from neuralc.passes.target import Target

pytestmark = pytest.mark.thorough

TARGETS = {
    "haswell": Target.cpu("haswell", "x86_64-unknown-linux-gnu"),
    "avx512": Target.cpu("x86-64-v4", "x86_64-unknown-linux-gnu"),
    "arm": Target.cpu("neoverse-n1", "aarch64-unknown-linux-gnu"),
    "sm_80": Target.cuda("sm_80"),
}

EXPANDED = 1e-6
"""exp, erf and tanh are polynomials on a CPU, good to an ulp of fp32."""


CASES = [
    *((seed, target, 2) for seed, target in enumerate(TARGETS)),
    (4, "haswell", 0),
    (5, "sm_80", 1),
    *(
        pytest.param(seed, target, opt, marks=pytest.mark.slow)
        for seed in range(6, 18)
        for target in TARGETS
        for opt in (0, 2)
    ),
]


@pytest.mark.parametrize(("seed", "target", "opt"), CASES)
def test_programs_are_independent_and_compute_the_model(seed: int, target: str, opt: int) -> None:
    module, weights, inputs = random_graph_module(np.random.default_rng(seed))
    # A batch of several row blocks, the last one not full: 3 to 13 times the one to four rows of the generator.
    inputs = {name: np.concatenate([array] * (3 + 5 * (seed % 3))) for name, array in inputs.items()}
    expected = run_module(module, inputs, weights)
    context = PassContext(target=TARGETS[target], weights=weights)
    run_pipeline(module, load(pipeline(opt, TARGETS[target].name)), context, verify_each=True)
    found = run_host(module, inputs, weights, check_races=True)
    for after, before in zip(found, expected, strict=True):
        assert_close(after, before, EXPANDED)
