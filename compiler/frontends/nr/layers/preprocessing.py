"""Data as they come: integers to floats, units to numbers around 0, images to one size."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import f32
from xdsl.ir import Attribute, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim
from neuralc.dialects.graph.shapes import broadcast, normalize_axis
from neuralc.dialects.types import (
    DimsAttr,
    ShapeError,
    element_of,
    element_type_of,
    format_shape,
    is_float,
    shape_of,
    tensor_type,
)
from neuralc.frontends.nr.activations import constant
from neuralc.frontends.nr.layers.images import Image, over
from neuralc.frontends.nr.layers.shared import Lowering, known
from neuralc.frontends.nr.layers.tables import Table, shape_of_table, table
from neuralc.frontends.nr.site import LayerError, Site, shown
from neuralc.frontends.sizes import Size
from neuralc.grammar.binding import Bound

SMALLEST_DEVIATION = 1e-7
"""`keras.config.epsilon()`."""


def cast(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    return _as(site, x, element_type_of(arguments["to"]))


def _as(site: Site, x: SSAValue, element: Attribute) -> SSAValue:
    if element_of(x.type) == element:
        return x
    return site.add(graph.CastOp.of(x, result=tensor_type(shape_of(x.type), element)), "cast")


# --- numbers ---------------------------------------------------------------------------------------------------------
def rescaling(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    x = _as(site, x, site.float_of(x))
    scaled = site.add(graph.MulOp.of(x, _beside(site, arguments, "scale", x)))
    return site.add(graph.AddOp.of(scaled, _beside(site, arguments, "offset", x)))


def _beside(site: Site, arguments: Bound, name: str, x: SSAValue) -> SSAValue:
    """A number, or a table whose axes are the last ones of x. Raises ShapeError where it does not broadcast."""
    numbers: Table = arguments[name]
    sizes = shape_of_table(numbers)
    try:
        fits = broadcast(shape_of(x.type), sizes) == shape_of(x.type)
    except ShapeError:
        fits = False
    if not fits:
        raise ShapeError(f"`{name}` has the shape {format_shape(sizes)}, which does not broadcast to {shown(x)}")
    return table(site, numbers, element_of(x.type), name)


def normalization(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    """Keras: mean and variance along the kept axes, as weights or as numbers."""
    x = _as(site, x, site.float_of(x))
    mean, variance = _statistics(site, arguments, x)
    smallest = constant(site, x, SMALLEST_DEVIATION, "smallest")
    deviation = site.add(graph.MaximumOp.of(site.add(graph.SqrtOp.of(variance)), smallest), "deviation")
    if arguments["invert"]:
        return site.add(graph.AddOp.of(mean, site.add(graph.MulOp.of(x, deviation))))
    return site.add(graph.DivOp.of(site.add(graph.SubOp.of(x, mean)), deviation))


def _statistics(site: Site, arguments: Bound, x: SSAValue) -> list[SSAValue]:
    """Mean and variance, with sizes along the kept axes and 1 along the others."""
    shape, names = shape_of(x.type), ("mean", "variance")
    axes = sorted({normalize_axis(axis, len(shape)) for axis in arguments["axis"] or ()})
    kept = [known(shape[axis], f"the size of axis {axis}") for axis in axes]
    given = [arguments[name] for name in names]
    if given == [None, None]:
        starts = zip(names, ("zeros", "ones"), strict=True)
        found = [site.weight(name, kept, x, start, trainable=False) for name, start in starts]
    elif None in given or shape_of_table(given[0]) != shape_of_table(given[1]):
        raise ShapeError("`mean` and `variance` are given together, and have one shape")
    else:
        found = [table(site, numbers, element_of(x.type), name) for numbers, name in zip(given, names, strict=True)]
    sizes = shape_of(found[0].type)
    if len(sizes) > len(kept) or any(n not in (1, m) for n, m in zip(sizes[::-1], kept[::-1], strict=False)):
        raise ShapeError(f"`mean` is of shape {format_shape(sizes)}, the axes that are kept are {format_shape(kept)}")
    # The axes of the numbers are the last ones that are kept.
    along = dict(zip(axes[len(axes) - len(sizes) :], sizes, strict=True))
    beside = [along.get(axis, 1) for axis in range(len(shape))]
    return [_shaped(site, value, beside) for value in found]


def _shaped(site: Site, value: SSAValue, shape: Sequence[Size]) -> SSAValue:
    if shape_of(value.type) in ((), tuple(shape)):
        return value
    return site.add(graph.ReshapeOp.of(value, result=tensor_type(shape, element_of(value.type))))


MODES = {"bilinear": "linear", "nearest": "nearest", "bicubic": "cubic", "lanczos3": "lanczos3", "lanczos5": "lanczos5"}
"""The modes of graph.resize by the names of Keras."""


# --- images ----------------------------------------------------------------------------------------------------------
def resizing(site: Site, arguments: Bound, x: Image) -> SSAValue:
    target = arguments["height"], arguments["width"]
    mode = MODES.get(arguments["interpolation"])
    if mode is None:
        raise LayerError(
            f'`interpolation="{arguments["interpolation"]}"` has no meaning in this version of neuralc yet',
            "E0702",
            f"{', '.join(MODES)} have",
        )
    if arguments["crop_to_aspect_ratio"] and arguments["pad_to_aspect_ratio"]:
        raise ShapeError("`crop_to_aspect_ratio` and `pad_to_aspect_ratio` exclude each other")
    if arguments["crop_to_aspect_ratio"]:
        x = _cropped(site, x, target)
    if arguments["pad_to_aspect_ratio"]:
        x = _bordered(site, x, target, arguments["fill_value"])
    return _resized(site, x, target, mode, antialias=arguments["antialias"] and mode != "nearest")


def center_crop(site: Site, arguments: Bound, x: Image) -> SSAValue:
    target = arguments["height"], arguments["width"]
    x = x.with_value(_as(site, x.value, site.float_of(x.value)))
    sizes = _known_sizes(x)
    if all(size >= wanted for size, wanted in zip(sizes, target, strict=True)):
        starts = [(size - wanted) // 2 for size, wanted in zip(sizes, target, strict=True)]
        return _cut(site, x, starts, target).value
    return _resized(site, _cropped(site, x, target), target, "linear", antialias=False)


def _known_sizes(x: Image) -> tuple[int, int]:
    height, width = (known(size, f"the {name}") for size, name in zip(x.sizes, ("height", "width"), strict=True))
    return height, width


def _resized(site: Site, x: Image, target: Sequence[int], mode: str, *, antialias: bool) -> SSAValue:
    """torch.nn.functional.interpolate without aligned corners, which Keras uses. Integers are rounded half to even.

    A filter that is widened is the one of Pillow: cubic with -0.5, and weights of places outside do not count. Nor do
    they with the windows of Lanczos, which Keras has on other backends.
    """
    element = element_of(x.value.type)
    if element not in (f32, element_type_of("float64")):
        # Keras computes in single precision, and rounds what was an integer.
        x = x.with_value(_as(site, x.value, f32))
    result = tensor_type(x.resized(target), element_of(x.value.type))
    op = graph.ResizeOp.of(
        x.value,
        result=result,
        mode=mode,
        coordinates="half_pixel",
        nearest_mode="round_prefer_ceil",
        cubic_coeff_a=-0.5 if antialias else -0.75,
        antialias=antialias,
        exclude_outside=antialias or mode.startswith("lanczos"),
    )
    resized = site.add(op)
    if not is_float(element):
        resized = site.add(graph.RoundOp.of(resized))
    return _as(site, resized, element)


def _cropped(site: Site, x: Image, target: tuple[int, int]) -> Image:
    """The middle of the image with the aspect ratio of the target."""
    height, width = _known_sizes(x)
    wanted_height, wanted_width = target
    crop = (
        max(min(height, int(float(width * wanted_height) / wanted_width)), 1),
        max(min(width, int(float(height * wanted_width) / wanted_height)), 1),
    )
    return _cut(site, x, [(size - kept) // 2 for size, kept in zip((height, width), crop, strict=True)], crop)


def _bordered(site: Site, x: Image, target: tuple[int, int], value: float) -> Image:
    """The image with borders of one width on both sides, which bring it to the aspect ratio of the target."""
    height, width = _known_sizes(x)
    wanted_height, wanted_width = target
    missing = (
        max(height, int(float(width * wanted_height) / wanted_width)) - height,
        max(width, int(float(height * wanted_width) / wanted_height)) - width,
    )
    around = x.along([size // 2 for size in missing])
    if not any(around):
        return x
    number: float | int = value if is_float(element_of(x.value.type)) else round(value)
    return x.with_value(site.add(graph.PadOp.of(x.value, low=around, high=around, value=number), "bordered"))


def _cut(site: Site, x: Image, starts: Sequence[int], sizes: Sequence[int]) -> Image:
    cut = graph.SliceOp.of(
        x.value,
        result=tensor_type(x.resized(sizes), element_of(x.value.type)),
        starts=DimsAttr(tuple(as_dim(start) for start in x.along(starts))),
        steps=(1,) * len(x.shape),
    )
    return x.with_value(site.add(cut, "cut"))


LOWERINGS: dict[str, Lowering] = {
    "Rescaling": rescaling,
    "Normalization": normalization,
    "Resizing": over(2, resizing),
    "CenterCrop": over(2, center_crop),
    "Cast": cast,
}
