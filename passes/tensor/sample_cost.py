"""What layers cost a core over a whole batch and over one sample at a time: the model tensor-split-batch decides by.

A layer takes the longer of its products and of the way of its weights, which are read ahead of them, and beside that
the way of its values. Bytes come from the smallest cache that holds what has been touched since they were there last:
of values, a layer's own, for they are what the layer before made; of weights, those of all layers that a sample passes.
What is written behind the caches of a core is fetched first.

Figures are cycles of a core and bytes in a cycle. They were fitted to models at batch 8, as a whole and sample by
sample, on an AMD EPYC (Zen 3) where measurements differ by a tenth from run to run. Time of the one by time of the
other, modelled / measured: MobileNetV2 0.88 / 0.80, ResNet-50 0.95 / 0.92, ResNet-18 0.99 / 1.01, GPT-2 1.17 / 1.21,
digits 1.28 / 1.31.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xdsl.ir import Operation, SSAValue

from neuralc.dialects import tensor
from neuralc.dialects.types import element_bytes, element_of, shape_of
from neuralc.passes.lower.cpu.tile_choice import FMA_PIPES, choose_tile
from neuralc.passes.target import Target
from neuralc.passes.tensor.samples import Sampled, sampled_inside

BYTES_PER_CYCLE = (48.0, 28.0, 14.0, 6.0)
"""From the caches of level 1, 2, 3 and from memory."""

OWN_CACHES = 2
"""How many levels a core has to itself."""

SHARE = 4
"""The part of the last cache that a core may count on: others use it too, of other processes or virtual machines."""

EXPOSED = 0.1
"""How much of the shorter of products and the way of weights is not hidden behind the longer."""

LAUNCH = 150.0
"""Cycles of one more call of a kernel."""

WAIT = 400.0
"""Cycles that threads need to meet, behind a layer that they share or around a run of layers."""

UNEVEN = 0.03
"""The part of a layer for which threads that share it wait, since their parts of it are not equal."""

MAP_CYCLES = 2.0
"""Of a vector, in an elementwise op."""


@dataclass(frozen=True)
class Products:
    """A contraction of one sample: rows and columns of its result, and multiply-adds for each place of it."""

    rows: int
    columns: int
    depth: int

    def cycles(self, samples: int, target: Target) -> float:
        """For so many samples together: the last tile of rows is a smaller part then."""
        rows = self.rows * samples
        tile = choose_tile(rows, self.columns, target.lanes, target.vector_registers)
        return rows * self.columns * self.depth / (target.lanes * FMA_PIPES * max(tile.efficiency, 0.05))


@dataclass(frozen=True)
class Layer:
    """A kernel, a padding or a concatenation: its bytes and vectors for one sample, those of weights for all."""

    reads: Mapping[SSAValue, int]
    """The bytes that it reads of values with samples."""
    writes: int
    weights: int
    products: Sequence[Products]
    vectors: float
    """Vectors that maps and reductions go over."""
    moves: bool = False
    """Its result is usually written in place by what makes its operands."""

    def cycles(self, samples: int, target: Target) -> float:
        """To compute so many samples together, from values that are there."""
        return sum(each.cycles(samples, target) for each in self.products) + samples * self.vectors * MAP_CYCLES


def layer_of(op: Operation, sampled: Sampled, target: Target) -> Layer:
    """What an op costs that keeps samples apart."""
    reads = {value: _bytes(value, 1) for value in op.operands if value in sampled}
    writes = sum(_bytes(value, 1) for value in op.results)
    if not isinstance(op, tensor.GroupOp):
        return Layer(reads, writes, 0, (), 0.0, moves=True)
    # A window names the same bytes several times.
    reads = {value: _bytes(value.owner.x if isinstance(value.owner, tensor.WindowOp) else value, 1) for value in reads}
    inside = sampled_inside(op, sampled)
    weights = sum(_bytes(value, 0) for value in op.args if value not in sampled)
    products = [_products(each) for each in op.block.ops if isinstance(each, tensor.ContractOp | tensor.WinogradOp)]
    others = [
        each.x if isinstance(each, tensor.ReduceOp) else each.result
        for each in op.block.ops
        if isinstance(each, tensor.MapOp | tensor.ReduceOp)
    ]
    vectors = sum(_elements(value, 1 if value in inside else 0) for value in others) / max(1, target.lanes)
    return Layer(reads, writes, weights, products, vectors)


def _products(op: tensor.ContractOp | tensor.WinogradOp) -> Products:
    result = [int(str(size)) for size in shape_of(op.result.type)[1:]]
    if isinstance(op, tensor.WinogradOp):
        algorithm = op.algorithm
        depth = algorithm.span**2 * int(str(shape_of(op.x.type)[3])) // algorithm.tile**2
    else:
        sizes = op.subscripts.sizes([shape_of(op.lhs.type), shape_of(op.rhs.type)])
        depth = math.prod(int(str(sizes[letter])) for letter in op.subscripts.reduced)
    return Products(math.prod(result[:-1]), result[-1] if result else 1, depth)


def _elements(value: SSAValue, first: int) -> int:
    """The elements of a value, of its dims from `first` on."""
    return math.prod(int(str(size)) for size in shape_of(value.type)[first:])


def _bytes(value: SSAValue, first: int) -> int:
    return _elements(value, first) * element_bytes(element_of(value.type))


@dataclass(frozen=True)
class Speeds:
    """Where bytes come from, on one of the cores of a target."""

    target: Target

    @property
    def threads(self) -> int:
        """As many as may share the work, and the last cache."""
        return max(1, self.target.threads)

    def shared(self, cycles: float) -> float:
        """The cycles of a layer whose programs threads share."""
        return cycles * (1 + UNEVEN) + WAIT if self.threads > 1 else cycles

    def alone(self, cycles: float) -> float:
        """The cycles of a run of layers whose samples threads share."""
        return cycles + 2 * WAIT if self.threads > 1 else cycles

    def level(self, touched: float) -> int:
        """The smallest cache of which half holds what has been touched meanwhile; memory behind them."""
        caches = self.target.caches
        sizes = (caches.l1, caches.l2, caches.l3 // max(SHARE, self.threads))
        return next((level for level, size in enumerate(sizes) if touched <= size / 2), len(sizes))

    def read(self, bytes_: float, level: int) -> float:
        """Cycles to read bytes from a level."""
        return bytes_ / BYTES_PER_CYCLE[level]

    def write(self, bytes_: float, level: int) -> float:
        """Cycles to write bytes to a level."""
        return self.read(bytes_ if level < OWN_CACHES else 2 * bytes_, level)


def together(products: float, weights: float) -> float:
    """Cycles of products and of the way of their weights at the same time."""
    return max(products, weights) + EXPOSED * min(products, weights)
