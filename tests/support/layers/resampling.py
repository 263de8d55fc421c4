"""Reads between places: resize and grid_sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from support.layers.program import Layer, Program, floats, rank
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.graph.resampling import COORDINATES, GRID_INTERPOLATIONS, INTERPOLATIONS, PADDINGS, ROUNDINGS
from neuralc.dialects.types import element_of, is_float, shape_of, tensor_type


def resize(program: Program, x: SSAValue) -> SSAValue | None:
    """One or two dims, static ones to any size, symbolic ones doubled."""
    shape = list(shape_of(x.type))
    if not shape or 0 in shape:
        return None
    mode = program.choice(INTERPOLATIONS) if is_float(element_of(x.type)) else "nearest"
    properties: dict[str, Any] = {
        "mode": mode,
        "coordinates": program.choice([name for name in COORDINATES if name != "tf_crop_and_resize"]),
        "nearest_mode": program.choice(ROUNDINGS),
        "exclude_outside": mode not in ("nearest", "linear") and program.flag(),
    }
    for axis in {program.integer(0, len(shape) - 1) for _ in range(2)}:
        size = shape[axis]
        shape[axis] = program.integer(1, 2 * size) if isinstance(size, int) else size * 2
    known = all(isinstance(a, int) or a == b for a, b in zip(shape_of(x.type), shape, strict=True))
    if mode != "nearest" and known and program.flag():
        properties["antialias"] = True
    if known and program.chance(0.2):
        properties |= {"coordinates": "tf_crop_and_resize", "extrapolation_value": 0.5}
        properties["roi"] = (*[0.0, *[-0.125] * rank(x)][: rank(x)], *[1.0, *[0.875] * rank(x)][: rank(x)])
        if any(not isinstance(size, int) for size in shape[1:]):
            return None
    return graph.ResizeOp.of(x, result=tensor_type(shape, element_of(x.type)), **properties).result


@floats
def grid_sample(program: Program, x: SSAValue) -> SSAValue | None:
    shape = shape_of(x.type)
    if not 3 <= len(shape) <= 5 or 0 in shape[2:]:
        return None
    places = len(shape) - 2
    out = tuple(program.integer(1, 3) for _ in range(places))
    grid = program.weight("grid", *out, places)
    grid = graph.ExpandOp.of(grid, result=tensor_type((shape[0], *out, places), program.element)).result
    mode = program.choice(GRID_INTERPOLATIONS if places < 3 else ("nearest", "linear"))
    padding = program.choice(PADDINGS)
    return graph.GridSampleOp.of(x, grid, mode=mode, padding_mode=padding, align_corners=program.flag()).result


LAYERS: Sequence[Layer] = (resize, resize, grid_sample)
