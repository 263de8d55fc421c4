"""Reductions over dims by one op, and those that keep a place: argmax, argmin."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from xdsl.dialects.builtin import i1

from neuralc.dialects import graph
from neuralc.dialects.syntax import PlainOp
from neuralc.dialects.types import is_float, numpy_dtype
from neuralc.frontends.stablehlo.comparisons import kept
from neuralc.frontends.stablehlo.node import Node
from neuralc.frontends.stablehlo.regions import kind_of
from neuralc.frontends.stablehlo.registry import stablehlo_op
from neuralc.frontends.values import Value

OF_TRUTH = {"sum": "any", "prod": "all", "maximum": "any", "minimum": "all", "all": "all", "any": "any"}
COMBINED: Mapping[str, type[PlainOp]] = {
    "sum": graph.AddOp,
    "prod": graph.MulOp,
    "maximum": graph.MaximumOp,
    "minimum": graph.MinimumOp,
    "all": graph.LogicalAndOp,
    "any": graph.LogicalOrOp,
}


@stablehlo_op("stablehlo.reduce", makes=("graph.reduce", "graph.arg_reduce", "graph.cast"))
def reduce(node: Node) -> Sequence[Value]:
    """Over each dim of `dimensions`; the operands are the values, then what each reduction begins with."""
    axes = node.integers("dimensions")
    count = len(node.inputs) // 2
    kind = kind_of(node.region(0)) if count == 1 else None
    if kind is None:
        return _places(node, axes)
    x, initial = node.inputs
    kind = reduction(node, kind, x)
    result = node.reduce(x, kind, axes) if axes else x
    return [beginning_with(node, kind, result, initial)]


def reduction(node: Node, kind: str, x: Value) -> str:
    """The kind of graph.reduce for the element type. Raises Refused."""
    if x.element == i1 and kind in OF_TRUTH:
        return OF_TRUTH[kind]
    if kind in ("all", "any", "second"):
        node.refuse(f"of {x.element} by bits" if kind != "second" else "that keeps the last value")
    return kind


def beginning_with(node: Node, kind: str, result: Value, initial: Value) -> Value:
    """A reduction with the value that it begins with, which changes nothing as a rule."""
    numbers = node.session.narrow.of(initial).numbers
    if numbers is not None and numbers.size == 1 and numbers.reshape(()) == NEUTRAL[kind](numbers.dtype):
        return result
    return node.elementwise(COMBINED[kind], result, initial)


def _smallest(dtype: np.dtype[Any]) -> object:
    return -np.inf if dtype.kind not in "iu" else np.iinfo(dtype).min


def _largest(dtype: np.dtype[Any]) -> object:
    return np.inf if dtype.kind not in "iu" else np.iinfo(dtype).max


NEUTRAL: Mapping[str, Callable[[np.dtype[Any]], object]] = {
    "sum": lambda dtype: 0,
    "prod": lambda dtype: 1,
    "maximum": _smallest,
    "minimum": _largest,
    "all": lambda dtype: True,
    "any": lambda dtype: False,
}
"""Kind -> what changes nothing in a reduction of that kind."""


def _places(node: Node, axes: Sequence[int]) -> Sequence[Value]:
    """The extreme and its place: a reduction of values together with numbers that count along the dim."""
    if len(node.inputs) != 4 or len(axes) != 1:
        node.refuse("by a region of several ops")
    x, places, initial, _ = node.inputs
    if node.session.iotas.get(places) != axes[0]:
        node.refuse("of several values, of which none counts along the dim")
    kind = kept(node.region(0), node.session, floats=is_float(x.element))
    if kind is None:
        node.refuse("by a region that keeps neither the largest nor the smallest value")
    combination = "maximum" if kind == "max" else "minimum"
    numbers = initial.numbers
    if numbers is None or numbers.reshape(()) != NEUTRAL[combination](numpy_dtype(x.element)):
        node.refuse("of several values, from a value that counts")
    found = node.emit(graph.ArgReduceOp, x, kind=kind, axis=axes[0])
    bounds = node.session.ranges.of(places)
    place = node.cast(found, places.element)
    if bounds is not None and place.known is None:
        node.session.ranges.set(place, *bounds)
    return [node.reduce(x, combination, axes), place]
