"""Models through the cache: what is found is what would be compiled, and what cannot be trusted is compiled."""

from __future__ import annotations

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from support.cached_models import HEAD, MODEL, Load

import neuralc
from neuralc.cache import native
from neuralc.cache.store import Store
from neuralc.cli_instruments import Watch
from neuralc.driver import Options
from neuralc.emit.llvm import loaded
from neuralc.grammar.diagnostics import NeuralcError, Source, render
from neuralc.runtime import ModelError

X = np.linspace(-1, 1, 18, dtype=np.float32).reshape(3, 6)


def test_a_second_start_finds_the_same_model_and_tells_the_same(model: Path, load: Load) -> None:
    first, said, shown = load(model)
    again, said_again, shown_again = load(model)
    assert said.startswith("miss, compiled in")
    assert said_again.startswith("hit in")
    np.testing.assert_array_equal(first(X), again(X))
    assert first.metadata == again.metadata
    assert [render(each) for each in shown_again] == [render(each) for each in shown]
    assert {each.code for each in shown} == {"W0501"}


@pytest.mark.parametrize("crowded", [0, 1 << 62], ids=["crowded", "roomy"])
def test_a_saved_model_is_the_same_file(
    crowded: int, model: Path, load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loaded, "CROWDED", crowded)
    for name in ("first.so", "again.so"):
        load(model)[0].save(tmp_path / name)
    assert (tmp_path / "first.so").read_bytes() == (tmp_path / "again.so").read_bytes()


@pytest.mark.thorough
def test_a_crowded_process_saves_no_model_whose_files_have_changed(
    model: Path, load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loaded, "CROWDED", 0)
    load(model)
    found = load(model)[0]
    model.write_text(MODEL.replace("relu", "tanh"))
    with pytest.raises(ModelError, match=r"E0990.*changed"):
        found.save(tmp_path / "m.so")


def test_a_change_of_any_file_is_seen(model: Path, load: Load) -> None:
    load(model)
    head = model.with_name("head.nr")
    head.write_text(HEAD.replace("3", "5"))
    changed, said, _ = load(model)
    assert said.startswith("miss")
    assert changed(X).shape == (3, 5)
    head.write_text(HEAD)
    assert load(model)[1].startswith("hit"), "what was kept before is still there"
    model.write_text(MODEL.replace("relu", "tanh"))
    assert load(model)[1].startswith("miss")
    head.unlink()
    with pytest.raises(NeuralcError, match="E0215"):
        load(model)


@pytest.mark.thorough
def test_weights_of_a_file_are_seen(model: Path, load: Load, tmp_path: Path) -> None:
    weights = tmp_path / "w.safetensors"
    options = Options(threads=1, weights=weights)

    def write(seed: int) -> None:
        values = np.random.default_rng(seed)
        shapes = {"dense.kernel": (6, 4), "dense.bias": (4,), "head.output.kernel": (4, 3), "head.output.bias": (3,)}
        save_file({name: values.random(shape, np.float32) for name, shape in shapes.items()}, weights)

    write(1)
    first = load(model, options)[0](X)
    write(2)
    other, said, _ = load(model, options)
    assert said.startswith("miss")
    assert not np.array_equal(other(X), first)
    assert load(model, options)[1].startswith("hit")


@pytest.mark.thorough
def test_a_copy_of_the_folder_is_the_same_model_with_its_own_messages(model: Path, load: Load, tmp_path: Path) -> None:
    load(model)
    shutil.copytree(model.parent, tmp_path / "copy")
    assert load(tmp_path / "copy" / "small.nr")[1].startswith("miss"), "its messages may name other paths"
    assert load(tmp_path / "copy" / "small.nr")[1].startswith("hit")


@pytest.mark.parametrize("kind", ["blobs", "products", "files"])
def test_damaged_files_are_compiled_anew(kind: str, model: Path, load: Load, cache: Path) -> None:
    expected = load(model)[0](X)
    for path in (cache / "1" / kind).iterdir():
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    again, said, _ = load(model)
    assert said.startswith("miss")
    np.testing.assert_array_equal(again(X), expected)
    assert load(model)[1].startswith("hit")


@pytest.mark.thorough
def test_missing_files_are_compiled_anew(model: Path, load: Load, cache: Path) -> None:
    load(model)
    max((cache / "1" / "blobs").iterdir(), key=lambda path: path.stat().st_size).unlink()
    assert load(model)[1].startswith("miss")
    assert load(model)[1].startswith("hit")


