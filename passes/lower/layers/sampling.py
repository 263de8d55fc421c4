"""Layers that read or write an image at places of their own: deformable convolution, and folding patches back.

%0 = tensor.map "*,npijhw,npijhw,npijhw->nhwijpc" %x, %dy, %dx, %mask { four reads, weighed }     // graph.deform_conv
%1 = tensor.contract "nhwijgc,ijcgo->ngohw" %0, %kernel

%0 = tensor.map "*->ncyxij" %patches { the patch whose tap lies here, if there is one }           // graph.fold
%1 = tensor.reduce add %0 {dims = [4, 5]}
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from xdsl.dialects.builtin import f32
from xdsl.ir import Attribute, Operation, SSAValue

from neuralc.dialects import graph, tensor
from neuralc.dialects.dims import Dim, simplest
from neuralc.dialects.graph.sampling import fold_extents
from neuralc.dialects.graph.shapes import static_shape
from neuralc.dialects.types import element_bytes, element_of, shape_of
from neuralc.passes.lower.layers.dense import add_bias, contract
from neuralc.passes.lower.layers.windows import PLACES, TAPS, zero
from neuralc.passes.lower.lowering import Conversion, Lowering
from neuralc.passes.lower.places import place_type
from neuralc.passes.lower.scalar_functions import ScalarBuilder

# -- deformable convolution ------------------------------------------------------------------------------------------


def _deform_conv(at: Lowering, op: graph.DeformConvOp) -> SSAValue:
    kh, kw, depth, out = static_shape("kernel", op.kernel.type)
    parts, groups = op.literal("offset_groups"), op.literal("groups")
    batch, channels, oh, ow = shape_of(op.result.type)[0], depth * groups, *shape_of(op.result.type)[2:]
    height, width = shape_of(op.x.type)[2:]
    images = at.reshape(op.x, (batch, parts, channels // parts, height, width))
    moves = at.reshape(op.offset, (batch, parts, kh, kw, 2, oh, ow))
    taps = (batch, parts, kh, kw, oh, ow)
    amounts = [] if op.mask is None else [at.reshape(op.mask, taps)]
    strides, dilations, pads = op.literal("strides"), op.literal("dilations"), op.literal("pads")
    element = element_of(op.x.type)
    wide = f32 if element_bytes(element) < 4 else element
    index = place_type(shape_of(op.x.type)[2:])

    def body(b: ScalarBuilder, x: SSAValue, offset: SSAValue, *mask: SSAValue) -> SSAValue:
        n, p, c, i, j, h, w = (b.position(letter, index) for letter in "npcijhw")
        points: list[SSAValue] = []
        for axis, (tap, place) in enumerate(((i, h), (j, w))):
            first = b.call("sub", b.call("mul", place, strides[axis]), pads[axis])
            start = b.call("add", first, b.call("mul", tap, dilations[axis]))
            moved = b.at(offset, [n, p, i, j, b.number(axis, n), h, w])
            points.append(b.call("add", b.convert(start, wide), b.convert(moved, wide)))
        value = _bilinear(b, x, [n, p, c], points, index)
        if mask:
            value = b.call("mul", value, b.convert(mask[0], wide))
        return b.convert(value, element)

    spec = f"*,*{',npijhw' * len(amounts)}->nhwijpc"
    shape = (batch, oh, ow, kh, kw, parts, channels // parts)
    columns = at.map(spec, [images, moves, *amounts], shape, body)
    if groups == 1:
        columns = at.reshape(columns, (batch, oh, ow, kh, kw, channels))
        return add_bias(at, contract(at, "nhwijc,ijco->nohw", columns, op.kernel), op.bias, 1)
    columns = at.reshape(columns, (batch, oh, ow, kh, kw, groups, depth))
    kernel = at.reshape(op.kernel, (kh, kw, depth, groups, out // groups))
    y = contract(at, "nhwijgc,ijcgo->ngohw", columns, kernel)
    return add_bias(at, at.reshape(y, (batch, out, oh, ow)), op.bias, 1)


def _bilinear(
    b: ScalarBuilder, image: SSAValue, leading: Sequence[SSAValue], point: Sequence[SSAValue], index: Attribute
) -> SSAValue:
    """The value between four pixels; pixels outside are 0."""
    element = point[0].type
    below = [b.call("floor", x) for x in point]
    behind = [b.call("sub", x, low) for x, low in zip(point, below, strict=True)]
    before = [b.call("sub", 1.0, fraction) for fraction in behind]
    near = [b.convert(low, index) for low in below]
    far = [b.call("add", place, 1) for place in near]
    total: SSAValue | None = None
    for y, y_weight in ((near[0], before[0]), (far[0], behind[0])):
        for x, x_weight in ((near[1], before[1]), (far[1], behind[1])):
            pixel = b.convert(b.at(image, [*leading, y, x], other=0.0), element)
            term = b.call("mul", b.call("mul", y_weight, x_weight), pixel)
            total = term if total is None else b.call("add", total, term)
    if total is None:
        raise ValueError("a point has two coordinates")
    return total


# -- folding ---------------------------------------------------------------------------------------------------------


def _fold(at: Lowering, op: graph.FoldOp) -> SSAValue:
    window, strides, dilations, pads = (op.literal(name) for name in ("window", "strides", "dilations", "pads"))
    rank, shape, extents = len(window), shape_of(op.result.type), fold_extents(**op.literals())
    patches = at.reshape(op.x, (*shape[:2], *window, *extents))
    sizes = [simplest(size) for size in op.sizes.data]
    if _is_tiling(window, strides, dilations, pads, sizes):
        # Windows that follow each other without gap or overlap: the patches have only to be brought into order.
        order = [axis for i in range(rank) for axis in (2 + rank + i, 2 + i)]
        return at.reshape(at.transpose(patches, [0, 1, *order]), shape)
    places, taps, index = PLACES[rank], TAPS[rank], place_type(tuple(sizes))

    def body(b: ScalarBuilder, whole: SSAValue) -> SSAValue:
        steps = [b.position(tap, index) for tap in taps]
        windows: list[SSAValue] = []
        for i, (place, step) in enumerate(zip(places, steps, strict=True)):
            lead = b.call("add", b.position(place, index), pads[i])
            start = b.call("sub", lead, b.call("mul", step, dilations[i]))
            if strides[i] > 1:
                met = b.call("eq", b.call("rem", start, strides[i]), 0)
                start = b.call("select", met, b.call("div", start, strides[i]), -1)
            windows.append(start)
        return b.at(whole, [b.position("n", index), b.position("c", index), *steps, *windows], other=zero(op.x))

    letters = f"nc{places}{taps}"
    spread = at.map(f"*->{letters}", [patches], (*shape, *window), body)
    return at.emit(tensor.ReduceOp.of(spread, kind="add", dims=tuple(range(2 + rank, 2 + 2 * rank))))


def _is_tiling(
    window: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    pads: Sequence[int],
    sizes: Sequence[int | Dim],
) -> bool:
    whole = all(isinstance(size, int) and size % tap == 0 for size, tap in zip(sizes, window, strict=True))
    return whole and tuple(window) == tuple(strides) and math.prod(dilations) == 1 and not any(pads)


CONVERSIONS: dict[type[Operation], Conversion] = {
    graph.DeformConvOp: _deform_conv,
    graph.FoldOp: _fold,
}
