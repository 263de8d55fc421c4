"""Do both codes compute the same numbers? Each pair has a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.readability.pairs import Pair

Array = NDArray[Any]
TOLERANCE = 1e-5
"""Of single precision, relative to the largest value."""
SECONDS = 900
ROOT = Path(__file__).parents[2]
_ON_CPU = {
    "KERAS_BACKEND": "tensorflow",
    "JAX_PLATFORMS": "cpu",
    "CUDA_VISIBLE_DEVICES": "",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


def inputs_of(model: str) -> dict[str, Array]:
    """A small batch; sentences end in padding, and one has some inside."""
    draw = np.random.default_rng(0)
    if model == "resnet50":
        return {"image": draw.standard_normal((2, 224, 224, 3), dtype=np.float32)}
    ids = draw.integers(1, 20000, (3, 9)).astype(np.int32)
    ids[0, 6:] = ids[1, 2] = 0
    return (
        {"sentence": ids}
        if model == "tagger"
        else {"ids": ids, "segments": (ids % 2).astype(np.int32)}
    )


def distance_of(pair: Pair, emitted: str) -> float:
    """The largest difference of a result, relative to its largest value.

    Raises RuntimeError with what went wrong.
    """
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "emitted.py").write_text(emitted, encoding="utf-8")
        (folder / "by_hand.py").write_text(
            pair.by_hand.read_text("utf-8"), encoding="utf-8"
        )
        (folder / "request.json").write_text(
            json.dumps({"form": pair.form, "renames": pair.renames}), encoding="utf-8"
        )
        np.savez(folder / "inputs.npz", **inputs_of(pair.model))
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.readability.worker", name],
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
            cwd=ROOT,
            env={**os.environ, **_ON_CPU},
        )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return float(json.loads(done.stdout.splitlines()[-1]))
