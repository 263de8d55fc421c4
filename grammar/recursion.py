"""Room on Python's stack for walks over deeply nested models."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

FRAMES = 40_000
"""Calls that may be open at a time: some 20 for each of the 1000 levels that a model may have."""


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Lets walks recurse as deeply as the language lets models nest."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, FRAMES))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
