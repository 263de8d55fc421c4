"""Places that the model knows: a gather of all places in their order moves nothing.

    %i = graph.get_weight @places -> tensor<1x4x2xi64>      [[0, 0], [0, 1], [0, 2], [0, 3]]
    %0 = graph.gather_nd %x, %i -> tensor<1x4xf32>                          ->     %0 = graph.reshape %x

So leaves a mask that is broadcast by indices. The bytes of the weight are looked at where the context has them, up to
`LARGEST` of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.interp.numerics import Array
from neuralc.dialects.types import Shape, shape_of
from neuralc.dialects.weights import WeightStore
from neuralc.passes.driver import RewritePattern, Rewriter

LARGEST = 1 << 20
"""Places up to which they are looked at."""


@dataclass(frozen=True)
class GatherOfAll(RewritePattern[graph.GatherOp | graph.GatherNdOp]):
    """A gather of all slices, or of all values, in their order is a reshape."""

    weights: WeightStore | None
    op_types = (graph.GatherOp, graph.GatherNdOp)

    def rewrite(self, op: graph.GatherOp | graph.GatherNdOp, rewriter: Rewriter) -> None:
        places, shape = self._places(op.indices), shape_of(op.x.type)
        if places is None or not all(isinstance(size, int) for size in shape):
            return
        expected = _all_slices(op, shape) if isinstance(op, graph.GatherOp) else _all_places(op, shape)
        if expected is not None and places.size == expected.size and (places.reshape(-1) == expected.reshape(-1)).all():
            rewriter.replace(op, graph.ReshapeOp.of(op.x, result=op.result.type))

    def _places(self, indices: SSAValue) -> Array | None:
        read = indices.owner
        if self.weights is None or not isinstance(read, graph.GetWeightOp) or read.weight_name not in self.weights:
            return None
        array = self.weights[read.weight_name]
        return array if array.size <= LARGEST else None


def _all_slices(op: graph.GatherOp, shape: Shape) -> Array | None:
    """0, 1, 2, .. along the axis, where that is the only dim of the slices' numbers that is not 1."""
    size = shape[normalize_axis(op.literal("axis"), len(shape))]
    return np.arange(size) if isinstance(size, int) else None


def _all_places(op: graph.GatherNdOp, shape: Shape) -> Array | None:
    """[0, 0], [0, 1], .. of the dims that the vectors index."""
    *_, length = shape_of(op.indices.type)
    sizes = [size for size in shape[: int(str(length))] if isinstance(size, int)]
    if op.literal("batch_dims") or len(sizes) != length or np.prod(sizes) > LARGEST:
        return None
    return np.stack(np.unravel_index(np.arange(int(np.prod(sizes))), sizes), axis=-1)
