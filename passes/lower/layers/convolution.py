"""Convolution: a contraction over windows.

    %0 = tensor.pad %x ..                                   // graph.conv
    %1 = tensor.window %0 ..
    %2 = tensor.contract "nhwijc,ijco->nhwo" %1, %kernel

A transposed convolution whose windows do not overlap is a product of matrices: every place and tap gives one place of
the result, which lies where it belongs as soon as places and taps stand in turn: "nhwc,cijo->nhiwjo".
Else the result is taken apart into phases, the places that are equal modulo the stride. Only every so many taps reach
the places of one phase, at a fixed distance: each phase is a convolution of x as it is with those taps in reverse
order, and nothing is multiplied with stuffed zeros. Kernels of phases are made when the model is compiled.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from xdsl.dialects.builtin import i64
from xdsl.ir import Operation, SSAValue

from neuralc.dialects import graph, tensor
from neuralc.dialects.dims import Dim, as_dim, simplest
from neuralc.dialects.graph.shapes import static_shape
from neuralc.dialects.types import element_of, shape_of, tensor_type
from neuralc.passes.lower.layers.dense import add_bias, contract
from neuralc.passes.lower.layers.windows import Image, frame, pad, slide, zero
from neuralc.passes.lower.lowering import Conversion, Lowering
from neuralc.passes.lower.scalar_functions import ScalarBuilder

Sizes = Sequence[int]


def _conv(at: Lowering, op: graph.ConvOp) -> SSAValue:
    image, pads, groups = Image(op.literal("data_format")), op.literal("pads"), op.literal("groups")
    low, high = image.along(pads[: image.rank]), image.along(pads[image.rank :])
    x = pad(at, op.x, low, high, zero(op.x))
    y = convolve(at, x, op.kernel, image, op.literal("strides"), op.literal("dilations"), groups)
    return add_bias(at, y, op.bias, image.channel)


def convolve(
    at: Lowering, x: SSAValue, kernel: SSAValue, image: Image, strides: Sizes, dilations: Sizes, groups: int
) -> SSAValue:
    """A convolution of what needs no padding any more."""
    *window, depth, out = static_shape("kernel", kernel.type)
    if math.prod((*window, *strides)) == 1 and groups == 1:
        return contract(at, f"{image.word('c')},co->{image.word('o')}", x, at.reshape(kernel, (depth, out)))
    view = slide(at, x, image, window, strides, dilations)
    taps = image.taps
    if groups == 1:
        return contract(at, f"{image.word('c', taps)},{taps}co->{image.word('o')}", view, kernel)
    # Grouped: channels are (group, channel in group) on both sides. A channel count of one has no letter.
    per_group = out // groups
    inner, outer = "c" if depth > 1 else "", "o" if per_group > 1 else ""
    inputs, weights = image.word("g" + inner, taps), f"{taps}{inner}g{outer}"
    sizes: dict[str, int | Dim] = {"g": groups, "c": depth, "o": per_group}
    view_sizes = dict(zip(image.word("g", taps), shape_of(view.type), strict=True)) | sizes
    view = at.reshape(view, [view_sizes[letter] for letter in inputs])
    kernel = at.reshape(kernel, [view_sizes[letter] for letter in weights])
    y = contract(at, f"{inputs},{weights}->{image.word('g' + outer)}", view, kernel)
    shape = [view_sizes[letter] for letter in image.word("g")]
    shape[image.channel] = out
    return at.reshape(y, shape)


# -- transposed ------------------------------------------------------------------------------------------------------


def _conv_transpose(at: Lowering, op: graph.ConvTransposeOp) -> SSAValue:
    image = Image(op.literal("data_format"))
    window = static_shape("kernel", op.kernel.type)[: image.rank]
    strides, dilations = op.literal("strides"), op.literal("dilations")
    overlap = any(d * (size - 1) >= stride for size, stride, d in zip(window, strides, dilations, strict=True))
    spread = any(size > 1 and d > 1 for size, d in zip(window, dilations, strict=True))
    y = _phases(at, op, image) if overlap or spread else _blocks(at, op, image)
    return add_bias(at, y, op.bias, image.channel)


def _blocks(at: Lowering, op: graph.ConvTransposeOp, image: Image) -> SSAValue:
    """Windows that do not overlap: each place times the matrix of a tap is one place of the result."""
    *window, depth, per_group = static_shape("kernel", op.kernel.type)
    groups, strides, rank = op.literal("groups"), op.literal("strides"), image.rank

    def matrices(at: Lowering, kernel: SSAValue) -> SSAValue:
        split = at.reshape(kernel, (*window, groups, depth // groups, per_group))
        front = at.transpose(split, (rank, rank + 1, *range(rank), rank + 2))
        return at.reshape(front, (depth, *window, per_group)) if groups == 1 else front

    kernel = at.prepared(op.kernel, "taps", matrices)
    batch, sizes = shape_of(op.x.type)[0], image.spatial(shape_of(op.x.type))
    places = "".join(place + tap for place, tap in zip(image.places, image.taps, strict=True))
    group, x = "", op.x
    if groups > 1:
        split = [groups, depth // groups]
        x = at.reshape(x, [batch, *sizes, *split] if image.channels_last else [batch, *split, *sizes])
        group = "g"
    result = f"n{places}{group}o" if image.channels_last else f"n{group}o{places}"
    y = contract(at, f"{image.word(group + 'c')},{group}c{image.taps}o->{result}", x, kernel)
    gaps = [0] * len(result)
    for tap, stride, size in zip(image.taps, strides, window, strict=True):
        gaps[result.index(tap)] = stride - size
    y = pad(at, y, [0] * len(gaps), gaps, zero(y))
    spread = [simplest(as_dim(size) * stride) for size, stride in zip(sizes, strides, strict=True)]
    out = groups * per_group
    y = at.reshape(y, [batch, *spread, out] if image.channels_last else [batch, out, *spread])
    low = [-lead for lead in op.literal("pads")[:rank]]
    return frame(at, y, image, low, image.spatial(shape_of(op.result.type)))


@dataclass(frozen=True)
class Phase:
    """Every so many places of the result along one dim: a convolution of `count` taps over x as it is.

    Result u of the phase is the sum over m of x[u - low + m * spacing] * kernel[last - m * step].
    """

    last: int
    step: int
    count: int
    spacing: int
    low: int
    """Places of padding before x; negative where the first window starts behind its start."""


def phase_of(number: int, low: int, window: int, stride: int, dilation: int) -> Phase | None:
    """The phase of the places number, number + stride, .. of a result whose first `low` places are cut off.

    Tap j takes place i of x to place i * stride + j * dilation of the uncut result. With number + low = b * stride + r
    those taps reach the phase for which j * dilation = r modulo the stride: each `step`-th one from the first on. None
    where there is none.
    """
    behind, remainder = divmod(number + low, stride)
    step, spacing = stride // math.gcd(dilation, stride), dilation // math.gcd(dilation, stride)
    first = next((j for j in range(window) if (j * dilation - remainder) % stride == 0), None)
    if first is None:
        return None
    count = len(range(first, window, step))
    lag = (first * dilation - remainder) // stride
    return Phase(first + (count - 1) * step, step, count, spacing, lag + (count - 1) * spacing - behind)


def _phases(at: Lowering, op: graph.ConvTransposeOp, image: Image) -> SSAValue:
    window = static_shape("kernel", op.kernel.type)[: image.rank]
    strides, result = op.literal("strides"), list(shape_of(op.result.type))
    sizes, extents = image.spatial(shape_of(op.x.type)), image.spatial(shape_of(op.result.type))
    lists = zip(op.literal("pads")[: image.rank], window, strides, op.literal("dilations"), strict=True)
    along = [[phase_of(n, low, size, stride, d) for n in range(stride)] for low, size, stride, d in lists]
    # Every phase has as many places as the longest; what is too much is cut off at the end.
    counts: list[int | Dim] = []
    for size, extent, stride in zip(sizes, extents, strides, strict=True):
        more = as_dim(extent) - as_dim(size) * stride
        counts.append(simplest(as_dim(size) + more.ceildiv(stride)))
    for axis, count in zip(image.axes, counts, strict=True):
        result[axis] = count
    pieces = {
        numbers: _phase(at, op, image, [phases[n] for phases, n in zip(along, numbers, strict=True)], result)
        for numbers in product(*map(range, strides))
    }
    y = _interleave(at, image, pieces, strides, ())
    return frame(at, y, image, [0] * image.rank, extents)


def _phase(
    at: Lowering, op: graph.ConvTransposeOp, image: Image, phases: Sequence[Phase | None], shape: Sequence[int | Dim]
) -> SSAValue:
    """One phase along each dim: x, framed so that each window gives one place, and the taps of the phase."""
    taps = [phase for phase in phases if phase is not None]
    if len(taps) < len(phases):
        return at.emit(tensor.FillOp.of(result=tensor_type(shape, element_of(op.x.type)), value=zero(op.x)))
    reached = [
        simplest(as_dim(count) + (phase.count - 1) * phase.spacing)
        for count, phase in zip(image.spatial(tuple(shape)), taps, strict=True)
    ]
    x = frame(at, op.x, image, [phase.low for phase in taps], reached)
    groups = op.literal("groups")
    kernel = at.prepared(op.kernel, "phase", lambda at, kernel: _phase_kernel(at, kernel, taps, groups))
    return convolve(at, x, kernel, image, [1] * image.rank, [phase.spacing for phase in taps], groups)


def _phase_kernel(at: Lowering, kernel: SSAValue, phases: Sequence[Phase], groups: int) -> SSAValue:
    """[*window, in, out/groups] -> the taps of a phase, in the order x meets them: [*count, in/groups, out]."""
    *_, depth, per_group = static_shape("kernel", kernel.type)
    counts, rank = [phase.count for phase in phases], len(phases)
    shape = (*counts, depth // groups, groups, per_group)
    letters = "abcdefgh"[: rank + 3]

    def body(b: ScalarBuilder, whole: SSAValue) -> SSAValue:
        places = [b.position(letter, i64) for letter in letters]
        window = [
            b.call("sub", b.number(phase.last, place), b.call("mul", place, phase.step))
            for phase, place in zip(phases, places, strict=False)
        ]
        inner, group, outer = places[rank:]
        channel = b.call("add", b.call("mul", group, depth // groups), inner)
        return b.at(whole, [*window, channel, outer])

    taps = at.map(f"*->{letters}", [kernel], shape, body)
    return at.reshape(taps, (*counts, depth // groups, groups * per_group))


def _interleave(
    at: Lowering,
    image: Image,
    pieces: dict[tuple[int, ...], SSAValue],
    strides: Sizes,
    numbers: tuple[int, ...],
) -> SSAValue:
    """The phases that begin with `numbers`, place by place in turn along every dim behind those."""
    if len(numbers) == image.rank:
        return pieces[numbers]
    axis, stride = image.axes[len(numbers)], strides[len(numbers)]
    parts = [_interleave(at, image, pieces, strides, (*numbers, n)) for n in range(stride)]
    if stride == 1:
        return parts[0]
    shape = list(shape_of(parts[0].type))
    columns = [at.reshape(part, [*shape[: axis + 1], 1, *shape[axis + 1 :]]) for part in parts]
    joined = at.emit(tensor.ConcatOp.of(*columns, dim=axis + 1))
    shape[axis] = simplest(as_dim(shape[axis]) * stride)
    return at.reshape(joined, shape)


CONVERSIONS: dict[type[Operation], Conversion] = {
    graph.ConvOp: _conv,
    graph.ConvTransposeOp: _conv_transpose,
}
