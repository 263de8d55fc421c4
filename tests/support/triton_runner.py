"""The process in which emitted Triton modules run in Triton's interpreter: one job a line on stdin, as JSON.

A job names the module's file, and `.npz` files of inputs, weights and outputs. The answer is `{}`, or has an "error".
Interpreter and compiler of Triton cannot share a process, so this one is started by `support.triton_interpreter`.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

os.environ["TRITON_INTERPRET"] = "1"

import numpy as np
import torch
from support import triton_manifest, triton_repairs, triton_sanitizer


def run_job(job: dict[str, Any]) -> None:
    inputs, weights = dict(np.load(job["inputs"])), dict(np.load(job["weights"]))
    module = _load(Path(job["module"]))
    if "manifest" in job:
        outputs = triton_manifest.run(json.loads(Path(job["manifest"]).read_text()), module, inputs, weights)
    else:
        tensors = {name: torch.from_numpy(array) for name, array in weights.items()}
        results = module.run(*(torch.from_numpy(array) for array in inputs.values()), tensors)
        outputs = [result.numpy() for result in (results if isinstance(results, tuple) else (results,))]
    np.savez(job["outputs"], *outputs)


def _load(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def main() -> None:
    triton_repairs.install()
    # Kernels and libraries may print; the answers are not to be mixed with that.
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        answer = {}
        try:
            with triton_sanitizer.sanitized(), np.errstate(all="ignore"):
                run_job(json.loads(line))
        except Exception as problem:
            answer = {"error": f"{problem}\n{traceback.format_exc()}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
