"""Sorts the letters of words with sorter.nr: reads a word at once, then writes letter by letter from its cache.

    python examples/sort_letters.py neuralc compiles transformers

Needs the core of neuralc alone.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import neuralc

MODEL = Path(__file__).resolve().parent / "sorter.nr"
LETTERS = "abcdefghijklmnopqrstuvwxyz>."
"""What the numbers that the model takes and gives stand for; `>` ends a word, `.` what is written behind it."""
LONGEST = 15
"""Letters of a word: with both marks, and written twice, they fill the cache."""


class Writer:
    """The model with its cache: `read` and `write` go on from where it is."""

    def __init__(self) -> None:
        self.model = neuralc.compile(MODEL, network="Step", threads=1)

    def sorted(self, word: str) -> str:
        """The letters of a word in the order in which the model writes them."""
        self.model.reset()
        written = self.next(f"{word}>")
        while written[-1] != "." and len(written) <= LONGEST:
            written += self.next(written[-1])
        return written.removesuffix(".")

    def next(self, text: str) -> str:
        """The letter that the model finds most likely behind a text and all before it."""
        return LETTERS[int(self.model(numbers(text))[0, -1].argmax())]


def numbers(text: str) -> NDArray[Any]:
    """A batch of one text."""
    return np.array([[LETTERS.index(letter) for letter in text]])


def main() -> None:
    words = sys.argv[1:] or ["hello", "neuralc", "transformer"]
    wrong = [word for word in words if not 0 < len(word) <= LONGEST or set(word) - set(LETTERS[:26])]
    if wrong:
        sys.exit(f"a word has 1 to {LONGEST} letters from a to z: {', '.join(wrong)}")
    writer = Writer()
    for word in words:
        print(f"{word} -> {writer.sorted(word)}")


if __name__ == "__main__":
    main()
