"""Convolution by Winograd's minimal filtering: fewer products, in the space of transformed tiles.

| op                     | meaning |
|------------------------|---------|
| tensor.winograd        | 3x3 convolution with stride 1 of [N, H, W, C], from weights that are transformed already |
| tensor.winograd_weight | [3, 3, C, O] -> [tile + 2, tile + 2, C, O]: G g G^T for every pair of channels |

    %u = tensor.winograd_weight %kernel {tile = 2} -> tensor<4x4x64x64xf32>
    %y = tensor.winograd %x, %u {tile = 2} -> tensor<1x56x56x64xf32>              %x : tensor<1x58x58x64xf32>

F(m, 3) in each of two directions makes m x m places of the result from (m + 2) x (m + 2) of the operand with
(m + 2)^2 products a pair of channels instead of 9 m^2: 16 for 36 with m = 2, 36 for 144 with m = 4.

    y = A^T [ sum over c of (G g G^T) * (B^T d B) ] A

Source of the algorithms and of the matrices: A. Lavin, S. Gray, "Fast Algorithms for Convolutional Neural Networks",
CVPR 2016, sections 4.1 and 4.3. Places of the last tiles that lie outside of the operand or of the result do not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from xdsl.dialects.builtin import IntegerAttr, TensorType
from xdsl.ir import Attribute
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def, traits_def
from xdsl.traits import Pure

from neuralc.dialects.dims import as_dim, simplest
from neuralc.dialects.syntax import PlainOp
from neuralc.dialects.tensor.subscripts import Subscripts
from neuralc.dialects.types import Shape, ShapeError, element_of, format_shape, is_float, shape_of, tensor_type

Matrix = tuple[tuple[float, ...], ...]

WINDOW = 3
"""The size of the window, in both directions."""


@dataclass(frozen=True)
class Algorithm:
    """F(tile, 3): the matrices of one direction."""

    tile: int
    input: Matrix
    """B^T, [tile + 2, tile + 2]."""
    weight: Matrix
    """G, [tile + 2, 3]."""
    output: Matrix
    """A^T, [tile, tile + 2]."""

    @property
    def span(self) -> int:
        """Places of the operand along one side of a tile."""
        return self.tile + WINDOW - 1


ALGORITHMS: dict[int, Algorithm] = {
    2: Algorithm(
        2,
        ((1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, 1, 0, -1)),
        ((1, 0, 0), (1 / 2, 1 / 2, 1 / 2), (1 / 2, -1 / 2, 1 / 2), (0, 0, 1)),
        ((1, 1, 1, 0), (0, 1, -1, -1)),
    ),
    4: Algorithm(
        4,
        (
            (4, 0, -5, 0, 1, 0),
            (0, -4, -4, 1, 1, 0),
            (0, 4, -4, -1, 1, 0),
            (0, -2, -1, 2, 1, 0),
            (0, 2, -1, -2, 1, 0),
            (0, 4, 0, -5, 0, 1),
        ),
        (
            (1 / 4, 0, 0),
            (-1 / 6, -1 / 6, -1 / 6),
            (-1 / 6, 1 / 6, -1 / 6),
            (1 / 24, 1 / 12, 1 / 6),
            (1 / 24, -1 / 12, 1 / 6),
            (0, 0, 1),
        ),
        ((1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0), (0, 1, -1, 8, -8, 1)),
    ),
}
"""By the size of the tile that they make. Rows of B^T and columns of A^T after the first come in pairs, one for each
sign of a point of interpolation: the even or the odd ones of their entries are equal, the others opposite."""


def algorithm_of(tile: int) -> Algorithm:
    """Raises ShapeError for a tile that no algorithm of the table makes."""
    if tile not in ALGORITHMS:
        raise ShapeError(f"a tile is of {' or '.join(map(str, ALGORITHMS))} places, not {tile}")
    return ALGORITHMS[tile]


@irdl_op_definition
class WinogradOp(PlainOp):
    """The convolution of x [N, H, W, C] with u [tile + 2, tile + 2, C, O]: [N, H - 2, W - 2, O]."""

    name = "tensor.winograd"
    x = operand_def(TensorType)
    u = operand_def(TensorType)
    tile = prop_def(IntegerAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())

    @property
    def algorithm(self) -> Algorithm:
        return ALGORITHMS[self.literal("tile")]

    @property
    def subscripts(self) -> Subscripts:
        """The loops of the operands and of the result. Pixels of both differ in number: h and w are loops of their
        own, y and x places that tiles cover."""
        return Subscripts(("nyxc", "ijco"), "nhwo")

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        span, (x, u) = algorithm_of(properties["tile"]).span, (shape_of(type_) for type_ in types)
        _expect(len(x) == 4, "x is [N, H, W, C]", x)
        _expect(len(u) == 4 and u[:2] == (span, span) and u[2] == x[3], f"u is [{span}, {span}, {x[3]}, O]", u)
        element = element_of(types[0])
        if element_of(types[1]) != element or not is_float(element):
            raise ShapeError(f"winograd of {element} and {element_of(types[1])}")
        pixels = [simplest(as_dim(size) - (WINDOW - 1)) for size in x[1:3]]
        if any(isinstance(size, int) and size < 1 for size in pixels):
            raise ShapeError(f"a window of {WINDOW} does not fit into {format_shape(x)}")
        return tensor_type([x[0], *pixels, u[3]], element)


@irdl_op_definition
class WinogradWeightOp(PlainOp):
    """G g G^T of every 3x3 window of g [3, 3, C, O]."""

    name = "tensor.winograd_weight"
    weight = operand_def(TensorType)
    tile = prop_def(IntegerAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        span, shape = algorithm_of(properties["tile"]).span, shape_of(types[0])
        _expect(len(shape) == 4 and shape[:2] == (WINDOW, WINDOW), "the weight is [3, 3, C, O]", shape)
        if not is_float(element_of(types[0])):
            raise ShapeError(f"a transformed weight is of floats, not {element_of(types[0])}")
        return tensor_type([span, span, *shape[2:]], element_of(types[0]))


def _expect(fits: bool, wanted: str, found: Shape) -> None:
    if not fits:
        raise ShapeError(f"{wanted}, got {format_shape(found)}")
