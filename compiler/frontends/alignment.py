"""Sizes that an op needs to be equal: where they are different symbols of the model, they become one.

Exporters name each input's sizes apart, though the graph adds or multiplies the inputs: a run in which they differ has
no meaning, and is refused when its inputs arrive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from neuralc.dialects.dims import Dim
from neuralc.dialects.types import Shape
from neuralc.frontends.sizes import Size
from neuralc.frontends.symbols import Symbols

Pairs: TypeAlias = Iterator[tuple[Size, Size]]


def _broadcast(shapes: Sequence[Shape], properties: Mapping[str, Any]) -> Pairs:
    rank = max(map(len, shapes), default=0)
    for axis in range(1, rank + 1):
        sizes = [shape[-axis] for shape in shapes if len(shape) >= axis and shape[-axis] != 1]
        yield from ((sizes[0], size) for size in sizes[1:])


def _concat(shapes: Sequence[Shape], properties: Mapping[str, Any]) -> Pairs:
    rank = len(shapes[0])
    for shape in shapes[1:]:
        if len(shape) == rank:
            axis = properties["axis"] % rank
            yield from ((a, b) for i, (a, b) in enumerate(zip(shapes[0], shape, strict=True)) if i != axis)


def _matmul(shapes: Sequence[Shape], properties: Mapping[str, Any]) -> Pairs:
    a, b = shapes
    if a and b:
        yield a[-1], b[-2] if len(b) > 1 else b[0]
        yield from _broadcast([a[:-2], b[:-2]], properties)


def _dense(shapes: Sequence[Shape], properties: Mapping[str, Any]) -> Pairs:
    if shapes[0] and len(shapes[1]) == 2:
        yield shapes[0][-1], shapes[1][0]


RULES: Mapping[str, Callable[[Sequence[Shape], Mapping[str, Any]], Pairs]] = {
    **dict.fromkeys(
        (
            "graph.add", "graph.sub", "graph.mul", "graph.div", "graph.maximum", "graph.minimum", "graph.pow",
            "graph.remainder", "graph.fmod", "graph.logical_and", "graph.logical_or", "graph.logical_xor",
            "graph.bitwise_and", "graph.bitwise_or", "graph.bitwise_xor", "graph.shift_left", "graph.shift_right",
            "graph.equal", "graph.not_equal", "graph.less", "graph.less_equal", "graph.greater",
            "graph.greater_equal", "graph.where", "graph.prelu",
        ),
        _broadcast,
    ),
    "graph.concat": _concat,
    "graph.matmul": _matmul,
    "graph.dense": _dense,
}  # fmt: skip
"""Name of a graph op -> the pairs of sizes that have to be equal for it."""


def align(op: str, shapes: Sequence[Shape], properties: Mapping[str, Any], symbols: Symbols) -> None:
    """Make the symbols equal that `op` needs to be. Raises ShapeError where sizes can not be equal."""
    rule = RULES.get(op)
    if rule is None or not any(isinstance(size, Dim) for shape in shapes for size in shape):
        return
    pairs = [(a, b) for a, b in rule(shapes, properties) if a != b and (isinstance(a, Dim) or isinstance(b, Dim))]
    for a, b in pairs:
        symbols.unify(a, b)
