"""16-bit models: products and everything behind them in 32 bits, rounded once, where the value is stored."""

from __future__ import annotations

import pytest
from support.compare import assert_close
from support.gpu_models import HALF, MODELS, lower, make, random_input
from xdsl.dialects.builtin import f16, f32

from neuralc.dialects import kernel
from neuralc.dialects.interp import run_module
from neuralc.dialects.kernel.builder import tile_of

NAMES = [name for name in MODELS if "very long" not in name]


@pytest.mark.parametrize("name", NAMES)
def test_half_models_compute_what_the_graph_says(name: str) -> None:
    module, weights = make(name, HALF)
    inputs = random_input(module, 5)
    expected = run_module(module, inputs, weights)
    lower(module, weights)
    assert_close(run_module(module, inputs, weights)[0], expected[0], 1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_rounded_results_are_within_a_rounding_of_the_store(name: str) -> None:
    """Against the unrounded reference: half an ulp of fp16, and what the inputs' own size adds in fp32."""
    module, weights = make(name, HALF)
    inputs = random_input(module, 5)
    expected = run_module(module, inputs, weights)
    lower(module, weights)
    found = run_module(module, inputs, weights, numerics="rounded")
    assert_close(found[0], expected[0], 2.0**-11 + 1e-5)


@pytest.mark.parametrize("name", ["dense", "conv", "grouped conv"])
def test_a_dot_takes_fp16_and_accumulates_in_fp32(name: str) -> None:
    dots = [op for func in lower(*make(name, HALF)) for op in func.body.walk() if isinstance(op, kernel.DotOp)]
    assert dots
    for dot in dots:
        assert [tile_of(value).element_type for value in dot.operands] == [f16, f16, f32]


@pytest.mark.parametrize("name", ["dense", "depthwise conv", "softmax", "global pool"])
def test_nothing_is_computed_in_fp16(name: str) -> None:
    for func in lower(*make(name, HALF)):
        for op in func.body.walk():
            if isinstance(op, kernel.MapOp | kernel.ReduceOp):
                assert f16 not in [tile_of(value).element_type for value in op.operands]
