"""How Winograd convolutions are cut, and what the model of a core says about them."""

from __future__ import annotations

import pytest

from neuralc.dialects.tensor.winograd import ALGORITHMS
from neuralc.passes.lower.cpu.winograd_cost import Cost, cost_of
from neuralc.passes.lower.cpu.winograd_plan import MAX_SCRATCH, SHARED_COLUMNS, WinogradPlan, choose_plan
from neuralc.passes.target import Target

LAYERS = [(784, 64, 64), (196, 128, 128), (49, 256, 256), (16, 512, 512), (4096, 32, 32), (1, 16, 16), (12544, 3, 64)]
"""Tiles, channels, outputs."""
PROCESSORS = ("x86-64", "x86-64-v3", "x86-64-v4", "neoverse-n1")


def plan(tile: int, tiles: int, channels: int, outputs: int, mcpu: str = "x86-64-v4") -> WinogradPlan:
    target = Target.cpu(mcpu)
    return choose_plan(ALGORITHMS[tile], tiles, channels, outputs, target.lanes, target)


def cost(tile: int, size: int, channels: int, outputs: int) -> Cost:
    """Of a square picture, on AVX-512."""
    cut = plan(tile, (-(-size // tile)) ** 2, channels, outputs)
    return cost_of(cut, size * size, channels, outputs, Target.cpu("x86-64-v4"))


@pytest.mark.parametrize("mcpu", PROCESSORS)
@pytest.mark.parametrize("tile", ALGORITHMS)
@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_blocks_cover_the_tiles_and_fit_the_cache(layer: tuple[int, int, int], tile: int, mcpu: str) -> None:
    tiles, channels, outputs = layer
    target, cut = Target.cpu(mcpu), plan(tile, tiles, channels, outputs, mcpu)
    assert 1 <= cut.block <= tiles
    assert (cut.blocks - 1) * cut.block < tiles <= cut.blocks * cut.block
    assert cut.scratch == 4 * cut.points * cut.block * (cut.pitch + cut.tile.columns)
    assert cut.block == 1 or cut.scratch <= min(MAX_SCRATCH, target.caches.l2)
    assert cut.tile.registers <= target.vector_registers


def test_a_tile_of_many_channels_needs_more_than_a_stack_has() -> None:
    assert plan(4, 49, 8192, 16).scratch > MAX_SCRATCH


def test_few_blocks_are_shared_by_programs_with_enough_columns_each() -> None:
    cut = plan(2, 16, 512, 512)
    panels = 512 // cut.tile.columns
    assert cut.blocks * cut.groups > 1
    assert panels % cut.groups == 0
    assert panels // cut.groups * cut.tile.columns >= SHARED_COLUMNS
    assert plan(2, 784, 64, 64).groups == 1


def test_a_small_weight_is_read_by_two_programs_rather_than_one() -> None:
    assert plan(2, 49, 16, 32).blocks == 2
    assert plan(2, 49, 64, 64, "x86-64-v3").blocks * plan(2, 49, 64, 64, "x86-64-v3").groups == 1
    assert plan(2, 8, 16, 32).blocks == 1


def test_a_packed_weight_gives_the_width_of_panels() -> None:
    target = Target.cpu("x86-64-v4")
    assert choose_plan(ALGORITHMS[2], 49, 64, 64, 16, target, vectors=2).tile.columns == 32


def test_the_model_sees_what_gains() -> None:
    assert 1.9 < cost(2, 56, 64, 64).gain < 2.25
    assert 2.8 < cost(4, 56, 64, 64).gain < 4
    assert cost(2, 224, 3, 64).gain < 1  # three channels: transforms cost more than products
    assert cost(2, 1, 512, 512).gain < 1  # one pixel of a tile of four; the weight is 16/9 as large
    assert cost(2, 7, 512, 512).gain < cost(2, 8, 512, 512).gain  # 7x7 fills 8x8 tiles
