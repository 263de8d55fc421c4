"""Names of values as LLVM keeps them."""

from __future__ import annotations

LONGEST = 200
"""LLVM cuts longer names of local values at 1024 characters, and two that begin alike would become one."""


def short(name: str | None) -> str:
    """The end of a name, which tells most: paths of nested layers may be long."""
    return (name or "")[-LONGEST:]
