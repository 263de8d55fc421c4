"""What a convolution costs a core in its direct and in its Winograd form: the model that tensor-winograd decides by.

The unit is a multiply-add of one vector, of which a core starts one or two a cycle. The direct form has 9 for each
pixel of the result, channel and vector of outputs; the other one has `span`^2 for each tile instead, and beside them

    INPUT   for each point of a tile and vector of channels:  load it, transform it, store it
    OUTPUT  for each point of a tile and vector of outputs:   store the product, load it, transform it

Tiles that reach behind the picture or lie in two blocks are counted in full. Neither form is faster than its weights
come from memory: those of F(2, 3) are 16/9 as large, which counts where a picture has few pixels.
`python -m benchmarks.winograd` holds the model against measurements.
"""

from __future__ import annotations

from dataclasses import dataclass

from neuralc.passes.lower.cpu.tile_choice import choose_tile
from neuralc.passes.lower.cpu.winograd_plan import WinogradPlan
from neuralc.passes.target import Target

INPUT = {2: 3.0, 4: 5.0}
"""By the size of a tile, fitted to measurements with AVX-512 on a Zen 4."""
OUTPUT = {2: 6.0, 4: 9.0}
MEMORY = 8
"""Multiply-adds in which one vector comes from memory."""


@dataclass(frozen=True)
class Cost:
    """Both forms of one convolution, in multiply-adds of a vector."""

    direct: float
    winograd: float

    @property
    def gain(self) -> float:
        """How many times faster the Winograd form is."""
        return self.direct / self.winograd


def cost_of(plan: WinogradPlan, pixels: int, channels: int, outputs: int, target: Target) -> Cost:
    """The cost of a convolution with `pixels` places of the result."""
    lanes, points, size = plan.tile.lanes, plan.points, plan.algorithm.tile
    weight = channels * outputs / lanes
    direct = choose_tile(pixels, outputs, lanes, target.vector_registers)
    inputs, results = (-(-count // lanes) for count in (channels, outputs))
    products = points * weight / plan.tile.efficiency
    transforms = points * (INPUT[size] * plan.groups * inputs + OUTPUT[size] * results)
    return Cost(
        max(9 * pixels * weight / direct.efficiency, 9 * weight * MEMORY),
        max(plan.blocks * plan.block * (products + transforms), points * weight * MEMORY),
    )
