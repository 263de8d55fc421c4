"""Puts the weights into an object file as a section of their own, without LLVM seeing them.

LLVM takes constants as text and copies them several times; megabytes of weights cost seconds and memory. An ELF object
is extended instead (System V ABI, chapters 4 and 5): the bytes, the section headers with one more, and the undefined
symbol of the weights now defined in it. Layout of the result: the object as it was, the bytes, the headers.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from neuralc.grammar.diagnostics import error

ALIGNMENT = 64
_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_PROGBITS, _SYMTAB, _ALLOC = 1, 2, 2
_UNDEFINED, _OBJECT, _HIDDEN = 0, 1, 2


@dataclass(frozen=True)
class _Section:
    """Elf64_Shdr."""

    name: int
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    alignment: int
    entry_size: int

    def pack(self) -> bytes:
        return _SECTION.pack(
            self.name, self.type, self.flags, self.address, self.offset, self.size,
            self.link, self.info, self.alignment, self.entry_size,
        )  # fmt: skip


def embed(code: bytes, symbol: str, size: int, data: Iterable[bytes | memoryview]) -> Iterator[bytes | memoryview]:
    """The object `code` with `size` bytes of `data` as 64-byte aligned read-only bytes at `symbol`, in pieces.

    The data is asked for piece by piece, so that it need not be in memory as a whole. Raises E0841 for an object that
    is not 64-bit little-endian ELF, KeyError for one that does not refer to the symbol.
    """
    if code[:6] != b"\x7fELF\x02\x01":
        raise error("E0841", "weights are put into ELF objects only", help="`--triple` with `linux` makes ELF objects")
    header = list(_HEADER.unpack_from(code))
    sections = list(_sections(code, table=header[6], count=header[12]))
    names = sections[header[13]]
    out = bytearray(code)
    _define(out, sections, symbol, section=len(sections), size=size)

    _pad(out)
    name_table = code[names.offset : names.offset + names.size]
    # LLVM keeps the names of sections and symbols in one table; with a second table the name would not be there.
    name = name_table.find(b".rodata\0")
    if name < 0:
        name = len(name_table)
        sections[header[13]] = replace(names, offset=len(out), size=name + len(b".rodata\0"))
        out += name_table + b".rodata\0"
        _pad(out)
    sections.append(_Section(name, _PROGBITS, _ALLOC, 0, len(out), size, 0, 0, ALIGNMENT, 0))
    padding = bytes(-(len(out) + size) % ALIGNMENT)
    header[6], header[12] = len(out) + size + len(padding), len(sections)
    out[: _HEADER.size] = _HEADER.pack(*header)
    yield bytes(out)
    yield from data
    yield padding + b"".join(section.pack() for section in sections)


def _sections(code: bytes, table: int, count: int) -> Iterator[_Section]:
    for number in range(count):
        yield _Section(*_SECTION.unpack_from(code, table + number * _SECTION.size))


def _define(out: bytearray, sections: list[_Section], symbol: str, *, section: int, size: int) -> None:
    """Define the undefined symbol at the start of a section. Raises KeyError when the object does not refer to it."""
    table = next(each for each in sections if each.type == _SYMTAB)
    names = sections[table.link]
    for place in range(table.offset, table.offset + table.size, _SYMBOL.size):
        name, info, _, index, _, _ = _SYMBOL.unpack_from(out, place)
        end = out.index(b"\0", names.offset + name)
        if index == _UNDEFINED and out[names.offset + name : end] == symbol.encode():
            _SYMBOL.pack_into(out, place, name, info & ~0xF | _OBJECT, _HIDDEN, section, 0, size)
            return
    raise KeyError(symbol)


def _pad(out: bytearray) -> None:
    out += bytes(-len(out) % ALIGNMENT)
