"""Windows are read along the loop where a picture has its neighbours, whichever loop its result has them along."""

from __future__ import annotations

import numpy as np
import pytest
from support.tensor_programs import check, lower, program

from neuralc.dialects import kernel
from neuralc.dialects.kernel.types import TileType
from neuralc.dialects.weights import WeightStore
from neuralc.passes.parsing import parse_module
from neuralc.passes.target import Target


def pooling(batch: int, size: int, channels: int, kind: str, *, last: bool) -> tuple[str, str, str]:
    """The body of a 2x2 pooling of a picture that lies channels last, its operand and its result, either way."""
    half = size // 2
    picture = f"tensor<{batch}x{size}x{size}x{channels}xf32>"
    first = f"tensor<{batch}x{channels}x{size}x{size}xf32>"
    sizes = "{sizes = [2, 2], strides = [2, 2], dilations = [1, 1], dims = [DIMS]}"
    if last:
        windows, result = f"tensor<{batch}x{half}x{half}x2x2x{channels}xf32>", f"{batch}x{half}x{half}x{channels}"
        view, dims, reduced = "", sizes.replace("DIMS", "1, 2"), "3, 4"
        value = "%x0"
    else:
        windows, result = f"tensor<{batch}x{channels}x{half}x{half}x2x2xf32>", f"{batch}x{channels}x{half}x{half}"
        view = f"%t = tensor.transpose %x0 {{perm = [0, 3, 1, 2]}} -> {first}"
        dims, reduced, value = sizes.replace("DIMS", "2, 3"), "4, 5", "%t"
    body = f"""{view}
  %w = tensor.window {value} {dims} -> {windows}
  %y = tensor.reduce {kind} %w {{dims = [{reduced}]}} -> tensor<{result}xf32>"""
    return body, picture, f"tensor<{result}xf32>"


@pytest.mark.parametrize("kind", ["maximum", "add"])
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize(("batch", "size", "channels"), [(1, 14, 32), (3, 6, 5), (2, 16, 33), (1, 34, 3)])
def test_all_orders_find_the_same(batch: int, size: int, channels: int, kind: str, last: bool) -> None:
    body, operand, result = pooling(batch, size, channels, kind, last=last)
    x = np.random.default_rng(size).standard_normal((batch, size, size, channels)).astype(np.float32)
    check(body, [operand], result, [x], levels=(0, 2))


@pytest.mark.parametrize("last", [False, True])
def test_vectors_are_loaded_whole(last: bool) -> None:
    body, operand, result = pooling(1, 14, 32, "maximum", last=last)
    module = lower(parse_module(program(body, [operand], result)), 2, WeightStore(), Target.host())
    loads = [op.result.type for op in module.walk() if isinstance(op, kernel.LoadOp)]
    assert loads
    assert all(isinstance(tile, TileType) and tile.lanes > 1 for tile in loads)
