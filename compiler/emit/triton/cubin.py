"""Reads a cubin without NVIDIA's tools: registers, stack and parameters of its kernels, from the ELF file itself.

Layout: ELF-64 (System V ABI); `.nv.info*` sections hold attributes of one byte format, one byte kind, a half word of
value or size, then the payload. Kinds are those `cuobjdump --dump-elf` names.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

_KPARAM_INFO, _FRAME_SIZE, _REQNTID = 0x17, 0x11, 0x10
_SIZED = 4
_NOBITS = 8


@dataclass
class Resources:
    """What one kernel needs of a GPU."""

    registers: int = 0
    """Per thread."""
    stack_bytes: int = 0
    """Per thread; values that did not fit into registers live here."""
    static_shared_bytes: int = 0
    threads: int = 0
    """Of a block, as the kernel was compiled."""
    parameters: list[tuple[int, int]] = field(default_factory=list)
    """(offset, size) in bytes of each, in order."""


@dataclass(frozen=True)
class _Section:
    name: str
    kind: int
    size: int
    info: int
    link: int
    data: bytes


def read_cubin(data: bytes) -> dict[str, Resources]:
    """The kernels of a cubin by name. Raises ValueError for another kind of file."""
    if data[:5] != b"\x7fELF\x02":
        raise ValueError("not a cubin: a 64-bit ELF file is expected")
    sections = _sections(data)
    kernels = {
        section.name.removeprefix(".text."): Resources() for section in sections if section.name.startswith(".text.")
    }
    symbols = _symbols(sections)
    for section in sections:
        prefix, _, name = section.name.rpartition(".")
        if section.name == ".nv.info":
            _read_frames(section, symbols, kernels)
        elif name in kernels:
            _read_kernel(prefix, section, kernels[name])
    return kernels


def _read_kernel(prefix: str, section: _Section, kernel: Resources) -> None:
    if prefix == ".text":
        kernel.registers = section.info >> 24
    elif prefix == ".nv.shared":
        kernel.static_shared_bytes = section.size
    elif prefix == ".nv.info":
        parameters = {}
        for kind, value in _attributes(section.data):
            if kind == _KPARAM_INFO:
                _, ordinal, offset, flags = struct.unpack("<IHHI", value)
                parameters[ordinal] = (offset, (flags >> 18) & 0x3FFF)
            elif kind == _REQNTID:
                x, y, z = struct.unpack("<III", value)
                kernel.threads = x * y * z
        kernel.parameters = [parameters[ordinal] for ordinal in sorted(parameters)]


def _read_frames(section: _Section, symbols: list[str], kernels: dict[str, Resources]) -> None:
    for kind, value in _attributes(section.data):
        if kind == _FRAME_SIZE:
            symbol, size = struct.unpack("<II", value)
            if symbols[symbol] in kernels:
                kernels[symbols[symbol]].stack_bytes = size


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Kind and payload of the attributes that have one."""
    place = 0
    while place + 4 <= len(data):
        form, kind, size = struct.unpack_from("<BBH", data, place)
        place += 4
        if form == _SIZED:
            yield kind, data[place : place + size]
            place += size


def _sections(data: bytes) -> list[_Section]:
    (table,) = struct.unpack_from("<Q", data, 0x28)
    entry_size, count, names_index = struct.unpack_from("<HHH", data, 0x3A)
    rows = [struct.unpack_from("<IIQQQQIIQQ", data, table + i * entry_size) for i in range(count)]
    names = rows[names_index][4]
    found = []
    for name, kind, _, _, offset, size, link, info, _, _ in rows:
        content = b"" if kind == _NOBITS else data[offset : offset + size]
        found.append(_Section(_string(data, names + name), kind, size, info, link, content))
    return found


def _symbols(sections: list[_Section]) -> list[str]:
    table = next((section for section in sections if section.name == ".symtab"), None)
    if table is None:
        return []
    strings = sections[table.link].data
    return [_string(strings, struct.unpack_from("<I", table.data, place)[0]) for place in range(0, len(table.data), 24)]


def _string(data: bytes, start: int) -> str:
    return data[start : data.index(b"\0", start)].decode()
