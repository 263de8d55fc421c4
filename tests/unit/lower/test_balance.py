"""Programs of a launch have about the same to do, and a launch that takes long enough has several."""

from __future__ import annotations

import re

import numpy as np
import pytest
from support.tensor_programs import check, kernels

from neuralc.dialects.kernel.builder import KernelBuilder
from neuralc.dialects.tensor.winograd import ALGORITHMS
from neuralc.passes.lower.cpu.contract import rows_of_chunk
from neuralc.passes.lower.cpu.winograd_plan import choose_plan
from neuralc.passes.target import Target


def programs(text: str) -> int:
    found = re.search(r"grid \((\d+)\)", text)
    assert found is not None
    return int(found[1])


@pytest.mark.parametrize(("rows", "chunks"), [(197, 4), (103, 2), (577, 8), (1001, 12), (12, 2), (13, 2)])
def test_chunks_of_rows_are_whole_tiles_and_differ_by_one(rows: int, chunks: int) -> None:
    b = KernelBuilder("any", [], [])
    bounds = [rows_of_chunk(b, number, chunks, rows, 6) for number in range(chunks)]
    known = [(start, end) for start, end in bounds if isinstance(start, int) and isinstance(end, int)]
    assert [row for start, end in known for row in range(start, end)] == list(range(rows))
    tiles = [-(-(end - start) // 6) for start, end in known]
    assert max(tiles) - min(tiles) <= 1


@pytest.mark.parametrize(("rows", "columns"), [(197, 48), (103, 16), (26, 16), (131, 40)])
def test_products_whose_rows_are_cut(rows: int, columns: int) -> None:
    types = [f"tensor<{rows}x24xf32>", f"tensor<24x{columns}xf32>"]
    result = f"tensor<{rows}x{columns}xf32>"
    body = f'%y = tensor.contract "mk,kn->mn" %x0, %x1 {{precision = "ieee"}} -> {result}'
    rng = np.random.default_rng(rows)
    inputs = [rng.standard_normal(shape).astype(np.float32) for shape in ((rows, 24), (24, columns))]
    check(body, types, result, inputs, levels=(2,))
    assert programs(kernels(body, types, result)) > 1


@pytest.mark.parametrize(("function", "count"), [("exp", 4), ("neg", 1)])
def test_rows_whose_elements_take_long_are_programs_of_their_own(function: str, count: int) -> None:
    type_ = "tensor<4x300xf32>"
    body = f"""%y = tensor.map "a,b->ab" %x0, %x1 -> {type_} {{
    ^bb0(%a: f32, %b: f32):
      %s = tensor.scalar add %a, %b -> f32
      %t = tensor.scalar {function} %s -> f32
      tensor.yield %t
    }}"""
    types = ["tensor<4xf32>", "tensor<300xf32>"]
    rng = np.random.default_rng(3)
    check(body, types, type_, [rng.standard_normal(size).astype(np.float32) for size in (4, 300)], levels=(2,))
    assert programs(kernels(body, types, type_)) == count


@pytest.mark.parametrize("tiles", [196, 392, 784, 1000])
def test_blocks_of_tiles_come_in_even_numbers(tiles: int) -> None:
    target = Target.cpu("x86-64-v3")
    plan = choose_plan(ALGORITHMS[2], tiles, 16, 16, target.lanes, target)
    assert plan.blocks == 1 or plan.blocks % 2 == 0
