"""The cache on the command line: `-v`, `--no-cache`, libraries that are found, `neuralc cache`."""

from pathlib import Path

import numpy as np
import pytest
from support.cached_models import Load

import neuralc
from neuralc import cli
from neuralc.cache.store import VARIABLE
from neuralc.cli_errors import DONE
from neuralc.emit.llvm import loaded


@pytest.fixture
def array(tmp_path: Path) -> Path:
    np.save(tmp_path / "x.npy", np.linspace(-1, 1, 18, dtype=np.float32).reshape(3, 6))
    return tmp_path / "x.npy"


def said(capsys: pytest.CaptureFixture[str]) -> str:
    lines = capsys.readouterr().err.splitlines()
    return next((line.removeprefix("cache: ") for line in lines if line.startswith("cache: ")), "")


def test_a_run_says_what_the_cache_had(
    model: Path, array: Path, cache: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name, expected in (("a", "miss, compiled in"), ("b", "hit in")):
        given = [str(model), f"--input={array}", "-o", str(tmp_path / f"{name}.npy")]
        assert cli.run(["run", *given, "-v"]) == DONE
        assert said(capsys).startswith(expected)
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), np.load(tmp_path / "b.npy"))
    assert cli.run(["run", str(model), f"--input={array}", "-v", "--no-cache"]) == DONE
    assert said(capsys).startswith("not used (it was not asked for), compiled in")
    assert cli.run(["run", str(model), f"--input={array}"]) == DONE
    assert said(capsys) == ""


def test_a_library_is_found_again(model: Path, cache: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for name, expected in (("a", "miss, compiled in"), ("b", "hit in")):
        assert cli.run([str(model), "--threads=1", "-v", "-o", str(tmp_path / f"{name}.so")]) == DONE
        error = capsys.readouterr().err
        assert f"cache: {expected}" in error
        assert "W0501" in error
    assert (tmp_path / "a.so").read_bytes() == (tmp_path / "b.so").read_bytes()
    assert (tmp_path / "b.so").stat().st_mode & 0o100


@pytest.mark.thorough
def test_a_library_is_made_of_code_that_was_kept_and_a_model_of_a_library(
    model: Path,
    load: Load,
    array: Path,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loaded, "CROWDED", 1 << 62)
    x = np.load(array)
    first = load(model)[0]
    assert cli.run([str(model), "--threads=1", "-v", "-o", str(tmp_path / "a.so")]) == DONE
    assert said(capsys).startswith("hit")
    np.testing.assert_array_equal(neuralc.load(tmp_path / "a.so")(x), first(x))
    assert cli.run(["cache", "clear"]) == DONE
    assert cli.run([str(model), "--threads=1", "-v", "-o", str(tmp_path / "b.so")]) == DONE
    assert said(capsys).startswith("miss")
    again, told, _ = load(model)
    assert told.startswith("hit")
    np.testing.assert_array_equal(again(x), first(x))


@pytest.mark.thorough
def test_a_library_on_stdout_is_not_kept(model: Path, cache: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    for _ in range(2):
        assert cli.run([str(model), "-v", "-o", "-"]) == DONE
        out, err = capfdbinary.readouterr()
        assert out[:4] == b"\x7fELF"
        assert b"cache: miss" in err


@pytest.mark.thorough
@pytest.mark.parametrize(
    "flag", ["--verify-each", "--time-passes", "--remarks=missed", "--print-ir-after=kernel-dedup"]
)
def test_who_watches_the_passes_sees_them_run(
    flag: str, model: Path, cache: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for _ in range(2):
        assert cli.run([str(model), flag, "-v", "-o", str(tmp_path / "a.so")]) == DONE
        assert "cache: not used (the passes are watched" in capsys.readouterr().err
    assert not cache.exists()


def test_the_verb_shows_and_clears(model: Path, load: Load, cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["cache"]) == DONE
    assert "models   0" in capsys.readouterr().out
    load(model)
    assert cli.run(["cache", "show"]) == DONE
    out = capsys.readouterr().out
    assert f"folder   {cache}" in out
    assert "models   1" in out
    assert "of at most 4.0 GiB" in out
    assert cli.run(["cache", "clear"]) == DONE
    assert not any(cache.iterdir())


def test_the_verb_says_when_the_cache_is_off(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(VARIABLE, "")
    assert cli.run(["cache"]) == DONE
    assert capsys.readouterr().out == f"off: {VARIABLE} is empty\n"
