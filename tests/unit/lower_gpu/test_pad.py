"""Padding on a GPU: one launch, whatever is padded and whoever writes the inside."""

from __future__ import annotations

import numpy as np
import pytest
from support.compare import assert_close
from support.gpu_models import SM_80
from support.graph_modules import Array

from neuralc.dialects import kernel
from neuralc.dialects.dims import Dim
from neuralc.dialects.interp import run_module
from neuralc.dialects.interp.kernel_host import run_host
from neuralc.dialects.weights import WeightStore
from neuralc.passes.base import PassContext
from neuralc.passes.lower.gpu.pad import _largest
from neuralc.passes.manager import run_pipeline
from neuralc.passes.parsing import parse_module
from neuralc.passes.registry import parse_pipeline

BATCH = "#graph.dims<batch>"
LOWER = "tensor-fuse-groups,tensor-to-kernel,kernel-canonicalize,kernel-plan-memory,kernel-verify-target"


def model(before: str, after: str, low: list[int], high: list[int], *, made: bool) -> str:
    """A padded value behind which a map stands; `made`: the value is not an input but that of a map."""
    letters = "abcd"[: len(low)]

    def double(result: str, x: str, type_: str) -> str:
        return f"""{result} = tensor.map "{letters}->{letters}" {x} -> tensor<{type_}> {{
          ^bb0(%v: f32):
            %s = tensor.scalar add %v, %v -> f32
            tensor.yield %s
          }}"""

    source = "%h" if made else "%x"
    return f"""
      graph.dim @batch from 1
      graph.model @m(%x: tensor<{before}>) -> (tensor<{after}>) inputs ["x"] outputs ["y"] {{
        {double("%h", "%x", before) if made else ""}
        %p = tensor.pad {source} {{low = {low}, high = {high}, value = 3.0}} -> tensor<{after}>
        {double("%y", "%p", after)}
        graph.return %y
      }}"""


CASES = {
    "a row": ("4xf32", "7xf32", [1], [2], (4,)),
    "a long row": ("5000xf32", "5003xf32", [3], [0], (5000,)),
    "the batch": (f"?x5xf32, {BATCH}", "?x5xf32, #graph.dims<batch + 2>", [1, 0], [1, 0], (7, 5)),
    "behind rows": (f"?x5xf32, {BATCH}", f"?x8xf32, {BATCH}", [0, 0], [0, 3], (7, 5)),
    "a picture": (f"?x5x6x4xf32, {BATCH}", f"?x7x9x4xf32, {BATCH}", [0, 1, 2, 0], [0, 1, 1, 0], (7, 5, 6, 4)),
    "one side": (f"?x5x6x4xf32, {BATCH}", f"?x6x6x4xf32, {BATCH}", [0, 1, 0, 0], [0, 0, 0, 0], (7, 5, 6, 4)),
    "a picture of one row": (
        f"?x1x1x1xf32, {BATCH}",
        f"?x3x3x1xf32, {BATCH}",
        [0, 1, 1, 0],
        [0, 1, 1, 0],
        (7, 1, 1, 1),
    ),
    "channels first": (f"?x2x5x6xf32, {BATCH}", f"?x2x7x7xf32, {BATCH}", [0, 0, 1, 1], [0, 0, 1, 0], (7, 2, 5, 6)),
    "a symbolic height": (
        "?x?x6x1xf32, #graph.dims<batch, batch>",
        "?x?x8x1xf32, #graph.dims<batch, batch + 2>",
        [0, 1, 1, 0],
        [0, 1, 1, 0],
        (3, 3, 6, 1),
    ),
    "a symbolic height of one": (
        "?x?x6x1xf32, #graph.dims<batch, batch>",
        "?x?x8x1xf32, #graph.dims<batch, batch + 2>",
        [0, 1, 1, 0],
        [0, 1, 1, 0],
        (1, 1, 6, 1),
    ),
}


@pytest.mark.parametrize("made", [False, True], ids=["of an input", "of a made value"])
@pytest.mark.parametrize("name", CASES)
def test_padding(name: str, made: bool) -> None:
    before, after, low, high, shape = CASES[name]
    module = parse_module(model(before, after, low, high, made=made), "test.mlir")
    x: Array = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    expected = run_module(module, [x], WeightStore())
    run_pipeline(module, parse_pipeline(LOWER), PassContext(target=SM_80), verify_each=True)
    assert_close(run_host(module, [x], WeightStore(), check_races=True)[0], expected[0], 1e-9)
    launches = [op for op in module.walk() if isinstance(op, kernel.LaunchOp)]
    assert len(launches) == (3 if made else 2)


def test_the_largest_part_of_a_border_decides_the_grid() -> None:
    batch, height = Dim.symbol("batch"), Dim.symbol("H")
    assert _largest([batch * 3, batch * 9, batch * 4]) == batch * 9
    assert _largest([batch * 3, batch * height]) == (batch * 3).max(batch * height)
