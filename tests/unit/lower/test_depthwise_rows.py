"""Depthwise convolutions: tiles of neighbouring pixels, whatever the size of the picture."""

from __future__ import annotations

import numpy as np
import pytest
from support.tensor_programs import check

from neuralc.passes.lower.cpu.tile_choice import elementwise_tile


def depthwise(height: int, width: int, channels: int, size: int, stride: int) -> None:
    rng = np.random.default_rng(width)
    rows, columns = (height - size) // stride + 1, (width - size) // stride + 1
    windows = f"tensor<{rows}x{columns}x{size}x{size}x{channels}xf32>"
    result = f"tensor<{rows}x{columns}x{channels}xf32>"
    body = f"""%w = tensor.window %x0 {{dims = [0, 1], sizes = [{size}, {size}], strides = [{stride}, {stride}],
      dilations = [1, 1]}} -> {windows}
    %y = tensor.contract "hwijc,ijc->hwc" %w, %x1 {{precision = "ieee"}} -> {result}"""
    shapes = ((height, width, channels), (size, size, channels))
    run = [rng.standard_normal(shape).astype(np.float32) for shape in shapes]
    operands = [f"tensor<{'x'.join(map(str, shape))}xf32>" for shape in shapes]
    check(body, operands, result, run, levels=(2,))


@pytest.mark.parametrize(
    ("width", "channels", "size", "stride"), [(9, 16, 3, 1), (16, 24, 3, 1), (5, 3, 3, 1), (23, 17, 5, 2)]
)
def test_pictures_of_any_width(width: int, channels: int, size: int, stride: int) -> None:
    depthwise(7, width, channels, size, stride)


def padded(height: int, width: int, size: int, stride: int, around: int) -> None:
    """A depthwise convolution over a picture with zeros around it, which some kernels do not read."""
    rng = np.random.default_rng(height)
    rows, columns = ((n + 2 * around - size) // stride + 1 for n in (height, width))
    whole = f"tensor<1x{height + 2 * around}x{width + 2 * around}x12xf32>"
    windows, result = f"tensor<1x{rows}x{columns}x{size}x{size}x12xf32>", f"tensor<1x{rows}x{columns}x12xf32>"
    # A map makes the picture, so that it lies within the padding from the start.
    body = f"""%m = tensor.map "nhwc->nhwc" %x0 -> tensor<1x{height}x{width}x12xf32> {{
    ^bb0(%a: f32):
      %s = tensor.scalar exp %a -> f32
      tensor.yield %s
    }}
    %p = tensor.pad %m {{low = [0, {around}, {around}, 0], high = [0, {around}, {around}, 0], value = 0.0}} -> {whole}
    %w = tensor.window %p {{dims = [1, 2], sizes = [{size}, {size}], strides = [{stride}, {stride}],
      dilations = [1, 1]}} -> {windows}
    %y = tensor.contract "nhwijc,ijc->nhwc" %w, %x1 {{precision = "ieee"}} -> {result}"""
    shapes = ((1, height, width, 12), (size, size, 12))
    run = [rng.standard_normal(shape).astype(np.float32) for shape in shapes]
    operands = [f"tensor<{'x'.join(map(str, shape))}xf32>" for shape in shapes]
    check(body, operands, result, run, levels=(2,))


@pytest.mark.parametrize(
    ("height", "size", "stride", "around"),
    [(1, 5, 1, 2), (2, 5, 1, 2), (3, 5, 2, 2), (9, 5, 1, 2), (2, 5, 1, 7), (4, 7, 2, 3), (3, 3, 1, 1)],
)
def test_rows_of_zeros_add_nothing(height: int, size: int, stride: int, around: int) -> None:
    padded(height, 9, size, stride, around)


@pytest.mark.thorough
def test_pictures_of_every_width() -> None:
    for width in range(3, 40):
        depthwise(6, width, 20, 3, 1 + width % 2)


def test_tiles_are_about_as_high_as_each_other() -> None:
    heights = {rows: elementwise_tile(rows, 16, 32).rows for rows in (1, 7, 8, 9, 14, 28, 112)}
    assert heights == {1: 1, 7: 7, 8: 8, 9: 5, 14: 7, 28: 7, 112: 8}
    assert elementwise_tile(None, 8, 16).rows == 6
