"""Runs emitted JAX code on arrays, several models in one process of its own: `python jax_worker.py FOLDER`.

Each folder in FOLDER has model.py, inputs.npz in the order of the model's inputs, and request.json; it gets
outputs.npz, or error.txt. A model with weights reads them by its own `load`.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"  # most of the time else goes to making fast what runs once

import jax
import jax.numpy as jnp
import numpy as np


def run(folder: Path) -> list[Any]:
    """The outputs of a model."""
    request = json.loads((folder / "request.json").read_text())
    jax.config.update("jax_enable_x64", request["exact"])
    code = ModuleType("emitted")
    exec(compile((folder / "model.py").read_text(), "model.py", "exec"), code.__dict__)
    with np.load(folder / "inputs.npz") as stored:
        inputs = [jnp.asarray(stored[f"arr_{i}"]) for i in range(len(stored.files))]
    dtypes = request["dtypes"]
    inputs = [x.astype(dtype) if dtype == "bfloat16" else x for x, dtype in zip(inputs, dtypes, strict=True)]
    trees = []
    if hasattr(code, "load"):
        params = code.load(str(folder / "weights.safetensors"))
        if request["exact"]:
            params = jax.tree.map(
                lambda x: x.astype(np.float64) if jnp.issubdtype(x.dtype, jnp.floating) else x, params
            )
        trees.append(params)
    forward = jax.jit(code.forward) if request["jit"] else code.forward
    if hasattr(code, "init_state"):
        wanted = inspect.signature(code.init_state).parameters
        state = code.init_state(**{name: size for name, size in request["sizes"].items() if name in wanted})
        found, state = forward(*trees, state, *inputs)
        return list(found) if isinstance(found, tuple) else [found]
    found = forward(*trees, *inputs)
    return list(found) if isinstance(found, tuple) else [found]


def main(root: Path) -> None:
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        try:
            outputs = [np.asarray(y) for y in run(folder)]
            outputs = [y.astype(np.float32) if y.dtype.name == "bfloat16" else y for y in outputs]
            np.savez(folder / "outputs.npz", *outputs)
        except Exception:
            (folder / "error.txt").write_text(traceback.format_exc())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
