"""Axes of a tile: one loop for operands without gaps, index tiles for the others, masks only where they are needed."""

from __future__ import annotations

import pytest
from xdsl.dialects.builtin import f32

from neuralc.dialects import kernel
from neuralc.dialects.dims import Dim
from neuralc.dialects.kernel import RefType
from neuralc.dialects.kernel.builder import KernelBuilder
from neuralc.passes.lower.gpu.axes import Axis, fit, join, power_of_two, split_word
from neuralc.passes.lower.nest import Nest, Operand
from neuralc.passes.lower.tiles import Place

BATCH = Dim.symbol("batch")
DENSE = RefType.of([BATCH, 8, 6], f32)
PADDED = RefType.of([BATCH, 8, 6], f32, [100, 10, 1])


def nest_of(out: RefType, *inputs: tuple[str, RefType]) -> Nest:
    operands = tuple(Operand(f"x{i}", word, ref) for i, (word, ref) in enumerate(inputs))
    return Nest("test", {"n": BATCH, "h": 8, "w": 6}, operands, Operand("out", "nhw", out), ())


def places(nest: Nest, axis: Axis) -> tuple[dict[str, Place], list[str]]:
    """The places of a tile, and the functions that were applied to make them."""
    b = KernelBuilder("test", nest.dims, [(operand.name, operand.ref) for operand in nest.operands])
    found = axis.places(b, nest, b.mul(b.program_id(), axis.extent), 0)
    func = b.finish(1)
    return found, [op.literal("fn") for op in func.body.walk() if isinstance(op, kernel.MapOp)]


def test_operands_without_gaps_see_one_loop() -> None:
    nest, axis = join(nest_of(DENSE, ("nhw", DENSE)), "nhw", 64)
    assert [operand.word for operand in nest.operands] == [axis.flat, axis.flat]
    assert nest.output.ref == RefType.of([BATCH * 48], f32)
    found, functions = places(nest, axis)
    assert (list(found), functions) == ([axis.flat], [])


def test_other_operands_are_walked_by_index_tiles() -> None:
    nest, axis = join(nest_of(DENSE, ("nhw", PADDED)), "nhw", 64)
    assert [operand.word for operand in nest.operands] == ["nhw", axis.flat]
    found, functions = places(nest, axis)
    assert list(found) == [axis.flat, "n", "h", "w"]
    assert functions == ["div", "div", "rem", "rem"]  # n = i / 48, h = i / 6 % 8, w = i % 6


def test_only_the_first_loop_is_masked() -> None:
    nest, axis = join(nest_of(DENSE, ("nhw", PADDED)), "nhw", 64)
    found, _ = places(nest, axis)
    assert {letter: place.masked for letter, place in found.items()} == {
        axis.flat: True,
        "n": True,
        "h": False,
        "w": False,
    }


@pytest.mark.parametrize(("extent", "masked"), [(16, False), (32, True)])
def test_nothing_is_masked_where_the_tile_divides_the_axis(extent: int, masked: bool) -> None:
    """batch * 48 is a multiple of 16 whatever the batch is."""
    _, axis = join(nest_of(DENSE), "nhw", extent, extent)
    assert axis.masked is masked


def test_a_loop_of_one_round_is_at_zero() -> None:
    nest = Nest("test", {"n": 5, "h": 1}, (), Operand("out", "nh", RefType.of([5, 1], f32, [7, 3])), ())
    nest, axis = join(nest, "nh", 8)
    found, _ = places(nest, axis)
    assert found["h"] == Place(0)


def test_the_extent_covers_a_short_axis() -> None:
    assert (fit(5, 64), fit(5, 64, 16), fit(500, 64), fit(BATCH, 64)) == (8, 16, 64, 64)
    assert [power_of_two(size) for size in (1, 2, 3, 64, 65)] == [1, 2, 4, 64, 128]


def test_the_last_axis_has_enough_neighbours() -> None:
    nest = nest_of(DENSE)
    assert split_word(nest, "nhw") == ("n", "hw")  # 6 are too few, 48 are enough
    assert split_word(nest, "hw") == ("", "hw")
