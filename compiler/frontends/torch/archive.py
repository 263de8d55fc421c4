"""The files of a .pt2 archive and the tensors in them: mapped where they lie, never unpickled.

An archive is a zip file whose entries are stored as they are, in one folder: `archive_format`, `archive_version`,
`byteorder`, `models/NAME.json` with the program, and under `data/weights` and `data/constants` an index and a file of
bytes for each tensor (torch/export/pt2_archive/constants.py).
"""

from __future__ import annotations

import json
import mmap
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neuralc.dialects.types import numpy_dtype
from neuralc.frontends.refusals import shown
from neuralc.frontends.torch import dtypes
from neuralc.frontends.torch.program import Array
from neuralc.grammar.diagnostics import NeuralcError, error
from neuralc.mapped_file import map_file

LARGEST_TEXT = 1 << 30
"""Bytes of a JSON file that are read."""

STRIDED = 7
"""torch.strided in the serialized form."""


def malformed(reason: str, *, help: str | None = None) -> NeuralcError:
    return error(
        "E0631", "this is not a whole program of torch.export", note=reason,
        help=help or "save it again by `torch.export.save`, or copy it whole",
    )  # fmt: skip


@dataclass(frozen=True)
class Archive:
    """The entries of a file, by their paths in its one folder."""

    mapping: mmap.mmap
    entries: Mapping[str, zipfile.ZipInfo]

    def text(self, path: str) -> str:
        return self._bytes(path).decode("utf-8")

    def json(self, path: str) -> Any:
        return json.loads(self.text(path))

    def find(self, folder: str, end: str) -> list[str]:
        return sorted(path for path in self.entries if path.startswith(f"{folder}/") and path.endswith(end))

    def _bytes(self, path: str) -> bytes:
        entry = self._entry(path)
        if entry.file_size > LARGEST_TEXT:
            raise malformed(f"`{shown(path)}` has {entry.file_size} bytes")
        return bytes(self.view(path))

    def view(self, path: str) -> memoryview:
        """The bytes of an entry, where they stand in the file."""
        entry = self._entry(path)
        if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
            raise malformed(f"`{shown(path)}` is compressed")
        start = entry.header_offset
        header = self.mapping[start : start + 30]
        if header[:4] != b"PK\x03\x04":
            raise malformed(f"`{shown(path)}` is not where the index says")
        first = start + 30 + int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
        if first + entry.file_size > len(self.mapping):
            raise malformed(f"`{shown(path)}` reaches past the end of the file")
        return memoryview(self.mapping)[first : first + entry.file_size]

    def _entry(self, path: str) -> zipfile.ZipInfo:
        if path not in self.entries:
            raise malformed(f"it has no `{shown(path)}`")
        return self.entries[path]


def open_archive(path: Path) -> Archive:
    """Raises NeuralcError E0631 for what is no archive of torch.export, E0901 for a file that cannot be read."""
    try:
        if path.stat().st_size == 0:
            raise malformed("the file is empty")
        with zipfile.ZipFile(path) as file:
            infos = file.infolist()
        mapping = map_file(path)
    except OSError as fault:
        raise error("E0901", f"cannot read {path}", note=(fault.strerror or str(fault)).lower()) from None
    except (zipfile.BadZipFile, ValueError, NotImplementedError, UnicodeError) as problem:
        raise malformed(f"it is no zip file: {problem}") from None
    folders = {info.filename.partition("/")[0] for info in infos}
    entries = {info.filename.partition("/")[2]: info for info in infos}
    if len(folders) != 1 or "archive_format" not in entries:
        raise malformed(_stranger(folders))
    archive = Archive(mapping, entries)
    if archive.text("archive_format").strip() != "pt2" or archive.text("archive_version").strip() != "0":
        raise malformed("it is an archive of another format or version")
    if "byteorder" in entries and archive.text("byteorder").strip() != "little":
        raise malformed("its tensors are big-endian")
    return archive


def _stranger(folders: set[str]) -> str:
    if "serialized_exported_program.json" in folders:
        return "it was saved by torch before 2.8, whose files hold pickled tensors, which are never loaded"
    return "it is a zip file of something else"


# --- tensors ---------------------------------------------------------------------------------------------------------
def tensor(archive: Archive, folder: str, entry: Mapping[str, Any]) -> Array:
    """The tensor of an entry of an index: a view of the file. Raises NeuralcError, and Refused for its type."""
    meta = entry["tensor_meta"]
    if entry["use_pickle"] or meta["layout"] != STRIDED:
        raise malformed(f"tensor `{shown(entry['path_name'])}` is a pickled object, which is never loaded")
    name = dtypes.NUMBERED.get(meta["dtype"], f"number {meta['dtype']}")
    dtype = numpy_dtype(dtypes.element(name))
    data = archive.view(f"{folder}/{entry['path_name']}")
    sizes, strides = [list(_integers(meta[key])) for key in ("sizes", "strides")]
    (offset,) = _integers([meta["storage_offset"]])
    return _strided(data, dtype, sizes, strides, offset)


def _integers(values: Sequence[Mapping[str, Any]]) -> Iterator[int]:
    for value in values:
        number = value["as_int"]
        if not isinstance(number, int) or number < 0:
            raise malformed("a tensor has a size that is no number")
        yield number


def _strided(
    data: memoryview, dtype: np.dtype[Any], sizes: Sequence[int], strides: Sequence[int], offset: int
) -> Array:
    """Places of a buffer. Raises NeuralcError E0631 where they reach past it."""
    if len(sizes) != len(strides) or len(data) % dtype.itemsize:
        raise malformed("the bytes of a tensor are not whole values")
    flat: Array = np.frombuffer(data, np.uint8).view(dtype)
    if 0 in sizes:
        return np.empty(sizes, dtype)
    last = offset + sum((size - 1) * stride for size, stride in zip(sizes, strides, strict=True))
    if last >= flat.size:
        raise malformed(f"a tensor has {flat.size} values where its shape {list(sizes)} reads value {last}")
    found: Array = np.lib.stride_tricks.as_strided(
        flat[offset:], sizes, [stride * dtype.itemsize for stride in strides], writeable=False
    )
    return found
