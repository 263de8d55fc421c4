"""Progress of a compilation on stderr, and the silence where no one watches."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Progress(Protocol):
    """Told about each kernel that is finished."""

    def __call__(self, done: int, total: int, name: str) -> None: ...


def silent(done: int, total: int, name: str) -> None:
    """Reports nothing."""


@contextmanager
def progress_bar(title: str) -> Iterator[Progress]:
    """A bar on stderr while kernels compile; nothing where stderr is not a terminal."""
    if not sys.stderr.isatty():
        yield silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)

        def report(done: int, total: int, name: str) -> None:
            bar.update(task, completed=done, total=total, description=f"{title} {name}")

        yield report
