"""What signatures of layers over sequences, images and volumes say about their axes."""

from __future__ import annotations

PLACES: dict[int, tuple[str, ...]] = {1: ("steps",), 2: ("height", "width"), 3: ("depth", "height", "width")}
"""The spatial axes by their number."""

AXES: dict[int, str] = {1: "steps", 2: "height and width", 3: "depth, height and width"}


def image(rank: int, channels: str = "channels", places: str = "") -> str:
    """A shape as documents show it: `(batch, height, width, channels)`; `places` is put before each spatial axis."""
    return f"({', '.join(('batch', *(places + name for name in PLACES[rank]), channels))})"


def input_of(rank: int) -> str:
    """The `input:` clause of an example."""
    return f"input: ({', '.join(('8',) * rank)}, 4)"
