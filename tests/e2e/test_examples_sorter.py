"""examples/sorter.nr: a decoder with a cache writes what the whole text at once gives, and has learned to sort."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import neuralc

EXAMPLES = Path(__file__).parents[2] / "examples"
TOLERANCE = 1e-5


@cache
def script() -> ModuleType:
    """examples/sort_letters.py, which is no part of the package."""
    spec = importlib.util.spec_from_file_location("sort_letters", EXAMPLES / "sort_letters.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_steps_from_the_cache_give_what_the_whole_text_gives() -> None:
    """A word at once, then single letters; two texts that a reset lies between."""
    step, whole = (neuralc.compile(EXAMPLES / "sorter.nr", network=name, threads=1) for name in ("Step", "Whole"))
    for text in ("transformer>aeefmnorrrst.", "zebra>aberz."):
        numbers, start = script().numbers(text), text.index(">") + 1
        expected = np.asarray(whole(numbers))
        step.reset()
        pieces = [numbers[:, :start], *np.split(numbers[:, start:], numbers.shape[1] - start, axis=1)]
        found = np.concatenate([np.asarray(step(piece)) for piece in pieces], axis=1)
        assert np.abs(found - expected).max() <= TOLERANCE * max(1.0, float(np.abs(expected).max()))


@pytest.mark.thorough
def test_it_sorts_words_that_it_has_not_seen() -> None:
    generator, writer = np.random.default_rng(123), script().Writer()
    letters = script().LETTERS[:26]
    words = ["".join(generator.choice(list(letters), generator.integers(1, 16))) for _ in range(100)]
    right = sum(writer.sorted(word) == "".join(sorted(word)) for word in words)
    assert right >= 95


def test_the_script_needs_the_core_alone() -> None:
    block = "import sys; sys.modules['torch'] = None; sys.argv = ['x', 'hello']; sys.path.insert(0, 'examples'); "
    run = subprocess.run(
        [sys.executable, "-c", block + "import sort_letters; sort_letters.main()"],
        cwd=EXAMPLES.parent,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (run.returncode, run.stdout) == (0, "hello -> ehllo\n"), run.stderr


def test_words_that_do_not_fit_are_named() -> None:
    run = subprocess.run(
        [sys.executable, "examples/sort_letters.py", "fine", "UPPER", "verylongwordindeed"],
        cwd=EXAMPLES.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 1
    assert "UPPER, verylongwordindeed" in run.stderr
