"""Whether outputs are those of the original: within the tolerance, or as near to the exact result as it is itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

SINGLE, ROUNDED, EXACT = 1e-5, 1e-6, 1e-10
"""Largest difference of single precision, of doubles whose constants are in single precision, as those of ONNX are, and
of doubles, relative to max(1, largest value)."""

AMPLIFIED = 2.0
"""How much further from the exact result than the original, where a model amplifies the noise of single precision."""


class Different(Exception):
    """How outputs or weights differ."""


def check_outputs(
    names: Sequence[str], found: Sequence[Array], expected: Sequence[Array] | None, exact: Sequence[Array]
) -> str:
    """Empty, or a remark about noise that the model amplifies. `exact` is in doubles. Raises Different."""
    if len(found) != len(exact):
        raise Different(f"{len(found)} outputs instead of {len(exact)}")
    remarks = []
    for index, name in enumerate(names):
        reference = exact[index] if expected is None else expected[index]
        difference = distance(found[index], reference)
        if difference <= SINGLE:
            continue
        ours, theirs = distance(found[index], exact[index]), distance(reference, exact[index])
        if not ours <= max(SINGLE, AMPLIFIED * theirs):
            raise Different(f"{name} {_text(difference)} from the original, {_text(ours)} from the exact result")
        remarks.append(f"{name} {ours:.1e} from the exact result, the original {theirs:.1e}")
    return "; ".join(remarks)


def check_exact(names: Sequence[str], found: Sequence[Array], exact: Sequence[Array], tolerance: float = EXACT) -> None:
    """Raises Different where a result in doubles is another."""
    for name, ours, theirs in zip(names, found, exact, strict=True):
        difference = distance(ours, theirs)
        if not difference <= tolerance:
            raise Different(f"{name} {_text(difference)} from the exact result")


def check_weights(
    found: Mapping[str, Array], original: Mapping[str, Array], same: Callable[[Array, Array], bool]
) -> None:
    """Raises Different where a weight of the original is missing, or is another."""
    missing = [name for name in original if name not in found]
    if missing:
        raise Different(f"{len(missing)} weights are lost, `{missing[0]}` first")
    other = [name for name in original if not same(found[name], original[name])]
    if other:
        shapes = f"{found[other[0]].shape} and {original[other[0]].shape}"
        raise Different(f"{len(other)} weights differ, `{other[0]}` first, {shapes}")


def distance(found: Array, expected: Array) -> float:
    """The largest difference relative to max(1, largest value); infinite where the arrays are not to be compared."""
    if found.shape != expected.shape or (found.dtype.kind in "biu") != (expected.dtype.kind in "biu"):
        return float("inf")
    if found.dtype.kind in "biu":
        return 0.0 if np.array_equal(found, expected) else float("inf")
    a, b = found.astype(np.float64), expected.astype(np.float64)
    finite = np.isfinite(b)
    if not np.array_equal(a[~finite], b[~finite], equal_nan=True):
        return float("inf")
    top = max(1.0, float(np.abs(b[finite]).max(initial=0.0)))
    with np.errstate(invalid="ignore"):
        return float(np.abs(a[finite] - b[finite]).max(initial=0.0)) / top


def equal(found: Array, expected: Array) -> bool:
    """The same bytes in the same places."""
    return found.dtype == expected.dtype and found.shape == expected.shape and found.tobytes() == expected.tobytes()


def rearranged(found: Array, expected: Array) -> bool:
    """Equal, or the same values as operators of another form take them: with axes or gates in another order, and zeros
    for biases that there are not. That they stand where they should is what outputs tell."""
    if equal(found, expected):
        return True
    values = (np.sort(each[each != 0], axis=None) for each in (found, expected))
    return found.dtype == expected.dtype and np.array_equal(*values)


def _text(difference: float) -> str:
    return f"{difference:.1e}" if np.isfinite(difference) else "of another shape, type or at infinity"
