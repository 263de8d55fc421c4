"""Resize; what it does not say of known sizes is a matrix along each dim, or places that are gathered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.dialects.interp.graph.resampling import resize_axis
from neuralc.dialects.types import element_of, shape_of
from neuralc.emit.onnx.element_types import f32, f64
from neuralc.emit.onnx.values import Values, exact_attribute

MODES = frozenset({"nearest", "linear", "cubic"})
SINCE = {"half_pixel_symmetric": 19}
"""Coordinates that older operator sets do not have."""


def _resize(values: Values, op: graph.ResizeOp) -> None:
    literals, order = op.literals(), values.order(op)
    mode, coordinates = literals["mode"], literals["coordinates"]
    if not _is_sayable(op) or values.find_carrier("Resize", values.operand(op, 0)) is None:
        _by_dims(values, op)
        return
    attributes: dict[str, Any] = {"mode": mode, "coordinate_transformation_mode": coordinates}
    if mode == "nearest":
        attributes["nearest_mode"] = literals["nearest_mode"]
    if mode == "cubic":
        attributes["cubic_coeff_a"] = literals["cubic_coeff_a"]
    if literals["exclude_outside"]:
        attributes["exclude_outside"] = 1
    if literals["antialias"]:
        values.writer.scope.opset.need(18)
        attributes["antialias"] = 1
    if coordinates == "tf_crop_and_resize" and literals["extrapolation_value"]:
        attributes["extrapolation_value"] = literals["extrapolation_value"]
    values.writer.scope.opset.need(SINCE.get(coordinates, 17))
    x, rank, roi = values.operand(op, 0), len(order), literals.get("roi")
    region = "" if roi is None else values.constant(np.array([roi[a + b] for b in (0, rank) for a in order]), f32)
    wide, own = values.carrier("Resize", x), element_of(op.x.type)
    inputs = [values.cast(x, wide), region, *_extent(values, op)]
    if wide == own:
        values.define(op, "Resize", *inputs, **attributes)
    else:
        values.result(op, values.cast(values("Resize", *inputs, **attributes), own))


def _is_sayable(op: graph.ResizeOp) -> bool:
    """Whether the operator has this mode, these coordinates, and numbers as exact as these."""
    literals = op.literals()
    numbers = (literals["cubic_coeff_a"], literals["extrapolation_value"], *literals.get("scales", ()))
    return (
        literals["mode"] in MODES
        and literals["coordinates"] != "tf_half_pixel_for_nn"
        and exact_attribute(element_of(op.x.type), *numbers, *literals.get("roi", ()))
    )


def _extent(values: Values, op: graph.ResizeOp) -> list[str]:
    """Scales where they are given, and say the sizes; else the sizes."""
    order, scales = values.order(op), op.literals().get("scales")
    if scales is None:
        return ["", values.sizes.vector(values.shape(op))]
    return [values.constant(np.array([scales[axis] for axis in order]), f32)]


def _by_dims(values: Values, op: graph.ResizeOp) -> None:
    """Along each dim the places of nearest, or what its weights make of the identity: a matrix [out, n]."""
    if op.literal("coordinates") == "tf_crop_and_resize":
        values.refuse(op, "a region with numbers that attributes of ONNX, which are fp32, do not hold")
        return
    before, after, order = shape_of(op.x.type), shape_of(op.result.type), values.order(op)
    scales, x, rank = op.literals().get("scales"), values.operand(op, 0), len(before)
    own = element_of(op.x.type)
    weighs = own if own == f64 else f32  # a matrix of 16 bits is not exact enough
    for place, axis in enumerate(order):
        n, out, scale = before[axis], after[axis], None if scales is None else scales[axis]
        if n == out and scale in (None, 1.0):
            continue
        if not isinstance(n, int) or not isinstance(out, int):
            values.refuse(op, f"{op.literal('mode')} by {op.literal('coordinates')} of a symbolic size {n}")
            return
        if op.literal("mode") == "nearest":
            places = resize_axis(op, np.arange(n), 0, out, scale)
            x = values("Gather", x, values.integers(places.tolist()), axis=place)
            continue
        matrix = values.constant(resize_axis(op, np.eye(n), 0, out, scale).T, weighs)
        last = [*(i for i in range(rank) if i != place), place]
        back = [int(i) for i in np.argsort(last)]
        x = values.transpose(values("MatMul", values.transpose(values.cast(x, weighs), last), matrix), back)
    values.result(op, values.cast(x, own))


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {graph.ResizeOp: _resize}
