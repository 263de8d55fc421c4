"""A round of a contraction's innermost loop takes several steps of k where its tile is small; none is left out."""

from __future__ import annotations

import numpy as np
import pytest
from support.tensor_programs import check

from neuralc.passes.lower.cpu.tile_choice import ROUND_PRODUCTS, steps_a_round


@pytest.mark.parametrize(
    ("rows", "vectors", "steps"),
    [(4, 2, 4), (4, 3, 2), (6, 2, 2), (2, 3, 4), (2, 1, 16), (6, 4, 1), (14, 2, 1)],
)
def test_small_tiles_take_more_steps(rows: int, vectors: int, steps: int) -> None:
    assert steps_a_round(rows, vectors) == steps
    assert rows * vectors * steps >= ROUND_PRODUCTS


@pytest.mark.parametrize("depth", [17, 18, 19, 33, 47, 64])
@pytest.mark.parametrize("rows", [2, 3, 8, 11])
def test_steps_that_fill_no_round_are_added(rows: int, depth: int) -> None:
    rng = np.random.default_rng(depth)
    operands, result = [f"tensor<{rows}x{depth}xf32>", f"tensor<{depth}x40xf32>"], f"tensor<{rows}x40xf32>"
    body = f"""%y = tensor.contract "mk,kn->mn" %x0, %x1 {{precision = "ieee"}} -> {result}"""
    run = [rng.standard_normal(shape).astype(np.float32) for shape in ((rows, depth), (depth, 40))]
    check(body, operands, result, run, levels=(2,))
