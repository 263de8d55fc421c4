"""Files that are no models, or import one another in odd ways: an error that says so, and never a hang."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.bounds import bounded

from neuralc.frontends.nr import load
from neuralc.grammar.diagnostics import Diagnostic, NeuralcError
from neuralc.grammar.library import MAX_IMPORTS
from neuralc.grammar.parser import MAX_BYTES

IMPORTING = 'from "{}" import A\nnetwork M {{ input: (8) layers: A() }}'


def errors_of(path: Path) -> tuple[Diagnostic, ...]:
    with bounded():
        try:
            load(path)
        except NeuralcError as failure:
            return failure.diagnostics
    return ()


def error_of_import(folder: Path, name: str) -> Diagnostic:
    """What is said first about a model that imports a file of a folder."""
    (folder / "m.nr").write_text(IMPORTING.format(name))
    return errors_of(folder / "m.nr")[0]


# --- what is no file -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", ["/dev/zero", "/dev/random", "/dev/null"])
def test_a_device_is_not_read(path: str) -> None:
    (found,) = errors_of(Path(path))
    assert (found.code, found.message) == ("E0901", f"`{path}` is no regular file")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.nr")
    assert errors_of(tmp_path / "pipe.nr")[0].message == f"`{tmp_path / 'pipe.nr'}` is no regular file"
    assert error_of_import(tmp_path, "pipe.nr").code == "E0215"


def test_a_file_that_is_too_large_is_not_read_to_its_end(tmp_path: Path) -> None:
    with (tmp_path / "large.nr").open("wb") as file:
        file.truncate(1 << 40)
    (found,) = errors_of(tmp_path / "large.nr")
    assert (found.code, found.message) == ("E0901", f"`{tmp_path / 'large.nr'}` is larger than {MAX_BYTES >> 20} MB")


@pytest.mark.thorough
def test_files_that_are_too_large_together(tmp_path: Path) -> None:
    part = "# " + "x" * (MAX_BYTES // 4) + "\ndefine A{} {{ Dense(3) }}"
    names = [f"part{index}.nr" for index in range(5)]
    for index, name in enumerate(names):
        (tmp_path / name).write_text(part.format(index))
    imports = "\n".join(f'from "{name}" import A{index}' for index, name in enumerate(names))
    (tmp_path / "m.nr").write_text(f"{imports}\nnetwork M {{ input: (8) layers: A0() }}")
    found = [each for each in errors_of(tmp_path / "m.nr") if each.code == "E0215"]
    assert [each.span and each.span.text for each in found] == ['"part3.nr"', '"part4.nr"']


def test_an_imported_folder(tmp_path: Path) -> None:
    found = error_of_import(tmp_path, ".")
    assert (found.code, found.message) == ("E0215", f"cannot import `.`: `{tmp_path}` is a folder, not a model file")


def test_an_imported_file_that_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "a.nr").write_bytes(b"define A { Dense(3) } # \xff")
    assert error_of_import(tmp_path, "a.nr").code == "E0215"


@pytest.mark.parametrize("name", ["\0", "x" * 5000, "a.nr/b.nr", "~", "/proc/self/mem"])
def test_names_that_are_no_files(tmp_path: Path, name: str) -> None:
    assert error_of_import(tmp_path, name).code == "E0215"


# --- circles ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["m.nr", "./m.nr", "../{}/m.nr", "link.nr", "linked/m.nr", "linked/linked/link.nr"])
def test_a_file_that_imports_itself_by_any_path(tmp_path: Path, name: str) -> None:
    (tmp_path / "link.nr").symlink_to(tmp_path / "m.nr")
    (tmp_path / "linked").symlink_to(tmp_path)
    assert error_of_import(tmp_path, name.format(tmp_path.name)).code == "E0214"


def test_links_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "a.nr").symlink_to(tmp_path / "b.nr")
    (tmp_path / "b.nr").symlink_to(tmp_path / "a.nr")
    assert error_of_import(tmp_path, "a.nr").code == "E0215"


def test_a_file_under_two_names_is_not_a_circle(tmp_path: Path) -> None:
    (tmp_path / "a.nr").write_text("define A { Dense(3) } define B { Dense(4) }")
    (tmp_path / "b.nr").symlink_to(tmp_path / "a.nr")
    text = 'from "a.nr" import A from "./b.nr" import B network M { input: (8) layers: A() B() }'
    (tmp_path / "m.nr").write_text(text)
    assert errors_of(tmp_path / "m.nr") == ()


# --- many ------------------------------------------------------------------------------------------------------------
@pytest.mark.thorough
def test_ten_thousand_imports_of_one_file(tmp_path: Path) -> None:
    (tmp_path / "a.nr").write_text("".join(f"define A{index} {{ Dense(3) }}\n" for index in range(2_000)))
    imports = "\n".join(f'from "a.nr" import A{index % 2_000}' for index in range(10_000))
    (tmp_path / "m.nr").write_text(f"{imports}\nnetwork M {{ input: (8) layers: A7() }}")
    assert {each.code for each in errors_of(tmp_path / "m.nr")} == {"E0208"}


@pytest.mark.thorough
def test_ten_thousand_imports_of_a_file_that_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "a.nr").write_text("define A {" + " Dense(3)" * 1_000)
    (tmp_path / "m.nr").write_text('from "a.nr" import A\n' * 10_000 + "network M { input: (8) layers: Dense(3) }")
    assert [each.code for each in errors_of(tmp_path / "m.nr")] == ["E0103"]


def test_files_in_a_long_row(tmp_path: Path) -> None:
    for index in range(MAX_IMPORTS + 2):
        (tmp_path / f"f{index}.nr").write_text(f'from "f{index + 1}.nr" import A\ndefine B{index} {{ A() }}')
    found = error_of_import(tmp_path, "f0.nr")
    assert (found.code, found.span and found.span.source.name) == ("E0215", str(tmp_path / f"f{MAX_IMPORTS - 1}.nr"))
