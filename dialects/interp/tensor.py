"""What each tensor op computes, in numpy. The region of a map is evaluated once, on whole arrays.

A function takes the evaluator, the op and the operands; floats are float64, the evaluator rounds the result. Scalar ops
inside a map round too, each to its own type.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from xdsl.ir import Operation, SSAValue

from neuralc.dialects import scalar, tensor
from neuralc.dialects.interp.evaluator import Evaluator, Semantics
from neuralc.dialects.interp.numerics import Array, Numerics, finish, widen
from neuralc.dialects.tensor.subscripts import ONE
from neuralc.dialects.types import element_of, is_float, numpy_dtype

REDUCTIONS: dict[str, Callable[..., Any]] = {
    "add": np.sum,
    "mul": np.prod,
    "maximum": np.max,
    "minimum": np.min,
    "and": np.all,
    "or": np.any,
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
    arguments = [_along(word, subscripts.result, x) for word, x in zip(subscripts.operands, operands, strict=True)]
    found = _scalars(op, arguments, evaluator.numerics)
    return np.broadcast_to(found, evaluator.shape(op.result.type))


def _scalars(map_op: tensor.MapOp, arguments: Sequence[Array], numerics: Numerics) -> Array:
    """The one value that the region of a map yields, for arrays instead of scalars."""
    values: dict[SSAValue, Array] = dict(zip(map_op.block.args, arguments, strict=True))
    for op in map_op.block.ops:
        operands = [widen(values[operand]) for operand in op.operands]
        match op:
            case tensor.NumberOp():
                array = np.asarray(op.literal("value"), np.float64 if is_float(op.result.type) else None)
                values[op.result] = finish(array, op.result.type, numerics)
            case tensor.ScalarOp():
                exact = numerics is Numerics.EXACT
                values[op.result] = scalar.evaluate(op.literal("fn"), operands, op.result.type, exact=exact)
    return values[map_op.yielded]


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
    return np.asarray(REDUCTIONS[op.literal("kind")](x, axis=op.reduced))


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


SEMANTICS: dict[type[Operation], Semantics] = {
    tensor.ContractOp: _contract,
    tensor.FillOp: _fill,
    tensor.GroupOp: _group,
    tensor.MapOp: _map,
    tensor.PackOp: _pack,
    tensor.PadOp: _pad,
    tensor.ReduceOp: _reduce,
    tensor.ReshapeOp: _reshape,
    tensor.TransposeOp: _transpose,
    tensor.UnpackOp: _unpack,
    tensor.WindowOp: _window,
}
"""Scalar ops have no entry: they stand in the region of a map, which evaluates them."""
