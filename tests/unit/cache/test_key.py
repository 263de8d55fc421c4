"""What changes a key, and what does not: a product is found for what it was made of and for nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from neuralc.cache import key
from neuralc.cache.key import fingerprint, first_key
from neuralc.driver import Options
from neuralc.grammar.diagnostics import Source
from neuralc.passes import host as host_module

BASE = Options(threads=1)


@pytest.fixture(autouse=True)
def _fresh() -> None:
    """What is looked up once a process is looked up again."""
    for each in (key._versions, key._plugins, key._sources_of):
        each.cache_clear()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "m.nr"
    path.write_text("network N { input: (2) layers: Dense(3) }")
    return path


OPTIONS = {
    "optimization": replace(BASE, opt=1),
    "threads": replace(BASE, threads=2),
    "all processors": replace(BASE, threads=None),
    "processor": replace(BASE, mcpu="x86-64-v3"),
    "triple": replace(BASE, triple="aarch64-unknown-linux-gnu"),
    "pinned dims": replace(BASE, dims={"batch": 4}),
    "other pinned dims": replace(BASE, dims={"batch": 5}),
    "searches": replace(BASE, set={"dense.units": 4}),
    "network": replace(BASE, network="N"),
    "weights": replace(BASE, weights=Path("w.safetensors")),
    "other weights": replace(BASE, weights=Path("v.safetensors")),
}


def test_options_that_decide_the_product_change_it(model: Path) -> None:
    keys = {name: first_key(model, options, "") for name, options in {"base": BASE, **OPTIONS}.items()}
    assert len(set(keys.values())) == len(keys)


def test_every_option_decides_or_is_known_not_to() -> None:
    assert set(key._decided(BASE)) | set(key.NO_PART) == set(Options.__dataclass_fields__)


SURROUNDINGS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "a version": lambda patch: patch.setattr(key, "version", lambda name: "9" if name == "llvmlite" else "1"),
    "our version": lambda patch: patch.setattr(key, "version", lambda name: "9" if name == "neuralc" else "1"),
    "a feature": lambda patch: _with_host(patch, features={"avx": True, "fma": False}),
    "a cache size": lambda patch: _with_host(patch, caches=host_module.Caches(l2=1)),
    "the processor": lambda patch: _with_host(patch, cpu_name="other"),
    "a plugin": lambda patch: patch.setattr(key, "_plugins", lambda: [("neuralc.ops", "op", "p:OP", "2", "")]),
    "a source": lambda patch: patch.setattr(key, "_sources_of", lambda *packages: "edited"),
}


def _with_host(patch: pytest.MonkeyPatch, **changed: Any) -> None:
    other = replace(host_module.host(), **changed)
    patch.setattr(host_module, "host", lambda: other)


@pytest.mark.parametrize("name", SURROUNDINGS)
def test_what_a_product_is_made_with_changes_it(name: str, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key, "version", lambda name: "1")
    before = first_key(model, BASE, "")
    _fresh_again()
    SURROUNDINGS[name](monkeypatch)
    assert first_key(model, BASE, "") != before


def _fresh_again() -> None:
    for each in (key._versions, key._plugins, key._sources_of):
        each.cache_clear()


def test_how_many_processors_there_are_changes_nothing(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = first_key(model, BASE, "")
    _with_host(monkeypatch, threads=77)
    assert first_key(model, BASE, "") == before


def test_the_content_and_the_name_of_a_model_count_its_folder_and_times_do_not(model: Path, tmp_path: Path) -> None:
    before = first_key(model, BASE, "")
    (tmp_path / "other").mkdir()
    copy = tmp_path / "other" / "m.nr"
    copy.write_text(model.read_text())
    os.utime(copy, (0, 0))
    assert first_key(copy, BASE, "") == before
    assert first_key(copy.rename(copy.with_name("n.nr")), BASE, "") != before
    model.write_text(model.read_text().replace("3", "4"))
    assert first_key(model, BASE, "") != before


def test_a_text_counts_by_its_name_and_content() -> None:
    keys = {first_key(Source(name, text), BASE, "") for name in ("a", "b") for text in ("x", "y")}
    assert len(keys) == 4


def test_code_for_a_crowded_process_is_another(model: Path) -> None:
    assert first_key(model, BASE, "crowded") != first_key(model, BASE, "")


def test_a_file_counts_by_its_content_a_very_large_one_by_header_size_and_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "w.bin"
    assert fingerprint(path) == "absent"
    path.write_bytes(b"a" * 100)
    whole = fingerprint(path)
    os.utime(path, (1, 1))
    assert fingerprint(path) == whole
    monkeypatch.setattr(key, "WHOLE", 10)
    monkeypatch.setattr(key, "HEADER", 10)
    large = fingerprint(path)
    os.utime(path, (2, 2))
    assert fingerprint(path) != large
    os.utime(path, (1, 1))
    assert fingerprint(path) != large, "the time of change cannot be set back"


def test_sources_count_by_size_and_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "some_plugin"
    package.mkdir()
    (package / "__init__.py").write_text("A = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    before = key._sources_of("some_plugin")
    key._sources_of.cache_clear()
    assert key._sources_of("some_plugin") == before
    (package / "more.py").write_text("")
    key._sources_of.cache_clear()
    assert key._sources_of("some_plugin") != before
    assert key._sources_of("no_such_package") == key._sources_of("no_such_package_either")
