"""Spectra: Fourier transforms as products with matrices of sines and cosines, and the mel scale.

A complex number is a last dim of 2, a real one a last dim of 1. The matrix of a transform of n values has n * n
entries: transforms of more than `LONGEST` values are refused.
"""

from __future__ import annotations

import numpy as np

from neuralc.dialects import graph
from neuralc.dialects.types import ShapeError, numpy_dtype
from neuralc.frontends.onnx.node import Node
from neuralc.frontends.onnx.registry import onnx_op
from neuralc.frontends.refusals import Refused
from neuralc.frontends.values import Array, Value

LONGEST = 4096


def waves(length: int, bins: int, *, inverse: bool = False) -> tuple[Array, Array]:
    """Real and imaginary part of exp(-2 pi i k n / length) as [length, bins], of the conjugate for an inverse."""
    # k * n modulo the length first: the argument of large products would lose its digits.
    angles = 2 * np.pi / length * (np.outer(np.arange(length), np.arange(bins)) % length)
    return np.cos(angles), np.sin(angles) if inverse else -np.sin(angles)


def _checked(length: int) -> int:
    if length < 1:
        raise ShapeError(f"a transform of {length} values")
    if length > LONGEST:
        raise Refused(f"of {length} values, more than {LONGEST}")
    return length


@onnx_op("DFT", makes=("graph.transpose", "graph.slice", "graph.pad", "graph.reshape", "graph.dense"))
def dft(node: Node) -> Value:
    """Version 17 has the axis as an attribute. The result of a one-sided inverse is real."""
    x = node.input(0)
    inverse, onesided = bool(node.integer("inverse", 0)), bool(node.integer("onesided", 0))
    if x.rank < 2 or x.shape[-1] not in (1, 2):
        raise ShapeError(f"a signal is [.., 1] or [.., 2], not {x.type}")
    axis = node.axis(_dft_axis(node), x.rank)
    if axis == x.rank - 1:
        raise ShapeError("the last dim holds real and imaginary parts")
    size = x.shape[axis]
    if node.optional(1) is not None:
        length = node.whole(1, "length")[0]
    elif inverse and onesided and isinstance(size, int):
        length = 2 * (size - 1)
    else:
        length = size if isinstance(size, int) else 0
    if length == 0:
        node.refuse(f"of a symbolic number of values {size}")
    matrix = _matrix(_checked(length), int(str(x.shape[-1])), inverse=inverse, onesided=onesided)
    order = [*(i for i in range(x.rank) if i not in (axis, x.rank - 1)), axis, x.rank - 1]
    moved = _fitted(node, node.transpose(x, order), matrix.shape[0])
    outer = moved.shape[:-2]
    flat = node.reshape(moved, (*outer, matrix.shape[0] * matrix.shape[1]))
    kernel = node.constant(matrix.reshape(matrix.shape[0] * matrix.shape[1], -1), x.element)
    y = node.reshape(node.emit(graph.DenseOp, flat, kernel), (*outer, *matrix.shape[2:]))
    return node.transpose(y, [order.index(i) for i in range(x.rank)])


def _dft_axis(node: Node) -> int:
    if node.version < 20:
        return node.integer("axis", 1)
    return -2 if node.optional(2) is None else node.whole(2, "axis")[0]


def _matrix(length: int, parts: int, *, inverse: bool, onesided: bool) -> Array:
    """[values, parts, bins, result parts]: what each part of a value adds to each part of a bin."""
    half = length // 2 + 1
    if inverse and onesided:
        # The other half of the spectrum is the conjugate: bins count twice but the first, and the middle one.
        real, imaginary = waves(length, half, inverse=True)
        twice = np.full(half, 2.0)
        twice[0] = 1.0
        if length % 2 == 0:
            twice[-1] = 1.0
        whole = np.stack([real.T * twice[:, None], -imaginary.T * twice[:, None]], 1)[..., None] / length
        return whole[:, :parts]
    real, imaginary = waves(length, half if onesided else length, inverse=inverse)
    rows = [np.stack([real, imaginary], -1), np.stack([-imaginary, real], -1)]
    return np.stack(rows[:parts], 1) / (length if inverse else 1)


