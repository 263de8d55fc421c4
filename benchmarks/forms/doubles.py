"""A module in single precision as one in doubles: the same ops, each f32 an f64."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import Float32Type, Float64Type, ModuleOp
from xdsl.ir import Attribute
from xdsl.pattern_rewriter import PatternRewriteWalker, TypeConversionPattern

Array = NDArray[Any]


@dataclass
class _Doubles(TypeConversionPattern):
    recursive: bool = True

    def convert_type(self, typ: Attribute, /) -> Attribute | None:
        return Float64Type() if isinstance(typ, Float32Type) else None


def in_doubles(module: ModuleOp) -> ModuleOp:
    """A copy; it does not verify where an op reads the bits of a float."""
    found = module.clone()
    PatternRewriteWalker(_Doubles(), apply_recursively=False).rewrite_module(found)
    return found


def widened(arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {name: x.astype(np.float64) if x.dtype == np.float32 else x for name, x in arrays.items()}
