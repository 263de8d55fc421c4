"""The folder of `--target tpu`: code to read, and the same program lowered, with a manifest of what it takes.

model.tpu/
  model.py               the JAX code (emit/jax)
  weights.safetensors    by the names that the code has for them
  model.jaxexport        the program for TPUs and CPUs, as `jax.export` serializes it: it takes the weights by name
  model.stablehlo        the same as text
  manifest.json          inputs, outputs, states, sizes, platforms, versions

A model with states is a function of the weights, the states by name and the inputs, with the outputs and the states as
results.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from safetensors.numpy import save_file
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute

from neuralc.dialects.graph import DimOp, ModelOp, declared_states, the_model
from neuralc.dialects.syntax import to_literal
from neuralc.dialects.types import element_of, numpy_dtype, shape_of
from neuralc.dialects.weights import WeightStore
from neuralc.emit.jax.emitter import file_of
from neuralc.emit.refusals import Refusals
from neuralc.grammar.diagnostics import NeuralcError, error

WEIGHTS = "weights.safetensors"
PLATFORMS = ("tpu", "cpu")
NEEDED = ("jax", "safetensors")
FORMAT = 2
"""The version of the folder."""

WORKER = ("-P", "-m", "neuralc.emit.tpu.worker")


def files(module: ModuleOp, weights: WeightStore) -> dict[str, str | bytes]:
    """The files by name. Raises NeuralcError: E0818 without jax, E0850 for what JAX code cannot say, E0851 for what JAX
    cannot lower."""
    if find_spec("jax") is None:
        raise error("E0818", "`--target tpu` stands on the package jax", help="pip install 'neuralc[jax]'")
    model = the_model(module)
    _refuse_states(module, model)
    code = file_of(module)
    source = code.text()
    interface = _interface(module, model)
    with TemporaryDirectory(prefix="neuralc-tpu-") as name:
        folder = Path(name)
        (folder / "model.py").write_text(source, encoding="utf-8")
        (folder / "request.json").write_text(json.dumps({**interface, "platforms": PLATFORMS}), encoding="utf-8")
        save_file({k: np.ascontiguousarray(v) for k, v in code.weights.made_of(weights).items()}, folder / WEIGHTS)
        _lower(folder, model)
        versions = json.loads((folder / "versions.json").read_text(encoding="utf-8"))
        manifest = {"format": FORMAT, **interface, "platforms": list(PLATFORMS), "versions": versions}
        return {
            "model.py": source,
            "manifest.json": json.dumps(manifest, indent=2) + "\n",
            WEIGHTS: (folder / WEIGHTS).read_bytes(),
            "model.jaxexport": (folder / "model.jaxexport").read_bytes(),
            "model.stablehlo": (folder / "model.stablehlo").read_text(encoding="utf-8"),
        }


def _refuse_states(module: ModuleOp, model: ModelOp) -> None:
    """States begin with sizes that the inputs of a run show."""
    refusals = Refusals("a program for TPUs")
    shown = {str(size) for argument in model.arguments for size in shape_of(argument.type)}
    for op in declared_states(module).values():
        hidden = [str(size) for size in shape_of(op.type) if not isinstance(size, int) and str(size) not in shown]
        if hidden:
            refusals.add(op, f"no input has its size {hidden[0]}")
    refusals.raise_if_any()


def _interface(module: ModuleOp, model: ModelOp) -> dict[str, Any]:
    """What the manifest says of inputs, outputs and symbolic sizes."""
    inputs = zip(model.inputs, (argument.type for argument in model.arguments), strict=True)
    outputs = zip(model.outputs, (value.type for value in model.terminator.operands), strict=True)
    return {
        "name": model.sym_name.data,
        "inputs": [_port(name, type_) for name, type_ in inputs],
        "outputs": [_port(name, type_) for name, type_ in outputs],
        "states": [
            {**_port(name, op.type), "initial": to_literal(op.initial)} for name, op in declared_states(module).items()
        ],
        "dims": [_dim(op) for op in module.body.block.ops if isinstance(op, DimOp)],
    }


def _port(name: str, type_: Attribute) -> dict[str, Any]:
    shape = [size if isinstance(size, int) else str(size) for size in shape_of(type_)]
    return {"name": name, "shape": shape, "dtype": numpy_dtype(element_of(type_)).name}


def _dim(op: DimOp) -> Mapping[str, Any]:
    return {
        "name": op.sym_name.data,
        "min": op.minimum.data.value,
        "max": op.maximum.data.value if op.maximum else None,
    }


def _lower(folder: Path, model: ModelOp) -> None:
    """jax in a process of its own: what it sets for all that runs beside it stays there."""
    done = subprocess.run([sys.executable, *WORKER, str(folder)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise _failed(model, done.stderr)


def _failed(model: ModelOp, said: str) -> NeuralcError:
    lines = [line for line in said.splitlines() if line.strip()]
    symbolic = any(not isinstance(size, int) for argument in model.arguments for size in shape_of(argument.type))
    return error(
        "E0851",
        f"JAX could not lower {model.sym_name.data}",
        note=lines[-1].strip()[:300] if lines else None,
        help="fix the sizes that are symbolic with `--dim`" if symbolic else None,
    )
