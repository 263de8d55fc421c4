"""From the rows of a plan to placements: what of the weights of the model each parameter of the code is.

Row("lstm.weight_ih_l0", "lstm.kernel", axes=(1, 0), gates=(0, 2, 3, 1))
lstm.weight_ih_l0 = onnx::LSTM_119[0, blocks 0 2 3 1], where that is what `lstm.kernel` is declared as
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neuralc.dialects.graph import WeightOp
from neuralc.dialects.types import element_of, is_float, numpy_dtype, shape_of
from neuralc.emit.placements import Part, Placement, Type
from neuralc.emit.python.plan import Row
from neuralc.emit.weight_sources import Piece, Sizes, Source, pieces_of


def placed(row: Row, weight: WeightOp, floats: Type | None = None) -> Placement | None:
    """The parameter of a row; None for one that no places of weights are. `floats` is the type of all floats."""
    pieces = pieces_of(weight) or ()
    own = row
    if row.row is not None and len(pieces) > 1:
        pieces = tuple(replace(piece, row=None) for piece in pieces if piece.row == row.row)
        own = replace(row, row=None)
    found = [_part(own, piece) for piece in pieces]
    parts = tuple(part for part in found if part is not None)
    if not parts or len(parts) < len(found):
        return None
    element = element_of(weight.type)
    dtype = floats if floats is not None and is_float(element) else np.dtype(numpy_dtype(element))
    return Placement(row.parameter, _shape(row, weight), dtype, parts, are_rows=pieces[0].row is not None)


def _shape(row: Row, weight: WeightOp) -> Sizes:
    sizes = tuple(int(str(size)) for size in shape_of(weight.type))
    if row.row is not None:
        sizes = sizes[1:]
    return row.shape or tuple(sizes[axis] for axis in row.axes)


def _part(row: Row, piece: Piece) -> Part | None:
    source: Source | None = piece.source
    axes = row.axes
    if row.row is not None:
        source = piece.source.row(row.row)
    if piece.row is not None:
        if axes[0] != 0 or row.gates:
            return None
        axes = tuple(axis - 1 for axis in axes[1:])
    source = source and source.in_blocks(axes[0], row.gates) if axes else source
    return None if source is None else Part(source.key, source.shape, source.places, source.reordered(axes))
