"""Graph ops as layers put them together from others: reshapes, products by a number, positions, norms of steps."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import i64
from xdsl.ir import Attribute, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim
from neuralc.dialects.types import DimAttr, DimsAttr, ShapeError, element_of, is_float, shape_of, tensor_type
from neuralc.frontends.nr.site import Site
from neuralc.frontends.sizes import Size


def same(site: Site, what: str, lhs: Size, rhs: Size) -> None:
    """Makes two sizes one; `what` completes the message "... differ: 3 and 4". Raises ShapeError."""
    try:
        site.equal(lhs, rhs)
    except ShapeError:
        raise ShapeError(f"{what} differ: {lhs} and {rhs}") from None


def reshape(site: Site, x: SSAValue, shape: Sequence[Size], suffix: str = "") -> SSAValue:
    """The same values under another shape; the value itself where it has that shape."""
    result = tensor_type(shape, element_of(x.type))
    return x if x.type == result else site.add(graph.ReshapeOp.of(x, result=result), suffix)


def expand(site: Site, x: SSAValue, shape: Sequence[Size], suffix: str = "") -> SSAValue:
    """Repeated along dims of size 1; the value itself where it has that shape."""
    result = tensor_type(shape, element_of(x.type))
    return x if x.type == result else site.add(graph.ExpandOp.of(x, result=result), suffix)


def part(site: Site, x: SSAValue, axis: int, start: Size, count: Size, step: int = 1, suffix: str = "") -> SSAValue:
    """Every `step`-th place along an axis, `count` of them from `start` on."""
    shape = list(shape_of(x.type))
    starts, steps = [as_dim(0)] * len(shape), [1] * len(shape)
    starts[axis], steps[axis], shape[axis] = as_dim(start), step, count
    result = tensor_type(shape, element_of(x.type))
    return site.add(graph.SliceOp.of(x, starts=DimsAttr(tuple(starts)), steps=tuple(steps), result=result), suffix)


def cast(site: Site, x: SSAValue, element: Attribute, suffix: str = "") -> SSAValue:
    """As another element type; the value itself where it has that type."""
    result = tensor_type(shape_of(x.type), element)
    return x if x.type == result else site.add(graph.CastOp.of(x, result=result), suffix)


def number(site: Site, value: float, like: SSAValue | Attribute, suffix: str = "") -> SSAValue:
    """A constant of rank 0, of the element type of `like`."""
    element = element_of(like.type) if isinstance(like, SSAValue) else like
    value = float(value) if is_float(element) else int(value)
    return site.add(graph.ConstantOp.of(result=tensor_type((), element), value=value), suffix)


def size_of(site: Site, size: Size, like: SSAValue, suffix: str = "size") -> SSAValue:
    """A size as a number of the element type of `like`."""
    dim = as_dim(size)
    if dim.is_static:
        return number(site, float(dim.value), like, suffix)
    return cast(site, site.add(graph.SizeOp.of(dim=DimAttr(dim)), suffix), element_of(like.type), suffix)


def scaled(site: Site, x: SSAValue, factor: float, suffix: str = "scale") -> SSAValue:
    """Times a number."""
    return site.add(graph.MulOp.of(x, number(site, factor, x, suffix)), suffix)


def einsum(site: Site, spec: str, *xs: SSAValue, suffix: str = "") -> SSAValue:
    return site.add(graph.EinsumOp.of(*xs, spec=spec), suffix)


def total(site: Site, x: SSAValue, axes: Sequence[int], *, keepdims: bool = False, suffix: str = "") -> SSAValue:
    """The sum over axes."""
    return site.add(graph.ReduceOp.of(x, kind="sum", axes=tuple(axes), keepdims=keepdims), suffix)


def positions(site: Site, count: Size, axis: int = 0, rank: int = 1, suffix: str = "positions") -> SSAValue:
    """0, 1, 2, .. as i64 along one axis of `rank`; the others have size 1."""
    steps = site.add(graph.IotaOp.of(result=tensor_type((count,), i64)), suffix)
    return reshape(site, steps, [count if i == axis else 1 for i in range(rank)], suffix)


def layer_norm(site: Site, x: SSAValue, epsilon: float) -> SSAValue:
    """LayerNormalization over the last axis, with its weights at `site`."""
    return site.layer("", "LayerNormalization", x, epsilon=epsilon)


def dropout(site: Site, x: SSAValue, rate: float, seed: int | None = None) -> SSAValue:
    """The value with a fraction of it dropped in training."""
    return x if rate == 0.0 else site.layer("dropout", "Dropout", x, rate=rate, seed=seed)
