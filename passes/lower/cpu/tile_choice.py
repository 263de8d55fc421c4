"""How large the register tile of a contraction is: a small model of a core, so that the choice has a reason.

A tile of m rows and v vectors does m * v multiply-adds per step of k from m broadcasts and v loads. With two
multiply-add pipes of latency 4 and two loads a cycle, a step takes

    max(m * v / 2,  (m + v) / 2,  4)  +  (m + v) / 20    cycles

(the last term: loads that miss the first-level cache now and then),
given that accumulators, one row of vectors and one broadcast fit the registers. Rows that do not divide the extent are
peeled into one smaller tile, columns that do not fill a vector are computed and not stored: both count as waste. So do
tiles that are narrower because they have the vectors that are left of the columns.

An extent that is known at run time only is walked by a ladder of tiles (8, 4, 2 and 1 rows), as many of each as fit,
and counts as each of a few sizes alike. With so few rows the vectors do not come from the first-level cache. Measured
on a Zen 4 core, against one tile that is moved back to the last row: a dense 784-256-128-10 network with 8 rows
takes 38 us, not 54, two LSTM layers of 128 units 2.0 ms, not 2.7.
"""

from __future__ import annotations

from dataclasses import dataclass

FMA_PIPES = 2
FMA_LATENCY = 4
LOADS_PER_CYCLE = 2

LOAD_PENALTY = 0.1

ROUND_PRODUCTS = 24
"""Multiply-adds of vectors beside which the instructions that close a round of a loop hardly count."""

STREAM_CYCLES = 1.5
"""Cycles in which the caches behind the first one deliver a vector."""
RUN_TIME_ROWS = (2, 4, 8, 16, 32, 64)
"""What an extent that is known at run time only counts as; a single row has a kernel of its own."""

WINDOW_REGISTERS = 4
"""Registers of a tile of windows beside its accumulators and as many values: the window's overhang and its weight."""
TWO_TILES = 1.03
"""What two kinds of tiles take of columns that one kind would take evenly: more code, and a change between them."""
ADDRESS_CYCLES = 3
"""Cycles that a row of a tile takes to find its place in a picture: two divisions and two addresses."""
FEW_ADDRESSES = 0.03
"""The share of a tile's time up to which addresses are no reason for smaller tiles."""
MAX_ROWS = 14
MAX_VECTORS = 8
SET_PERIOD = 4096
"""Bytes after which addresses fall into the same set of a first-level cache, as common ones are built."""
SAFE_ROWS = 6
"""Rows that a first-level cache of 8 ways holds beside the vectors where all rows lie in one set: at a distance that is
a multiple of the period, or known at run time only. A dense layer over 32 steps, 128 to 17, batch 8: 49 -> 18 us."""


@dataclass(frozen=True)
class RegisterTile:
    """`rows` x `vectors * lanes` accumulators; `efficiency` is the modelled share of peak."""

    rows: int
    vectors: int
    lanes: int
    efficiency: float

    @property
    def columns(self) -> int:
        return self.vectors * self.lanes

    @property
    def registers(self) -> int:
        return self.rows * self.vectors + self.vectors + 1

    def __str__(self) -> str:
        return f"{self.rows}x{self.columns}"


def step_cycles(rows: int, vectors: int) -> float:
    """Modelled cycles of one step of k."""
    loads = (rows + vectors) / LOADS_PER_CYCLE
    return max(rows * vectors / FMA_PIPES, loads, FMA_LATENCY) + LOAD_PENALTY * loads


