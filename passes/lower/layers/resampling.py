"""Reads between the places of a tensor: where each result is read, and how its neighbours are weighed, are tables.

A resize has a table of places and one of weights for each tap along a dim (nearest: one place and no weight). They
hold one number a place of the result, in float64 until the last step: known at compile time where sizes are, small
maps otherwise. The taps of all dims in one map read the operand once; where that is more than `MOST_TAPS`, one dim is
resized after the other.

    %y = tensor.map "*,c,c,c,c,d,d,d,d->abcd" %x, %place0, %weight0, %place1, %weight1, ..     // linear, of H and W

A grid_sample has two tables a dim, as large as the grid: the place below the coordinate, and how far it is behind it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

from xdsl.dialects.builtin import f32, f64, i32, i64
from xdsl.ir import Attribute, Operation, SSAValue

from neuralc.dialects import graph, tensor
from neuralc.dialects.dims import as_dim
from neuralc.dialects.graph.resampling import REACHES
from neuralc.dialects.tensor.subscripts import LETTERS, WHOLE, identity
from neuralc.dialects.types import DimsAttr, element_bytes, element_of, shape_of, tensor_type
from neuralc.passes.lower.lowering import Conversion, Lowering, unsupported
from neuralc.passes.lower.places import Size, clamped, reflected, reflected_at_edges
from neuralc.passes.lower.scalar_functions import ScalarBuilder

MOST_TAPS = 8
"""More reads than this for one result are a loop, or one dim after the other."""
GRID_CUBIC = -0.75
FARTHEST = 2.0**30
"""Coordinates of a grid further out than any tensor reaches are taken to be here, so that they are integers too."""


def _float_of(element: Attribute) -> Attribute:
    """The type in which values are weighed: floats of 16 bits in 32."""
    return f32 if element_bytes(element) < 4 else element


def _weight(b: ScalarBuilder, mode: str, distance: SSAValue, a: float) -> SSAValue:
    """The weight of a place at a distance: a triangle, Keys 1981 with the coefficient a, or a Lanczos window."""
    d = b.call("abs", distance)
    if mode == "linear":
        return b.call("maximum", b.call("sub", 1.0, d), 0.0)
    if mode in ("lanczos3", "lanczos5"):
        return _lanczos(b, d, REACHES[mode])
    near = b.call("sub", b.call("mul", d, a + 2), a + 3)
    near = b.call("add", b.call("mul", b.call("mul", near, d), d), 1.0)
    far = b.call("add", b.call("mul", b.call("sub", b.call("mul", d, a), 5 * a), d), 8 * a)
    far = b.call("sub", b.call("mul", far, d), 4 * a)
    far = b.call("select", b.call("lt", d, 2.0), far, b.number(0.0, d))
    return b.call("select", b.call("le", d, 1.0), near, far)


def _lanczos(b: ScalarBuilder, d: SSAValue, reach: int) -> SSAValue:
    """sinc(d) * sinc(d / reach) for a distance of at least 0, 1 at 0 and 0 from the reach on."""
    angle = b.call("mul", d, math.pi)
    waves = b.call("mul", b.call("sin", angle), b.call("sin", b.call("div", angle, float(reach))))
    squared = b.call("div", b.call("mul", angle, angle), float(reach))
    only = b.call("eq", d, 0.0)
    inside = b.call("div", waves, b.call("select", only, b.number(1.0, d), squared))
    inside = b.call("select", only, b.number(1.0, d), inside)
    return b.call("select", b.call("lt", d, float(reach)), inside, b.number(0.0, d))


def _sum(b: ScalarBuilder, terms: Sequence[SSAValue]) -> SSAValue:
    total = terms[0]
    for term in terms[1:]:
        total = b.call("add", total, term)
    return total


# -- resize ----------------------------------------------------------------------------------------------------------

ROUNDED: dict[str, Callable[[ScalarBuilder, SSAValue], SSAValue]] = {
    "round_prefer_floor": lambda b, x: b.call("ceil", b.call("sub", x, 0.5)),
    "round_prefer_ceil": lambda b, x: b.call("floor", b.call("add", x, 0.5)),
    "floor": lambda b, x: b.call("floor", x),
    "ceil": lambda b, x: b.call("ceil", x),
}


@dataclass(frozen=True)
class _Axis:
    """One dim of a resize, `size` places before and `out` after."""

    op: graph.ResizeOp
    number: int
    size: Size
    out: Size
    scale: float | None
    region: tuple[float, float] | None

    @property
    def is_known(self) -> bool:
        return isinstance(self.size, int) and isinstance(self.out, int)

    @property
    def is_identity(self) -> bool:
        return self.size == self.out and self.scale in (None, 1.0) and self.region in (None, (0.0, 1.0))

    @property
    def mode(self) -> str:
        return str(self.op.literal("mode"))

    @property
    def narrowed(self) -> float:
        """How much closer together than in the result the taps of the filter are. Raises E0701 where that is open."""
        if not self.op.literal("antialias"):
            return 1.0
        if self.scale is None and not self.is_known:
            raise unsupported(self.op, f"antialias from {self.size} to {self.out} needs scales")
        return min(int(str(self.out)) / int(str(self.size)) if self.scale is None else self.scale, 1.0)

    @property
    def steps(self) -> range:
        """The taps, counted from the place below the coordinate."""
        if self.mode == "nearest":
            return range(1)
        reach = math.ceil(REACHES[self.mode] / self.narrowed)
        return range(1 - reach, reach + 1)

    # -- in the region of a map over the result's places -------------------------------------------------------------

    def coordinate(self, b: ScalarBuilder, position: SSAValue) -> SSAValue:
        """Where a place of the result is read, by the table of graph.resize; the same operations in the same order."""
        i, n, out = b.convert(position, f64), b.size(self.size, f64), b.size(self.out, f64)
        kind, last = self.op.literal("coordinates"), b.size(as_dim(self.size) - 1, f64)
        length = out if self.scale is None else b.call("mul", n, self.scale)
        if kind in ("align_corners", "tf_crop_and_resize"):
            start, end = self.region or (0.0, 1.0)
            span = b.call("mul", b.call("mul", i, end - start) if self.region else i, last)
            along = b.call("div", span, b.call("sub", length, 1.0))
            only = b.call("eq", length, 1.0)
            if not self.region:
                return b.call("select", only, b.number(0.0, i), along)
            middle = b.call("div", b.call("mul", last, start + end), 2.0)
            return b.call("select", only, middle, b.call("add", b.call("mul", last, start), along))
        half = i if kind == "asymmetric" else b.call("add", i, 0.5)
        x = b.call("div", b.call("mul", half, n), out) if self.scale is None else b.call("div", half, self.scale)
        if kind in ("asymmetric", "tf_half_pixel_for_nn"):
            return x
        if kind == "half_pixel_symmetric":
            missing = b.call("sub", 1.0, b.call("div", out, length))
            x = b.call("add", b.call("mul", b.call("div", n, 2.0), missing), x)
        x = b.call("sub", x, 0.5)
        if kind == "pytorch_half_pixel":
            return b.call("select", b.call("eq", out, 1.0), b.number(0.0, x), x)
        return x

    def tap(self, b: ScalarBuilder, position: SSAValue, step: SSAValue | int) -> SSAValue:
        """The place of a tap, inside the dim."""
        x = self.coordinate(b, position)
        whole = ROUNDED[self.op.literal("nearest_mode") if self.mode == "nearest" else "floor"](b, x)
        return clamped(b, b.call("add", b.convert(whole, i32), step), self.size)

    def weight(self, b: ScalarBuilder, position: SSAValue, step: SSAValue | int, element: Attribute) -> SSAValue:
        """The weight of a tap."""
        x = self.coordinate(b, position)
        low = b.call("floor", x)

        def raw(step: SSAValue) -> SSAValue:
            place = b.call("add", low, step)
            distance = b.call("sub", place, x)
            distance = distance if self.narrowed == 1.0 else b.call("mul", distance, self.narrowed)
            found = _weight(b, self.mode, distance, self.op.literal("cubic_coeff_a"))
            if not self.op.literal("exclude_outside"):
                return found
            counts = b.call("and", b.call("ge", place, 0.0), b.call("lt", place, b.size(self.size, f64)))
            return b.call("select", counts, found, b.number(0.0, found))

        own = raw(b.convert(step, f64) if isinstance(step, SSAValue) else b.number(step, x))
        if self.op.literal("exclude_outside") or self.op.literal("antialias"):
            total = _sum(b, [raw(b.number(other, x)) for other in self.steps])
            total = b.call("select", b.call("eq", total, 0.0), b.number(1.0, total), total)
            own = b.call("div", own, total)
        return b.convert(own, element)

    def is_inside(self, b: ScalarBuilder, position: SSAValue) -> SSAValue:
        x = self.coordinate(b, position)
        return b.call("and", b.call("ge", x, 0.0), b.call("le", x, b.size(as_dim(self.size) - 1, f64)))

    # -- tables ------------------------------------------------------------------------------------------------------

    def table(self, at: Lowering, name: str, body: Callable[..., SSAValue], taps: int = 0) -> SSAValue:
        """`body(builder, position)` at every place; with taps, `body(builder, position, tap)` of [place, tap]."""

        def write(at: Lowering) -> SSAValue:
            if not taps:
                return at.map("->a", [], (self.out,), lambda b: body(b, b.position("a", i64)))
            shape = (self.out, taps)
            return at.map("->ab", [], shape, lambda b: body(b, b.position("a", i64), b.position("b", i32)))

        return at.known(f"resize.{name}", write) if self.is_known else write(at)


def _axes(op: graph.ResizeOp) -> list[_Axis]:
    """The dims that change."""
    literals, before, after = op.literals(), shape_of(op.x.type), shape_of(op.result.type)
    scales, roi = literals.get("scales"), literals.get("roi")
    axes = [
        _Axis(
            op,
            number,
            size,
            out,
            None if scales is None else scales[number],
            None if roi is None else (roi[number], roi[number + len(before)]),
        )
        for number, (size, out) in enumerate(zip(before, after, strict=True))
    ]
    return [axis for axis in axes if not axis.is_identity]


def _resize(at: Lowering, op: graph.ResizeOp) -> SSAValue:
    axes, x = _axes(op), op.x
    if math.prod(len(axis.steps) for axis in axes) <= MOST_TAPS:
        x = _weighted_reads(at, x, axes) if axes else x
    else:
        for axis in axes:
            few = len(axis.steps) <= MOST_TAPS
            x = _weighted_reads(at, x, [axis]) if few else _weighted_loop(at, x, axis)
    return _extrapolated(at, op, x, axes) if op.literal("coordinates") == "tf_crop_and_resize" and axes else x


def _resized(x: SSAValue, axes: Sequence[_Axis]) -> list[Size]:
    shape = list(shape_of(x.type))
    for axis in axes:
        shape[axis.number] = axis.out
    return shape


def _weighted_reads(at: Lowering, x: SSAValue, axes: Sequence[_Axis]) -> SSAValue:
    """One map that reads every tap of every axis given."""
    shape, element = _resized(x, axes), element_of(x.type)
    letters, wide = identity(len(shape)), _float_of(element)
    operands, words = [x], [WHOLE]
    columns: list[list[int]] = []
    """For each axis the operands of each tap: its places, and behind it its weights unless it is nearest."""
    for axis in axes:
        columns.append([])
        for step in axis.steps:
            columns[-1].append(len(operands))
            operands.append(axis.table(at, "places", lambda b, i, axis=axis, step=step: axis.tap(b, i, step)))
            if axis.mode != "nearest":
                operands.append(
                    axis.table(at, "weights", lambda b, i, axis=axis, step=step: axis.weight(b, i, step, wide))
                )
            words += [letters[axis.number]] * (len(operands) - len(words))

    def body(b: ScalarBuilder, *values: SSAValue) -> SSAValue:
        def read(tap: Sequence[int]) -> SSAValue:
            """The sum over the taps of the axes behind those that `tap` has chosen the places of."""
            if len(tap) < len(axes):
                inner = [(read([*tap, column]), column) for column in columns[len(tap)]]
                if axes[0].mode == "nearest":
                    return inner[0][0]
                return _sum(b, [b.call("mul", value, values[column + 1]) for value, column in inner])
            places = [b.position(letter, i64) for letter in letters]
            for axis, column in zip(axes, tap, strict=True):
                places[axis.number] = values[column]
            value = b.at(values[0], places)
            return value if axes[0].mode == "nearest" else b.convert(value, wide)

        return b.convert(read([]), element)

    return at.map(f"{','.join(words)}->{letters}", operands, tuple(shape), body)


def _weighted_loop(at: Lowering, x: SSAValue, axis: _Axis) -> SSAValue:
    """A loop over the taps of one axis, behind the axis: products, and their sum."""
    shape, element = _resized(x, [axis]), element_of(x.type)
    letters, wide, first = identity(len(shape)), _float_of(element), axis.steps[0]
    own, tap, taps = letters[axis.number], LETTERS[len(shape)], len(axis.steps)
    places = axis.table(at, "places", lambda b, i, j: axis.tap(b, i, b.call("add", j, first)), taps)
    weights = axis.table(at, "weights", lambda b, i, j: axis.weight(b, i, b.call("add", j, first), wide), taps)
    shape.insert(axis.number + 1, taps)

    def body(b: ScalarBuilder, x: SSAValue, place: SSAValue, weight: SSAValue) -> SSAValue:
        indices = [place if letter == own else b.position(letter, i64) for letter in letters]
        return b.call("mul", b.convert(b.at(x, indices), wide), weight)

    word = letters.replace(own, own + tap)
    products = at.map(f"{WHOLE},{own}{tap},{own}{tap}->{word}", [x, places, weights], tuple(shape), body)
    total = at.emit(tensor.ReduceOp.of(products, kind="add", dims=(axis.number + 1,)))
    if wide == element:
        return total
    return at.map(f"{letters}->{letters}", [total], shape_of(total.type), lambda b, x: b.convert(x, element))


def _extrapolated(at: Lowering, op: graph.ResizeOp, x: SSAValue, axes: Sequence[_Axis]) -> SSAValue:
    """`extrapolation_value` wherever a coordinate is outside."""
    shape = shape_of(x.type)
    letters = identity(len(shape))
    tables = [axis.table(at, "inside", axis.is_inside) for axis in axes]

    def body(b: ScalarBuilder, x: SSAValue, *inside: SSAValue) -> SSAValue:
        every = inside[0]
        for each in inside[1:]:
            every = b.call("and", every, each)
        return b.call("select", every, x, b.number(op.literal("extrapolation_value"), x))

    words = [letters, *(letters[axis.number] for axis in axes)]
    return at.map(f"{','.join(words)}->{letters}", [x, *tables], shape, body)


# -- grid_sample -----------------------------------------------------------------------------------------------------


def _grid_coordinates(at: Lowering, op: graph.GridSampleOp) -> list[SSAValue]:
    """For each spatial dim the coordinate at every place of the grid, a view of it: the last dim's stands first."""
    shape, element = shape_of(op.grid.type), element_of(op.grid.type)
    rank = len(shape) - 2
    type_ = tensor_type((*shape[:-1], 1), element)

    def column(number: int) -> SSAValue:
        starts = DimsAttr((*[as_dim(0)] * (rank + 1), as_dim(number)))
        taken = tensor.SliceOp.of(op.grid, starts=starts, strides=(1,) * (rank + 2), result=type_)
        return at.reshape(at.emit(taken), shape[:-1])

    return [column(number) for number in reversed(range(rank))]


