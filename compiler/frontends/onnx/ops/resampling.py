"""Images at other sizes and other places: Resize and its ancestor Upsample, GridSample, AffineGrid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from xdsl.dialects.builtin import f32, i64

from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim, simplest
from neuralc.dialects.types import ShapeError, is_float, tensor_type
from neuralc.frontends.onnx.node import Node
from neuralc.frontends.onnx.registry import onnx_op
from neuralc.frontends.refusals import Refused
from neuralc.frontends.sizes import Size, total
from neuralc.frontends.values import Value

LARGEST_DENOMINATOR = 1 << 12
"""Of a scale of a symbolic size: the result is a fraction of the size, rounded down."""

MODES = {"nearest": "nearest", "linear": "linear", "cubic": "cubic", "bilinear": "linear", "bicubic": "cubic"}


# --- Resize ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Sizes:
    """The sizes of a result, and the scales where those are given and not what follows from the sizes."""

    shape: tuple[Size, ...]
    scales: tuple[float, ...] | None


@onnx_op("Resize", makes=("graph.resize", "graph.cast"))
def resize(node: Node) -> Value:
    """Version 10 reads at i / scale and rounds down; later ones say how."""
    x = node.input(0)
    mode = _mode(node, "nearest")
    if node.version < 11:
        sizes = _scaled(x, _known_scales(node, 1, x, range(x.rank)))
        return _emit(node, x, sizes, mode, "asymmetric", "floor", None)
    axes = [node.axis(axis, x.rank) for axis in node.integers("axes", range(x.rank))]
    coordinates = node.string("coordinate_transformation_mode", "half_pixel")
    nearest = node.string("nearest_mode", "round_prefer_floor")
    sizes = _sizes(node, x, axes)
    roi = _region(node, x, axes) if coordinates == "tf_crop_and_resize" else None
    return _emit(node, x, sizes, mode, coordinates, nearest, roi)


@onnx_op("Upsample", makes=("graph.resize", "graph.cast"))
def upsample(node: Node) -> Value:
    x = node.input(0)
    scales = node.reals("scales") if node.version < 9 else _known_scales(node, 1, x, range(x.rank))
    if len(scales) != x.rank:
        raise ShapeError(f"{len(scales)} scales for {x.rank} dims")
    return _emit(node, x, _scaled(x, scales), _mode(node, "nearest"), "asymmetric", "floor", None)


def _mode(node: Node, default: str) -> str:
    mode = node.string("mode", default)
    if mode not in MODES:
        raise ShapeError(f"mode is `{mode}`")
    return MODES[mode]


def _emit(
    node: Node, x: Value, sizes: Sizes, mode: str, coordinates: str, nearest: str, roi: tuple[float, ...] | None
) -> Value:
    """Integers are weighed as floats, and the result is truncated."""
    weighs = mode != "nearest" and not is_float(x.element)
    source = node.cast(x, f32) if weighs else x
    given = {"scales": sizes.scales, "roi": roi}
    y = node.emit(
        graph.ResizeOp, source, result=tensor_type(sizes.shape, source.element),
        mode=mode, coordinates=coordinates, nearest_mode=nearest,
        cubic_coeff_a=node.real("cubic_coeff_a", -0.75), exclude_outside=bool(node.integer("exclude_outside", 0)),
        extrapolation_value=node.real("extrapolation_value", 0.0),
        antialias=bool(node.integer("antialias", 0)) and mode != "nearest",
        **{name: value for name, value in given.items() if value is not None},
    )  # fmt: skip
    return node.cast(y, x.element)


def _sizes(node: Node, x: Value, axes: Sequence[int]) -> Sizes:
    policy = node.string("keep_aspect_ratio_policy", "stretch")
    if node.optional(3) is None or node.input(3).shape == (0,):
        return _scaled(x, _known_scales(node, 2, x, axes))
    asked = node.sizes(3, "sizes")
    if len(asked) != len(axes):
        raise ShapeError(f"{len(asked)} sizes for {len(axes)} dims")
    wanted = dict(zip(axes, asked, strict=True))
    if policy == "stretch":
        return Sizes(tuple(wanted.get(axis, size) for axis, size in enumerate(x.shape)), None)
    if policy not in ("not_larger", "not_smaller"):
        raise ShapeError(f"keep_aspect_ratio_policy is `{policy}`")
    if not all(isinstance(size, int) for size in (*asked, *(x.shape[axis] for axis in axes))):
        raise Refused(f"with keep_aspect_ratio_policy {policy} of symbolic sizes")
    ratios = [int(str(size)) / int(str(x.shape[axis])) for axis, size in wanted.items()]
    scale = min(ratios) if policy == "not_larger" else max(ratios)
    shape = tuple(int(scale * int(str(s)) + 0.5) if axis in wanted else s for axis, s in enumerate(x.shape))
    return Sizes(shape, tuple(scale if axis in wanted else 1.0 for axis in range(x.rank)))


def _known_scales(node: Node, index: int, x: Value, axes: Sequence[int]) -> tuple[float, ...]:
    """A scale for each dim. Raises ShapeError."""
    given = [float(scale) for scale in node.numbers(index, "scales").reshape(-1)]
    if len(given) != len(axes):
        raise ShapeError(f"{len(given)} scales for {len(axes)} dims")
    chosen = dict(zip(axes, given, strict=True))
    return tuple(chosen.get(axis, 1.0) for axis in range(x.rank))


def _scaled(x: Value, scales: Sequence[float]) -> Sizes:
    return Sizes(tuple(map(_times, x.shape, scales)), tuple(scales))


def _times(size: Size, scale: float) -> Size:
    """floor(size * scale). Raises Refused for a scale of a symbolic size that is no small fraction."""
    if isinstance(size, int):
        return int(np.floor(size * scale))
    fraction = Fraction(scale)
    if fraction.denominator > LARGEST_DENOMINATOR:
        raise Refused(f"with the scale {scale} of a symbolic size")
    return simplest(as_dim(size) * fraction.numerator // fraction.denominator)


def _region(node: Node, x: Value, axes: Sequence[int]) -> tuple[float, ...]:
    """Starts and ends of all dims; all of a dim that the node does not name."""
    given = [float(number) for number in node.numbers(1, "region").reshape(-1)]
    if len(given) != 2 * len(axes):
        raise ShapeError(f"the region has {len(given)} numbers for {len(axes)} dims")
    starts = dict(zip(axes, given, strict=False))
    ends = dict(zip(axes, given[len(axes) :], strict=True))
    return (*(starts.get(i, 0.0) for i in range(x.rank)), *(ends.get(i, 1.0) for i in range(x.rank)))


# --- grids -------------------------------------------------------------------------------------------------------
@onnx_op("GridSample", makes=("graph.grid_sample", "graph.cast"))
def grid_sample(node: Node) -> Value:
    x, grid = node.inputs
    element = x.element if is_float(x.element) else grid.element
    sampled = node.emit(
        graph.GridSampleOp, node.cast(x, element), node.cast(grid, element), mode=_mode(node, "linear"),
        padding_mode=node.string("padding_mode", "zeros"), align_corners=bool(node.integer("align_corners", 0)),
    )  # fmt: skip
    return node.cast(sampled, x.element)


@onnx_op(
    "AffineGrid",
    makes=("graph.iota", "graph.cast", "graph.mul", "graph.add", "graph.concat", "graph.matmul", "graph.transpose"),
)
def affine_grid(node: Node) -> Value:
    """theta [N, k, k + 1] applied to the places of an image of `size` [N, C, d1..dk], in coordinates from -1 to 1."""
    theta, sizes = node.input(0), node.sizes(1, "size")
    rank = len(sizes) - 2
    if rank not in (2, 3) or theta.rank != 3 or theta.shape[1:] != (rank, rank + 1):
        raise ShapeError(f"theta is {theta.type} for a size of {len(sizes)} entries")
    align, spatial = bool(node.integer("align_corners", 0)), sizes[2:]
    columns = []
    for axis in reversed(range(rank)):  # the coordinate along the last dim comes first
        line = _line(node, spatial[axis], align, theta)
        shaped = node.reshape(line, tuple(spatial[axis] if i == axis else 1 for i in range(rank)))
        columns.append(node.reshape(node.expand(shaped, spatial), (total(spatial), 1)))
    columns.append(node.fill(1, (total(spatial), 1), theta.element))
    grid = node.emit(graph.MatmulOp, node.concat(columns, 1), node.transpose(theta, (0, 2, 1)))
    return node.reshape(grid, (theta.shape[0], *spatial, rank))


def _line(node: Node, size: Size, align: bool, like: Value) -> Value:
    """The coordinates of the places along a dim: of their centers, from -1 to 1 with `align` or half a place inside."""
    if isinstance(size, int):
        steps = np.arange(size)
        if align:
            return node.constant(np.linspace(-1, 1, size) if size > 1 else np.full(1, -1.0), like.element)
        return node.constant((2 * steps + 1) / size - 1, like.element)
    places = node.cast(node.emit(graph.IotaOp, result=tensor_type((size,), i64)), like.element)
    count = node.cast(node.reshape(node.indices([size]), ()), like.element)
    two, one = node.scalar(2, like), node.scalar(1, like)
    if align:
        last = node.emit(graph.MaximumOp, node.sub(count, one), one)
        return node.sub(node.div(node.mul(places, two), last), one)
    return node.sub(node.div(node.add(node.mul(places, two), one), count), one)
