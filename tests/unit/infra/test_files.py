"""Reading and writing: errors have a code, and no half of a file stays behind."""

import os
from pathlib import Path

import pytest

from neuralc.cli_products import check_destination, write
from neuralc.files import read_text, write_product
from neuralc.grammar.diagnostics import NeuralcError, UsageError
from neuralc.products import EMITTERS


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(NeuralcError, match="no such file or directory"):
        read_text(tmp_path / "missing.nr")
    with pytest.raises(NeuralcError, match="is a directory"):
        read_text(tmp_path)
    (tmp_path / "binary.nr").write_bytes(b"ok \xff\xfe")
    with pytest.raises(NeuralcError, match="byte 3 is 0xff"):
        read_text(tmp_path / "binary.nr")


def test_a_product_is_written_whole_with_the_usual_mode(tmp_path: Path) -> None:
    write_product(tmp_path / "a.o", b"\x00\x01")
    write_product(tmp_path / "a.so", b"\x7f", executable=True)
    umask = os.umask(0)
    os.umask(umask)
    assert (tmp_path / "a.o").read_bytes() == b"\x00\x01"
    assert (tmp_path / "a.o").stat().st_mode & 0o777 == 0o666 & ~umask
    assert (tmp_path / "a.so").stat().st_mode & 0o777 == 0o777 & ~umask
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.o", "a.so"]


def test_a_write_that_fails_leaves_the_old_product_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.o"
    path.write_bytes(b"old")

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(NeuralcError, match="no space left on device"):
        write_product(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_device_is_written_to_and_not_replaced() -> None:
    write_product("/dev/null", b"gone")
    assert Path("/dev/null").is_char_device()


def test_a_folder_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    destination = tmp_path / "m.cuda"
    write(str(destination), {"a.py": "1", "sub/b.bin": b"2"}, EMITTERS["cuda"])
    write(str(destination), {"c.py": "3"}, EMITTERS["cuda"])
    assert [path.name for path in destination.iterdir()] == ["c.py"]
    assert [path.name for path in tmp_path.iterdir()] == ["m.cuda"]


def test_destinations_are_checked_before_compiling(tmp_path: Path) -> None:
    model = tmp_path / "m.nr"
    assert check_destination(None, model, EMITTERS["obj"]) == str(tmp_path / "m.o")
    assert check_destination(None, model, EMITTERS["cuda"]) == str(tmp_path / "m.cuda")
    assert check_destination("-", model, EMITTERS["asm"]) == "-"
    with pytest.raises(NeuralcError, match="there is no folder"):
        check_destination(str(tmp_path / "no" / "m.o"), model, EMITTERS["obj"])
    with pytest.raises(NeuralcError, match="it is a folder"):
        check_destination(str(tmp_path), model, EMITTERS["obj"])
    with pytest.raises(UsageError, match="cannot go to stdout"):
        check_destination("-", model, EMITTERS["cuda"])


def test_a_product_is_not_written_over_its_model(tmp_path: Path) -> None:
    model = tmp_path / "m.nr"
    model.write_text("network M { input: (4) layers: Dense(2) }")
    with pytest.raises(UsageError, match="is the model itself"):
        check_destination(None, model, EMITTERS["nr"])
