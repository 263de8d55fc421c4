"""Tells texts of StableHLO from IR of ours: both are MLIR, and have the suffix .mlir."""

from __future__ import annotations

import re

THEIRS = re.compile(r"\b(?:stablehlo|vhlo|chlo)\.\w|\bfunc\.func\b")
OURS = re.compile(r"\b(?:graph|tensor|kernel)\.(?:model|func|host|weight|dim)\b")
"""What each kind of text has in its first lines."""


def is_stablehlo(text: str) -> bool:
    """True where an op of StableHLO, or a function of MLIR, stands before anything of ours."""
    theirs = THEIRS.search(text)
    if theirs is None:
        return False
    ours = OURS.search(text, 0, theirs.start())
    return ours is None
