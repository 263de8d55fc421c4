"""Layers that make one value of several."""

from __future__ import annotations

from string import ascii_lowercase
from typing import TypeAlias

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.types import ShapeError, element_of, shape_of, tensor_type
from neuralc.frontends.nr.layers.shared import Lowering
from neuralc.frontends.nr.site import LayerError, Site, shown
from neuralc.frontends.sizes import Size
from neuralc.grammar.binding import Bound

Binary: TypeAlias = type[graph.AddOp | graph.SubOp | graph.MulOp | graph.MaximumOp | graph.MinimumOp]


def _elementwise(op: Binary) -> Lowering:
    return lambda site, arguments, *values: _folded(site, op, values)


def _folded(site: Site, op: Binary, values: tuple[SSAValue, ...]) -> SSAValue:
    """`op` between all values, from the first to the last."""
    if len(values) == 1:
        _warn_single(site)
        return site.add(graph.IdentityOp.of(values[0]))
    result, *others = _aligned(site, values)
    for value in others:
        result = site.add(op.of(result, value))
    return result


def average(site: Site, arguments: Bound, *values: SSAValue) -> SSAValue:
    total = _folded(site, graph.AddOp, values)
    if len(values) == 1:
        return total
    count = graph.ConstantOp.of(result=tensor_type((), element_of(total.type)), value=float(len(values)))
    return site.add(graph.DivOp.of(total, site.add(count, "count")))


def concatenate(site: Site, arguments: Bound, *values: SSAValue) -> SSAValue:
    rank = len(shape_of(values[0].type))
    if any(len(shape_of(value.type)) != rank for value in values):
        raise ShapeError(f"values of different rank cannot stand behind each other: {_listed(values)}")
    axis = normalize_axis(arguments["axis"], rank)
    if len(values) == 1:
        _warn_single(site)
        return site.add(graph.IdentityOp.of(values[0]))
    for value in values[1:]:
        for index in range(rank):
            if index != axis:
                _equal(site, values, values[0], value, index)
    return site.add(graph.ConcatOp.of(*values, axis=axis))


def dot(site: Site, arguments: Bound, x: SSAValue, y: SSAValue) -> SSAValue:
    """Keras: the summed axes go, the batch stays in front, then what is left of x, then what is left of y."""
    ranks = len(shape_of(x.type)), len(shape_of(y.type))
    axes = arguments["axes"] * 2 if len(arguments["axes"]) == 1 else arguments["axes"]
    if len(axes) != 2:
        raise ShapeError(f"`axes` is one axis or two, not {len(axes)}")
    summed = [normalize_axis(axis, rank) for axis, rank in zip(axes, ranks, strict=True)]
    if 0 in summed:
        raise ShapeError("the batch cannot be summed over")
    site.equal(shape_of(x.type)[summed[0]], shape_of(y.type)[summed[1]])
    if arguments["normalize"]:
        x = site.layer("x", "UnitNormalization", x, axis=(summed[0],))
        y = site.layer("y", "UnitNormalization", y, axis=(summed[1],))
    letters = iter(ascii_lowercase[2:])
    subscripts = [
        "".join("a" if i == 0 else "b" if i == axis else next(letters) for i in range(rank))
        for rank, axis in zip(ranks, summed, strict=True)
    ]
    kept = "a" + "".join(letter for text in subscripts for letter in text if letter not in "ab")
    result = site.add(graph.EinsumOp.of(x, y, spec=f"{subscripts[0]},{subscripts[1]}->{kept}"))
    if len(kept) > 1:
        return result
    return site.add(graph.ReshapeOp.of(result, result=tensor_type((shape_of(x.type)[0], 1), element_of(x.type))))


# --- shapes ----------------------------------------------------------------------------------------------------------
def _aligned(site: Site, values: tuple[SSAValue, ...]) -> list[SSAValue]:
    """Values whose shapes broadcast. Keras: one of a lower rank gets axes of size 1 behind its batch."""
    rank = max(len(shape_of(value.type)) for value in values)
    result: list[SSAValue] = []
    for index, value in enumerate(values):
        shape = shape_of(value.type)
        if len(shape) < rank:
            wide = tensor_type((shape[0], *[1] * (rank - len(shape)), *shape[1:]), element_of(value.type))
            result.append(site.add(graph.ReshapeOp.of(value, result=wide), f"x{index}"))
        else:
            result.append(value)
    for other in result[1:]:
        for axis in range(rank):
            sizes = shape_of(result[0].type)[axis], shape_of(other.type)[axis]
            if 1 not in sizes:
                _equal(site, values, result[0], other, axis)
    return result


def _equal(site: Site, values: tuple[SSAValue, ...], x: SSAValue, y: SSAValue, axis: int) -> None:
    shape, other = shape_of(x.type), shape_of(y.type)
    try:
        site.equal(shape[axis], other[axis])
    except ShapeError:
        fix = _padded(shape[axis], other[axis]) if 0 < axis < len(shape) - 1 else None
        raise LayerError(f"the sizes of axis {axis} differ: {_listed(values)}", help=fix) from None


def _padded(a: Size, b: Size) -> str | None:
    """What helps where a few places along an axis are missing."""
    if isinstance(a, int) and isinstance(b, int) and max(a, b) < 2 * min(a, b):
        return 'a window takes places away at the borders, with `padding="same"` it does not'
    return None


def _listed(values: tuple[SSAValue, ...]) -> str:
    return " and ".join(map(shown, values))


def _warn_single(site: Site) -> None:
    site.warn("W0403", "one value comes here: there is nothing to merge", "name the values: `Add(a, b)`")


LOWERINGS: dict[str, Lowering] = {
    "Add": _elementwise(graph.AddOp),
    "Subtract": _elementwise(graph.SubOp),
    "Multiply": _elementwise(graph.MulOp),
    "Average": average,
    "Maximum": _elementwise(graph.MaximumOp),
    "Minimum": _elementwise(graph.MinimumOp),
    "Concatenate": concatenate,
    "Dot": dot,
}
