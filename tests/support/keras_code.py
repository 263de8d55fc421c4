"""Runs emitted Keras code in a process of its own, which TensorFlow needs beside other frameworks."""

from __future__ import annotations

import atexit
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from support.code_weights import in_file
from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects.graph import the_model
from neuralc.emit.keras import emit

Array = NDArray[Any]

_WORKER = Path(__file__).with_name("keras_worker.py")


class KerasProcess:
    """A process that runs one file after the other; it starts with the first."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def ask(self, **request: Any) -> dict[str, Any]:
        """The answer to a request. Raises RuntimeError with what Keras said."""
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        print(json.dumps(request), file=process.stdin, flush=True)
        for line in process.stdout:
            if line.startswith("@"):
                found: dict[str, Any] = json.loads(line[1:])
                if "error" in found:
                    raise RuntimeError(found["error"] + "\n" + found["trace"])
                return found
        raise RuntimeError("the process of Keras has ended")

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            pipe = subprocess.PIPE
            command = [sys.executable, str(_WORKER)]
            self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)
            atexit.register(self._process.kill)
        return self._process


KERAS = KerasProcess()


def ask_keras(
    module: ModuleOp,
    inputs: list[Array],
    weights: Mapping[str, Array],
    *,
    action: str = "run",
    exact: bool = True,
    **options: Any,
) -> tuple[dict[str, Any], dict[str, Array]]:
    """The answer for the code of a module, and the arrays that it wrote."""
    with TemporaryDirectory() as folder:
        path = Path(folder)
        (path / "model.py").write_text(emit(module), encoding="utf-8")
        np.savez(path / "inputs.npz", **{f"input_{index}": x for index, x in enumerate(inputs)})
        if weights:
            save_file(in_file("keras", module, weights), path / "w.safetensors")
        output = path / ("out.safetensors" if action == "written" else "out.npz")
        found = KERAS.ask(
            source=str(path / "model.py"),
            inputs=str(path / "inputs.npz"),
            weights=str(path / "w.safetensors") if weights else None,
            outputs=str(output),
            action=action,
            exact=exact,
            **options,
        )
        if not output.exists():
            return found, {}
        if action == "written":
            from safetensors.numpy import load_file

            return found, load_file(output)
        with np.load(output) as stored:
            return found, dict(stored)


def run_keras_code(
    module: ModuleOp, inputs: Mapping[str, Array], weights: Mapping[str, Array], *, exact: bool = True
) -> list[Array]:
    """The outputs of the emitted code, in doubles unless that is not wanted."""
    arrays = [np.asarray(inputs[name]) for name in the_model(module).inputs]
    _, found = ask_keras(module, arrays, weights, exact=exact)
    return [found[f"output_{index}"] for index in range(len(found))]
