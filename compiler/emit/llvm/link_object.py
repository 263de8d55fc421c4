"""Puts the weights into an object file as a section of their own, without LLVM seeing them.

LLVM takes constants as text and copies them several times; megabytes of weights cost seconds and memory. An ELF object
is extended instead (System V ABI, chapters 4 and 5): the bytes, the section headers with one more, and the undefined
symbol of the weights now defined in it. Layout of the result: the object as it was, the bytes, the headers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from neuralc.emit.llvm.elf import (
    ALIGNMENT,
    HEADER,
    SYMBOL,
    UNDEFINED,
    Kind,
    Section,
    is_elf,
    pad,
    sections_of,
    text_at,
)
from neuralc.grammar.diagnostics import error

_ALLOC, _OBJECT, _HIDDEN = 2, 1, 2


def embed(code: bytes, symbol: str, size: int, data: Iterable[bytes | memoryview]) -> Iterator[bytes | memoryview]:
    """The object `code` with `size` bytes of `data` as 64-byte aligned read-only bytes at `symbol`, in pieces.

    The data is asked for piece by piece, so that it need not be in memory as a whole. Raises E0841 for an object that
    is not 64-bit little-endian ELF, KeyError for one that does not refer to the symbol.
    """
    if not is_elf(code):
        raise error("E0841", "weights are put into ELF objects only", help="`--triple` with `linux` makes ELF objects")
    header = list(HEADER.unpack_from(code))
    sections = list(sections_of(code))
    names = sections[header[13]]
    out = bytearray(code)
    _define(out, sections, symbol, section=len(sections), size=size)

    pad(out)
    name_table = code[names.offset : names.offset + names.size]
    # LLVM keeps the names of sections and symbols in one table; with a second table the name would not be there.
    name = name_table.find(b".rodata\0")
    if name < 0:
        name = len(name_table)
        sections[header[13]] = replace(names, offset=len(out), size=name + len(b".rodata\0"))
        out += name_table + b".rodata\0"
        pad(out)
    sections.append(Section(name, Kind.PROGBITS, _ALLOC, 0, len(out), size, 0, 0, ALIGNMENT, 0))
    padding = bytes(-(len(out) + size) % ALIGNMENT)
    header[6], header[12] = len(out) + size + len(padding), len(sections)
    out[: HEADER.size] = HEADER.pack(*header)
    yield bytes(out)
    yield from data
    yield padding + b"".join(section.pack() for section in sections)


def _define(out: bytearray, sections: list[Section], symbol: str, *, section: int, size: int) -> None:
    """Define the undefined symbol at the start of a section. Raises KeyError when the object does not refer to it."""
    table = next(each for each in sections if each.type == Kind.SYMTAB)
    for place in range(table.offset, table.offset + table.size, SYMBOL.size):
        name, info, _, index, _, _ = SYMBOL.unpack_from(out, place)
        if index == UNDEFINED and text_at(out, sections[table.link], name) == symbol:
            SYMBOL.pack_into(out, place, name, info & ~0xF | _OBJECT, _HIDDEN, section, 0, size)
            return
    raise KeyError(symbol)
