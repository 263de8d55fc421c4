"""A cache for each test, and small models to keep in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.cached_models import HEAD, MODEL, Load, Loaded

from neuralc.cache import native
from neuralc.cache.store import VARIABLE
from neuralc.driver import Options
from neuralc.grammar.diagnostics import Diagnostic


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the cache, which does not exist yet."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A program of two files."""
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "head.nr").write_text(HEAD)
    (folder / "small.nr").write_text(MODEL)
    return folder / "small.nr"


@pytest.fixture
def load(cache: Path) -> Load:
    """Loads a model: the model, what was said of the cache, and the messages that were shown."""

    def loaded(model: Path, options: Options | None = None, *, use: bool = True) -> Loaded:
        shown: list[Diagnostic] = []
        found, said = native.load_model(model, options or Options(threads=1), shown.extend, use=use)
        return found, said, shown

    return loaded
