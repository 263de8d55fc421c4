"""Rows as many as a symbol says: full tiles, then smaller ones down to a row, whatever the number."""

from __future__ import annotations

import numpy as np
import pytest
from support.tensor_programs import check

from neuralc.passes.lower.cpu.tile_choice import choose_tile, ladder, last_tile, line_gain

ROWS = "?x{}xf32, #graph.dims<rows>"
COUNTS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 17, 31)


def product(columns: int, depth: int) -> None:
    rng = np.random.default_rng(columns + depth)
    operands = [f"tensor<{ROWS.format(depth)}>", f"tensor<{depth}x{columns}xf32>", f"tensor<{columns}xf32>"]
    result = f"tensor<{ROWS.format(columns)}>"
    body = f"""%p = tensor.contract "mk,kn->mn" %x0, %x1 {{precision = "ieee"}} -> {result}
    %y = tensor.map "mn,n->mn" %p, %x2 -> {result} {{
    ^bb0(%a: f32, %b: f32):
      %s = tensor.scalar add %a, %b -> f32
      tensor.yield %s
    }}"""
    shared = [rng.standard_normal(shape).astype(np.float32) for shape in ((depth, columns), (columns,))]
    runs = [[rng.standard_normal((count, depth)).astype(np.float32), *shared] for count in COUNTS]
    check(body, operands, result, runs, symbols=["rows"], levels=(2,))


def test_every_number_of_rows() -> None:
    product(40, 37)


@pytest.mark.thorough
@pytest.mark.parametrize("columns", [1, 10, 16, 17, 48, 64, 96, 130])
def test_every_number_of_rows_and_columns(columns: int) -> None:
    for depth in (1, 5, 64):
        product(columns, depth)


@pytest.mark.parametrize(("rows", "columns"), [(1, 20), (3, 88), (13, 104), (200, 88), (97, 100), (130, 10)])
def test_the_last_panel_has_the_columns_that_are_left(rows: int, columns: int) -> None:
    rng = np.random.default_rng(columns)
    operands, result = [f"tensor<{rows}x16xf32>", f"tensor<16x{columns}xf32>"], f"tensor<{rows}x{columns}xf32>"
    body = f"""%y = tensor.contract "mk,kn->mn" %x0, %x1 {{precision = "ieee"}} -> {result}"""
    run = [rng.standard_normal(shape).astype(np.float32) for shape in ((rows, 16), (16, columns))]
    check(body, operands, result, run, levels=(2,))


@pytest.mark.parametrize(("size", "stride", "channels"), [(3, 1, 1), (3, 2, 3), (5, 1, 2), (1, 1, 7), (7, 2, 3)])
def test_tiles_within_a_line_of_pixels(size: int, stride: int, channels: int) -> None:
    rng = np.random.default_rng(size)
    rows, columns = 5 * stride + size, 19 * stride + size
    windows = f"tensor<6x20x{size}x{size}x{channels}xf32>"
    body = f"""%w = tensor.window %x0 {{dims = [0, 1], sizes = [{size}, {size}], strides = [{stride}, {stride}],
      dilations = [1, 1]}} -> {windows}
    %y = tensor.contract "hwijc,ijco->hwo" %w, %x1 {{precision = "ieee"}} -> tensor<6x20x12xf32>"""
    shapes = ((rows, columns, channels), (size, size, channels, 12))
    run = [rng.standard_normal(shape).astype(np.float32) for shape in shapes]
    check(
        body, [f"tensor<{'x'.join(map(str, shape))}xf32>" for shape in shapes], "tensor<6x20x12xf32>", run, levels=(2,)
    )


def test_addresses_count_where_few_products_follow() -> None:
    merged, line = choose_tile(24 * 96, 8, 8, 16), choose_tile(96, 8, 8, 16)
    assert line_gain(merged, line, 27) > 1.1
    assert line_gain(merged, line, 576) == 0.0


def test_tiles_of_columns_that_are_left_are_narrow_and_high() -> None:
    tile = choose_tile(192, 104, 8, 16)
    last = last_tile(tile, 104, 192, 16)
    assert (tile.rows, tile.columns) == (4, 24)
    assert (last.rows, last.columns) == (14, 8)


def test_the_ladder_ends_with_a_row() -> None:
    assert [ladder(height) for height in (1, 4, 6, 8, 14)] == [[1], [4, 2, 1], [6, 3, 1], [8, 4, 2, 1], [14, 7, 3, 1]]


@pytest.mark.parametrize("columns", [16, 64, 256, 384, 1000])
def test_rows_at_run_time_get_tiles_whose_ladder_fits_small_batches(columns: int) -> None:
    tile = choose_tile(None, columns, 16, 32)
    assert tile.rows in (4, 8)
    assert tile.registers <= 32
