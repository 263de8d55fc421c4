"""examples/kernels/flash_attention_cpu.mlir computes attention, also for lengths that do not fit its tiles."""

from pathlib import Path

import numpy as np
import pytest

from neuralc.dialects.weights import WeightStore
from neuralc.emit.llvm.in_process import load_native
from neuralc.emit.llvm.products import generate
from neuralc.passes.base import PassContext
from neuralc.passes.parsing import parse_module
from neuralc.passes.registry import parse_pipeline
from neuralc.passes.target import Target
from neuralc.passes.verifier import verify_module
from neuralc.runtime.model import Model

EXAMPLE = Path(__file__).parents[3] / "examples" / "kernels" / "flash_attention_cpu.mlir"


@pytest.fixture(scope="module")
def attention() -> Model:
    module = parse_module(EXAMPLE.read_text(), EXAMPLE.name)
    context = PassContext(target=Target.host())
    for each in parse_pipeline("kernel-expand-math"):
        each.run_in(module, context)
    verify_module(module)
    return load_native(generate(module, WeightStore(), Target.host()))


@pytest.mark.parametrize(("heads", "length"), [(1, 1), (2, 6), (1, 16), (3, 37), (2, 128), (1, 131), (2, 300)])
def test_the_example_agrees_with_the_definition(attention: Model, heads: int, length: int) -> None:
    rng = np.random.default_rng(length)
    q, k, v = (rng.standard_normal((heads, length, 64)).astype(np.float32) for _ in range(3))
    scores = q.astype(np.float64) @ k.transpose(0, 2, 1) / 8
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    expected = powers @ v / powers.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(attention(q, k, v), expected, rtol=0, atol=5e-6)
