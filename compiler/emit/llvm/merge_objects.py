"""Makes one relocatable object of the objects that parts of a model became.

    part 1  .text kernel.a                      .text kernel.a
    part 2  .text kernel.b                 ->   .text kernel.b
    last    .text nrc_run, needs kernel.a       .text nrc_run
                                                .symtab: one, in which kernel.a and kernel.b are local

An object may have several sections of a name (System V ABI, chapter 4): all are taken as they are, one behind another.
There is one table of symbols, so relocations are written anew with the numbers that symbols have in it. What is defined
and hidden is needed by no other object: it becomes local, so that two models can be linked into one program.
Parts are compiled while others are written: of an object of MobileNetV2, 1.0 s of a Zen 3 core is Python's and 1.6 s
LLVM's, which follow one another where all is one module.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from neuralc.emit.llvm.elf import (
    ALIGNMENT,
    HEADER,
    SYMBOL,
    UNDEFINED,
    Kind,
    Section,
    Symbol,
    is_elf,
    pad,
    sections_of,
    symbols_of,
    text_at,
)
from neuralc.grammar.diagnostics import error

_RELOCATION = struct.Struct("<QQq")
_SPECIAL = 0xFF00
"""Section numbers from here on are no sections: absolute values, common memory."""
_LOCAL, _HIDDEN, _FILE = 0, 2, 4
_DROPPED = (Kind.SYMTAB, Kind.STRTAB, Kind.ADDRSIG)
"""Tables that are made anew, and LLVM's list of symbols by their numbers, which is advice to linkers."""
_STACK = ".note.GNU-stack"


@dataclass(frozen=True)
class _Object:
    """One of the objects."""

    code: bytes
    sections: Sequence[Section]
    symbols: Sequence[Symbol]
    places: Mapping[int, int]
    """For the numbers of sections, the numbers they have in the result."""

    def name_of(self, section: Section) -> str:
        number = HEADER.unpack_from(self.code)[13]
        return text_at(self.code, self.sections[number], section.name)


class _Names:
    """The table of names, of sections and symbols alike."""

    def __init__(self) -> None:
        self.data = bytearray(b"\0")
        self._known: dict[str, int] = {"": 0}

    def add(self, name: str) -> int:
        if name not in self._known:
            self._known[name] = len(self.data)
            self.data += name.encode() + b"\0"
        return self._known[name]


def merge(codes: Sequence[bytes]) -> bytes:
    """One object with the sections of all. Raises E0841 where they are not 64-bit little-endian ELF objects."""
    if len(codes) == 1:
        return codes[0]
    objects = list(_read(codes))
    table = 1 + sum(len(each.places) for each in objects)
    names = _Names()
    symbols, numbers, first_global = _symbols(objects, names)
    out = bytearray(HEADER.size)
    sections = [Section(0, 0, 0, 0, 0, 0, 0, 0, 0, 0)]
    for each, own in zip(objects, numbers, strict=True):
        for number in each.places:
            section = each.sections[number]
            data = b"" if section.type == Kind.NOBITS else each.code[section.offset : section.offset + section.size]
            link = each.places.get(section.link, 0)
            info = section.info
            if section.type == Kind.RELA:
                data, link, info = _relocated(data, own), table, each.places[section.info]
            pad(out, max(section.alignment, 1))
            name = names.add(each.name_of(section))
            sections.append(replace(section, name=name, offset=len(out), link=link, info=info))
            out += data
    pad(out, 8)
    packed = b"".join(SYMBOL.pack(*each.fields) for each in symbols)
    name = names.add(".symtab")
    sections.append(Section(name, Kind.SYMTAB, 0, 0, len(out), len(packed), table + 1, first_global, 8, SYMBOL.size))
    out += packed
    name = names.add(".strtab")
    sections.append(Section(name, Kind.STRTAB, 0, 0, len(out), len(names.data), 0, 0, 1, 0))
    out += names.data
    pad(out, ALIGNMENT)
    header = list(HEADER.unpack_from(codes[0]))
    header[6], header[12], header[13] = len(out), len(sections), table + 1
    out[: HEADER.size] = HEADER.pack(*header)
    return bytes(out) + b"".join(section.pack() for section in sections)


def _read(codes: Sequence[bytes]) -> Iterator[_Object]:
    """The objects, with the numbers of the sections that they keep; of the note on the stack one is enough."""
    count, noted = 1, False
    for code in codes:
        if not is_elf(code):
            raise error("E0841", "parts are put together in ELF objects only")
        read = _Object(code, sections_of(code), symbols_of(code), {})
        places: dict[int, int] = {}
        for number, section in enumerate(read.sections):
            stack = read.name_of(section) == _STACK if number else False
            if number == 0 or section.type in _DROPPED or (stack and noted):
                continue
            if section.type == Kind.GROUP:
                raise error("E9901", "a part of a model has a section group")
            noted = noted or stack
            places[number] = count
            count += 1
        yield replace(read, places=places)


def _symbols(objects: Sequence[_Object], names: _Names) -> tuple[list[Symbol], list[list[int]], int]:
    """The table of symbols, for each object the numbers that its own have there, and that of the first global one."""
    definitions: dict[str, Symbol] = {}
    for each in objects:
        for symbol in each.symbols:
            if symbol.binding != _LOCAL and symbol.section != UNDEFINED:
                if symbol.text in definitions:
                    raise error("E9901", f"two parts of a model define `{symbol.text}`")
                definitions[symbol.text] = _moved(symbol, each, names)
    local = [Symbol("", 0, 0, 0, 0, 0, 0)]
    shared: dict[str, Symbol] = {}
    for text, symbol in definitions.items():
        if symbol.other & 3 == _HIDDEN:
            local.append(replace(symbol, info=symbol.info & 0xF))
        else:
            shared[text] = symbol
    places: dict[str, int] = {symbol.text: number for number, symbol in enumerate(local) if number}
    found: list[list[int | str]] = []
    files: set[str] = set()
    for each in objects:
        own: list[int | str] = []
        for symbol in each.symbols:
            if symbol.binding != _LOCAL:
                if symbol.text not in places:
                    shared.setdefault(symbol.text, _moved(symbol, each, names))
                own.append(symbol.text)
            elif _is_left_out(symbol, each, files):
                own.append(0)
            else:
                own.append(len(local))
                local.append(_moved(symbol, each, names))
        found.append(own)
    places |= {text: len(local) + number for number, text in enumerate(shared)}
    numbers = [[each if isinstance(each, int) else places[each] for each in own] for own in found]
    return [*local, *shared.values()], numbers, len(local)


def _is_left_out(symbol: Symbol, owner: _Object, files: set[str]) -> bool:
    """Whether a local symbol is of a section that is left out, or names the file that another part has named."""
    if symbol.info & 0xF == _FILE:
        known = symbol.text in files
        files.add(symbol.text)
        return known
    return symbol.section < _SPECIAL and symbol.section not in owner.places


def _moved(symbol: Symbol, owner: _Object, names: _Names) -> Symbol:
    """A symbol as it is in the result."""
    section = symbol.section if symbol.section >= _SPECIAL else owner.places.get(symbol.section, UNDEFINED)
    return replace(symbol, name=names.add(symbol.text), section=section)


def _relocated(data: bytes, numbers: Sequence[int]) -> bytes:
    """Relocations with the numbers that symbols have now."""
    out = bytearray()
    for offset, info, addend in _RELOCATION.iter_unpack(data):
        out += _RELOCATION.pack(offset, numbers[info >> 32] << 32 | info & 0xFFFFFFFF, addend)
    return bytes(out)
