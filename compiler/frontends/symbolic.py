"""Graph ops on arrays of sizes: what shape arithmetic in a model computes, while the sizes are still symbols.

An op that is not in the table, or a comparison that differs between runs, is left to the run: the sizes become data.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from xdsl.ir import Attribute

from neuralc.dialects.dims import as_dim, simplest
from neuralc.dialects.types import is_float, shape_of
from neuralc.frontends.sizes import Bounds, Size, Undecided, exact_quotient, floor_quotient, remainder, total
from neuralc.frontends.values import Array, as_objects, as_size, each, objects


@dataclass(frozen=True)
class Request:
    """An op to be evaluated: its properties and result type, and what is known about symbols."""

    properties: Mapping[str, Any]
    result: Attribute
    bounds: Bounds

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the result. Raises Undecided where it is symbolic."""
        shape = shape_of(self.result)
        if not all(isinstance(size, int) for size in shape):
            raise Undecided("an array of symbolic size")
        return tuple(int(str(size)) for size in shape)

    @property
    def is_float(self) -> bool:
        return is_float(getattr(self.result, "element_type", self.result))


Rule: TypeAlias = Callable[..., Array]
"""`f(request, *arrays)` gives the values of the result. Raises Undecided."""


def _elementwise(function: Callable[[Bounds, Any, Any], Any]) -> Rule:
    def rule(request: Request, lhs: Array, rhs: Array) -> Array:
        return each(lambda a, b: function(request.bounds, a, b), lhs, rhs)

    return rule


def _exact(function: Callable[[Size, Size], Size]) -> Rule:
    """An operation on whole numbers; a fraction among them is data."""

    def rule(request: Request, lhs: Array, rhs: Array) -> Array:
        return each(lambda a, b: simplest(as_dim(function(_whole(a), _whole(b)))), lhs, rhs)

    return rule


def _whole(value: Any) -> Size:
    if isinstance(value, float):
        if not value.is_integer():
            raise Undecided(f"a size with the fraction {value}")
        return int(value)
    return as_size(value)


def _divide(request: Request, lhs: Array, rhs: Array) -> Array:
    """Integer division truncates toward zero, which is the floor for sizes; floats have to divide exactly."""

    def quotient(a: Any, b: Any) -> Size:
        a, b = _whole(a), _whole(b)
        exact = exact_quotient(a, b)
        if exact is not None:
            return exact
        if request.is_float or request.bounds.interval(a)[0] < 0 or request.bounds.interval(b)[0] < 1:
            raise Undecided(f"{a} / {b}")
        return floor_quotient(a, b)

    return each(quotient, lhs, rhs)


def _modulo(request: Request, lhs: Array, rhs: Array, *, signed: bool = False) -> Array:
    """What is left, for `signed` with the sign of the divisor where the dividend may be negative."""

    def left(a: Any, b: Any) -> Size:
        a, b = _whole(a), _whole(b)
        low = request.bounds.interval(a)[0]
        if request.bounds.interval(b)[0] < 1 or (low < 0 and (not signed or low == -math.inf)):
            raise Undecided(f"{a} % {b}")
        # Sizes are never negative: enough whole divisors are added first.
        return remainder(simplest(as_dim(a) + as_dim(b) * max(0, -int(low))) if low < 0 else a, b)

    return each(left, lhs, rhs)


def _same(request: Request, x: Array) -> Array:
    return x


def _cast(request: Request, x: Array) -> Array:
    element = getattr(request.result, "element_type", None)
    if str(element) == "i1":
        return each(lambda bounds_value: not request.bounds.equal(_whole(bounds_value), 0), x)
    return x


def _sign(request: Request, x: Array) -> Array:
    def sign(value: Any) -> int:
        size = _whole(value)
        if request.bounds.equal(size, 0):
            return 0
        return 1 if request.bounds.less(0, size) else -1

    return each(sign, x)


def _where(request: Request, condition: Array, x: Array, y: Array) -> Array:
    if condition.dtype == object:
        raise Undecided("a condition on sizes")
    return each(lambda flag, a, b: a if flag else b, condition, x, y)


