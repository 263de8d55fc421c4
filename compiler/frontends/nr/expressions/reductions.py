"""Reductions and running sums along axes, with numpy's types: sums of small integers are 64 bits wide."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from xdsl.dialects.builtin import i64
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim, product, simplest
from neuralc.dialects.types import DimsAttr, ShapeError, shape_of
from neuralc.frontends.nr.expressions.builder import Builder, is_kind
from neuralc.frontends.nr.expressions.promotion import dtype_of, result_type
from neuralc.frontends.nr.expressions.values import Value, axes_of, axis_of, flag, tensor_of, whole


def _reduced(b: Builder, x: SSAValue, kind: str, axis: Value, keepdims: Value) -> SSAValue:
    axes, keep = axes_of(axis, len(shape_of(x.type))), flag(keepdims, "keepdims")
    return b.add(graph.ReduceOp.of(x, kind=kind, axes=axes, keepdims=keep)) if axes else x


def _typed(kind: str, function: Callable[..., Any]) -> Callable[..., SSAValue]:
    """A reduction in the type that numpy's function gives."""

    def reduce(b: Builder, x: Value, axis: Value = None, *, keepdims: Value = False) -> SSAValue:
        values = tensor_of(x, f"`{function.__name__}`")
        return _reduced(b, b.cast(values, result_type(function, values)), kind, axis, keepdims)

    return reduce


def _extreme(kind: str, of_truth: str) -> Callable[..., SSAValue]:
    def reduce(b: Builder, x: Value, axis: Value = None, *, keepdims: Value = False) -> SSAValue:
        values = tensor_of(x, "an extreme")
        return _reduced(b, values, of_truth if is_kind(values, "b") else kind, axis, keepdims)

    return reduce


def _of_truth(kind: str) -> Callable[..., SSAValue]:
    def reduce(b: Builder, x: Value, axis: Value = None, *, keepdims: Value = False) -> SSAValue:
        return _reduced(b, b.truth(tensor_of(x, f"`{kind}`")), kind, axis, keepdims)

    return reduce


sum_ = _typed("sum", np.sum)
mean = _typed("mean", np.mean)


def _count(b: Builder, x: SSAValue, axis: Value, less: int) -> SSAValue:
    """How many values are reduced, as a number of the type of x."""
    shape = shape_of(x.type)
    count = simplest(product([shape[axis] for axis in axes_of(axis, len(shape))]) - less)
    return b.tensor(count, dtype_of(x))


def var(b: Builder, x: Value, axis: Value = None, *, ddof: Value = 0, keepdims: Value = False) -> SSAValue:
    """The mean of squared distances to the mean; `ddof` is subtracted from the count."""
    values = tensor_of(x, "a variance")
    values = b.cast(values, result_type(np.var, values))
    middle = _reduced(b, values, "mean", axis, True)
    distance = b.add(graph.SubOp.of(values, middle))
    square = b.add(graph.MulOp.of(distance, distance))
    less = whole(ddof, "ddof")
    if not less:
        return _reduced(b, square, "mean", axis, keepdims)
    total = _reduced(b, square, "sum", axis, keepdims)
    return b.add(graph.DivOp.of(total, _count(b, values, axis, less)))


def std(b: Builder, x: Value, axis: Value = None, *, ddof: Value = 0, keepdims: Value = False) -> SSAValue:
    return b.add(graph.SqrtOp.of(var(b, x, axis, ddof=ddof, keepdims=keepdims)))


def ptp(b: Builder, x: Value, axis: Value = None, *, keepdims: Value = False) -> SSAValue:
    """The largest less the smallest."""
    values = tensor_of(x, "a range")
    return b.add(graph.SubOp.of(*(_reduced(b, values, kind, axis, keepdims) for kind in ("maximum", "minimum"))))


def count_nonzero(b: Builder, x: Value, axis: Value = None, *, keepdims: Value = False) -> SSAValue:
    return _reduced(b, b.cast_to(b.truth(tensor_of(x, "a count")), i64), "sum", axis, keepdims)


def norm(b: Builder, x: Value, *, axis: Value = None, keepdims: Value = False) -> SSAValue:
    """The root of the sum of squares: the length of vectors, the Frobenius norm of matrices."""
    values = tensor_of(x, "a norm")
    values = b.cast(values, result_type(np.linalg.norm, values))
    square = b.add(graph.MulOp.of(values, values))
    return b.add(graph.SqrtOp.of(_reduced(b, square, "sum", axis, keepdims)))


