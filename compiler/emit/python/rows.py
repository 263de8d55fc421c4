"""What of a weights file each parameter is: the rows that tables of emitted files are written from.

    Row("lstm.bias_ih_l0", "onnx::LSTM_119", places=(0, Blocks((0, 2, 3, 1), 5)))
    lstm.bias_ih_l0 = stored["onnx::LSTM_119"][0, blocks(0, 2, 3, 1, size=5)]

A parameter that is put together from several weights has a row for each: the weights are its rows, or are added.
"""

from __future__ import annotations

from dataclasses import replace

from neuralc.dialects.graph import WeightOp
from neuralc.emit.python.places import Place, numbers_of, places_of
from neuralc.emit.python.plan import Row
from neuralc.emit.weight_sources import Piece, Source, pieces_of


def rows_in_file(row: Row, weight: WeightOp) -> list[Row]:
    """The rows of a parameter; none for one that no places of weights in the file are."""
    pieces = pieces_of(weight) or ()
    if row.row is not None and len(pieces) > 1:
        pieces = tuple(replace(piece, row=None) for piece in pieces if piece.row == row.row)
        row = replace(row, row=None)
    found = [_row_in_file(row, piece) for piece in pieces]
    return [each for each in found if each is not None] if all(found) else []


def _row_in_file(row: Row, piece: Piece) -> Row | None:
    source: Source | None = piece.source
    axes = row.axes
    if row.row is not None:
        source = piece.source.row(row.row)
    if piece.row is not None:
        if axes[0] != 0 or row.gates or row.shape:
            return None
        axes = tuple(axis - 1 for axis in axes[1:])
    source = source and source.in_blocks(axes[0], row.gates) if axes else source
    places = () if source is None else places_of(source)
    if source is None or places is None:
        return None
    order, shape = source.reordered(axes)
    shape = row.shape or shape
    return Row(row.parameter, source.key, order, shape, places=places, stored=source.shape, into=piece.row)


def overlap(one: Row, other: Row) -> bool:
    """Whether two rows of one weight may read a place in common."""
    return all(
        a is None or b is None or not numbers_of(a).isdisjoint(numbers_of(b))
        for a, b in zip(_padded(one, other), _padded(other, one), strict=True)
    )


def _padded(row: Row, other: Row) -> list[Place]:
    count = max(len(row.places), len(other.places))
    return [*row.places, *[None] * (count - len(row.places))]
