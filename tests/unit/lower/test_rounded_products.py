"""A product that the passes over a row share is rounded: each pass has to see the number that the others see.

Softmax subtracts the largest x * c of a row from each x * c. Where the sum takes the product before it is rounded, the
largest one minus itself is not zero but what rounding cut off: of large numbers that is hundreds, and exp overflows.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from support.compare import Array
from support.graph_modules import GraphModule, tensor
from support.pipelines import compile_native, passes_of
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue

from neuralc.dialects import graph, kernel
from neuralc.dialects.interp import run_module
from neuralc.passes.base import PassContext
from neuralc.passes.target import Target

ROWS = 64
LENGTHS = (12, 100, "S")
"""A row in registers, one in several tiles, one whose length only the run knows."""


def scaled(x: SSAValue, c: SSAValue) -> SSAValue:
    return graph.MulOp.of(x, c).result


def negated(x: SSAValue, c: SSAValue) -> SSAValue:
    return graph.NegOp.of(graph.MulOp.of(x, c).result).result


def softmax(length: int | str, logits: Callable[[SSAValue, SSAValue], SSAValue]) -> ModuleOp:
    inputs = {"x": tensor(ROWS, length), "c": tensor(length)}
    return GraphModule().model(inputs, lambda x, c: graph.SoftmaxOp.of(logits(x, c)).result)


def large_logits(length: int | str) -> dict[str, Array]:
    """Products of some 1e10, whose neighbours are 1024 apart."""
    rng, size = np.random.default_rng(1), 100 if length == "S" else int(length)
    x, c = rng.uniform(1, 2, (ROWS, size)), rng.uniform(1, 2, size) * 1e10
    return {"x": x.astype(np.float32), "c": c.astype(np.float32)}


def products(module: ModuleOp) -> list[kernel.MapOp]:
    """Those of the kernels that a module becomes."""
    for each in passes_of(1):
        each.run_in(module, PassContext(target=Target.cpu("haswell")))
        if each.name == "tensor-to-kernel":
            break
    return [op for op in module.walk() if isinstance(op, kernel.MapOp) and op.literal("fn") == "mul"]


each_row = pytest.mark.parametrize("length", LENGTHS)
each_form = pytest.mark.parametrize("logits", [scaled, negated])


@each_form
@each_row
def test_products_that_passes_share_are_rounded(length: int | str, logits: Callable[..., SSAValue]) -> None:
    found = products(softmax(length, logits))
    assert found
    assert all(op.literal("rounded") for op in found)


def test_a_product_that_one_sum_takes_may_fuse_with_it() -> None:
    inputs = {"x": tensor(ROWS, 100), "c": tensor(100)}
    found = products(GraphModule().model(inputs, lambda x, c: graph.AddOp.of(scaled(x, c), c).result))
    assert found
    assert not any(op.literal("rounded") for op in found)


@pytest.mark.parametrize("opt", [0, 1, 2])
@each_form
@each_row
def test_softmax_of_large_logits_is_one_at_the_largest(
    length: int | str, logits: Callable[..., SSAValue], opt: int
) -> None:
    module, inputs = softmax(length, logits), large_logits(length)
    (expected,) = run_module(module, inputs, {}, numerics="rounded")
    assert (expected.max(axis=1) == 1.0).all()
    model = compile_native(module, {}, opt, Target.host())
    np.testing.assert_array_equal(model(**inputs), expected)
