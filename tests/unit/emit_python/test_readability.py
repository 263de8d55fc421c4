"""Emitted code has at most 1.3 times the lines of what an expert writes for the same model (benchmarks/readability)."""

from __future__ import annotations

from importlib.machinery import PathFinder
from pathlib import Path

import pytest

from benchmarks.readability.__main__ import BAR
from benchmarks.readability.lines import Lines
from benchmarks.readability.pairs import PAIRS, Pair
from benchmarks.readability.same import TOLERANCE, distance_of

UNIT = Path(__file__).parents[1]
IDS = [f"{pair.model}-{pair.form}" for pair in PAIRS]

TEXT = '''\
"""What this is."""

import math  # of the library


def area(radius):
    """Of a circle.

    In square metres.
    """
    # A comment.
    return (
        math.pi
        * radius**2
    )
'''


def test_lines_of_code_are_those_that_are_no_comment_docstring_or_empty_line() -> None:
    assert Lines.of(TEXT) == Lines(code=6, all=15)


@pytest.mark.parametrize("pair", PAIRS, ids=IDS)
def test_emitted_code_is_about_as_short_as_code_by_hand(pair: Pair) -> None:
    golden = UNIT / f"emit_{pair.form}" / "golden" / f"{pair.model}_{pair.form}.py"
    emitted, by_hand = (Lines.of(path.read_text("utf-8")) for path in (golden, pair.by_hand))
    assert emitted.code <= BAR * by_hand.code


@pytest.mark.slow
@pytest.mark.parametrize("pair", PAIRS, ids=IDS)
def test_both_compute_the_same(pair: Pair) -> None:
    package = {"torch": "torch", "keras": "tensorflow", "jax": "jax"}[pair.form]
    if PathFinder.find_spec(package) is None:  # the process that runs the code imports it, not this one
        pytest.skip(f"{package} is not installed")
    assert distance_of(pair, pair.emitted()) <= TOLERANCE
