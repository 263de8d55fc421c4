"""Values along time: the batch and the steps in the place of each other, steps in reverse order, parts, dropout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from xdsl.dialects.builtin import i1
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.types import DimsAttr, element_of, shape_of, tensor_type
from neuralc.frontends.nr.layers.shared import known
from neuralc.frontends.nr.site import Site
from neuralc.frontends.sizes import Size


def swapped(site: Site, x: SSAValue, suffix: str = "") -> SSAValue:
    """The batch and the steps in the place of each other."""
    return site.add(graph.TransposeOp.of(x, perm=(1, 0, *range(2, len(shape_of(x.type))))), suffix)


def flipped(site: Site, x: SSAValue) -> SSAValue:
    """The steps, dim 0, in reverse order."""
    shape = shape_of(x.type)
    starts = DimsAttr((as_dim(shape[0]) - 1, *(as_dim(0) for _ in shape[1:])))
    return site.add(graph.SliceOp.of(x, starts=starts, steps=(-1, *(1 for _ in shape[1:])), result=x.type))


def slice_of(site: Site, x: SSAValue, axis: int, start: Size, size: int) -> SSAValue:
    """`size` places along an axis."""
    shape = list(shape_of(x.type))
    starts = [as_dim(start if index == axis else 0) for index in range(len(shape))]
    shape[axis] = size
    result = tensor_type(shape, element_of(x.type))
    return site.add(graph.SliceOp.of(x, starts=DimsAttr(tuple(starts)), steps=(1,) * len(shape), result=result))


def leading(site: Site, condition: SSAValue, x: SSAValue) -> SSAValue:
    """A condition of the leading dims of x, ready to broadcast to it."""
    shape, rank = shape_of(condition.type), len(shape_of(x.type))
    if len(shape) == rank:
        return condition
    return site.add(graph.ReshapeOp.of(condition, result=tensor_type((*shape, *(1,) * (rank - len(shape))), i1)))


def parts(site: Site, x: SSAValue, count: int, axis: int) -> Sequence[SSAValue]:
    """Equal parts of a known axis."""
    axis = normalize_axis(axis, len(shape_of(x.type)))
    size = known(shape_of(x.type)[axis], "an axis") // count
    return [slice_of(site, x, axis, index * size, size) for index in range(count)]


def dropped(site: Site, x: SSAValue, rate: float, shared: Sequence[int], seed: Mapping[str, Any]) -> SSAValue:
    """x of which training drops a fraction, the same places along the axes `shared`."""
    return site.add(graph.DropoutOp.of(x, rate=rate, shared=tuple(shared), **seed), "dropout") if rate else x
