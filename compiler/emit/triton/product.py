"""The folder of `--target cuda`: a module to read, cubins to run, and the manifest that tells a runtime how.

model.cuda/
  model.py               the Triton module, with a `run` for torch
  manifest.json          kernels, buffers and launches (manifest.py)
  weights.safetensors    what the kernels read, packed as they read it
  kernels/dense.cubin    machine code of the architecture
  kernels/dense.ptx      for architectures that come later
"""

from __future__ import annotations

import json

import numpy as np
from safetensors.numpy import save
from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects import kernel
from neuralc.dialects.interp import materialize_all
from neuralc.dialects.weights import WeightStore
from neuralc.emit.triton.compile import compile_kernels, requests_of
from neuralc.emit.triton.manifest import make_manifest
from neuralc.emit.triton.progress import Progress
from neuralc.emit.triton.source import emit_source
from neuralc.passes.target import Target


def make_files(
    module: ModuleOp, weights: WeightStore, target: Target, progress: Progress | None = None
) -> dict[str, str | bytes]:
    """The files by path, in a fixed order. Errors are those of `neuralc.emit.triton.files`."""
    source = emit_source(module, target)
    names = dict.fromkeys(op.weight_name for op in module.walk() if isinstance(op, kernel.WeightOp))
    values = materialize_all(module, weights, sorted(names))
    cubins = compile_kernels(source, requests_of(module, source), target, progress)
    files: dict[str, str | bytes] = {"model.py": source.text}
    files["manifest.json"] = json.dumps(make_manifest(module, source, cubins, target), indent=2) + "\n"
    # safetensors writes the bytes behind an array whatever its strides are.
    files["weights.safetensors"] = save({name: np.ascontiguousarray(value) for name, value in values.items()})
    for cubin in cubins:
        files[f"kernels/{cubin.request.name}.cubin"] = cubin.data
        files[f"kernels/{cubin.request.name}.ptx"] = cubin.ptx
    return files
