"""A `.keras` file: a zip with the model as JSON and its weights as HDF5. Nothing in it is executed.

Weights that lie in the file as they are become views of it; others are read where they are asked for.
"""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neuralc.dialects.weights import Array, Maker
from neuralc.grammar.diagnostics import NeuralcError, error
from neuralc.mapped_file import array_at, map_file

if TYPE_CHECKING:
    import mmap

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
LARGEST_TEXT = 1 << 28
"""Bytes of a JSON that is read: a text says how large it becomes before it is unpacked."""


def damaged(path: Path, reason: str) -> NeuralcError:
    return error("E0640", f"`{path}` is not a whole .keras file", note=reason, help="save the model again")


@dataclass(frozen=True)
class Entry:
    """An array of a model: its shape and type, what reads it, and where it is; equal places hold one array."""

    shape: tuple[int, ...]
    dtype: str
    make: Maker
    place: object = None


def read_config(path: Path) -> tuple[Any, Any]:
    """The model and what is known of the file, as JSON. Raises NeuralcError E0640."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            missing = [name for name in (CONFIG, WEIGHTS) if name not in names]
            if missing:
                raise damaged(path, f"it holds no {missing[0]}")
            config = _json(path, archive, CONFIG)
            return config, _json(path, archive, METADATA) if METADATA in names else {}
    except OSError as fault:
        raise error("E0901", f"cannot read {path}", note=(fault.strerror or str(fault)).lower()) from None
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError) as fault:
        raise damaged(path, f"{fault}".lower() or "it is cut off") from None


def _json(path: Path, archive: zipfile.ZipFile, name: str) -> Any:
    if archive.getinfo(name).file_size > LARGEST_TEXT:
        raise damaged(path, f"{name} is larger than {LARGEST_TEXT} bytes")
    try:
        return json.loads(archive.read(name))
    except (ValueError, RecursionError) as fault:
        raise damaged(path, f"{name} is no JSON: {fault}") from None


# --- weights ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class StoredWeights:
    """The groups of the HDF5 file, each with its arrays in order."""

    arrays: dict[str, list[Entry]]
    """By the path of a group: `layers/dense`."""

    def has(self, group: str) -> bool:
        return group in self.arrays

    def of(self, group: str) -> list[Entry]:
        return self.arrays.get(group, [])


def read_weights(path: Path) -> StoredWeights:
    """Where the arrays of a file are. Raises NeuralcError: E0640 for a damaged file, E0615 without h5py."""
    try:
        import h5py  # type: ignore[import-untyped]
    except ImportError as problem:
        raise error(
            "E0615", "reading .keras files needs the package `h5py`", note=str(problem),
            help="pip install 'neuralc[keras]'",
        ) from None  # fmt: skip
    mapping = map_file(path)
    start = _start(path, mapping)
    try:
        with zipfile.ZipFile(path) as archive, archive.open(WEIGHTS) as file, h5py.File(file, "r") as stored:
            return StoredWeights(dict(_groups(path, mapping, start, stored, h5py)))
    except (OSError, KeyError, ValueError, RuntimeError, zipfile.BadZipFile) as fault:
        raise damaged(path, f"{WEIGHTS}: {fault}") from None


def _start(path: Path, mapping: mmap.mmap) -> int | None:
    """The byte at which the weights begin; None where they are compressed."""
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(WEIGHTS)
    if info.compress_type != zipfile.ZIP_STORED:
        return None
    # The local header is 30 bytes, a name and extra fields, whose lengths are its last four bytes (APPNOTE 4.3.7).
    name, extra = struct.unpack_from("<HH", mapping, info.header_offset + 26)
    return info.header_offset + 30 + int(name) + int(extra)


def _groups(
    path: Path, mapping: mmap.mmap, start: int | None, stored: Any, h5py: Any
) -> Iterator[tuple[str, list[Entry]]]:
    """Groups that hold a group `vars`, whose members are numbered; links that lead out of the file are not followed."""
    waiting = [("", stored)]
    while waiting:
        prefix, group = waiting.pop()
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise ValueError(f"{prefix}{name} is a link")
            member = group[name]
            if not isinstance(member, h5py.Group):
                continue
            if name == "vars":
                yield prefix.removesuffix("/"), _arrays(path, mapping, start, member)
            else:
                waiting.append((f"{prefix}{name}/", member))


def _arrays(path: Path, mapping: mmap.mmap, start: int | None, group: Any) -> list[Entry]:
    numbers = sorted((name for name in group if name.isdigit()), key=int)
    return [_entry(path, mapping, start, group[name]) for name in numbers]


def _entry(path: Path, mapping: mmap.mmap, start: int | None, dataset: Any) -> Entry:
    if dataset.external:
        raise ValueError(f"{dataset.name} stands in another file")
    dtype = np.dtype(dataset.dtype)
    named = dataset.attrs.get("dtype")
    # HDF5 has no bfloat16: Keras writes its bits as integers and says so.
    shown = str(named) if named is not None else dtype.name
    offset = dataset.id.get_offset()
    if start is None or offset is None or dataset.chunks is not None or not dtype.isnative:
        make: Maker = partial(_unpacked, path, dataset.name, shown)
    else:
        make = partial(_viewed, array_at(mapping, start + offset, dtype, dataset.shape), shown)
    return Entry(tuple(dataset.shape), shown, make, dataset.name)


def _viewed(array: Array, dtype: str) -> Array:
    """The array of the file itself where its bytes stand as processors want them, else a copy."""
    return np.require(_typed(array, dtype), requirements="A")


def _unpacked(path: Path, name: str, dtype: str) -> Array:
    import h5py

    with zipfile.ZipFile(path) as archive, archive.open(WEIGHTS) as file, h5py.File(file, "r") as stored:
        return _typed(np.asarray(stored[name]), dtype)


def _typed(array: Array, dtype: str) -> Array:
    from neuralc.dialects.types import element_type_of, numpy_dtype

    if array.dtype.name == dtype:
        return array
    wanted = numpy_dtype(element_type_of(dtype))
    return array.view(wanted) if wanted.itemsize == array.dtype.itemsize else array.astype(wanted)
