"""How far two arrays are apart, by several measures, and whether that is near enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

RTOL, ATOL = 1e-3, 1e-4
"""Allowed differences that go without being asked for: relative to a value, and to the largest value of its array."""

COARSE: Mapping[str, float] = {"float16": 1e-2, "bfloat16": 5e-2}
"""dtype -> both of them, where one rounding alone is about as large as RTOL."""

BITS: Mapping[str, type[np.signedinteger[Any]]] = {
    "float16": np.int16,
    "bfloat16": np.int16,
    "float32": np.int32,
    "float64": np.int64,
}
"""dtype -> integers of its width."""


@dataclass(frozen=True)
class Comparison:
    """Two arrays of one name. Where `problem` is set the arrays could not be compared, or not everywhere."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    agrees: bool
    largest: float = 0.0
    """The largest absolute difference of finite values."""
    relative: float = 0.0
    """`largest` over the largest value that is expected."""
    ulp: float = 0.0
    """The largest difference counted in floats of the dtype that lie between."""
    cosine: float = 1.0
    wrong: int = 0
    """How many values are too far apart."""
    worst: tuple[int, ...] | None = None
    """The place of the value that is furthest off; None where all are equal."""
    found: str = ""
    expected: str = ""
    """The two values at that place."""
    problem: str = ""

    def as_dict(self) -> dict[str, Any]:
        worst = None if self.worst is None else list(self.worst)
        return {**asdict(self), "shape": list(self.shape), "worst": worst}


def compare(
    name: str, found: Array, expected: Array, rtol: float | None = None, atol: float | None = None
) -> Comparison:
    """`found` is ours. Floats agree where |found - expected| <= rtol * |expected| + atol * max|expected|, and where
    both are the same infinity or no number; integers and booleans where they are equal.
    """
    dtype, shape = found.dtype.name, found.shape
    if shape != expected.shape:
        return Comparison(name, dtype, shape, False, problem=f"shape {_text(shape)}, expected {_text(expected.shape)}")
    if _is_float(found) != _is_float(expected) or (not _is_float(found) and found.dtype != expected.dtype):
        return Comparison(name, dtype, shape, False, problem=f"{dtype}, expected {expected.dtype.name}")
    if found.size == 0:
        return Comparison(name, dtype, shape, True)
    if not _is_float(found):
        return _exact(name, found, expected)
    default = COARSE.get(dtype)
    rtol = rtol if rtol is not None else default or RTOL
    atol = atol if atol is not None else default or ATOL
    return _floats(name, found, expected, rtol, atol)


def missing(name: str, found: Array, who: str) -> Comparison:
    """An output that the other one does not have."""
    return Comparison(name, found.dtype.name, found.shape, False, problem=f"{who} has no output of this name")


def _exact(name: str, found: Array, expected: Array) -> Comparison:
    wrong = found != expected
    a, b = found.astype(np.float64), expected.astype(np.float64)
    distance, top = np.abs(a - b), float(np.max(np.abs(b)))
    largest = float(distance.max())
    place = _place(np.where(wrong, np.maximum(distance, 0.5), 0.0))  # 2**53 and 2**53 + 1 are one float64
    return Comparison(
        name,
        found.dtype.name,
        found.shape,
        agrees=not wrong.any(),
        largest=largest,
        relative=largest / top if top else largest,
        cosine=_cosine(a, b),
        wrong=int(wrong.sum()),
        worst=place,
        found="" if place is None else str(found[place]),
        expected="" if place is None else str(expected[place]),
    )


def _floats(name: str, found: Array, expected: Array, rtol: float, atol: float) -> Comparison:
    a, b = found.astype(np.float64), expected.astype(np.float64)
    with np.errstate(all="ignore"):
        rounded = expected.astype(found.dtype).astype(np.float64)
        b = np.where(np.isfinite(rounded), b, rounded)  # what is too large for the dtype is infinite in it
        special = ~(np.isfinite(a) & np.isfinite(b))
        unlike = special & ~((a == b) | (np.isnan(a) & np.isnan(b)))
        distance = np.where(special, 0.0, np.abs(a - b))
        top = float(np.max(np.abs(b[~special]), initial=0.0))
        wrong = unlike | (~special & (distance > rtol * np.abs(b) + atol * top))
    largest = float(distance.max())
    place = _place(np.where(unlike, np.inf, np.where(wrong | ~wrong.any(), distance, 0.0)))
    return Comparison(
        name,
        found.dtype.name,
        found.shape,
        agrees=not wrong.any(),
        largest=largest,
        relative=largest / top if top else largest,
        ulp=_ulp(found[~special], expected[~special]),
        cosine=_cosine(a[~special], b[~special]),
        wrong=int(wrong.sum()),
        worst=place,
        found="" if place is None else f"{a[place]:.9g}",
        expected="" if place is None else f"{b[place]:.9g}",
        problem=_special(a, b) if unlike.any() else "",
    )


def _special(a: Array, b: Array) -> str:
    """`NaN 3, expected 0; infinite 0, expected 1`."""
    parts = []
    for text, test in (("NaN", np.isnan), ("infinite", np.isinf)):
        mine, other = int(test(a).sum()), int(test(b).sum())
        if mine or other:
            parts.append(f"{text} {mine}, expected {other}")
    return "; ".join(parts)


def _is_float(array: Array) -> bool:
    """Floats of any width are comparable: the exact interpreter gives float64 for all of them."""
    return array.dtype.kind == "f" or array.dtype.name == "bfloat16"


def _place(distance: Array) -> tuple[int, ...] | None:
    """The index of the largest distance, None where all are 0."""
    flat = int(np.argmax(distance))
    place = tuple(map(int, np.unravel_index(flat, distance.shape)))
    return place if distance[place] > 0 else None


def _ulp(found: Array, expected: Array) -> float:
    bits = BITS.get(found.dtype.name)
    if bits is None or found.size == 0:
        return 0.0
    a, b = _line(found, bits), _line(expected.astype(found.dtype), bits)
    return float(np.max(np.where(a > b, a - b, b - a)))


def _line(array: Array, bits: type[np.signedinteger[Any]]) -> NDArray[np.uint64]:
    """Floats as numbers of their place on the line of all floats: neighbours differ by 1."""
    raw = np.ascontiguousarray(array).view(bits).astype(np.int64)
    lowest = np.int64(np.iinfo(bits).min)
    ordered = np.where(raw < 0, lowest - raw, raw)
    return np.ascontiguousarray(ordered).view(np.uint64) ^ np.uint64(1 << 63)


def _cosine(a: Array, b: Array) -> float:
    """Of values scaled to at most 1, so that no square is too large."""
    a, b = a.reshape(-1), b.reshape(-1)
    tops = float(np.max(np.abs(a), initial=0.0)), float(np.max(np.abs(b), initial=0.0))
    if 0.0 in tops:
        return 1.0 if tops[0] == tops[1] else 0.0
    a, b = a / tops[0], b / tops[1]
    return max(-1.0, min(1.0, float(np.dot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b)))))


def _text(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "()"
