"""What graph.resize does axis by axis: which axes change, and where their places are read."""

from __future__ import annotations

from dataclasses import dataclass

from neuralc.dialects.dims import Dim
from neuralc.dialects.graph import ResizeOp
from neuralc.dialects.types import Shape
from neuralc.emit.python.expressions import Value, name


@dataclass(frozen=True)
class ResizedAxis:
    """An axis that changes: its sizes as texts, its scale where one is given, its region."""

    index: int
    before: int | Dim
    after: int | Dim
    scale: float | None
    region: tuple[float, float]


def changed_axes(op: ResizeOp, before: Shape, after: Shape) -> list[ResizedAxis]:
    scales, roi = (op.literal(key) if key in op.properties else None for key in ("scales", "roi"))
    rank, axes = len(before), []
    for index, (n, out) in enumerate(zip(before, after, strict=True)):
        scale = scales[index] if scales is not None else None
        region = (roi[index], roi[index + rank]) if roi is not None else (0.0, 1.0)
        if n != out or scale not in (None, 1.0) or region != (0.0, 1.0):
            axes.append(ResizedAxis(index, n, out, scale, region))
    return axes


def is_symbolic(axis: ResizedAxis) -> bool:
    return isinstance(axis.before, Dim) or isinstance(axis.after, Dim)


def narrowed(axis: ResizedAxis, n: str, out: str) -> dict[str, Value]:
    """How much wider a filter gets that makes a dim smaller."""
    options: dict[str, Value] = {"normalized": True}
    if axis.scale is not None or not is_symbolic(axis):
        ratio = axis.scale if axis.scale is not None else int(out) / int(n)
        return options | ({"narrow": ratio} if ratio < 1.0 else {})
    return options | {"narrow": name(f"min({out} / {n}, 1.0)")}


def coordinates(op: ResizeOp, axis: ResizedAxis, n: str, out: str, i: str) -> str:
    """Where each place `i` is read, by the table in the docstring of the op; `n` and `out` are the sizes as texts."""
    kind = op.literal("coordinates")
    n, out = _factor(n), _factor(out)
    last = f"{int(n) - 1}" if n.isdigit() else f"({n} - 1)"
    length = out if axis.scale is None else f"({n} * {axis.scale!r})"
    only_one = not isinstance(axis.after, Dim) and whole_length(axis) == 1
    if kind == "align_corners":
        return f"{i} * 0.0" if only_one else f"{i} * {last} / ({length} - 1)"
    if kind == "tf_crop_and_resize":
        start, end = axis.region
        if only_one:
            return f"{i} * 0.0 + {(start + end) / 2!r} * {last}"
        return f"{start!r} * {last} + {i} * {end - start!r} * {last} / ({length} - 1)"
    if kind == "pytorch_half_pixel" and axis.after == 1:
        return f"{i} * 0.0"
    scaled = f"* {n} / {out}" if axis.scale is None else f"/ {axis.scale!r}"
    if kind in ("asymmetric", "tf_half_pixel_for_nn"):
        return f"{i} {scaled}" if kind == "asymmetric" else f"({i} + 0.5) {scaled}"
    moved = f"{n} / 2 * (1 - {out} / {length}) + " if kind == "half_pixel_symmetric" else ""
    return f"{moved}({i} + 0.5) {scaled} - 0.5"


def _factor(size: str) -> str:
    """A size as part of a product."""
    return f"({size})" if " " in size else size


def whole_length(axis: ResizedAxis) -> float | None:
    """The size of a resized dim before it is cut to a whole number; None for symbolic sizes."""
    if isinstance(axis.before, Dim) or isinstance(axis.after, Dim):
        return None
    return axis.after if axis.scale is None else axis.before * axis.scale
