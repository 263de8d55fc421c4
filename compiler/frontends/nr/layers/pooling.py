"""Pooling over windows, over bins and over everything, of one to three spatial axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from xdsl.dialects.builtin import i64
from xdsl.ir import Attribute, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import Dim, as_dim, simplest
from neuralc.dialects.scalar import identity
from neuralc.dialects.types import AnyTensor, DimAttr, element_of, shape_of, tensor_type
from neuralc.frontends.nr.layers.images import Image, Padded, Window, empty, over, padded
from neuralc.frontends.nr.layers.shared import Lowering
from neuralc.frontends.nr.site import Site
from neuralc.frontends.sizes import Size
from neuralc.grammar.binding import Bound

Pool: TypeAlias = Callable[[Site, Bound, Image], SSAValue]

_REDUCTIONS = {"Max": "maximum", "Average": "mean"}
_POOLS = {"Max": graph.MaxPoolOp, "Average": graph.AveragePoolOp}


# --- windows ---------------------------------------------------------------------------------------------------------
def _pooling(kind: str) -> Pool:
    def lower(site: Site, arguments: Bound, x: Image) -> SSAValue:
        size = arguments["pool_size"]
        window = Window(size, arguments["strides"] or size, (1,) * x.rank)
        nothing = empty(site, x, window, arguments["padding"], x.channels)
        if nothing is not None:
            return nothing
        outside = identity("maximum", element_of(x.value.type)) if kind == "Max" else 0.0
        around = padded(site, x, window, arguments["padding"], outside)
        result = _pooled(site, kind, around, window)
        if kind == "Max" or around.image is x:
            return result
        # Zeros were put around the value: they do not count, nor do they around ones.
        ones = graph.ConstantOp.of(result=_one_channel(x), value=1.0)
        counted = padded(site, x.with_value(site.add(ones, "ones")), window, arguments["padding"])
        return site.add(graph.DivOp.of(result, _pooled(site, kind, counted, window, "counts")))

    return lower


def _pooled(site: Site, kind: str, over: Padded, window: Window, suffix: str = "") -> SSAValue:
    op = _POOLS[kind].of(
        over.image.value,
        window=window.shape,
        strides=window.strides,
        pads=over.pads,
        data_format=over.image.data_format,
    )
    return site.add(op, suffix)


def _one_channel(x: Image) -> AnyTensor:
    shape = list(x.resized(x.sizes, 1))
    return tensor_type([1, *shape[1:]], element_of(x.value.type))


# --- everything ------------------------------------------------------------------------------------------------------
def _global_pooling(kind: str) -> Pool:
    def lower(site: Site, arguments: Bound, x: Image) -> SSAValue:
        mask = site.mask(x.value) if (kind, x.rank) == ("Average", 1) else None
        if mask is not None:
            return _masked_mean(site, arguments, x, mask)
        op = graph.ReduceOp.of(x.value, kind=_REDUCTIONS[kind], axes=x.axes, keepdims=arguments["keepdims"])
        return site.add(op)

    return lower


def _masked_mean(site: Site, arguments: Bound, x: Image, mask: SSAValue) -> SSAValue:
    """The mean over the steps that count."""
    element = element_of(x.value.type)
    wide = site.add(graph.ReshapeOp.of(mask, result=tensor_type(x.resized(x.sizes, 1), element_of(mask.type))), "mask")
    zero = site.add(graph.ConstantOp.of(result=tensor_type((), element), value=0.0), "zero")
    flags = site.add(graph.CastOp.of(wide, result=tensor_type(shape_of(wide.type), element)), "flags")
    totals = [
        site.add(graph.ReduceOp.of(value, kind="sum", axes=x.axes, keepdims=arguments["keepdims"]), name)
        for name, value in (
            ("total", site.add(graph.WhereOp.of(wide, x.value, zero), "counted")),
            ("count", flags),
        )
    ]
    return site.add(graph.DivOp.of(*totals))


# --- bins ------------------------------------------------------------------------------------------------------------
def _adaptive_pooling(kind: str) -> Pool:
    def lower(site: Site, arguments: Bound, x: Image) -> SSAValue:
        counts: tuple[int, ...] = arguments["output_size"]
        if all(isinstance(size, int) and size % count == 0 for size, count in zip(x.sizes, counts, strict=True)):
            size = tuple(int(str(size)) // count for size, count in zip(x.sizes, counts, strict=True))
            return _pooled(site, kind, Padded(x, (0,) * (2 * x.rank)), Window(size, size, (1,) * x.rank))
        for axis, count in zip(x.axes, counts, strict=True):
            x = x.with_value(_bins(site, kind, x.value, axis, count))
        return x.value

    return lower


def _bins(site: Site, kind: str, x: SSAValue, axis: int, count: int) -> SSAValue:
    """The largest value or the mean of each of `count` bins along one axis."""
    shape = shape_of(x.type)
    size = shape[axis]
    if not (as_dim(size) % count).terms:
        # All bins have one length.
        length = simplest(as_dim(size) // count)
        split = tensor_type((*shape[:axis], count, length, *shape[axis + 1 :]), element_of(x.type))
        value = site.add(graph.ReshapeOp.of(x, result=split), "bins")
        return site.add(graph.ReduceOp.of(value, kind=_REDUCTIONS[kind], axes=(axis + 1,)))
    bins = _Bins(site, size, count)
    places = site.add(graph.GatherOp.of(x, bins.places(), axis=axis), "bins")
    if kind == "Max":
        return site.add(graph.ReduceOp.of(places, kind="maximum", axes=(axis + 1,)))
    behind = (1,) * (len(shape) - axis - 1)
    weights = bins.weights(element_of(x.type), behind)
    weighted = site.add(graph.MulOp.of(places, weights), "weighted")
    return site.add(graph.ReduceOp.of(weighted, kind="sum", axes=(axis + 1,)))


class _Bins:
    """The bins of PyTorch's AdaptiveAvgPool2d: bin i of n covers floor(i * size / n) to ceil((i + 1) * size / n).

    They are of different lengths; a table has a row for each, as long as the longest, that repeats its last place.
    """

    def __init__(self, site: Site, size: Size, count: int) -> None:
        self._site, self._count = site, count
        row = self._iota(count)
        bins = site.add(graph.ReshapeOp.of(row, result=tensor_type((count, 1), i64)), "bin")
        extent, parts, one = self._number(size, "size"), self._number(count, "count"), self._number(1, "one")
        self._start = self._op(graph.DivOp, self._op(graph.MulOp, bins, extent), parts, "start")
        behind = self._op(graph.MulOp, self._op(graph.AddOp, bins, one), extent)
        rounded = self._op(graph.AddOp, behind, self._number(count - 1))
        self._end = self._op(graph.DivOp, rounded, parts, "end")
        self._last = self._op(graph.SubOp, self._end, one, "last")
        self._member = self._iota(_longest(size, count))

    def places(self) -> SSAValue:
        """[count, longest]: the place of each member of each bin."""
        return self._op(graph.MinimumOp, self._op(graph.AddOp, self._start, self._member), self._last, "places")

    def weights(self, element: Attribute, behind: tuple[int, ...]) -> SSAValue:
        """[count, longest, 1..]: one part in the length of the bin, 0 for what is repeated."""
        site = self._site
        length = self._op(graph.SubOp, self._end, self._start, "length")
        inside = self._op(graph.LessOp, self._member, length, "inside")
        shape = shape_of(inside.type)
        flags = site.add(graph.CastOp.of(inside, result=tensor_type(shape, element)), "inside")
        lengths = site.add(graph.CastOp.of(length, result=tensor_type((self._count, 1), element)), "length")
        weights = site.add(graph.DivOp.of(flags, lengths), "weights")
        return site.add(graph.ReshapeOp.of(weights, result=tensor_type((*shape, *behind), element)), "weights")

    def _op(
        self, op: type[graph.BinaryOp] | type[graph.CompareOp], lhs: SSAValue, rhs: SSAValue, name: str = "bins"
    ) -> SSAValue:
        return self._site.add(op.of(lhs, rhs), name)

    def _iota(self, length: Size) -> SSAValue:
        return self._site.add(graph.IotaOp.of(result=tensor_type((length,), i64)), "member")

    def _number(self, size: Size, name: str = "number") -> SSAValue:
        if isinstance(size, Dim):
            return self._site.add(graph.SizeOp.of(dim=DimAttr(size)), name)
        return self._site.add(graph.ConstantOp.of(result=tensor_type((), i64), value=size), name)


def _longest(size: Size, count: int) -> Size:
    """The length of the longest bin; of a symbolic size the most it can be."""
    if isinstance(size, int):
        return max(-(-(i + 1) * size // count) - i * size // count for i in range(count))
    return simplest(size.ceildiv(count) + 1)


LOWERINGS: dict[str, Lowering] = {
    f"{prefix}{kind}Pooling{rank}D": over(rank, lower(kind))
    for prefix, lower in (("", _pooling), ("Global", _global_pooling), ("Adaptive", _adaptive_pooling))
    for kind in ("Max", "Average")
    for rank in (1, 2, 3)
}
