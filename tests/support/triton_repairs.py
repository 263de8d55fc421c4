"""Repairs of Triton's interpreter, for tests: what it does wrong or so slowly that no one would run it.

It reduces with a combine function of one's own element by element in Python; along the axis, slice by slice, the result
is the same. Checked on triton 3.9.0; the names it replaces are private, so a change there fails loudly here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from triton.runtime import interpreter


def install() -> None:
    """Patch the interpreter of this process."""
    interpreter.ReduceOps.generic_reduce = _reduce_by_slices


def _reduce_by_slices(self: Any, inputs: tuple[Any, ...]) -> list[Any]:
    """`tl.reduce` of one tensor along one axis."""
    values, axis = self.unravel(inputs, self.axis)
    (tensor,) = values
    slices = np.moveaxis(tensor.handle.data, axis, 0)
    total = self.to_tensor(slices[0], tensor.dtype)
    for piece in slices[1:]:
        total = self.combine_fn.fn(total, self.to_tensor(piece, tensor.dtype))
    data = np.expand_dims(total.handle.data, axis) if self.keep_dims else total.handle.data
    return [self.to_tensor(data, tensor.dtype)]