def _fitted(node: Node, x: Value, length: int) -> Value:
    """The first `length` places of the dim before the last one, with zeros where there are fewer."""
    size = x.shape[-2]
    if not isinstance(size, int):
        raise Refused(f"of {length} values from a symbolic number {size}")
    if size > length:
        return node.pick(x, x.rank - 2, 0, length)
    if size < length:
        high = (*(0,) * (x.rank - 2), length - size, 0)
        return node.emit(graph.PadOp, x, low=(0,) * x.rank, high=high)
    return x


@onnx_op("STFT", makes=("graph.transpose", "graph.mul", "graph.conv", "graph.reshape"))
def stft(node: Node) -> Value:
    """A convolution along the time whose kernel is the window times the waves of each bin."""
    signal, step, window = node.input(0), node.whole(1, "frame step")[0], node.optional(2)
    onesided = bool(node.integer("onesided", 1))
    if signal.rank == 2:
        signal = node.reshape(signal, (*signal.shape, 1))
    if signal.rank != 3 or signal.shape[2] not in (1, 2) or step < 1:
        raise ShapeError(f"a signal is [batch, time, 1 or 2], not {signal.type}, and steps are at least 1")
    batch, time, parts = signal.shape
    sized = window.shape[0] if window is not None and window.rank == 1 else time
    length = node.whole(3, "frame length")[0] if node.optional(3) is not None else sized
    if not isinstance(length, int):
        node.refuse(f"of frames of a symbolic length {length}")
    if window is not None and window.shape != (length,):
        raise ShapeError(f"the window is {window.type} for frames of {length}")
    matrix = _matrix(_checked(length), int(str(parts)), inverse=False, onesided=onesided)
    bins = matrix.shape[2]
    kernel = node.constant(matrix.reshape(length, int(str(parts)), 2 * bins), signal.element)
    if window is not None:
        kernel = node.mul(kernel, node.reshape(window, (length, 1, 1)))
    y = node.emit(graph.ConvOp, signal, kernel, strides=(step,), data_format="NWC")
    return node.reshape(y, (batch, y.shape[1], bins, 2))


@onnx_op("MelWeightMatrix", makes=("graph.get_weight",))
def mel_weight_matrix(node: Node) -> Value:
    """Triangles of height 1 over the bins of a spectrum, evenly spaced on the mel scale."""
    element = node.element("output_datatype", 1)
    bands, length, rate = (node.whole(i, "sizes")[0] for i in range(3))
    low, high = (float(node.numbers(i, "band edge").reshape(-1)[0]) for i in (3, 4))
    if bands < 1 or length < 1 or rate < 1:
        raise ShapeError(f"{bands} bands of {length} values at {rate} Hz")
    bins = length // 2 + 1
    first, last = (2595 * np.log10(1 + edge / 700) for edge in (low, high))
    # onnx.reference: bands + 2 edges are bands + 2 steps apart, so that the last one is below `high`.
    mels = first + np.arange(bands + 2) * (last - first) / (bands + 2)
    edges = ((length + 1) * (700 * (10 ** (mels / 2595) - 1)) // rate).astype(np.int64)
    weights = np.zeros((bins, bands))
    for band in range(bands):
        _triangle(weights[:, band], *(int(edge) for edge in edges[band : band + 3]))
    return node.constant(weights.astype(numpy_dtype(element)), element)


def _triangle(column: Array, start: int, top: int, end: int) -> None:
    """From 0 at `start` over 1 at `top` to 0 at `end`, in place."""
    if start == top:
        column[top : top + 1] = 1
    for place in range(max(start, 0), min(top + 1, len(column))):
        if top > start:
            column[place] = (place - start) / (top - start)
    for place in range(max(top, 0), min(end, len(column))):
        column[place] = (end - place) / (end - top)
