"""The parser's tables between processes: read when whole, built again otherwise."""

from collections.abc import Callable
from pathlib import Path

import pytest
from lark import Lark

from neuralc.grammar import tables

TEXT = "network M { input: (8) layers: Dense(3) }"


@pytest.fixture
def parser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Lark]:
    """Makes the parser as a new process would, with its cache in a folder of this test."""
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / name)
    return tables.lark_parser.__wrapped__


def cached(folder: Path) -> Path:
    (path,) = folder.rglob("*.tables")
    return path


def test_tables_are_kept_and_read_back(
    tmp_path: Path, parser: Callable[[], Lark], monkeypatch: pytest.MonkeyPatch
) -> None:
    built = parser().parse(TEXT, start="file")
    monkeypatch.setattr(tables, "_build", lambda *arguments: pytest.fail("the tables were there"))
    assert parser().parse(TEXT, start="file") == built
    assert cached(tmp_path).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("damage", [lambda data: data[:100], lambda data: b"", lambda data: data[:-1] + b"?"])
@pytest.mark.thorough
def test_damaged_tables_are_built_again(
    tmp_path: Path, parser: Callable[[], Lark], damage: Callable[[bytes], bytes]
) -> None:
    parser()
    damaged = damage(cached(tmp_path).read_bytes())
    cached(tmp_path).write_bytes(damaged)
    parser().parse(TEXT, start="file")
    assert cached(tmp_path).read_bytes() != damaged


def test_a_cache_that_cannot_be_written_does_not_matter(tmp_path: Path, parser: Callable[[], Lark]) -> None:
    (tmp_path / "neuralc").write_text("a file where the folder should be")
    parser().parse(TEXT, start="file")


def test_tables_of_other_versions_are_dropped(tmp_path: Path, parser: Callable[[], Lark]) -> None:
    parser()
    other = cached(tmp_path).with_name("neural-0123456789abcdef.tables")
    cached(tmp_path).rename(other)
    parser()
    assert not other.exists()


def test_each_grammar_has_its_own_tables(tmp_path: Path, parser: Callable[[], Lark]) -> None:
    parser()
    tables.expression_parser.__wrapped__()
    assert {path.name.partition("-")[0] for path in tmp_path.rglob("*.tables")} == {"neural", "expression"}
