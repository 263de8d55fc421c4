"""Reads and writes at places that other values say, in numpy."""

from __future__ import annotations

import numpy as np
from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.interp.evaluator import Evaluator, Semantics
from neuralc.dialects.interp.numerics import Array
from neuralc.dialects.interp.tensor import COMBINE, INDEX_OUTSIDE
from neuralc.dialects.syntax import PlainOp
from neuralc.grammar.diagnostics import error


def _places(indices: Array, size: int) -> Array:
    """Indices along a dim of `size`, negative ones counted from its end. Raises E0910 for one outside."""
    places = np.where(indices < 0, indices + size, indices)
    if ((places < 0) | (places >= size)).any():
        raise error(*INDEX_OUTSIDE)
    return places


def _gather(evaluator: Evaluator, op: PlainOp, x: Array, indices: Array) -> Array:
    axis = normalize_axis(op.literal("axis"), x.ndim)
    return np.take(x, _places(indices, x.shape[axis]), axis=axis)


def _along_axis(op: PlainOp, x: Array, indices: Array) -> tuple[Array, ...]:
    """One index array for each dim of x: that of `axis` is given, the others stand for themselves."""
    axis = normalize_axis(op.literal("axis"), x.ndim)
    places: list[Array] = list(np.indices(indices.shape))
    places[axis] = _places(indices, x.shape[axis])
    return tuple(places)


def _gather_elements(evaluator: Evaluator, op: PlainOp, x: Array, indices: Array) -> Array:
    return np.asarray(x[_along_axis(op, x, indices)])


def _vectors(x: Array, indices: Array, batch_dims: int = 0) -> tuple[Array, ...]:
    """Index vectors as one index array for each dim they choose, behind the places of the batch."""
    batch = np.indices(indices.shape[:-1])[:batch_dims]
    sizes = x.shape[batch_dims : batch_dims + indices.shape[-1]]
    return (*batch, *(_places(indices[..., i], size) for i, size in enumerate(sizes)))


def _gather_nd(evaluator: Evaluator, op: PlainOp, x: Array, indices: Array) -> Array:
    places = _vectors(x, indices, op.literal("batch_dims"))
    return np.asarray(x[places]) if places else np.broadcast_to(x, (*indices.shape[:-1], *x.shape))


def _write(kind: str, x: Array, places: tuple[Array, ...], updates: Array) -> Array:
    """A copy of x with updates written in order; numpy keeps the last of several at one place."""
    result = x.copy()
    if kind == "set":
        result[places] = updates
    else:
        COMBINE[kind].at(result, places, updates)
    return result


def _scatter_elements(evaluator: Evaluator, op: PlainOp, x: Array, indices: Array, updates: Array) -> Array:
    return _write(op.literal("kind"), x, _along_axis(op, x, indices), updates)


def _scatter_nd(evaluator: Evaluator, op: PlainOp, x: Array, indices: Array, updates: Array) -> Array:
    if indices.shape[-1] > 0:
        return _write(op.literal("kind"), x, _vectors(x, indices), updates)
    # Empty vectors choose the whole tensor: one update after the other of all of it.
    for update in updates.reshape(-1, *x.shape):
        x = _write(op.literal("kind"), x, (), update)
    return x


def _reverse_sequence(evaluator: Evaluator, op: PlainOp, x: Array, lengths: Array) -> Array:
    batch, time = (normalize_axis(op.literal(name), x.ndim) for name in ("batch_axis", "time_axis"))
    if ((lengths < 0) | (lengths > x.shape[time])).any():
        raise error(*INDEX_OUTSIDE)
    result = np.moveaxis(x, (batch, time), (0, 1)).copy()
    for entry, length in zip(result, lengths, strict=True):
        entry[:length] = entry[:length][::-1].copy()
    return np.moveaxis(result, (0, 1), (batch, time))


SEMANTICS: dict[type[Operation], Semantics] = {
    graph.GatherElementsOp: _gather_elements,
    graph.GatherNdOp: _gather_nd,
    graph.GatherOp: _gather,
    graph.ReverseSequenceOp: _reverse_sequence,
    graph.ScatterElementsOp: _scatter_elements,
    graph.ScatterNdOp: _scatter_nd,
}