def logsumexp(b: Builder, x: Value, axis: Value = None, *, keepdims: Value = False) -> SSAValue:
    """log(sum(exp(x))), without overflow (scipy.special.logsumexp)."""
    values = tensor_of(x, "a sum")
    values = b.cast(values, result_type(np.mean, values))
    largest = _reduced(b, values, "maximum", axis, True)
    powers = b.add(graph.ExpOp.of(b.add(graph.SubOp.of(values, largest))))
    total = b.add(graph.LogOp.of(_reduced(b, powers, "sum", axis, keepdims)))
    beside = largest if flag(keepdims, "keepdims") else b.reshape(largest, shape_of(total.type))
    return b.add(graph.AddOp.of(total, beside))


# --- along one axis --------------------------------------------------------------------------------------------------
def _along(b: Builder, x: Value, axis: Value, what: str) -> tuple[SSAValue, int]:
    """The values and an axis of them; without one the values in a row."""
    values = tensor_of(x, what)
    if axis is None:
        return b.reshape(values, (simplest(product(shape_of(values.type))),)), 0
    return values, axis_of(axis, len(shape_of(values.type)))


def _position(kind: str) -> Callable[..., SSAValue]:
    def find(b: Builder, x: Value, axis: Value = None, *, keepdims: Value = False) -> SSAValue:
        values, along = _along(b, x, axis, "a position")
        values = b.cast(values, np.dtype("uint8")) if is_kind(values, "b") else values
        keep = flag(keepdims, "keepdims")
        if axis is None and keep:
            raise ShapeError("`keepdims` needs an `axis` here")
        return b.add(graph.ArgReduceOp.of(values, kind=kind, axis=along, keepdims=keep))

    return find


def _running(kind: str, function: Callable[..., Any]) -> Callable[..., SSAValue]:
    def cumulate(b: Builder, x: Value, axis: Value = None) -> SSAValue:
        values, along = _along(b, x, axis, f"`{function.__name__}`")
        values = b.cast(values, result_type(function, values))
        return b.add(graph.CumulateOp.of(values, kind=kind, axis=along))

    return cumulate


def sort(b: Builder, x: Value, axis: Value = -1) -> SSAValue:
    """From the smallest on, NaN at the end."""
    values, along = _along(b, x, axis, "an order")
    size = as_dim(shape_of(values.type)[along])
    if is_kind(values, "b"):
        raise ShapeError("truth values have no order here: cast them first")
    return b.add(graph.TopKOp.of(values, k=DimsAttr((size,)), axis=along, largest=False))


def diff(b: Builder, x: Value, n: Value = 1, axis: Value = -1) -> SSAValue:
    """Each value less the one before it along the axis, `n` times."""
    values, along = _along(b, x, axis, "differences")
    for _ in range(whole(n, "n")):
        values = _differences(b, values, along)
    return values


def _differences(b: Builder, x: SSAValue, along: int) -> SSAValue:
    shape = shape_of(x.type)
    if not b.bounds.at_most(1, shape[along]):
        raise ShapeError("an axis without values has no differences")
    sizes = [simplest(as_dim(size) - 1) if axis == along else size for axis, size in enumerate(shape)]
    later, earlier = (
        b.slice(x, [start if axis == along else 0 for axis in range(len(shape))], sizes, [1] * len(shape))
        for start in (1, 0)
    )
    return b.add((graph.NotEqualOp if is_kind(x, "b") else graph.SubOp).of(later, earlier))


REDUCTIONS: Mapping[str, Callable[..., Value]] = {
    "sum": sum_,
    "prod": _typed("prod", np.prod),
    "mean": mean,
    "max": _extreme("maximum", "any"),
    "min": _extreme("minimum", "all"),
    "amax": _extreme("maximum", "any"),
    "amin": _extreme("minimum", "all"),
    "any": _of_truth("any"),
    "all": _of_truth("all"),
    "var": var,
    "std": std,
    "ptp": ptp,
    "count_nonzero": count_nonzero,
    "linalg.norm": norm,
    "logsumexp": logsumexp,
    "argmax": _position("max"),
    "argmin": _position("min"),
    "cumsum": _running("sum", np.cumsum),
    "cumprod": _running("prod", np.cumprod),
    "sort": sort,
    "diff": diff,
}
"""By their numpy names; parameters are numpy's too."""
