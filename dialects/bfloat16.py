"""bfloat16 in numpy: its dtype comes from ml_dtypes, imported where a model has it, and is a stranger to numpy's rules.

numpy knows no kind of it (`np.issubdtype(dtype, np.floating)` is false) and its casts from fp64 round twice. Semantics
compute in fp64 and round here, once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

NAME = "bfloat16"
BYTES = 2


def bfloat16() -> np.dtype[Any]:
    """The dtype."""
    import ml_dtypes

    dtype: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
    return dtype


def is_float_dtype(dtype: np.dtype[Any]) -> bool:
    """Whether a dtype holds floats, bfloat16 among them."""
    return dtype.kind == "f" or dtype.name == NAME


def cast(array: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """`array.astype(dtype)` with one rounding, to the nearest even, where the dtype is bfloat16."""
    if dtype.name != NAME or array.dtype == dtype:
        return array.astype(dtype, copy=False)
    wide = array.astype(np.float64)
    with np.errstate(all="ignore"):
        return _rounded_to_odd(wide).astype(dtype)


def _rounded_to_odd(wide: NDArray[Any]) -> NDArray[Any]:
    """fp64 as fp32 whose last bit tells that something was cut off, so that rounding again rounds once.

    (Boldo and Melquiond, "When double rounding is odd".)"""
    nearest = wide.astype(np.float32)
    back = nearest.astype(np.float64)
    bits = nearest.view(np.uint32) if nearest.ndim else nearest.reshape(1).view(np.uint32).reshape(())
    bits = np.where(np.abs(back) > np.abs(wide), bits - np.uint32(1), bits)
    bits = bits | (np.isfinite(wide) & (back != wide)).astype(np.uint32)
    return np.asarray(bits.astype(np.uint32)).reshape(-1).view(np.float32).reshape(wide.shape)
