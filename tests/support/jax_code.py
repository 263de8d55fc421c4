"""Runs emitted JAX code in a process of its own: jax does not share one with what pytest has loaded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from support.code_weights import in_file
from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects.graph import the_model
from neuralc.dialects.types import shape_of
from neuralc.emit.jax import emit

Array = NDArray[Any]
WORKER = Path(__file__).with_name("jax_worker.py")


@dataclass(frozen=True)
class JaxRun:
    """One model to run. `exact` computes every float in float64, whatever its type."""

    source: str
    inputs: Sequence[Array]
    weights: Mapping[str, Array]
    """As the file has them."""
    exact: bool = True
    jit: bool = True
    sizes: Mapping[str, int] = field(default_factory=dict)
    """The symbolic sizes."""

    @classmethod
    def of(cls, module: ModuleOp, inputs: Mapping[str, Array], weights: Mapping[str, Array], **options: Any) -> JaxRun:
        ordered = [inputs[name] for name in the_model(module).inputs]
        types = [argument.type for argument in the_model(module).arguments]
        sizes = {
            str(size): n
            for type_, x in zip(types, ordered, strict=True)
            for size, n in zip(shape_of(type_), x.shape, strict=True)
        }
        return cls(emit(module), ordered, in_file("jax", module, weights), sizes=sizes, **options)

    def write(self, folder: Path) -> None:
        folder.mkdir()
        (folder / "model.py").write_text(in_float64(self.source) if self.exact else self.source)
        arrays = [x.astype(np.float64) if self.exact and is_floating(x) else x for x in self.inputs]
        dtypes = [x.dtype.name for x in arrays]
        np.savez(folder / "inputs.npz", *[x.astype(np.float32) if x.dtype.name == "bfloat16" else x for x in arrays])
        request = {"exact": self.exact, "jit": self.jit, "sizes": dict(self.sizes)}
        (folder / "request.json").write_text(json.dumps({**request, "dtypes": dtypes}))
        if self.weights:
            save_file(dict(self.weights), folder / "weights.safetensors")


def is_floating(x: Array) -> bool:
    return x.dtype.kind == "f" or x.dtype.name == "bfloat16"


def in_float64(source: str) -> str:
    """The text with every float as float64, to compare with a reference that never rounds."""
    for name in ("bfloat16", "float16", "float32"):
        source = source.replace(f"jnp.{name}", "jnp.float64")
    return source


def printed(script: str, folder: Path, *arguments: object) -> list[Any]:
    """What a script prints as lines of JSON, in a process of its own that finds the code in `folder`."""
    (folder / "script.py").write_text(script)
    done = subprocess.run(
        [sys.executable, folder / "script.py", folder, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env={**os.environ, "JAX_PLATFORMS": "cpu", "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def run_all(runs: Sequence[JaxRun], timeout: float = 600) -> list[list[Array] | str]:
    """The outputs of each model, or the traceback of what went wrong."""
    with TemporaryDirectory() as name:
        root = Path(name)
        for index, run in enumerate(runs):
            run.write(root / f"{index:05}")
        subprocess.run([sys.executable, WORKER, root], check=True, timeout=timeout)
        return [_answer(root / f"{index:05}") for index in range(len(runs))]


def _answer(folder: Path) -> list[Array] | str:
    if (folder / "error.txt").exists():
        return (folder / "error.txt").read_text()
    with np.load(folder / "outputs.npz") as stored:
        return [stored[f"arr_{i}"] for i in range(len(stored.files))]
