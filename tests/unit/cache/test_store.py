"""The folder of the cache: whole files or none, a bound on its size, nobody else's code."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from neuralc.cache import store as store_module
from neuralc.cache.store import NotKept, Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache")


def test_what_was_put_is_found(store: Store) -> None:
    name = store.add([b"some ", memoryview(b"bytes")])
    store.put("products", "key", {"code": name})
    assert store.entry("products", "key") == {"code": name}
    assert bytes(store.blob(name) or b"") == b"some bytes"
    assert store.entry("files", "key") is None
    assert store.entry("products", "other") is None
    assert store.blob("00") is None


def test_equal_bytes_are_kept_once(store: Store) -> None:
    assert store.add([b"weights"]) == store.add([b"wei", b"ghts"])
    assert len(store.files()) == 1


def test_only_the_user_sees_it(store: Store) -> None:
    store.add([b"x"])
    for path in (store.root, *store.root.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.parametrize("damage", [b"", b"x", b"some bytez", b"some bytes and more"])
def test_damaged_bytes_are_not_there(store: Store, damage: bytes) -> None:
    name = store.add([b"some bytes"])
    store.blob_path(name).write_bytes(damage)
    assert store.blob(name) is None
    store.add([b"some bytes"])
    assert store.blob(name) is not None


@pytest.mark.parametrize("cut", [0, 3, 70, -1])
def test_a_damaged_entry_is_not_there(store: Store, cut: int) -> None:
    store.put("products", "key", {"a": 1})
    path = store.root / "products" / "key.json"
    path.write_bytes(path.read_bytes()[:cut])
    assert store.entry("products", "key") is None


def test_what_was_used_last_stays_when_the_folder_is_full(store: Store) -> None:
    small = Store(store.folder, limit=1000)
    names = [small.add([bytes([number]) * 300]) for number in range(4)]
    for age, name in enumerate(names):
        os.utime(small.blob_path(name), (1000 + age, 1000 + age))
    assert small.blob(names[0]) is not None  # which uses it
    small.shrink()
    assert [small.blob(name) is not None for name in names] == [True, False, False, True]
    assert sum(file.size for file in small.files()) <= 1000


def test_what_is_larger_than_all_is_not_kept(store: Store) -> None:
    with pytest.raises(NotKept, match="larger"):
        Store(store.folder, limit=100).add([bytes(60), bytes(60)])
    assert store.files() == []


def test_what_a_process_left_goes_and_what_one_writes_stays(store: Store) -> None:
    store.add([b"x"])
    old, new = (store.root / f"{store_module.UNFINISHED}{name}" for name in ("old", "new"))
    for path in (old, new):
        path.write_bytes(b"half")
    past = time.time() - 2 * store_module.LEFT_OVER
    os.utime(old, (past, past))
    store.shrink()
    assert (old.exists(), new.exists()) == (False, True)


def test_a_writer_that_fails_leaves_nothing(store: Store) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"half"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.add(pieces())
    assert store.files() == []


def test_a_folder_that_others_may_write_is_not_used(store: Store) -> None:
    name = store.add([b"x"])
    store.root.chmod(0o777)
    for use in (lambda: store.blob(name), lambda: store.entry("products", "k"), lambda: store.add([b"y"])):
        with pytest.raises(NotKept, match="others may write"):
            use()


def test_a_folder_of_another_user_is_not_used(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.add([b"x"])
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(NotKept, match="others may write"):
        store.entry("products", "k")


def test_a_folder_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = Store(tmp_path / "file" / "cache")
    assert store.entry("products", "k") is None
    with pytest.raises(NotKept, match=r"cannot write .*: not a directory"):
        store.add([b"x"])


def test_clear_removes_all_and_nothing_else(store: Store) -> None:
    store.add([b"x"])
    (store.folder / "notes.txt").write_text("mine")
    store.clear()
    assert [path.name for path in store.folder.iterdir()] == ["notes.txt"]
    Store(store.folder / "none").clear()


def test_of_user_is_where_the_variable_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(store_module.VARIABLE, str(tmp_path))
    assert Store.of_user() == Store(tmp_path)
    monkeypatch.setenv(store_module.VARIABLE, "")
    assert Store.of_user() is None
    monkeypatch.delenv(store_module.VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    found = Store.of_user()
    assert found is not None
    assert found.folder.name == "neuralc"


def churn(folder: str, seed: int) -> int:
    """Puts, finds and shrinks; counts what was found wrong."""
    store, wrong = Store(Path(folder), limit=20_000), 0
    for step in range(60):
        number = (seed * 7 + step) % 13
        content = bytes([number]) * (500 + number * 300)
        name = store.add([content])
        store.put("products", str(number), {"blob": name, "number": number})
        store.shrink()
        entry = store.entry("products", str((number + 5) % 13))
        if entry is not None:
            found = store.blob(entry["blob"])
            wrong += found is not None and bytes(found) != bytes([entry["number"]]) * len(found)
    return wrong


def test_processes_do_not_disturb_one_another(store: Store) -> None:
    with ProcessPoolExecutor(3) as pool:
        assert sum(pool.map(churn, [str(store.folder)] * 3, range(3))) == 0
    store.shrink()
    assert not [file for file in store.files() if file.path.name.startswith(store_module.UNFINISHED)]
