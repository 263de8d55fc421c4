"""Reading inputs and writing products: errors with a code, and never a half-written file."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from neuralc.grammar.diagnostics import NeuralcError, error
from neuralc.grammar.files_read import reads

STDOUT = "-"


def read_text(path: Path) -> str:
    """The text of a file. Raises NeuralcError E0901."""
    reads(path)
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as fault:
        raise _unreadable(path, fault) from None
    except UnicodeDecodeError as fault:
        raise error(
            "E0901", f"{path} is not UTF-8 text", note=f"byte {fault.start} is 0x{fault.object[fault.start]:02x}"
        ) from None


Pieces = Iterator[bytes | memoryview]


def write_product(output: str | Path, content: str | bytes | Pieces, *, executable: bool = False) -> None:
    """Write to a file, whole or not at all, or to stdout when `output` is `-`. Raises NeuralcError E0990."""
    if str(output) == STDOUT:
        _write_stdout(content)
        return
    path = Path(output)
    try:
        if path.exists() and not path.is_file():  # /dev/null, a pipe: there is nothing to rename onto
            with path.open("wb") as file:
                file.writelines(_pieces(content))
            return
        _replace(path, _pieces(content), executable)
    except OSError as fault:
        raise error("E0990", f"cannot write {path}", note=_reason(fault)) from None


def make_folder(path: Path) -> Path:
    """A folder for products, made when missing. Raises NeuralcError E0990."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise error("E0990", f"cannot make the folder {path}", note=_reason(fault)) from None
    return path


def _pieces(content: str | bytes | Pieces) -> Iterable[bytes | memoryview]:
    if isinstance(content, str):
        return [content.encode()]
    return [content] if isinstance(content, bytes) else content


def _replace(path: Path, data: Iterable[bytes | memoryview], executable: bool) -> None:
    """A temporary file beside the product, renamed onto it: a reader never sees a part."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(data)
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod((0o777 if executable else 0o666) & ~umask)
        temporary.replace(path)
    except BaseException:
        temporary.unlink()
        raise


def _write_stdout(content: str | bytes | Pieces) -> None:
    if isinstance(content, str):
        sys.stdout.write(content)
    else:
        sys.stdout.flush()
        sys.stdout.buffer.writelines(_pieces(content))
    sys.stdout.flush()


def _unreadable(path: Path, fault: OSError) -> NeuralcError:
    return error("E0901", f"cannot read {path}", note=_reason(fault))


def _reason(fault: OSError) -> str:
    return (fault.strerror or str(fault)).lower()
