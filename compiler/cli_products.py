"""Where a product goes: checked before compiling, written whole or not at all."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from neuralc.files import STDOUT, Pieces, write_product
from neuralc.grammar.diagnostics import error, usage_error
from neuralc.products import Code, Emitter, Product, Streamed, text_of


def check_destination(output: str | None, model: Path, emitter: Emitter) -> str:
    """The path of the product, or `-`. Raises before a minute is spent on a product that cannot be written.

    E0814: a folder or bytes for a terminal; E0990: the folder of the product is missing or not writable.
    """
    if output == STDOUT:
        if emitter.suffix.endswith("/"):
            raise usage_error("E0814", "the product is a folder and cannot go to stdout", help="give a path with `-o`")
        if emitter.binary and sys.stdout.isatty():
            raise usage_error("E0814", "the product is binary and stdout is a terminal", help="give a path with `-o`")
        return STDOUT
    path = Path(output) if output is not None else model.with_name(model.stem + emitter.suffix.rstrip("/"))
    if not path.parent.is_dir():
        raise error("E0990", f"cannot write {path}", note=f"there is no folder {path.parent}")
    if not os.access(path.parent, os.W_OK):
        raise error("E0990", f"cannot write {path}", note=f"the folder {path.parent} is not writable")
    if path.is_dir() and not emitter.suffix.endswith("/"):
        raise error("E0990", f"cannot write {path}", note="it is a folder")
    if path.exists() and model.exists() and path.samefile(model):
        raise usage_error("E0814", f"{path} is the model itself", help="give the product another path with `-o`")
    return str(path)


def write(destination: str, product: Product, emitter: Emitter) -> None:
    """Write what an emitter gave. Raises E0990."""
    if isinstance(product, Mapping):
        try:
            _write_folder(Path(destination), product)
        except OSError as fault:
            raise error("E0990", f"cannot write {destination}", note=(fault.strerror or str(fault)).lower()) from None
    elif isinstance(product, Code):
        write_product(destination, text_of(product, None if destination == STDOUT else Path(destination).stem))
        if destination != STDOUT:
            for end, companion in product.beside.items():
                text = companion(Path(destination).stem) if callable(companion) else _content(companion)
                write_product(beside(Path(destination), end), text)
    else:
        write_product(destination, _content(product), executable=emitter.executable)


def _content(product: str | bytes | Streamed) -> str | bytes | Pieces:
    return product.pieces if isinstance(product, Streamed) else product


def beside(path: Path, end: str) -> Path:
    """Where a companion of a product stands: `model.safetensors` beside `model.py`."""
    return path.with_name(path.stem + end)


def _write_folder(path: Path, files: Mapping[str, str | bytes]) -> None:
    """A new folder beside the old one, then exchanged."""
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        for name, content in files.items():
            file = temporary / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode() if isinstance(content, str) else content)
        temporary.chmod(0o755)
        if path.exists():
            old = path.with_name(f"{temporary.name}.old")
            path.rename(old)
            temporary.rename(path)
            shutil.rmtree(old)
        else:
            temporary.rename(path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
