"""Runs emitted PyTorch code: the text as a Python module, and its model with the weights of a store."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save_file
from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects.graph import the_model
from neuralc.emit.torch import emit

Array = NDArray[Any]

torch.set_num_threads(1)  # models of tests are too small to share


def python_module(source: str) -> ModuleType:
    """The emitted file, imported."""
    module = ModuleType("emitted")
    exec(compile(source, "emitted.py", "exec"), module.__dict__)
    return module


def loaded_model(source: str, weights: Mapping[str, Array]) -> torch.nn.Module:
    """The model of an emitted file, its weights loaded through the file's own table, in evaluation mode."""
    if not weights:
        return _only_model(source)
    code = python_module(source)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "weights.safetensors"
        save_file({name: np.asarray(array, order="C") for name, array in weights.items()}, path)
        model: torch.nn.Module = code.load(str(path))
    return model.eval()


def run_torch_code(module: ModuleOp, inputs: Mapping[str, Array], weights: Mapping[str, Array]) -> list[Array]:
    """The outputs of the emitted code in float64."""
    source = emit(module, weights_table=bool(weights))
    model = loaded_model(source, weights)
    arrays = [torch.from_numpy(inputs[name]) for name in the_model(module).inputs]
    with torch.no_grad():
        found = model.double()(*(x.double() if x.is_floating_point() else x for x in arrays))
    return [y.numpy() for y in (found if isinstance(found, tuple) else (found,))]


def _only_model(source: str) -> torch.nn.Module:
    classes = [value for value in vars(python_module(source)).values() if isinstance(value, type)]
    model: torch.nn.Module = [found for found in classes if found.__module__ == "emitted"][-1]()
    return model.eval()
