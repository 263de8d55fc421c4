"""Where the bytes of weights live: outside the IR, by symbol name, memory-mapped or made where they are asked for."""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Maker: TypeAlias = Callable[[], Array]
"""Makes the values of a weight, the same ones each time."""


class WeightStore(MutableMapping[str, Array]):
    """Arrays by the names of their `graph.weight` symbols. Arrays are shared, not copied, and must not be written.

    A weight that is given by its maker has no bytes until it is read.
    """

    def __init__(self, arrays: Mapping[str, Array | Maker] | None = None) -> None:
        given = arrays or {}
        self._entries: dict[str, Array | Maker] = {
            name: entry if callable(entry) else np.asarray(entry) for name, entry in given.items()
        }

    def __getitem__(self, name: str) -> Array:
        entry = self._entries[name]
        if not isinstance(entry, np.ndarray):
            entry = self._entries[name] = entry()
        return entry

    def __setitem__(self, name: str, array: Array) -> None:
        self._entries[name] = np.asarray(array)

    def __delitem__(self, name: str) -> None:
        del self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def release(self) -> None:
        """Let the pages of arrays that are mapped from files go: they are read again when they are needed again."""
        for mapping in {id(found): found for entry in self._entries.values() if (found := _mapping_of(entry))}.values():
            if hasattr(mapping, "madvise"):
                mapping.madvise(mmap.MADV_DONTNEED)

    def copied(self) -> WeightStore:
        """A store of its own with the same arrays and makers."""
        return WeightStore(self._entries)

    def detached(self) -> WeightStore:
        """The same values, none of them in a file that may change: for a model that lives on."""
        return WeightStore(
            {
                name: entry.copy() if isinstance(entry, np.ndarray) and _mapping_of(entry) is not None else entry
                for name, entry in self._entries.items()
            }
        )

    def digest(self, name: str) -> str:
        """A content address: the first 16 hex digits of SHA-256 over dtype, shape and bytes."""
        array = np.ascontiguousarray(self[name])
        digest = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
        return digest.hexdigest()[:16]


def _mapping_of(entry: Array | Maker) -> mmap.mmap | None:
    """The read-only file mapping that an array is a view of."""
    owner: object = entry
    while True:
        if isinstance(owner, np.ndarray):
            if owner.flags.writeable:
                return None  # what was written to it would be lost
            owner = owner.base
        elif isinstance(owner, memoryview):
            owner = owner.obj
        else:
            return owner if isinstance(owner, mmap.mmap) else None
