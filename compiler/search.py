"""Values to be searched for, in models made from Python: `layers.Dense(choice(32, 64))`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Search:
    """`HPO(...)` of the language."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Call:
    """A call as a value: an optimizer, a schedule, a loss."""

    text: str

    def __str__(self) -> str:
        return self.text


def choice(*options: Any) -> Search:
    """One of some values or layers; the first is taken where one is needed."""
    from neuralc.layers import written

    return Search(f"HPO(choice({', '.join(map(written, options))}))")


def range(low: float, high: float, step: float | None = None) -> Search:
    """A number between two, in steps where there are."""
    steps = "" if step is None else f", step={step}"
    return Search(f"HPO(range({low}, {high}{steps}))")


def log_range(low: float, high: float) -> Search:
    """A number between two, by its logarithm."""
    return Search(f"HPO(log_range({low}, {high}))")


def call(name: str, *positional: Any, **named: Any) -> Call:
    """`call("Adam", learning_rate=0.001)`."""
    from neuralc.layers import written

    arguments = [*map(written, positional), *(f"{key}={written(value)}" for key, value in named.items())]
    return Call(f"{name}({', '.join(arguments)})")
