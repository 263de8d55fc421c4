"""A constant matrix times a list of tiles: the transforms of Winograd's algorithms, with few instructions.

Factors of 1 are additions, those of 0 nothing at all. Sums that two rows share are made once: in B^T two neighbouring
rows are an even part plus and minus an odd one, in A^T two neighbouring columns meet as a sum or as a difference.
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import SSAValue

from neuralc.dialects.kernel.builder import KernelBuilder, tile_of
from neuralc.dialects.tensor.winograd import Matrix

Term = tuple[float, SSAValue]


def combine_rows(b: KernelBuilder, matrix: Matrix, values: Sequence[SSAValue]) -> list[SSAValue]:
    """B^T times the values: pairs of rows from their even and odd parts."""
    out = [total(b, list(zip(matrix[0], values, strict=True)))]
    for first, second in zip(matrix[1:-1:2], matrix[2:-1:2], strict=True):
        pairs = list(zip(first, second, values, strict=True))
        even = total(b, [(factor, value) for factor, other, value in pairs if factor == other])
        odd = total(b, [(factor, value) for factor, other, value in pairs if factor == -other])
        out += [b.map("add", even, odd), b.map("sub", even, odd)]
    return [*out, total(b, list(zip(matrix[-1], values, strict=True)))]


def combine_columns(b: KernelBuilder, matrix: Matrix, values: Sequence[SSAValue]) -> list[SSAValue]:
    """A^T times the values: sums and differences of pairs of columns, then the rows."""
    last = len(values) - 1
    pairs = [
        (i, b.map("add", values[i], values[i + 1]), b.map("sub", values[i], values[i + 1])) for i in range(1, last, 2)
    ]
    out = []
    for row in matrix:
        terms = [(row[i], sums if row[i] == row[i + 1] else differences) for i, sums, differences in pairs]
        out.append(total(b, [(row[0], values[0]), *terms, (row[last], values[last])]))
    return out


def total(b: KernelBuilder, terms: Sequence[Term]) -> SSAValue:
    """The sum of the terms whose factor is not 0."""
    terms = sorted((term for term in terms if term[0]), key=lambda term: term[0] != 1)
    (factor, acc), *rest = terms
    if factor != 1:
        acc = b.map("mul", acc, b.splat(float(factor), tile_of(acc)))
    for factor, value in rest:
        if factor in (1, -1):
            acc = b.map("add" if factor == 1 else "sub", acc, value)
        else:
            acc = b.map("fma", value, b.splat(float(factor), tile_of(value)), acc)
    return acc