def _place_of(b: ScalarBuilder, op: graph.GridSampleOp, coordinate: SSAValue, size: Size) -> SSAValue:
    """The coordinate along a dim in float64, counted in places."""
    x = b.call("add", b.convert(coordinate, f64), 1.0)
    if op.literal("align_corners"):
        x = b.call("mul", b.call("div", x, 2.0), b.size(as_dim(size) - 1, f64))
    else:
        x = b.call("div", b.call("sub", b.call("mul", x, b.size(size, f64)), 1.0), 2.0)
    return b.call("minimum", b.call("maximum", x, -FARTHEST), FARTHEST)


def _grid_sample(at: Lowering, op: graph.GridSampleOp) -> SSAValue:
    mode, padding, align = op.literal("mode"), op.literal("padding_mode"), op.literal("align_corners")
    shape, element = shape_of(op.result.type), element_of(op.x.type)
    letters, wide, sizes = identity(len(shape)), _float_of(element), shape_of(op.x.type)[2:]
    nearest, grid_letters = mode == "nearest", letters[0] + letters[2:]
    steps = {"nearest": range(1), "linear": range(2), "cubic": range(-1, 3)}[mode]

    def along(coordinate: SSAValue, body: Callable[[ScalarBuilder, SSAValue], SSAValue]) -> SSAValue:
        return at.map(f"{grid_letters}->{grid_letters}", [coordinate], shape_of(coordinate.type), body)

    operands = [op.x]
    for coordinate, size in zip(_grid_coordinates(at, op), sizes, strict=True):

        def place(b: ScalarBuilder, g: SSAValue, size: Size = size) -> SSAValue:
            x = _place_of(b, op, g, size)
            return b.convert(b.call("round_even" if nearest else "floor", x), i32)

        def behind(b: ScalarBuilder, g: SSAValue, size: Size = size) -> SSAValue:
            x = _place_of(b, op, g, size)
            return b.convert(b.call("sub", x, b.call("floor", x)), wide)

        operands += [along(coordinate, place)] if nearest else [along(coordinate, place), along(coordinate, behind)]

    def inside(b: ScalarBuilder, place: SSAValue, size: Size) -> SSAValue:
        if padding == "zeros":
            return place
        if padding == "border":
            return clamped(b, place, size)
        return reflected(b, place, size) if align else reflected_at_edges(b, place, size)

    def taps(b: ScalarBuilder, values: Sequence[SSAValue], size: Size) -> list[tuple[SSAValue, SSAValue | None]]:
        """The places along one dim, and their weights."""
        if nearest:
            return [(inside(b, values[0], size), None)]
        return [
            (
                inside(b, b.call("add", values[0], step), size),
                _weight(b, mode, b.call("sub", float(step), values[1]), GRID_CUBIC),
            )
            for step in steps
        ]

    def body(b: ScalarBuilder, x: SSAValue, *values: SSAValue) -> SSAValue:
        each = 1 if nearest else 2
        lines = [taps(b, values[i * each : i * each + each], size) for i, size in enumerate(sizes)]
        first = [b.position(letters[0], i64), b.position(letters[1], i64)]
        terms: list[SSAValue] = []
        for tap in product(*lines):
            value = b.at(x, [*first, *(place for place, _ in tap)], other=0.0 if padding == "zeros" else None)
            value = value if nearest else b.convert(value, wide)
            for _, weight in tap:
                value = value if weight is None else b.call("mul", value, weight)
            terms.append(value)
        return b.convert(_sum(b, terms), element)

    words = [WHOLE] + [grid_letters] * (len(operands) - 1)
    return at.map(f"{','.join(words)}->{letters}", operands, shape, body)


CONVERSIONS: dict[type[Operation], Conversion] = {
    graph.GridSampleOp: _grid_sample,
    graph.ResizeOp: _resize,
}
