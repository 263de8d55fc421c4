"""Loads a model from a shared library. A file that is not one is refused before the system's loader touches it.

The loader maps a file and trusts it: a truncated library ends the process when a missing page is touched.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from collections.abc import Iterator
from os import PathLike, fspath
from pathlib import Path
from typing import BinaryIO

from neuralc.runtime.errors import ModelError
from neuralc.runtime.interface import Interface
from neuralc.runtime.model import Model

_MACHINES = {"x86_64": 62, "aarch64": 183, "riscv64": 243}
"""`e_machine` of an ELF file, by Python's name of the processor."""
_SHARED = 3
_AGAIN = "compile the model again with `neuralc model.nr`"


def load(path: str | PathLike[str], *, threads: int | None = None) -> Model:
    """The model in a shared library. `threads` None is as it was compiled.

    Raises ModelError: E0902 unreadable, E0903 truncated or not for this machine, E0905 not a model, E0906 of another
    version, E0907 for a processor with more features.
    """
    file = Path(fspath(path)).absolute()
    _check(file)
    try:
        library = ctypes.CDLL(str(file))
    except OSError as fault:
        raise ModelError("E0903", f"{file} cannot be loaded: {fault}", _AGAIN) from None

    def address(name: str) -> int:
        try:
            function = library[name]
        except AttributeError:
            raise KeyError(name) from None
        return ctypes.cast(function, ctypes.c_void_p).value or 0

    if not hasattr(library, "nrc_abi_version"):
        raise ModelError("E0905", f"{file} is a library, but not a model of neuralc", "give the file neuralc wrote")

    def copy() -> Iterator[bytes]:
        try:
            with file.open("rb") as stream:
                yield from iter(lambda: stream.read(1 << 20), b"")
        except OSError as fault:
            raise _unreadable(file, fault) from None

    return Model(Interface(address, library, library), threads=threads, library=copy)


def _check(file: Path) -> None:
    """Raise where a file is not a whole shared library for this machine (System V ABI, ELF header and segments)."""
    try:
        with file.open("rb") as stream:
            _check_elf(file, stream, os.fstat(stream.fileno()).st_size)
    except OSError as fault:
        raise _unreadable(file, fault) from None


def _check_elf(file: Path, stream: BinaryIO, size: int) -> None:
    header = stream.read(64)
    if header[:4] != b"\x7fELF":
        what = "is empty" if size == 0 else "is not a shared library"
        raise ModelError("E0903", f"{file} {what}", "a model is compiled into a `.so` by `neuralc model.nr`")
    if len(header) < 64:
        raise _truncated(file, size, 64)
    kind, machine = struct.unpack_from("<HH", header, 16)
    here = platform.machine()
    if header[4:6] != b"\x02\x01" or machine != _MACHINES.get(here, machine):
        raise ModelError("E0903", f"{file} is for another processor, this one is {here}", "compile it for this machine")
    if kind != _SHARED:
        raise ModelError("E0903", f"{file} is an object or a program, not a shared library", "link it with `-shared`")
    segments, sections = struct.unpack_from("<QQ", header, 32)
    segment_size, segment_count, section_size, section_count = struct.unpack_from("<HHHH", header, 54)
    needed = max(segments + segment_size * segment_count, sections + section_size * section_count)
    if needed > size:
        raise _truncated(file, size, needed)
    stream.seek(segments)
    table = stream.read(segment_size * segment_count)
    for number in range(segment_count):
        offset, _, _, length = struct.unpack_from("<QQQQ", table, number * segment_size + 8)
        needed = max(needed, offset + length)
    if needed > size:
        raise _truncated(file, size, needed)


def _truncated(file: Path, size: int, needed: int) -> ModelError:
    return ModelError("E0903", f"{file} is truncated: {size} of at least {needed} bytes", "copy it again")


def _unreadable(file: Path, fault: OSError) -> ModelError:
    reason = (fault.strerror or str(fault)).lower()
    return ModelError("E0902", f"cannot read {file}: {reason}", "check the path")
