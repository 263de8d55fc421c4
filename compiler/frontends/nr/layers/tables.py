"""Numbers of a model file as values: graph.constant holds one number, a table is put together from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TypeAlias

from xdsl.ir import Attribute, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import tensor_type
from neuralc.frontends.nr.site import Site

Table: TypeAlias = "float | tuple[Table, ...]"
"""A number, or tables of one shape."""


def shape_of_table(numbers: Table) -> tuple[int, ...]:
    return (len(numbers), *shape_of_table(numbers[0])) if isinstance(numbers, tuple) else ()


def table(site: Site, numbers: Table, element: Attribute, name: str) -> SSAValue:
    """The numbers as a value; graph-fold-constants makes one table of the ops that put it together."""
    shape, flat = shape_of_table(numbers), list(_flat(numbers))
    if len(set(flat)) == 1:
        return site.add(graph.ConstantOp.of(result=tensor_type(shape, element), value=flat[0]), name)
    runs = [(value, len(list(run))) for value, run in groupby(flat)]
    parts = [site.add(_run(value, count, element), name) for value, count in runs]
    row = site.add(graph.ConcatOp.of(*parts, axis=0), name)
    return row if len(shape) == 1 else site.add(graph.ReshapeOp.of(row, result=tensor_type(shape, element)), name)


def _run(value: float, count: int, element: Attribute) -> graph.ConstantOp:
    return graph.ConstantOp.of(result=tensor_type((count,), element), value=value)


def _flat(numbers: Table) -> Iterator[float]:
    if isinstance(numbers, Sequence):
        for part in numbers:
            yield from _flat(part)
    else:
        yield numbers
