"""Which files a compilation reads: what a product that is kept depends on beside its options.

    with recorded(files := {}):
        load(path)                      # calls `reads(path)` for each file it opens, or looks for
    files                               # {path: what it was like when it was read}

What reads models and weights says so here; of a file that is missed the absence counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

_RECORD: ContextVar[dict[Path, FileState | None] | None] = ContextVar("files_read", default=None)


@dataclass(frozen=True)
class FileState:
    """What tells a file from the one that stands at its path after a change. Times in nanoseconds since 1970."""

    size: int
    modified: int
    changed: int
    """Of its content or of what the system keeps about it, such as the other time: that cannot be set back."""
    inode: int


def state_of(path: Path) -> FileState | None:
    """The state of a file; None where there is none."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return FileState(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


@contextmanager
def recorded(files: dict[Path, FileState | None]) -> Iterator[None]:
    """Add the files that are read meanwhile, in this thread, with their states before."""
    token = _RECORD.set(files)
    try:
        yield
    finally:
        _RECORD.reset(token)


def reads(path: str | Path) -> None:
    """Say that a file is read, or looked for, next."""
    files = _RECORD.get()
    if files is not None:
        files.setdefault(Path(path).absolute(), state_of(Path(path)))
