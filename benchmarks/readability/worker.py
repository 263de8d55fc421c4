"""`python -m benchmarks.readability.worker FOLDER` runs both codes on the same weights.

The folder has emitted.py, by_hand.py, inputs.npz and request.json: the form, and what
to replace in names of weights. The weights are those that the emitted code starts with,
vectors moved at random so that each of them counts. What is printed is the largest
difference of a result, relative to its largest value.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

Array = NDArray[Any]


def code(path: Path) -> ModuleType:
    spec = spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = module_from_spec(spec)
    sys.modules[path.stem] = module  # Keras looks its classes up there
    spec.loader.exec_module(module)
    return module


def main(folder: Path) -> None:
    request = json.loads((folder / "request.json").read_text("utf-8"))
    run = _RUNS[request["form"]]
    with np.load(folder / "inputs.npz") as stored:
        inputs = [stored[name] for name in stored.files]
    ours, theirs = code(folder / "emitted.py"), code(folder / "by_hand.py")
    start = folder / "start.safetensors"
    _STARTS[request["form"]](ours, start)
    weights = moved(load_file(start))
    save_file(weights, folder / "ours.safetensors")
    save_file(
        {renamed(name, request["renames"]): value for name, value in weights.items()},
        folder / "theirs.safetensors",
    )
    found = run(ours, folder / "ours.safetensors", inputs)
    expected = run(theirs, folder / "theirs.safetensors", inputs)
    if len(found) != len(expected):
        raise ValueError(f"{len(found)} results and {len(expected)}")
    print(json.dumps(max(distance(y, z) for y, z in zip(found, expected, strict=True))))


def moved(weights: dict[str, Array]) -> dict[str, Array]:
    """Vectors with something added, so that no bias is 0 and no scale is 1."""
    draw = np.random.default_rng(0)
    return {
        name: (value + 0.1 * draw.random(value.shape)).astype(value.dtype)
        if value.ndim == 1
        else value
        for name, value in weights.items()
    }


def renamed(name: str, renames: Sequence[tuple[str, str]]) -> str:
    for old, new in renames:
        name = name.replace(old, new)
    return name


def distance(found: Array, expected: Array) -> float:
    if found.shape != expected.shape or not np.all(np.isfinite(found)):
        return float("inf")
    return float(np.abs(found - expected).max() / np.abs(expected).max())


# -- how each framework starts and runs ------------------------------------------------


def _start_torch(written: ModuleType, path: Path) -> None:
    import torch

    torch.manual_seed(0)
    modules = [
        each
        for each in vars(written).values()
        if isinstance(each, type) and each.__module__ == "emitted"
    ]
    written.save(modules[-1](), str(path))


def _run_torch(
    written: ModuleType, weights: Path, inputs: Sequence[Array]
) -> list[Array]:
    import torch

    model = written.load(str(weights)).eval()
    with torch.no_grad():
        found = model(*map(torch.from_numpy, inputs))
    return [y.numpy() for y in (found if isinstance(found, tuple) else (found,))]


def _start_keras(written: ModuleType, path: Path) -> None:
    import keras

    keras.utils.set_random_seed(0)
    written.save(written.build_model(), str(path))


def _run_keras(
    written: ModuleType, weights: Path, inputs: Sequence[Array]
) -> list[Array]:
    import keras

    model = written.load(str(weights))
    found = model(inputs[0] if len(inputs) == 1 else list(inputs), training=False)
    return [
        keras.ops.convert_to_numpy(y)
        for y in (found if isinstance(found, list | tuple) else [found])
    ]


def _start_jax(written: ModuleType, path: Path) -> None:
    import jax

    written.save(jax.jit(written.init)(jax.random.key(0)), str(path))


def _run_jax(
    written: ModuleType, weights: Path, inputs: Sequence[Array]
) -> list[Array]:
    import jax

    found = jax.jit(written.forward)(written.load(str(weights)), *inputs)
    # Code by hand may return parameters beside the result.
    leaves = found if isinstance(found, tuple) else (found,)
    return [np.asarray(y) for y in leaves if not isinstance(y, dict)]


_STARTS = {"torch": _start_torch, "keras": _start_keras, "jax": _start_jax}
_RUNS = {"torch": _run_torch, "keras": _run_keras, "jax": _run_jax}

if __name__ == "__main__":
    main(Path(sys.argv[1]))
