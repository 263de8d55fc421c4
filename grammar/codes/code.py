"""What a diagnostic code stands for."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Code:
    """What a code stands for: a title of one line, an explanation with the remedy, and an example that triggers it."""

    title: str
    explanation: str
    example: str


def example_files(example: str) -> dict[str, str]:
    """The files of an example, by name; the first is the model."""
    parts = re.split(r"^# file: (.+)\n", example, flags=re.MULTILINE)
    if len(parts) == 1:
        return {"model.nr": example}
    return dict(zip(parts[1::2], parts[2::2], strict=True))
