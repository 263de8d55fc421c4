"""What each tensor op computes, in numpy. The region of a map is evaluated once, on whole arrays.

A function takes the evaluator, the op and the operands; floats are float64, the evaluator rounds the result. Scalar ops
inside a map round too, each to its own type.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from xdsl.ir import Attribute, Operation, SSAValue

from neuralc.dialects import scalar, tensor
from neuralc.dialects.interp import control
from neuralc.dialects.interp.evaluator import Evaluator, Semantics
from neuralc.dialects.interp.numerics import Array, Numerics, finish, widen
from neuralc.dialects.tensor.subscripts import ONE, WHOLE
from neuralc.dialects.tensor.winograd import ALGORITHMS, Matrix
from neuralc.dialects.types import element_of, is_float, numpy_dtype
from neuralc.grammar.diagnostics import error

INDEX_OUTSIDE = ("E0910", "an index is outside the dim it counts along")
"""The error of a run whose data holds such an index."""

DIVISION_BY_ZERO = ("E0911", "an integer is divided by zero")
"""The error of a run whose data holds such a divisor."""

REDUCTIONS: dict[str, Callable[..., Any]] = {
    "add": np.sum,
    "mul": np.prod,
    "maximum": np.max,
    "minimum": np.min,
    "and": np.logical_and.reduce,
    "or": np.logical_or.reduce,
}


def _along(word: str, result: str, x: Array) -> Array:
    """An operand with the dims of the result: its letters in that order, size 1 for the others."""
    x = x.reshape([size for letter, size in zip(word, x.shape, strict=True) if letter != ONE])
    letters = word.replace(ONE, "")
    x = x.transpose([letters.index(letter) for letter in result if letter in letters])
    sizes = iter(x.shape)
    return x.reshape([next(sizes) if letter in letters else 1 for letter in result])


def _map(evaluator: Evaluator, op: tensor.MapOp, *operands: Array) -> Array:
    subscripts = op.subscripts
    arguments = [
        x if word == WHOLE else _along(word, subscripts.result, x)
        for word, x in zip(subscripts.operands, operands, strict=True)
    ]
    found = _scalars(op, arguments, evaluator)
    return np.broadcast_to(found, evaluator.shape(op.result.type))


def _scalars(map_op: tensor.MapOp, arguments: Sequence[Array], evaluator: Evaluator) -> Array:
    """The one value that the region of a map yields, for arrays instead of scalars."""
    values: dict[SSAValue, Array] = dict(zip(map_op.block.args, arguments, strict=True))
    shape, letters, numerics = evaluator.shape(map_op.result.type), map_op.subscripts.result, evaluator.numerics
    for op in map_op.block.ops:
        operands = [widen(values[operand]) for operand in op.operands]
        match op:
            case tensor.NumberOp():
                array = np.asarray(op.literal("value"), np.float64 if is_float(op.result.type) else None)
                values[op.result] = finish(array, op.result.type, numerics)
            case tensor.ScalarOp():
                exact = numerics is Numerics.EXACT
                if op.literal("checked") and not np.all(operands[1]):
                    raise error(*DIVISION_BY_ZERO)
                values[op.result] = scalar.evaluate(op.literal("fn"), operands, op.result.type, exact=exact)
            case tensor.PositionOp():
                axis = letters.index(op.letter)
                along = np.arange(shape[axis]).reshape([-1 if i == axis else 1 for i in range(len(shape))])
                values[op.result] = finish(along, op.result.type, numerics)
            case tensor.SizeOp():
                values[op.result] = finish(np.asarray(evaluator.size(op.dim.data)), op.result.type, numerics)
            case tensor.AtOp():
                values[op.result] = _at(op, operands[0], operands[1:])
    return values[map_op.yielded]


def _at(op: tensor.AtOp, table: Array, indices: Sequence[Array]) -> Array:
    """Elements at computed places. Raises E0910 for a checked index outside, E9901 for one that should be inside."""
    inside = np.asarray(True)
    safe: list[Array] = []
    for index, size in zip(indices, table.shape, strict=True):
        inside = inside & (index >= 0) & (index < size)
        safe.append(np.clip(index, 0, max(size - 1, 0)))
    if op.other is None and not inside.all():
        raise error(*(INDEX_OUTSIDE if op.literal("checked") else ("E9901", "tensor.at reads outside its operand")))
    if table.size == 0:
        other = 0 if op.other is None else op.literal("other")
        return np.broadcast_to(np.asarray(other, table.dtype), np.broadcast_shapes(*(i.shape for i in safe)))
    found = np.asarray(table[tuple(safe)])
    return found if op.other is None else np.where(inside, found, np.asarray(op.literal("other"), table.dtype))


def _contract(evaluator: Evaluator, op: tensor.ContractOp, lhs: Array, rhs: Array) -> Array:
    """A sum of products, in float64 or int64 whatever the precision: the reference has no tf32."""
    subscripts = op.subscripts
    words = [word.replace(ONE, "") for word in subscripts.operands]
    squeezed = [
        x.reshape([size for letter, size in zip(word, x.shape, strict=True) if letter != ONE])
        for word, x in zip(subscripts.operands, (lhs, rhs), strict=True)
    ]
    wide = [x.astype(np.int64) if np.issubdtype(x.dtype, np.integer) else x for x in squeezed]
    return np.asarray(np.einsum(f"{','.join(words)}->{subscripts.result}", *wide, optimize=True))


def _reduce(evaluator: Evaluator, op: tensor.ReduceOp, x: Array) -> Array:
    kind = op.literal("kind")
    initial = scalar.identity(kind, element_of(op.x.type))
    return np.asarray(REDUCTIONS[kind](x, axis=op.reduced, initial=initial))


def _group(evaluator: Evaluator, op: tensor.GroupOp, *operands: Array) -> list[Array]:
    return evaluator.block(op.block, operands)


def _fill(evaluator: Evaluator, op: tensor.FillOp) -> Array:
    element = element_of(op.result.type)
    dtype = np.float64 if is_float(element) else numpy_dtype(element)
    return np.full(evaluator.shape(op.result.type), op.literal("value"), dtype)


def _reshape(evaluator: Evaluator, op: tensor.ReshapeOp, x: Array) -> Array:
    return x.reshape(evaluator.shape(op.result.type))


def _transpose(evaluator: Evaluator, op: tensor.TransposeOp, x: Array) -> Array:
    return x.transpose(op.literal("perm"))


def _pad(evaluator: Evaluator, op: tensor.PadOp, x: Array) -> Array:
    around = list(zip(op.literal("low"), op.literal("high"), strict=True))
    return np.pad(x, around, constant_values=op.literal("value"))


def _window(evaluator: Evaluator, op: tensor.WindowOp, x: Array) -> Array:
    dims, sizes, strides, dilations = (op.literal(name) for name in ("dims", "sizes", "strides", "dilations"))
    reaches = tuple(dilation * (size - 1) + 1 for size, dilation in zip(sizes, dilations, strict=True))
    positions = [slice(None)] * x.ndim
    for dim, stride in zip(dims, strides, strict=True):
        positions[dim] = slice(None, None, stride)
    taps = [slice(None, None, dilation) for dilation in dilations]
    windows = sliding_window_view(x, reaches, axis=dims)[(*positions, *taps)]
    behind = range(dims[-1] + 1, dims[-1] + 1 + len(dims))
    return np.moveaxis(windows, range(x.ndim, x.ndim + len(dims)), behind)


def _pack(evaluator: Evaluator, op: tensor.PackOp, x: Array) -> Array:
    panel = op.literal("panel")
    missing = -x.shape[-1] % panel
    padded = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, missing)])
    return np.moveaxis(padded.reshape(*x.shape[:-1], -1, panel), -2, 0)


def _unpack(evaluator: Evaluator, op: tensor.UnpackOp, x: Array) -> Array:
    shape = evaluator.shape(op.result.type)
    return np.moveaxis(x, 0, -2).reshape(*shape[:-1], -1)[..., : shape[-1]]


def _slice(evaluator: Evaluator, op: tensor.SliceOp, x: Array) -> Array:
    starts = [evaluator.size(start) for start in op.starts.data]
    counts = evaluator.shape(op.result.type)
    places = zip(starts, counts, op.literal("strides"), strict=True)
    return x[tuple(slice(start, start + max((count - 1) * step + 1, 0), step) for start, count, step in places)]


def _concat(evaluator: Evaluator, op: tensor.ConcatOp, *xs: Array) -> Array:
    return np.concatenate(xs, axis=op.literal("dim"))


COMBINE: dict[str, np.ufunc] = {
    "add": np.add,
    "mul": np.multiply,
    "maximum": np.maximum,
    "minimum": np.minimum,
}


def _scatter(evaluator: Evaluator, op: tensor.ScatterOp, x: Array, indices: Array, updates: Array) -> Array:
    """Update by update, so that a later one wins."""
    result, combine = x.copy(), COMBINE.get(op.literal("kind"))
    sizes = x.shape[: indices.shape[-1]]
    for place in np.ndindex(*indices.shape[:-1]):
        index = tuple(int(i) for i in indices[place])
        if any(not 0 <= i < size for i, size in zip(index, sizes, strict=True)):
            raise error(*(INDEX_OUTSIDE if op.literal("checked") else ("E9901", "tensor.scatter writes outside")))
        result[index] = updates[place] if combine is None else combine(result[index], updates[place])
    return result


def _cumulate(evaluator: Evaluator, op: tensor.CumulateOp, x: Array) -> Array:
    flags = {name: op.literal(name) for name in ("exclusive", "reverse")}
    return cumulate(op.literal("kind"), x, op.literal("dim"), element_of(op.x.type), **flags)


def cumulate(kind: str, x: Array, dim: int, element: Attribute, *, exclusive: bool, reverse: bool) -> Array:
    """Running values along a dim; `exclusive` leaves out the place itself, `reverse` starts at the end."""
    x = np.flip(x, dim) if reverse else x
    result = COMBINE[kind].accumulate(x, axis=dim, dtype=x.dtype)
    if exclusive and x.shape[dim]:
        first = np.full_like(np.take(x, [0], axis=dim), scalar.identity(kind, element))
        result = np.concatenate([first, np.delete(result, -1, axis=dim)], axis=dim)
    return np.flip(result, dim) if reverse else result


def _top_k(evaluator: Evaluator, op: tensor.TopKOp, x: Array) -> list[Array]:
    dim, k = op.literal("dim"), evaluator.size(op.k.data[0])
    order = first_in_order(x, dim, largest=op.literal("largest"))
    order = np.take(order, range(k), axis=dim)
    return [np.take_along_axis(x, order, axis=dim), order]


def first_in_order(x: Array, dim: int, *, largest: bool) -> Array:
    """A stable argsort in which NaN is the largest value, descending where `largest`."""
    if not largest:
        return np.argsort(x, axis=dim, kind="stable")
    # Descending and stable: sort the flipped array ascending, flip back.
    flipped = np.argsort(np.flip(x, dim), axis=dim, kind="stable")
    return np.flip(x.shape[dim] - 1 - flipped, dim)


def _along_dim(matrix: Matrix, x: Array, dim: int) -> Array:
    """A matrix times a dim. Entries of 0 read nothing: no NaN comes in where an algorithm does not look."""
    places = np.moveaxis(x, dim, 0)
    rows = [sum(factor * places[i] for i, factor in enumerate(row) if factor) for row in matrix]
    return np.moveaxis(np.stack(rows), 0, dim)


def _winograd(evaluator: Evaluator, op: tensor.WinogradOp, x: Array, u: Array) -> Array:
    algorithm, (height, width) = op.algorithm, evaluator.shape(op.result.type)[1:3]
    tile, span = algorithm.tile, algorithm.span
    whole = [(0, 0), (0, -height % tile), (0, -width % tile), (0, 0)]
    tiles = sliding_window_view(np.pad(x, whole), (span, span), axis=(1, 2))[:, ::tile, ::tile]
    v = _along_dim(algorithm.input, _along_dim(algorithm.input, tiles, -2), -1)
    m = np.einsum("npqcij,ijco->npqijo", v, u, optimize=True)
    y = _along_dim(algorithm.output, _along_dim(algorithm.output, m, 3), 4)
    n, p, q, *_, channels = y.shape
    return y.transpose(0, 1, 3, 2, 4, 5).reshape(n, p * tile, q * tile, channels)[:, :height, :width]


def _winograd_weight(evaluator: Evaluator, op: tensor.WinogradWeightOp, weight: Array) -> Array:
    matrix = ALGORITHMS[op.literal("tile")].weight
    return _along_dim(matrix, _along_dim(matrix, weight, 0), 1)


SEMANTICS: dict[type[Operation], Semantics] = {
    tensor.ContractOp: _contract,
    tensor.ConcatOp: _concat,
    tensor.CumulateOp: _cumulate,
    tensor.FillOp: _fill,
    tensor.GroupOp: _group,
    tensor.MapOp: _map,
    tensor.PackOp: _pack,
    tensor.PadOp: _pad,
    tensor.ReduceOp: _reduce,
    tensor.ReshapeOp: _reshape,
    tensor.ScatterOp: _scatter,
    tensor.SliceOp: _slice,
    tensor.TopKOp: _top_k,
    tensor.TransposeOp: _transpose,
    tensor.UnpackOp: _unpack,
    tensor.WindowOp: _window,
    tensor.WinogradOp: _winograd,
    tensor.WinogradWeightOp: _winograd_weight,
    tensor.IfOp: control.choose,
    tensor.ScanOp: control.scan,
    tensor.WhileOp: control.repeat,
}
"""Scalar ops have no entry: they stand in the region of a map, which evaluates them."""
