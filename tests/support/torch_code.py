"""Runs emitted PyTorch code: the text as a Python module, and its model with the weights of a store."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import torch
from numpy.typing import NDArray
from safetensors.numpy import save_file
from support.code_weights import in_file
from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects.graph import the_model
from neuralc.emit.torch import emit
from neuralc.imported import ImportedModel

Array = NDArray[Any]

torch.set_num_threads(1)  # models of tests are too small to share


def python_module(source: str) -> ModuleType:
    """The emitted file, imported."""
    module = ModuleType("emitted")
    exec(compile(source, "emitted.py", "exec"), module.__dict__)
    return module


def loaded_model(module: ModuleOp, weights: Mapping[str, Array]) -> torch.nn.Module:
    """The model of the code for a module, its weights loaded as the file does it, in evaluation mode."""
    code = python_module(emit(module))
    if not hasattr(code, "load"):
        return _only_model(code)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "weights.safetensors"
        save_file(in_file("torch", module, weights), path)
        model: torch.nn.Module = code.load(str(path))
    return model.eval()


def written_model(imported: ImportedModel) -> torch.nn.Module:
    """The model of the code for an imported one, with the weights beside it, in evaluation mode."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.py"
        imported.emit("torch", path)
        code, weights = python_module(path.read_text("utf-8")), path.with_suffix(".safetensors")
        model: torch.nn.Module = code.load(str(weights)) if weights.exists() else _only_model(code)
    return model.eval()


def run_torch_code(module: ModuleOp, inputs: Mapping[str, Array], weights: Mapping[str, Array]) -> list[Array]:
    """The outputs of the emitted code in float64."""
    model = loaded_model(module, weights)
    arrays = [torch.from_numpy(inputs[name]) for name in the_model(module).inputs]
    with torch.no_grad():
        found = model.double()(*(x.double() if x.is_floating_point() else x for x in arrays))
    return [y.numpy() for y in (found if isinstance(found, tuple) else (found,))]


def _only_model(code: ModuleType) -> torch.nn.Module:
    classes = [value for value in vars(code).values() if isinstance(value, type)]
    model: torch.nn.Module = [found for found in classes if found.__module__ == "emitted"][-1]()
    return model.eval()
