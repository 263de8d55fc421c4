"""How a Winograd convolution is cut for a core: tiles of a block, columns of a panel, programs.

A program transforms a block of tiles into scratch memory of its own, multiplies it with panels of the transformed
weight, and transforms the products back. What it keeps is

    V  [span, span, block, channels]     the transformed tiles
    M  [span, span, block, columns]      their products with one panel

and both have to stay in the second-level cache beside the panel, so their size gives the block. Blocks are equally
large; the last one is moved back to the end of the picture. Where there are few of them, each is shared by several
programs, which transform its tiles again and take a part of the panels. Where there is one and its weight is small, two
take its place, so that two threads have something to do (MNIST on two threads of a Zen 3: 27.4 -> 20.6 us).
"""

from __future__ import annotations

from dataclasses import dataclass

from neuralc.dialects import tensor
from neuralc.dialects.dims import Dim
from neuralc.dialects.tensor.winograd import Algorithm
from neuralc.dialects.types import element_of, shape_of
from neuralc.passes.lower.cpu.tile_choice import RegisterTile, choose_tile
from neuralc.passes.target import Target

MAX_BLOCK = 96
"""Tiles of a block, at most: enough to reuse a panel while it is in first-level cache."""
MAX_SCRATCH = 640 * 1024
"""Bytes of V and M together, at most: they lie on the stack of a thread. One tile of many channels may have more."""
PROGRAMS = 8
"""Programs that there should be, if it takes several for one block."""
FEW_TILES = 16
"""Tiles of which a half are still several rows of products."""
SHARED_COLUMNS = 128
"""Columns that a program of a shared block has at least: transforming a tile costs as much as three of them."""


@dataclass(frozen=True)
class WinogradPlan:
    """The cut of one convolution."""

    algorithm: Algorithm
    tile: RegisterTile
    """Rows and columns of the products that are in registers at a time."""
    block: int
    """Tiles of a block."""
    blocks: int
    """How many of them cover the tiles that the plan was made for."""
    groups: int
    """Programs that share a block: the parts that its panels are cut into."""
    pitch: int
    """Elements between two tiles of V: more than the channels, so that tiles do not share cache sets."""
    scratch: int
    """Bytes of V and M."""

    @property
    def points(self) -> int:
        """Products of a tile for one pair of channels."""
        return self.algorithm.span**2


def plan_of(op: tensor.WinogradOp, target: Target, panel: int | None = None) -> WinogradPlan:
    """The cut of an op; `panel` is the width of the panels, where its weight is packed.

    The number of pictures counts where it is known: a block may then go from one to the next.
    """
    batch, *sizes = shape_of(op.result.type)
    known = [size for size in (*sizes, shape_of(op.x.type)[3]) if isinstance(size, int)]
    if len(known) != 4:
        raise TypeError(f"a winograd convolution on a CPU gives pictures of a constant size, not {op.result.type}")
    height, width, outputs, channels = known
    tile = op.algorithm.tile
    tiles = (1 if isinstance(batch, Dim) else batch) * -(-height // tile) * -(-width // tile)
    lanes = target.lanes_of(element_of(op.result.type))
    vectors = None if panel is None else panel // lanes
    return choose_plan(op.algorithm, tiles, channels, outputs, lanes, target, vectors)


def choose_plan(
    algorithm: Algorithm,
    tiles: int,
    channels: int,
    outputs: int,
    lanes: int,
    target: Target,
    vectors: int | None = None,
) -> WinogradPlan:
    """The cut for `tiles` tiles; `vectors` fixes the width of a panel, where the weight is packed already."""
    pitch = -(-channels // lanes) * lanes + lanes
    widest = choose_tile(None, outputs, lanes, target.vector_registers, vectors, narrow=False)
    budget = min(MAX_SCRATCH, target.caches.l2 * 5 // 8)
    # Bytes of one element at every point of a tile.
    point = algorithm.span**2 * (target.vector_bytes // lanes)
    per_tile = point * (pitch + widest.columns)
    most = min(max(1, budget // per_tile), MAX_BLOCK, tiles)
    count = -(-tiles // most)
    if count == 1 and tiles >= FEW_TILES and outputs < 2 * SHARED_COLUMNS:
        # One program leaves a thread with nothing to do; two read a weight twice, which is small beside the products.
        count = 2 if point * channels * outputs <= target.caches.l2 // 4 else 1
    # Several blocks are an even number of them, so that two threads have the same to do.
    block = -(-tiles // (count + (count % 2 if count > 1 else 0)))
    tile = choose_tile(block, outputs, lanes, target.vector_registers, vectors, narrow=False)
    whole = -(-block // tile.rows) * tile.rows
    block = whole if whole <= most else block
    blocks = -(-tiles // block)
    panels = -(-outputs // tile.columns)
    fits = [n for n in range(1, panels + 1) if panels % n == 0 and panels // n * tile.columns >= SHARED_COLUMNS]
    groups = max((n for n in fits if n * blocks <= PROGRAMS), default=1)
    return WinogradPlan(algorithm, tile, block, blocks, groups, pitch, point * block * (pitch + tile.columns))
