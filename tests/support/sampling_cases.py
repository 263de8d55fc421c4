"""Layers that read where data says, that quantize, and determinants: all operands are inputs.

for case in CASES: module, inputs = case.build()
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from support.graph_modules import single_op
from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim
from neuralc.dialects.graph.shapes import spatial_extents, window_extent
from neuralc.dialects.types import DimsAttr

Array = NDArray[Any]

ROIS = np.array([[1.0, 1.5, 9.0, 7.0], [0.0, 0.0, 3.2, 2.1], [-4.0, -3.0, 20.0, 15.0], [5.0, 4.0, 5.2, 4.1]])
BATCH_INDICES = np.array([0, 1, 1, 0])

DEFORMED: list[dict[str, Any]] = [
    {"kernel": (2, 2, 3, 4)},
    {"kernel": (3, 2, 3, 4), "strides": (2, 1), "pads": (1, 0, 1, 1), "dilations": (1, 2)},
    {"kernel": (3, 3, 2, 6), "groups": 3, "offset_groups": 2, "pads": (1, 1, 1, 1)},
]

FOLDS: list[dict[str, Any]] = [
    {"sizes": (5, 6), "window": (2, 3), "strides": (1, 1), "dilations": (1, 1), "pads": (0, 0)},
    {"sizes": (7, 6), "window": (3, 2), "strides": (2, 3), "dilations": (2, 1), "pads": (1, 2)},
    {"sizes": (6, 6), "window": (2, 2), "strides": (2, 2), "dilations": (1, 1), "pads": (0, 0)},
    {"sizes": (9,), "window": (3,), "strides": (2,), "dilations": (2,), "pads": (1,)},
    {"sizes": (4, 3, 4), "window": (2, 2, 2), "strides": (2, 1, 2), "dilations": (1, 1, 1), "pads": (0, 1, 0)},
]

QUANTIZED = ["int8", "uint8", "int16", "uint16"]
SCALES: list[tuple[tuple[int, ...], dict[str, int]]] = [
    ((), {}),
    ((1,), {}),
    ((5,), {"axis": 1}),
    ((6,), {"axis": -1}),
    ((3, 2, 6), {"axis": 1, "block_size": 3}),
    ((3, 5, 3), {"axis": 2, "block_size": 2}),
]
"""Shapes of a scale for an operand [3, 5, 6], and the properties that say so."""


@dataclass(frozen=True)
class Case:
    """One application of an op."""

    op: type[Any]
    operands: Sequence[Array]
    properties: dict[str, Any]

    def __str__(self) -> str:
        shapes = [x.shape for x in self.operands]
        return f"{self.op.name.removeprefix('graph.')}{shapes}{self.operands[-1].dtype}{self.properties}".replace(
            " ", ""
        )

    def build(self) -> tuple[ModuleOp, dict[str, Array]]:
        inputs = {f"x{i}": x for i, x in enumerate(self.operands)}
        return single_op(self.op, *self.operands, **self.properties), inputs


def normal(*shape: int, dtype: str = "float32") -> Array:
    return np.random.default_rng(0).standard_normal(shape).astype(dtype)


def fold_properties(geometry: dict[str, Any]) -> dict[str, Any]:
    """With the same padding on both sides."""
    sizes = DimsAttr(tuple(map(as_dim, geometry["sizes"])))
    return {**geometry, "sizes": sizes, "pads": geometry["pads"] * 2}


def patches_of(geometry: dict[str, Any], dtype: str = "float32") -> Array:
    """Patches [2, 3 * taps, places] that fold to two images of three channels."""
    lists = (geometry[name] for name in ("sizes", "window", "strides", "dilations", "pads"))
    places = [int(str(window_extent(size, *each, pad, pad))) for size, *each, pad in zip(*lists, strict=True)]
    return normal(2, 3 * int(np.prod(geometry["window"])), int(np.prod(places)), dtype=dtype)


def deformed_operands(geometry: dict[str, Any], dtype: str = "float32") -> tuple[list[Array], dict[str, Any]]:
    """x, offset, kernel, mask, bias, and the properties."""
    properties = {name: value for name, value in geometry.items() if name != "kernel"}
    kernel = normal(*geometry["kernel"], dtype=dtype)
    kh, kw, depth, out = kernel.shape
    x = normal(2, depth * properties.get("groups", 1), 6, 7, dtype=dtype)
    lists = [properties.get(name, (0,) * 4 if name == "pads" else (1, 1)) for name in ("strides", "dilations", "pads")]
    places = [int(str(size)) for size in spatial_extents(x.shape, "NCHW", (kh, kw), *lists)]
    taps = properties.get("offset_groups", 1) * kh * kw
    offset, mask = normal(2, 2 * taps, *places, dtype=dtype) * 1.5, normal(2, taps, *places, dtype=dtype)
    return [x, offset, kernel, mask, normal(out, dtype=dtype)], properties


def scales(shape: tuple[int, ...], dtype: str) -> tuple[Array, Array]:
    """A scale and a zero point."""
    rng, limits = np.random.default_rng(1), np.iinfo(dtype)
    scale = rng.uniform(0.01, 0.2, shape).astype(np.float32)
    return np.asarray(scale), np.asarray(rng.integers(max(limits.min, -40), 40, shape).astype(dtype))


def _cases() -> list[Case]:
    found = [Case(graph.FoldOp, [patches_of(each)], fold_properties(each)) for each in FOLDS]
    for geometry in DEFORMED:
        operands, properties = deformed_operands(geometry)
        found += [Case(graph.DeformConvOp, operands[:count], properties) for count in (3, 4, 5)]
    rois, image = ROIS.astype(np.float32), normal(2, 3, 8, 10)
    for mode in ("average", "maximum"):
        for ratio in (0, 2):
            for half_pixel in (True, False):
                properties = {"sizes": (3, 2), "sampling_ratio": ratio, "spatial_scale": 0.7, "mode": mode}
                properties["half_pixel"] = half_pixel
                found.append(Case(graph.RoiAlignOp, [image, rois, BATCH_INDICES], properties))
    pooled = np.concatenate([BATCH_INDICES[:, None], np.round(rois)], axis=1).astype(np.float32)
    found += [Case(graph.MaxRoiPoolOp, [image, pooled], {"sizes": (3, 2), "spatial_scale": s}) for s in (1.0, 0.3)]
    found += [Case(graph.DetOp, [normal(*shape)], {}) for shape in ((1, 1), (2, 2), (5, 5), (2, 3, 4, 4), (2, 9, 9))]
    singular = np.array([[0.0, 2.0, 1.0], [0.0, 1.0, 3.0], [0.0, 4.0, 5.0]], np.float32)
    found.append(Case(graph.DetOp, [singular], {}))
    for dtype in QUANTIZED:
        limits = np.iinfo(dtype)
        small = np.random.default_rng(0).integers(limits.min, limits.max, (3, 5, 6), endpoint=True).astype(dtype)
        for shape, axes in SCALES:
            found.append(Case(graph.QuantizeOp, [normal(3, 5, 6) * 20, *scales(shape, dtype)], dict(axes)))
            found.append(Case(graph.DequantizeOp, [small, *scales(shape, dtype)], dict(axes)))
    return found


CASES = _cases()
