"""Objects of 64-bit little-endian ELF as bytes: their header, sections and symbols (System V ABI, chapter 4)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

ALIGNMENT = 64
HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
SECTION = struct.Struct("<IIQQQQIIQQ")
SYMBOL = struct.Struct("<IBBHQQ")
UNDEFINED = 0
"""The section of a symbol that is defined elsewhere."""


class Kind(IntEnum):
    """Types of sections."""

    PROGBITS = 1
    SYMTAB = 2
    STRTAB = 3
    RELA = 4
    NOBITS = 8
    GROUP = 17
    ADDRSIG = 0x6FFF4C03


@dataclass(frozen=True)
class Section:
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
        return SECTION.pack(
            self.name, self.type, self.flags, self.address, self.offset, self.size,
            self.link, self.info, self.alignment, self.entry_size,
        )  # fmt: skip


@dataclass(frozen=True)
class Symbol:
    """Elf64_Sym, and its name as text."""

    text: str
    name: int
    info: int
    other: int
    section: int
    value: int
    size: int

    @property
    def binding(self) -> int:
        """0 for one that is local."""
        return self.info >> 4

    @property
    def fields(self) -> tuple[int, ...]:
        return self.name, self.info, self.other, self.section, self.value, self.size


def is_elf(code: bytes) -> bool:
    return code[:6] == b"\x7fELF\x02\x01"


def sections_of(code: bytes) -> Sequence[Section]:
    """The sections of an object; the first one is none."""
    header = HEADER.unpack_from(code)
    return [Section(*SECTION.unpack_from(code, header[6] + number * SECTION.size)) for number in range(header[12])]


def symbols_of(code: bytes) -> Sequence[Symbol]:
    """The symbols of an object; the first one is none."""
    sections = sections_of(code)
    table = next(each for each in sections if each.type == Kind.SYMTAB)
    names = sections[table.link]
    fields = SYMBOL.iter_unpack(code[table.offset : table.offset + table.size])
    return [Symbol(text_at(code, names, each[0]), *each) for each in fields]


def text_at(code: bytes | bytearray, names: Section, place: int) -> str:
    """A name in a table of names."""
    begin = names.offset + place
    return bytes(code[begin : code.index(b"\0", begin)]).decode()


def pad(out: bytearray, alignment: int = ALIGNMENT) -> None:
    out += bytes(-len(out) % alignment)
