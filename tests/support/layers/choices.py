"""Where the decisions of a random program come from: a seeded generator, or hypothesis, which makes failures small.

Every decision is a number between two bounds, the first of them the simplest one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from hypothesis import strategies as st


class Choices(Protocol):
    def number(self, low: int, high: int) -> int:
        """From `low` to `high`, both included."""

    def part(self, write: Callable[[], None]) -> None:
        """Write a part of the program: one that the rest does without may go as a whole."""


@dataclass(frozen=True)
class Seeded:
    """The same decisions for the same seed."""

    rng: np.random.Generator

    def number(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def part(self, write: Callable[[], None]) -> None:
        write()


@dataclass(frozen=True)
class Drawn:
    """Decisions of hypothesis, of a strategy that is being drawn from."""

    draw: st.DrawFn

    def number(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def part(self, write: Callable[[], None]) -> None:
        self.draw(st.builds(write))
