"""The two ways the reference semantics treat floats: without any rounding, or with one rounding per op.

Both compute in float64. `exact` leaves it at that, whatever type the IR says, so that a pass that preserves values
differs only by float64 noise. `rounded` rounds each result once to its type: what a careful implementation with wide
accumulators delivers, and what a pass that changes precision is measured against.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import Attribute

from neuralc.dialects.bfloat16 import cast, is_float_dtype
from neuralc.dialects.types import is_float, numpy_dtype

Array: TypeAlias = NDArray[Any]


class Numerics(StrEnum):
    """How results are rounded; the values are the names used on command lines and by passes."""

    EXACT = "exact"
    ROUNDED = "rounded"


def widen(array: Array) -> Array:
    """Floats as float64, everything else as it is."""
    return array.astype(np.float64, copy=False) if is_float_dtype(array.dtype) else array


def finish(array: Array, element_type: Attribute, numerics: Numerics) -> Array:
    """A computed array as a value of `element_type`: rounded once, or kept in float64; integers wrap around."""
    if numerics is Numerics.EXACT and is_float(element_type):
        return np.asarray(array, np.float64)
    return cast(np.asarray(array), numpy_dtype(element_type))
