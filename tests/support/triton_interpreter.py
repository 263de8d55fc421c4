"""Runs Triton modules in Triton's interpreter, in a process that tests share; no GPU is needed."""

from __future__ import annotations

import atexit
import functools
import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@functools.cache
def interpreter() -> TritonInterpreter:
    """The one process of a test run; it ends with it."""
    folder = tempfile.TemporaryDirectory(prefix="neuralc-interpreter-")
    process = TritonInterpreter(Path(folder.name))
    atexit.register(folder.cleanup)
    atexit.register(process.close)
    return process


class InterpreterFault(AssertionError):
    """What went wrong inside, with the traceback of the process."""


class TritonInterpreter:
    """A process that runs modules. `folder` holds what goes there and back."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count()
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent), "TRITON_INTERPRET": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "support.triton_runner"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def run(
        self,
        source: str,
        inputs: Mapping[str, Array],
        weights: Mapping[str, Array] | None = None,
        manifest: Mapping[str, Any] | None = None,
    ) -> list[Array]:
        """The outputs of the module's `run`, or of the launches its manifest lists. Raises InterpreterFault."""
        place = self._folder / f"job_{next(self._numbers)}"
        place.mkdir(parents=True)
        (place / "model.py").write_text(source)
        np.savez(place / "inputs.npz", **dict(inputs))
        np.savez(place / "weights.npz", **dict(weights or {}))
        job = {name: str(place / f"{name}.npz") for name in ("inputs", "weights", "outputs")}
        job["module"] = str(place / "model.py")
        if manifest is not None:
            (place / "manifest.json").write_text(json.dumps(manifest))
            job["manifest"] = str(place / "manifest.json")
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer or "error" in json.loads(answer):
            raise InterpreterFault(json.loads(answer)["error"] if answer else "the interpreter's process ended")
        found = np.load(place / "outputs.npz")
        return [found[name] for name in found.files]
