"""Products on disk, in a folder of bounded size that many processes may use at once.

    store = Store(folder)
    store.put("products", "ab12..", {"code": store.add(pieces)})
    entry = store.entry("products", "ab12..")     # None where there is none
    code = store.blob(entry["code"])              # None where it is gone or damaged

A blob is called by the SHA-256 of its bytes, so that equal weights are kept once; an entry begins with that of its
text. What a crash, a full disk or another program has damaged is therefore not there. Files are written under another
name and renamed: nobody sees a part of one. When the folder is full, what was not used for the longest time goes.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuralc.mapped_file import map_file

VERSION = "1"
"""Of the form of the folder, whose contents lie in a folder of this name: another neuralc does not read them."""
VARIABLE = "NEURALC_CACHE_DIR"
LIMIT = 4 << 30
"""Bytes of all files."""
KEPT_WHEN_FULL = 0.8
"""Of the limit: one more product does not begin the search for old ones again."""
UNFINISHED = "unfinished-"
"""How names begin of files that are being written."""
LEFT_OVER = 3600.0
"""Seconds after which a file that is still being written is what a process left that was ended."""


class NotKept(Exception):
    """Why the cache cannot be used, as part of a sentence. The compilation goes on without it."""


@dataclass(frozen=True)
class File:
    """A file of the store."""

    path: Path
    size: int
    used: float
    """When it was last used: its time of modification, since systems do not keep the one of access."""


@dataclass(frozen=True)
class Store:
    """The cache in a folder, which is made when something is put there."""

    folder: Path
    limit: int = LIMIT

    @staticmethod
    def of_user() -> Store | None:
        """The cache of this user: in NEURALC_CACHE_DIR, or where the system has such folders. Empty: there is none."""
        chosen = os.environ.get(VARIABLE)
        if chosen is not None:
            return Store(Path(chosen).absolute()) if chosen else None
        import platformdirs

        return Store(Path(platformdirs.user_cache_dir("neuralc", appauthor=False)))

    @property
    def root(self) -> Path:
        return self.folder / VERSION

    # -- reading -----------------------------------------------------------------------------------------------------

    def entry(self, kind: str, key: str) -> dict[str, Any] | None:
        """The fields that `put` was given. Raises NotKept where others could have written them."""
        self._check()
        path = self._entry_path(kind, key)
        try:
            digest, _, text = path.read_bytes().partition(b"\n")
        except OSError:
            return None
        if hashlib.sha256(text).hexdigest().encode() != digest:
            return None
        _use(path)
        fields: dict[str, Any] = json.loads(text)
        return fields

    def blob(self, digest: str) -> memoryview | None:
        """The bytes that `add` was given, mapped. Raises NotKept where others could have written them."""
        self._check()
        path = self.blob_path(digest)
        try:
            data = memoryview(map_file(path))
        except (OSError, ValueError):
            return None
        if hashlib.sha256(data).hexdigest() != digest:
            return None
        _use(path)
        return data

    def blob_path(self, digest: str) -> Path:
        return self.root / "blobs" / digest

    # -- writing -----------------------------------------------------------------------------------------------------

    def put(self, kind: str, key: str, fields: Mapping[str, Any]) -> None:
        """Keep fields, which JSON can say, under a kind and a key. Raises NotKept."""
        text = json.dumps(fields, separators=(",", ":")).encode()
        self._write([hashlib.sha256(text).hexdigest().encode(), b"\n", text], lambda _: self._entry_path(kind, key))

    def add(self, pieces: Iterable[bytes | memoryview]) -> str:
        """Keep bytes, and return what they are called. Raises NotKept."""
        return self._write(pieces, self.blob_path)

    def _write(self, pieces: Iterable[bytes | memoryview], place: Callable[[str], Path]) -> str:
        """Write a file and rename it to the place for its digest, which is returned."""
        try:
            self.root.mkdir(0o700, parents=True, exist_ok=True)
            self._check()
            handle, name = tempfile.mkstemp(prefix=UNFINISHED, dir=self.root)
            try:
                digest, size = hashlib.sha256(), 0
                with os.fdopen(handle, "wb") as file:
                    for piece in pieces:
                        size += len(piece)
                        if size > self.limit:
                            raise NotKept(f"the product is larger than the cache may be, {self.limit >> 20} MB")
                        digest.update(piece)
                        file.write(piece)
                path = place(digest.hexdigest())
                path.parent.mkdir(0o700, exist_ok=True)
                Path(name).replace(path)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError as fault:
            raise NotKept(f"cannot write {self.root}: {(fault.strerror or str(fault)).lower()}") from None
        return digest.hexdigest()

    # -- as a whole --------------------------------------------------------------------------------------------------

    def files(self) -> list[File]:
        """All files, those that are being written as well."""
        found: list[File] = []
        for folder, _, names in os.walk(self.root):
            for name in names:
                with suppress(OSError):  # another process has removed it
                    status = Path(folder, name).stat()
                    found.append(File(Path(folder, name), status.st_size, status.st_mtime))
        return found

    def shrink(self) -> None:
        """Remove what was not used for the longest time, if the store is larger than it may be."""
        files, now = self.files(), time.time()
        finished = [file for file in files if not file.path.name.startswith(UNFINISHED)]
        for file in files:
            if file not in finished and now - file.used > LEFT_OVER:
                _remove(file.path)
        size = sum(file.size for file in finished)
        if size <= self.limit:
            return
        for file in sorted(finished, key=lambda each: each.used):
            if size <= self.limit * KEPT_WHEN_FULL:
                break
            _remove(file.path)
            size -= file.size

    def clear(self) -> None:
        """Remove everything. Raises NotKept."""
        try:
            for folder in self.folder.glob("[0-9]*"):  # of other versions as well
                shutil.rmtree(folder)
        except OSError as fault:
            raise NotKept(f"cannot clear {self.folder}: {(fault.strerror or str(fault)).lower()}") from None

    def _entry_path(self, kind: str, key: str) -> Path:
        return self.root / kind / f"{key}.json"

    def _check(self) -> None:
        """Code is loaded from here: raises NotKept for a folder that others could write. None at all is empty."""
        try:
            found = self.root.stat()
        except OSError:
            return
        if found.st_uid != os.geteuid() or found.st_mode & 0o022:
            raise NotKept(f"others may write {self.root}")


def _use(path: Path) -> None:
    """Note that a file was used; not where the folder is read-only."""
    with suppress(OSError):
        os.utime(path)


def _remove(path: Path) -> None:
    with suppress(OSError):  # it is gone, or goes with the next one who may
        path.unlink()
