"""What is put together in pictures of large models, and what is left as it is."""

from collections.abc import Sequence

import pytest
from support.summaries import Made, chain, summary_of

from neuralc.inspection.blocks import Block, by_path, fold_branches, fold_chains, fold_evenly
from neuralc.inspection.folding import MOST, READABLE, blocks_of
from neuralc.inspection.repeats import fold_repeats
from neuralc.inspection.summary import Summary

RESIDUAL = 5
"""Layers of a block of `residual`."""


def residual(blocks: int, before: Sequence[str] = ("conv",)) -> list[Made]:
    """Blocks `conv relu conv add relu`, where add reads what the block was given."""
    layers = chain(*before)
    for _ in range(blocks):
        start = len(layers)
        layers += [("conv", [start]), ("relu", [start + 1]), ("conv", [start + 2])]
        layers += [("add", [start + 3, start]), ("relu", [start + 4])]
    return layers


def single(summary: Summary) -> list[Block]:
    return by_path(summary.layers, range(len(summary.layers)), 9)


def shown(blocks: Sequence[Block]) -> list[tuple[int, int, int]]:
    return [(block.start, block.stop, block.copies) for block in blocks]


# --- names -------------------------------------------------------------------------------------------------------
def test_neighbours_with_the_same_first_part_are_a_block() -> None:
    names = ["stem", "encoder.0/conv", "encoder.0/relu", "encoder.1/conv", "encoder.1/relu", "encoder.0/late"]
    summary = summary_of(chain("dense", "conv", "relu", "conv", "relu", "relu"), names=names)
    blocks = by_path(summary.layers, range(6), 1)
    assert [block.name for block in blocks] == ["stem", "encoder.0", "encoder.1", "encoder.0/late"]
    assert shown(blocks) == [(0, 1, 1), (1, 3, 1), (3, 5, 1), (5, 6, 1)]


def test_a_depth_decides_how_names_are_cut() -> None:
    names = ["a/b/c", "a/b/d", "a/e/f", "g/h/i"]
    summary = summary_of(chain(*["relu"] * 4), names=names)
    assert [block.name for block in blocks_of(summary, 1)] == ["a", "g/h/i"]
    assert [block.name for block in blocks_of(summary, 2)] == ["a/b", "a/e/f", "g/h/i"]
    assert [block.name for block in blocks_of(summary, 3)] == names


# --- chains ------------------------------------------------------------------------------------------------------
def test_light_layers_join_the_one_before_them() -> None:
    summary = summary_of(chain("conv", "relu", "relu", "dense", "relu"))
    assert shown(fold_chains(summary, single(summary))) == [(0, 3, 1), (3, 5, 1)]


def test_x_times_sigmoid_of_x_joins_as_a_whole() -> None:
    summary = summary_of([("conv", [0]), ("sigmoid", [1]), ("mul", [1, 2]), ("conv", [3])])
    assert shown(fold_chains(summary, single(summary))) == [(0, 3, 1), (3, 4, 1)]


def test_what_somebody_else_reads_too_is_not_hidden() -> None:
    """The first relu is read by both sides of a residual block."""
    summary = summary_of([("conv", [0]), ("relu", [1]), ("conv", [2]), ("add", [3, 2])])
    assert shown(fold_chains(summary, single(summary))) == [(0, 2, 1), (2, 3, 1), (3, 4, 1)]
    outside = summary_of([("conv", [0]), ("relu", [1])], outputs=[1, 2])
    assert shown(fold_chains(outside, single(outside))) == [(0, 1, 1), (1, 2, 1)]


# --- repetition --------------------------------------------------------------------------------------------------
def test_equal_blocks_in_a_row_are_one() -> None:
    summary = summary_of(residual(4))
    assert shown(fold_repeats(summary, single(summary))) == [(0, 1, 1), (1, 21, 4)]