def _reduce(request: Request, x: Array) -> Array:
    kind = request.properties["kind"]
    folds: Mapping[str, Callable[[Any, Any], Any]] = {
        "sum": lambda a, b: simplest(as_dim(_whole(a)) + _whole(b)),
        "prod": lambda a, b: total([_whole(a), _whole(b)]),
        "maximum": lambda a, b: request.bounds.larger(_whole(a), _whole(b)),
        "minimum": lambda a, b: request.bounds.smaller(_whole(a), _whole(b)),
    }
    if kind not in folds:
        raise Undecided(f"{kind} of sizes")
    axes = [axis % x.ndim for axis in request.properties["axes"]]
    others = [axis for axis in range(x.ndim) if axis not in axes]
    count = math.prod(x.shape[axis] for axis in axes)
    if not count:
        raise Undecided(f"{kind} of no sizes")
    rows = x.transpose(axes + others).reshape(count, -1)
    out = rows[0]
    for row in rows[1:]:
        out = each(folds[kind], out, row)
    reduced: Array = out.reshape(request.shape)
    return reduced


def _slice(request: Request, x: Array) -> Array:
    starts = [as_size(dim) for dim in request.properties["starts"].data]
    if not all(isinstance(start, int) for start in starts):
        raise Undecided("a slice that starts at a symbolic place")
    steps = request.properties["steps"]
    places = [
        [int(str(start)) + i * step for i in range(count)]
        for start, step, count in zip(starts, steps, request.shape, strict=True)
    ]
    return x[np.ix_(*places)] if places else x


def _gather(request: Request, x: Array, indices: Array) -> Array:
    if indices.dtype == object:
        raise Undecided("an index that is a size")
    axis = request.properties["axis"] % x.ndim
    if ((indices < -x.shape[axis]) | (indices >= x.shape[axis])).any():
        raise Undecided("an index out of range")
    return np.take(x, indices, axis)


def _gather_nd(request: Request, x: Array, indices: Array) -> Array:
    if indices.dtype == object or request.properties["batch_dims"]:
        raise Undecided("an index that is a size")
    taken = x[tuple(np.moveaxis(indices, -1, 0))]
    return taken if isinstance(taken, np.ndarray) else objects([taken], ())


def _concat(request: Request, *arrays: Array) -> Array:
    return np.concatenate([as_objects(array) for array in arrays], request.properties["axis"])


def _scatter_nd(request: Request, x: Array, indices: Array, updates: Array) -> Array:
    if indices.dtype == object or request.properties["kind"] != "set":
        raise Undecided("an index that is a size")
    out = as_objects(x).copy()
    for place in np.ndindex(*indices.shape[:-1]):
        out[tuple(indices[place])] = as_objects(updates)[place]
    return out


RULES: Mapping[str, Rule] = {
    "graph.add": _exact(lambda a, b: as_dim(a) + b),
    "graph.sub": _exact(lambda a, b: as_dim(a) - b),
    "graph.mul": _exact(lambda a, b: as_dim(a) * b),
    "graph.div": _divide,
    "graph.remainder": partial(_modulo, signed=True),
    "graph.fmod": _modulo,
    "graph.maximum": _elementwise(lambda bounds, a, b: bounds.larger(_whole(a), _whole(b))),
    "graph.minimum": _elementwise(lambda bounds, a, b: bounds.smaller(_whole(a), _whole(b))),
    "graph.equal": _elementwise(lambda bounds, a, b: bounds.equal(_whole(a), _whole(b))),
    "graph.not_equal": _elementwise(lambda bounds, a, b: not bounds.equal(_whole(a), _whole(b))),
    "graph.less": _elementwise(lambda bounds, a, b: bounds.less(_whole(a), _whole(b))),
    "graph.less_equal": _elementwise(lambda bounds, a, b: not bounds.less(_whole(b), _whole(a))),
    "graph.greater": _elementwise(lambda bounds, a, b: bounds.less(_whole(b), _whole(a))),
    "graph.greater_equal": _elementwise(lambda bounds, a, b: not bounds.less(_whole(a), _whole(b))),
    "graph.neg": lambda request, x: each(lambda a: simplest(-as_dim(_whole(a))), x),
    "graph.sign": _sign,
    "graph.identity": _same,
    "graph.ceil": _same,
    "graph.floor": _same,
    "graph.round": _same,
    "graph.cast": _cast,
    "graph.where": _where,
    "graph.reduce": _reduce,
    "graph.reshape": lambda request, x: x.reshape(request.shape),
    "graph.transpose": lambda request, x: x.transpose(request.properties["perm"]),
    "graph.expand": lambda request, x: np.broadcast_to(x, request.shape),
    "graph.slice": _slice,
    "graph.concat": _concat,
    "graph.gather": _gather,
    "graph.gather_nd": _gather_nd,
    "graph.scatter_nd": _scatter_nd,
}
"""Name of a graph op -> the rule for it on sizes. Values of float type are whole numbers or Dims here."""
