"""What threads do side by side in a host program: finds launches that need a barrier between them and have none.

Launches run one after the other here. Of each place of memory it is kept whether a launch since the last barrier wrote
or read it, and which thread did, or any of them. A place where two launches meet, one of which writes, is an error
unless one thread runs both: the first one, or that of a section. In rounds that have slots, where each thread is alone
with its own, a place where launches of two slots meet, one of which writes, is an error.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from neuralc.dialects.interp.kernel_memory import MANY, NOBODY, Arena, Buffer, Races
from neuralc.dialects.interp.numerics import Array
from neuralc.dialects.types import element_bytes
from neuralc.grammar.diagnostics import error

MOST = 1 << 16
ANY = MOST - 1
"""In the place of the number of a thread."""


@dataclass
class _Record:
    """Of each place, the barriers before its last access times MOST, and the thread that did it or ANY of them."""

    written: Array
    read: Array


@dataclass
class _Owners:
    """Of each place, the slot in which it was written and the one in which it was read, NOBODY or MANY."""

    written: Array
    read: Array


@dataclass
class Threads:
    """The threads of one run."""

    _barriers: int = 1
    _records: dict[int, _Record] = field(default_factory=dict)
    _kept: list[Buffer] = field(default_factory=list)
    """Memory is told apart by its identity, which lasts as long as the memory does."""
    _slot: int | None = None
    _section: int | None = None
    _owners: dict[int, _Owners] = field(default_factory=dict)

    def barrier(self) -> None:
        """All threads have come here; in a slot or a section there is nobody to wait for."""
        if self._slot is None and self._section is None:
            self._barriers += 1

    def enter_slot(self, slot: int | None) -> None:
        """What follows is done by one thread in its slot; by all of them, behind a barrier, where it is None."""
        if (slot is None) != (self._slot is None):
            self._slot = None
            self.barrier()
            self._owners.clear()
        self._slot = slot

    def enter_section(self, section: int | None) -> None:
        """What follows is done by one thread, which is the first one only in section 0; by all where it is None."""
        self._section = section

    def launch(self, name: str, shared: bool, accesses: list[tuple[Buffer, Races]]) -> None:
        """A launch has run, on all threads or on the first. Raises E9901 where it did not wait for another."""
        touched = [(buffer, *races.touched()) for buffer, races in accesses]
        if self._slot is not None:
            for buffer, written, read in touched:
                self._in_slot(self._slot, f"@{name}", buffer, written, read)
            return
        thread = self._section if self._section is not None else ANY if shared else 0
        for buffer, written, read in touched:
            self._check(f"@{name}", buffer, thread, written, read)
        for buffer, written, read in touched:
            self._keep(buffer, thread, written, read)

    def condition(self, buffer: Buffer, place: int) -> None:
        """A place is read to choose a way: by every thread, by one in a section."""
        read = np.zeros(buffer.data.size, bool)
        read[place] = True
        nothing = np.zeros_like(read)
        thread = ANY if self._section is None else self._section
        self._check("the host program", buffer, thread, nothing, read)
        self._keep(buffer, thread, nothing, read)

    def _check(self, who: str, buffer: Buffer, thread: int, written: Array, read: Array) -> None:
        record = self._record(buffer)
        earlier = _wide(buffer, written | read) & self._by_others(record.written, thread)
        earlier |= _wide(buffer, written) & self._by_others(record.read, thread)
        if earlier.any():
            raise error(
                "E9901",
                f"{who} needs a kernel.barrier before it: it meets another launch at element "
                f"{int(earlier.argmax()) // _width(buffer)} of {buffer.name}",
            )

    def _in_slot(self, slot: int, who: str, buffer: Buffer, written: Array, read: Array) -> None:
        """Keep what a launch touched in a slot. Raises E9901 where another slot did, and one of them wrote."""
        written, read = _wide(buffer, written), _wide(buffer, read)
        memory = buffer.arena or buffer
        if id(memory) not in self._owners:
            self._owners[id(memory)] = _Owners(*(np.full(written.size, NOBODY) for _ in range(2)))
            self._kept.append(buffer)
        owners = self._owners[id(memory)]
        met = (written | read) & (owners.written != NOBODY) & (owners.written != slot)
        met |= written & (owners.read != NOBODY) & (owners.read != slot)
        if met.any():
            raise error(
                "E9901",
                f"{who} in slot {slot} meets another slot at element {int(met.argmax()) // _width(buffer)} of "
                f"{buffer.name}",
            )
        owners.written[written] = slot
        owners.read[read] = np.where((owners.read[read] == NOBODY) | (owners.read[read] == slot), slot, MANY)

    def _by_others(self, kept: Array, thread: int) -> Array:
        """Where another thread may have been since the last barrier: what a thread itself did is done."""
        recent: Array = kept >= MOST * self._barriers
        return recent if thread == ANY else recent & (kept != MOST * self._barriers + thread)

    def _keep(self, buffer: Buffer, thread: int, written: Array, read: Array) -> None:
        record, now = self._record(buffer), MOST * self._barriers
        for kept, places in ((record.written, written), (record.read, read)):
            several = self._by_others(kept, thread)
            wide = _wide(buffer, places)
            kept[wide] = np.where(several[wide], now + ANY, now + thread)

    def _record(self, buffer: Buffer) -> _Record:
        memory: Buffer | Arena = buffer.arena or buffer
        if id(memory) not in self._records:
            size = memory.size if isinstance(memory, Arena) else buffer.data.size
            self._records[id(memory)] = _Record(np.zeros(size, np.int64), np.zeros(size, np.int64))
            self._kept.append(buffer)
        return self._records[id(memory)]


def _width(buffer: Buffer) -> int:
    """How many places of a record an element has: those of an arena are bytes, for it has elements of several types."""
    return 1 if buffer.arena is None else element_bytes(buffer.element_type)


def _wide(buffer: Buffer, places: Array) -> Array:
    if buffer.arena is None:
        return places
    wide = np.zeros(buffer.arena.size, bool)
    repeated = np.repeat(places, _width(buffer))
    wide[: repeated.size] = repeated
    return wide