def test_a_file_that_changes_while_it_is_compiled_is_not_kept(
    model: Path, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    from neuralc import driver

    lower = driver.compile_to
    monkeypatch.setattr(driver, "compile_to", lambda *given: (model.write_text(MODEL + "# more"), lower(*given)))
    assert "not kept:" in load(model)[1]
    monkeypatch.setattr(driver, "compile_to", lower)
    assert load(model)[1].startswith("miss")


@pytest.mark.thorough
def test_a_text_is_kept_by_its_content(load: Load) -> None:
    text = 'network N { input: (6) layers: Output(3, "softmax") }'
    assert load(Source("<N>", text))[1].startswith("miss")
    assert load(Source("<N>", text))[1].startswith("hit")
    assert load(Source("<N>", text.replace("3", "2")))[1].startswith("miss")


@pytest.mark.parametrize(
    "options",
    [
        Options(verify_each=True),
        Options(pass_pipeline="graph-inline"),
        Options(compile_to="kernel"),
        Options(watch=Watch(check_each=True)),
        Options(watch=Watch(time_passes=True)),
        Options(watch=Watch(dump_ir=Path("dump"))),
        Options(watch=Watch(remarks=("passed",))),
    ],
    ids=repr,
)
def test_who_watches_the_passes_sees_them_run(options: Options, cache: Path) -> None:
    assert native.is_watched(options)
    visit = native.Visit(Source("n", "network N { input: (6) layers: Dense(3) }"), options, use=True)
    assert visit.place is None
    assert visit.find() is None


@pytest.mark.thorough
def test_without_the_cache_nothing_is_kept_or_found(model: Path, load: Load, cache: Path) -> None:
    assert load(model, use=False)[1].startswith("not used (it was not asked for), compiled in")
    assert not cache.exists()
    load(model)
    neuralc.compile(model, cache=False)
    assert load(model, use=False)[1].startswith("not used")


def test_a_cache_that_cannot_be_written_stops_nothing(model: Path, load: Load, cache: Path) -> None:
    cache.write_text("no folder")
    found, said, _ = load(model)
    assert "not kept: cannot write" in said
    assert found(X).shape == (3, 3)


@pytest.mark.thorough
def test_a_read_only_cache_still_gives_what_it_has(
    model: Path, load: Load, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(model)

    def refuse(*_given: object, **_named: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("os.utime", refuse)
    monkeypatch.setattr("tempfile.mkstemp", refuse)
    assert load(model)[1].startswith("hit")
    assert "not kept: cannot write" in load(model, Options(threads=2))[1]


def test_a_cache_that_others_may_write_is_not_used(model: Path, load: Load, cache: Path) -> None:
    load(model)
    (cache / "1").chmod(0o777)
    assert load(model)[1].startswith("not used (others may write")


@pytest.mark.thorough
def test_threads_compile_and_find_at_the_same_time(model: Path, load: Load) -> None:
    expected = neuralc.compile(model, cache=False)(X)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: neuralc.compile(model), range(8)):
            np.testing.assert_array_equal(found(X), expected)


@pytest.mark.thorough
def test_many_parts_are_one_model(model: Path, load: Load, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    expected = load(model)[0](X)
    monkeypatch.setattr("neuralc.emit.llvm.kernel.ENOUGH", 1)
    parts, said, _ = load(model, Options(threads=2))
    assert "threads" in said
    np.testing.assert_array_equal(parts(X), expected)
    again, said, _ = load(model, Options(threads=2))
    assert said.startswith("hit")
    np.testing.assert_array_equal(again(X), expected)
    again.save(tmp_path / "m.so")
    np.testing.assert_array_equal(neuralc.load(tmp_path / "m.so")(X), expected)


START = """
import sys
import neuralc
neuralc.compile(sys.argv[1])
print(*sorted({"xdsl", "onnx", "lark", "safetensors", "rich", "click"} & set(sys.modules)))
"""


@pytest.mark.thorough
def test_a_start_that_finds_its_model_loads_no_compiler(model: Path, cache: Path) -> None:
    loaded = [
        subprocess.run([sys.executable, "-c", START, model], check=True, capture_output=True, text=True, timeout=100)
        for _ in range(2)
    ]
    assert "xdsl" in loaded[0].stdout
    assert loaded[1].stdout.split() == ["click"]
    assert loaded[0].stderr == loaded[1].stderr
    assert "W0501" in loaded[1].stderr
    assert Store(cache).files()
