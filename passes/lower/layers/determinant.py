"""graph.det: elimination with row pivots, one column after the other (Golub and Van Loan, Matrix Computations, 3.4).

Step k finds the row of the largest element of column k, and leaves a matrix without that row and column; the product of
the pivots, with a sign for each exchange, is the determinant. Steps are written out: matrices are small.
"""

from __future__ import annotations

from xdsl.dialects.builtin import f32, i64
from xdsl.ir import Operation, SSAValue

from neuralc.dialects import graph, tensor
from neuralc.dialects.dims import Dim
from neuralc.dialects.tensor.subscripts import identity
from neuralc.dialects.types import element_bytes, element_of, shape_of
from neuralc.passes.lower.lowering import Conversion, Lowering, unsupported
from neuralc.passes.lower.scalar_functions import ScalarBuilder

LARGEST = 16
"""Rows of the largest matrix whose steps are written out."""


def _det(at: Lowering, op: graph.DetOp) -> SSAValue:
    *leading, size = shape_of(op.x.type)[:-1]
    if isinstance(size, Dim) or size > LARGEST:
        raise unsupported(op, f"a determinant of {size} rows is not compiled, of up to {LARGEST} it is")
    element = element_of(op.x.type)
    batch = identity(len(leading))
    wide = f32 if element_bytes(element) < 4 else element
    if size == 0:
        return at.emit(tensor.FillOp.of(result=op.result.type, value=1.0))
    rest, result = at.cast(op.x, wide), None
    while size > 1:
        pivot = _pivot_row(at, rest, batch, size)
        factor = _factor(at, rest, pivot, batch)
        result = (
            factor if result is None else at.binary("mul", result, factor, f"{batch},{batch}->{batch}", (*leading,))
        )
        rest, size = _eliminated(at, rest, pivot, batch, size), size - 1
    last = at.reshape(rest, leading)
    y = last if result is None else at.binary("mul", result, last, f"{batch},{batch}->{batch}", (*leading,))
    return at.cast(y, element)


def _pivot_row(at: Lowering, x: SSAValue, batch: str, size: int) -> SSAValue:
    """The row of the largest element of the first column."""

    def body(b: ScalarBuilder, whole: SSAValue) -> SSAValue:
        places = [b.position(letter, i64) for letter in batch]
        column = _zero(b)
        best = b.call("abs", b.at(whole, [*places, column, column]))
        row = column
        for i in range(1, size):
            number = b.number(i, column)
            value = b.call("abs", b.at(whole, [*places, number, column]))
            larger = b.call("gt", value, best)
            row, best = b.call("select", larger, number, row), b.call("maximum", value, best)
        return row

    return at.map(f"*->{batch}", [x], shape_of(x.type)[:-2], body)


def _zero(b: ScalarBuilder) -> SSAValue:
    """0 as an index."""
    return b.size(0, i64)


def _factor(at: Lowering, x: SSAValue, pivot: SSAValue, batch: str) -> SSAValue:
    """The pivot; negative where rows were exchanged for it."""

    def body(b: ScalarBuilder, whole: SSAValue, row: SSAValue) -> SSAValue:
        value = b.at(whole, [*(b.position(letter, i64) for letter in batch), row, _zero(b)])
        return b.call("select", b.call("eq", row, 0), value, b.call("neg", value))

    return at.map(f"*,{batch}->{batch}", [x, pivot], shape_of(x.type)[:-2], body)


def _eliminated(at: Lowering, x: SSAValue, pivot: SSAValue, batch: str, size: int) -> SSAValue:
    """The other rows, less their multiple of the pivot's row, without the first column."""

    def body(b: ScalarBuilder, whole: SSAValue, chosen: SSAValue) -> SSAValue:
        places = [b.position(letter, i64) for letter in batch]
        first = _zero(b)
        below, right = (b.call("add", b.position(letter, i64), 1) for letter in "yz")
        # The first row takes the place of the pivot's.
        row = b.call("select", b.call("eq", below, chosen), first, below)
        value, lead = b.at(whole, [*places, row, right]), b.at(whole, [*places, row, first])
        top, head = b.at(whole, [*places, chosen, right]), b.at(whole, [*places, chosen, first])
        multiple = b.call("mul", b.call("div", lead, head), top)
        # A column of zeros needs no elimination, and its pivot makes the determinant 0.
        return b.call("select", b.call("eq", head, 0.0), value, b.call("sub", value, multiple))

    shape = (*shape_of(x.type)[:-2], size - 1, size - 1)
    return at.map(f"*,{batch}->{batch}yz", [x, pivot], shape, body)


CONVERSIONS: dict[type[Operation], Conversion] = {
    graph.DetOp: _det,
}
