"""Graph ops that read between the places of a tensor.

| op                | result | source |
|-------------------|--------|--------|
| graph.resize      | x at a regular grid of coordinates, axis by axis | ONNX Resize 10 to 19, Keras UpSampling2D |
| graph.grid_sample | x at the coordinates that a second tensor gives | ONNX GridSample 16 to 20, torch grid_sample |
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from xdsl.dialects.builtin import FloatAttr, IntegerAttr, StringAttr, TensorType
from xdsl.ir import Attribute
from xdsl.irdl import irdl_op_definition, operand_def, opt_prop_def, prop_def, result_def, traits_def
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from neuralc.dialects.syntax import FloatsAttr, PlainOp
from neuralc.dialects.types import ShapeError, element_of, format_shape, is_float, shape_of, tensor_type

REACHES = {"linear": 1, "cubic": 2, "lanczos3": 3, "lanczos5": 5}
"""How far from a coordinate the places are that an interpolation weighs."""

INTERPOLATIONS = ("nearest", *REACHES)
GRID_INTERPOLATIONS = ("nearest", "linear", "cubic")
COORDINATES = (
    "half_pixel",
    "half_pixel_symmetric",
    "pytorch_half_pixel",
    "align_corners",
    "asymmetric",
    "tf_half_pixel_for_nn",
    "tf_crop_and_resize",
)
ROUNDINGS = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
PADDINGS = ("zeros", "border", "reflection")


def _check_word(name: str, word: str, words: Sequence[str]) -> None:
    if word not in words:
        raise ShapeError(f"{name} is one of {', '.join(words)}, not {word}")


@irdl_op_definition
class ResizeOp(PlainOp):
    """x read at out[d] coordinates along each dim d, which the result type gives; dims are independent.

    For the place i of out places along a dim of n, with the scale s = scales[d], or out / n without `scales`:

    | coordinates          | is read at |
    |----------------------|------------|
    | half_pixel           | (i + 0.5) / s - 0.5 |
    | half_pixel_symmetric | the same, + n / 2 * (1 - out / (s * n)) |
    | pytorch_half_pixel   | the same as half_pixel; 0 where out is 1 |
    | align_corners        | i * (n - 1) / (s * n - 1); 0 where s * n is 1 |
    | asymmetric           | i / s |
    | tf_half_pixel_for_nn | (i + 0.5) / s |
    | tf_crop_and_resize   | r0 * (n - 1) + i * (r1 - r0) * (n - 1) / (s * n - 1), r0 and r1 from `roi`;
                             (r0 + r1) * (n - 1) / 2 where s * n is 1; outside 0 .. n - 1 the result is
                             `extrapolation_value` |

    mode nearest takes the place that `nearest_mode` rounds to; linear 2 places, cubic 4 (Keys 1981 with a =
    `cubic_coeff_a`), lanczos3 and lanczos5 6 and 10 (Duchon 1979: sinc(d) * sinc(d / 3) or sinc(d / 5) at a distance d,
    sinc(d) = sin(pi * d) / (pi * d)), weighted by distance. `antialias` widens the filter by 1 / s where s < 1. Places
    outside x repeat its border, or with `exclude_outside` do not count: the other weights are scaled to the sum of 1.
    A dim that keeps its size with the scale 1 (and the region 0 to 1) is not read between its places. `scales` has one
    entry a dim, `roi` all starts and then all ends. ONNX Upsample is asymmetric and floor.
    """

    name = "graph.resize"
    x = operand_def(TensorType)
    mode = prop_def(StringAttr)
    coordinates = prop_def(StringAttr)
    nearest_mode = prop_def(StringAttr)
    cubic_coeff_a = prop_def(FloatAttr)
    exclude_outside = prop_def(IntegerAttr)
    extrapolation_value = prop_def(FloatAttr)
    antialias = prop_def(IntegerAttr)
    scales = opt_prop_def(FloatsAttr)
    roi = opt_prop_def(FloatsAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    DEFAULTS: ClassVar = {
        "mode": "nearest",
        "coordinates": "half_pixel",
        "nearest_mode": "round_prefer_floor",
        "cubic_coeff_a": -0.75,
        "exclude_outside": False,
        "extrapolation_value": 0.0,
        "antialias": False,
    }

    def verify_(self) -> None:
        shape, sizes, literals = shape_of(self.x.type), shape_of(self.result.type), self.literals()
        try:
            _check_word("mode", literals["mode"], INTERPOLATIONS)
            _check_word("coordinates", literals["coordinates"], COORDINATES)
            _check_word("nearest_mode", literals["nearest_mode"], ROUNDINGS)
        except ShapeError as problem:
            raise VerifyException(str(problem)) from problem
        if len(shape) != len(sizes) or element_of(self.x.type) != element_of(self.result.type):
            raise VerifyException(f"cannot resize {self.x.type} to {self.result.type}")
        if any(size == 0 and count != 0 for size, count in zip(shape, sizes, strict=True)):
            raise VerifyException(f"{format_shape(shape)} has no values to make {format_shape(sizes)} of")
        if literals["mode"] != "nearest" and not is_float(element_of(self.x.type)):
            raise VerifyException(f"{literals['mode']} weighs floats, got {element_of(self.x.type)}")
        if literals["mode"] == "nearest" and literals["antialias"]:
            raise VerifyException("nearest takes one place, antialias weighs several")
        scales, roi = literals.get("scales"), literals.get("roi")
        if scales is not None and (len(scales) != len(shape) or min(scales) <= 0):
            raise VerifyException(f"scales {list(scales)} have one positive entry for each of {len(shape)} dims")
        if (roi is not None) != (literals["coordinates"] == "tf_crop_and_resize"):
            raise VerifyException("roi is given for tf_crop_and_resize, and for no other coordinates")
        if roi is not None and len(roi) != 2 * len(shape):
            raise VerifyException(f"roi has a start and an end for each of {len(shape)} dims, got {len(roi)} numbers")


@irdl_op_definition
class GridSampleOp(PlainOp):
    """x [batch, channels, d1..dk] read at grid [batch, o1..ok, k] -> [batch, channels, o1..ok], for k from 1 to 3.

    The last dim of the grid holds the coordinate along dk first and along d1 last; -1 and 1 are the centers of the
    first and last place with `align_corners`, the outer edges of them without. mode: nearest (halves to even), linear,
    cubic (Keys 1981, a = -0.75). padding_mode: what lies outside x is zeros, its border, or its reflection (at the
    centers with `align_corners`, at the edges without).
    """

    name = "graph.grid_sample"
    x = operand_def(TensorType)
    grid = operand_def(TensorType)
    mode = prop_def(StringAttr)
    padding_mode = prop_def(StringAttr)
    align_corners = prop_def(IntegerAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    DEFAULTS: ClassVar = {"mode": "linear", "padding_mode": "zeros", "align_corners": False}

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        x, grid = shape_of(types[0]), shape_of(types[1])
        _check_word("mode", properties["mode"], GRID_INTERPOLATIONS)
        _check_word("padding_mode", properties["padding_mode"], PADDINGS)
        rank = len(x) - 2
        if not 1 <= rank <= 3 or len(grid) != len(x) or grid[-1] != rank or grid[0] != x[0]:
            raise ShapeError(f"a grid of {format_shape(grid)} does not fit {format_shape(x)}")
        if not is_float(element_of(types[0])) or element_of(types[0]) != element_of(types[1]):
            raise ShapeError(
                f"grid_sample needs floats of one type, got {element_of(types[0])}, {element_of(types[1])}"
            )
        if 0 in x[2:]:
            raise ShapeError(f"{format_shape(x)} has no values to sample")
        return tensor_type((*x[:2], *grid[1:-1]), element_of(types[0]))