def test_the_whole_chain_may_repeat() -> None:
    summary = summary_of(chain(*["dense", "relu"] * 500))
    (block,) = fold_repeats(summary, single(summary))
    assert shown([block]) == [(0, 1000, 500)]
    assert block.name == "dense_0 … dense_998"
    assert block.first == range(2)


def test_copies_begin_where_one_value_crosses() -> None:
    """`relu conv add relu conv` repeats as well, with two values at its beginning."""
    summary = summary_of(residual(3, before=("dense", "relu", "conv", "relu")))
    repeated = next(block for block in fold_repeats(summary, single(summary)) if block.copies > 1)
    assert summary.layers[repeated.start].operands == (repeated.start,)
    assert len(repeated.first) == RESIDUAL


@pytest.mark.parametrize(
    "layers",
    [
        [("conv", [0]), ("conv", [0]), ("conv", [0]), ("concat", [1, 2, 3])],
        [("conv", [0]), ("conv", [1]), ("conv", [2]), ("concat", [1, 2, 3])],
        [("conv", [0]), ("add", [1, 0]), ("conv", [2]), ("add", [3, 2]), ("conv", [4]), ("add", [5, 0])],
    ],
    ids=["side by side", "each read at the end", "the last one with another shortcut"],
)
def test_what_is_not_a_row_of_equal_blocks_stays(layers: list[Made]) -> None:
    summary = summary_of(layers)
    assert all(block.copies < 3 for block in fold_repeats(summary, single(summary)))


def test_a_value_that_all_copies_read_comes_from_outside() -> None:
    """A mask."""
    layers: list[Made] = [("sigmoid", [0]), ("dense", [0])]
    for block in range(3):
        layers += [("conv", [2 + 2 * block]), ("mul", [3 + 2 * block, 1])]
    summary = summary_of(layers)
    assert shown(fold_repeats(summary, single(summary))) == [(0, 1, 1), (1, 2, 1), (2, 8, 3)]


# --- other forms -------------------------------------------------------------------------------------------------
def test_branches_between_two_narrow_places_are_a_block() -> None:
    layers: list[Made] = [("conv", [0])]
    layers += [("conv", [1]), ("conv", [1]), ("concat", [2, 3]), ("dense", [4])]
    summary = summary_of(layers)
    assert shown(fold_branches(summary, single(summary), 1)) == [(0, 1, 1), (1, 4, 1), (4, 5, 1)]


def test_blocks_of_equal_length_where_nothing_else_helps() -> None:
    summary = summary_of(chain(*["conv"] * 10))
    assert shown(fold_evenly(single(summary), 4)) == [(0, 3, 1), (3, 6, 1), (6, 9, 1), (9, 10, 1)]


# --- all together ------------------------------------------------------------------------------------------------
def test_a_small_model_is_shown_as_it_is() -> None:
    summary = summary_of(residual(9))
    assert shown(blocks_of(summary)) == [(index, index + 1, 1) for index in range(46)]


def tangle(count: int) -> list[Made]:
    """Each layer reads the one before it and one far away: nothing here repeats or comes together."""
    return [("dense", [0]), *(("add", [index, index * index % (index + 1)]) for index in range(1, count))]


@pytest.mark.parametrize("layers", [residual(200), chain(*["conv", "relu"] * 300), tangle(700)])
def test_every_layer_is_in_one_block_and_there_are_few(layers: list[Made]) -> None:
    summary = summary_of(layers)
    blocks = blocks_of(summary)
    assert [index for block in blocks for index in block.layers] == list(range(len(layers)))
    assert len(blocks) <= (READABLE if layers[0][0] == "conv" else MOST)


def test_a_part_is_folded_by_what_its_own_names_tell_apart() -> None:
    """All of it is in `body`: that alone would be one block."""
    names = [f"body/block.{index // 10}/layer_{index}" for index in range(100)]
    summary = summary_of(chain(*["conv", "dense"] * 50), names=names)
    blocks = blocks_of(summary, layers=range(100))
    assert [block.name for block in blocks] == ["body/block.0 … 9"]
    assert blocks[0].copies == 10