def steps_a_round(rows: int, vectors: int) -> int:
    """How many steps of k a round of the innermost loop takes: few where a step has many multiply-adds by itself.

    A step of 4x16 is 14 instructions, and three more close the round. A core that has 17 to issue in 4 cycles keeps up;
    one that another thread of the same core takes turns with does not. A product of 8 x 128 x 512, Zen 3, alone and
    beside such a thread, in us:

        steps a round        1            2            4            8
        4 x 16          10.6  18.0   10.3  14.2   10.3  12.8   10.3  12.8
        4 x 24          10.5  13.8   10.4  12.5   10.4  12.3

    Networks beside such a thread, against one step a round: two LSTM layers of 128 units, batch 8, 3.8 -> 2.9 ms, a
    dense 784-256-128-10 network, batch 8, 75 -> 57 us, MobileNetV2 10.6 -> 9.7 ms.
    """
    return 1 << (-(-ROUND_PRODUCTS // (rows * vectors)) - 1).bit_length()


def line_gain(tile: RegisterTile, line: RegisterTile, steps: int) -> float:
    """How much faster tiles within one line of pixels are than those whose rows have addresses of their own.

    0 where a tile takes so many steps of k that its addresses hardly count.
    """
    addresses = ADDRESS_CYCLES * tile.rows / (steps * step_cycles(tile.rows, tile.vectors))
    return 0.0 if addresses < FEW_ADDRESSES else (1 + addresses) * line.efficiency / tile.efficiency


def ladder(height: int) -> list[int]:
    """The heights of row tiles for an extent that is known at run time only: each about half the one before."""
    return [height >> step for step in range(height.bit_length())]


def choose_tile(
    rows: int | None,
    columns: int,
    lanes: int,
    registers: int,
    vectors: int | None = None,
    most: int = MAX_ROWS,
    *,
    narrow: bool = True,
) -> RegisterTile:
    """The tile with the best modelled efficiency for an extent; `rows` is None where it is known at run time only.

    `vectors` fixes the width, where weights are packed in panels already. No tile has more than `most` rows. `narrow`
    says that vectors which full panels leave have a tile of their own, else they take as long as a full panel.
    """
    best = RegisterTile(1, vectors or 1, lanes, 0.0)
    needed = -(-columns // lanes)
    for count in range(1, MAX_VECTORS + 1) if vectors is None else (vectors,):
        if count > 1 and count - 1 >= needed:
            break
        panels, left = divmod(needed, count)
        shares = _shares(rows, count, lanes, registers, most)
        others = _shares(rows, left, lanes, registers, most) if narrow and left and panels else {}
        for height, share in shares.items():
            # In steps of k at the peak: each panel's, then those of the vectors that are left.
            taken = (panels + (left > 0 and not others)) * count / share
            if others:
                if height < min(count, rows or count):
                    continue  # wide and low, it wants vectors faster than a second-level cache has them
                taken += left / (others[height] if rows is None else max(others.values()))
                taken *= TWO_TILES
            efficiency = columns / lanes / taken
            # Equal efficiency: the larger tile reads each operand less often.
            if (efficiency, height * count) > (best.efficiency + 1e-9, 0) or (
                abs(efficiency - best.efficiency) <= 1e-9 and height * count > best.rows * best.vectors
            ):
                best = RegisterTile(height, count, lanes, efficiency)
    return best


def last_tile(tile: RegisterTile, columns: int, rows: int | None, registers: int, most: int = MAX_ROWS) -> RegisterTile:
    """The tile of the columns that full panels leave: with the vectors of these, and as many rows as are good then.

    It has as many rows as the others where the extent is known at run time only.
    """
    left = -(-(columns % tile.columns) // tile.lanes)
    if rows is None:
        return RegisterTile(tile.rows, left, tile.lanes, tile.efficiency)
    return choose_tile(rows, columns % tile.columns, tile.lanes, registers, left, most)


def _shares(rows: int | None, vectors: int, lanes: int, registers: int, most: int) -> dict[int, float]:
    """The modelled share of peak by the height of a tile, for the heights that fit the registers."""
    return {
        height: _unknown_rows(height, vectors) if rows is None else _rows(rows, height, vectors)
        for height in range(1, most + 1 if rows is None else min(most, rows) + 1)
        if RegisterTile(height, vectors, lanes, 0.0).registers <= registers
    }


def elementwise_tile(rows: int | None, lanes: int, registers: int, vectors: int = 1) -> RegisterTile:
    """The tile of a product element by element (depthwise convolution): tiles of about equal height.

    Two vectors wide where one is half a cache line, so that a line of the picture is used as a whole while it is near
    (Zen 3, 3x3 windows: 56x56x96 of stride 2 193 -> 147 us, 28x28x192 64 -> 51, 14x14x384 33 -> 24), else one.

    As high as it takes to keep the multiply-add pipes busy: what neighbouring rows share of their windows then stays in
    registers, beside the accumulators. Measured on a Zen 4 core, 3x3 windows, against tiles of 4 x 96 over merged rows
    of pixels: 28x28x192 41 -> 28 us, 56x56x144 125 -> 84, 14x14x576 31 -> 19, 14x14x200 12.4 -> 7.7.
    """
    most = max(1, min(FMA_PIPES * FMA_LATENCY, (registers - WINDOW_REGISTERS) // (2 * vectors)))
    tiles = -(-(rows or most) // most)
    height = -(-(rows or most) // tiles)
    return RegisterTile(height, vectors, lanes, min(1.0, height * vectors / (FMA_PIPES * FMA_LATENCY)))


def _rows(rows: int, height: int, vectors: int) -> float:
    """The share of peak over an extent: full tiles and one smaller tile."""
    full, rest = divmod(rows, height)
    cycles = full * step_cycles(height, vectors) + (step_cycles(rest, vectors) if rest else 0.0)
    return rows * vectors / FMA_PIPES / cycles


def _unknown_rows(height: int, vectors: int) -> float:
    """The share of peak, on average over the extents that a size known at run time counts as."""
    shares: list[float] = []
    for rows in RUN_TIME_ROWS:
        cycles, left = 0.0, rows
        for each in ladder(height):
            count, left = divmod(left, each)
            cycles += count * max(step_cycles(each, vectors), vectors * STREAM_CYCLES)
        shares.append(rows * vectors / FMA_PIPES / cycles)
    return sum(shares) / len(shares)
