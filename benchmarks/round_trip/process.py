"""A framework in a process of its own that runs one written model after the other."""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from neuralc.verify.reference import WORKER

SECONDS = 600
"""For one model."""


class FrameworkFailure(Exception):
    """What a framework has against a model."""


class Process:
    """Starts with the first model, and again after one that ended it."""

    def __init__(self, worker: Sequence[str] = (*WORKER, "-")) -> None:
        self._worker = worker
        self._process: subprocess.Popen[str] | None = None

    def ask(self, folder: Path) -> None:
        """Have the request of a folder answered there. Raises FrameworkFailure."""
        process = self._started()
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the process has no pipes")
        process.stdin.write(f"{folder}\n")
        process.stdin.flush()
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            if not selector.select(SECONDS):
                self.stop()
                raise FrameworkFailure(f"no answer within {SECONDS} seconds")
        line = process.stdout.readline()
        if not line:
            raise FrameworkFailure(f"its process ended with code {process.wait()}")
        if line.strip():
            raise FrameworkFailure(line.strip())

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, *self._worker],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env={**os.environ, "KERAS_BACKEND": "tensorflow", "OMP_NUM_THREADS": "1"},
            )
        return self._process
