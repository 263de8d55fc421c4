"""Makes what the peers need from the same model: the emitted torch module, its weights, and an ONNX export of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from benchmarks.cases import SUITES, Case
from benchmarks.engines import emitted_module


def main() -> None:
    suite, folder = sys.argv[1], Path(sys.argv[2])
    done: set[Path] = set()
    for case in SUITES[suite]():
        if case.model.suffix == ".nr" and case.model not in done:
            done.add(case.model)
            _prepare(case, folder)


def _prepare(case: Case, folder: Path) -> None:
    import torch

    from neuralc.frontends.nr import load
    from neuralc.weights_file import bind_weights

    store, weights = bind_weights(load(case.model)).store, _beside(folder, case, ".safetensors")
    save_file({name: np.ascontiguousarray(array) for name, array in store.items()}, weights)
    emit = [sys.executable, "-m", "neuralc", str(case.model), "--emit=torch", "-o", _beside(folder, case, "_torch.py")]
    subprocess.run([*emit, *(["--weights", weights] if store else [])], check=True)
    if "onnxruntime" in case.engines:
        module = emitted_module(case, folder)
        torch.onnx.export(
            module,
            (torch.zeros((1, *case.shape[1:])),),
            _beside(folder, case, ".onnx"),
            input_names=["x"],
            output_names=["y"],
            dynamic_axes={"x": {0: "batch"}, "y": {0: "batch"}},
            dynamo=False,
        )


def _beside(folder: Path, case: Case, suffix: str) -> str:
    return str(folder / f"{case.model.stem}{suffix}")


if __name__ == "__main__":
    main()
