"""The engines, each as a function from a case to a call to be timed. Each runs in a worker process of its own."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cases import Case

Array = np.ndarray[Any, Any]
Call = Callable[[], Any]
"""Runs the model once on the case's input and returns its output."""


def inputs(case: Case) -> list[Array]:
    """The same values in every process."""
    count = 3 if case.name == "flash_attention" else 1
    rng = np.random.default_rng(0)
    return [rng.random(case.shape, dtype=np.float32) for _ in range(count)]


def neuralc(case: Case, folder: Path) -> Call:
    """The Python interface of a compiled model, at -O2; single kernels write to memory that is there already."""
    import neuralc as package

    dims = {"batch": case.batch} if case.pinned and case.model.suffix == ".nr" else None
    model = package.compile(case.model, opt=2, threads=case.threads, dims=dims)
    arrays = inputs(case)
    if case.pinned:
        memory = model(*arrays)
        return lambda: model(*arrays, out=memory)
    return lambda: model(*arrays)


def emitted_module(case: Case, folder: Path) -> Any:
    """The torch module that neuralc emits for the model, with the weights that neuralc uses."""
    source = folder / f"{case.model.stem}_torch.py"
    spec = importlib.util.spec_from_file_location(source.stem, source)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(source)
    module = importlib.util.module_from_spec(spec)
    sys.modules[source.stem] = module
    spec.loader.exec_module(module)
    if hasattr(module, "load"):
        return module.load(str(source.with_suffix(".safetensors"))).eval()
    classes = [value for value in vars(module).values() if isinstance(value, type) and value.__module__ == source.stem]
    return classes[-1]().eval()  # a model without weights


def torch(case: Case, folder: Path) -> Call:
    """PyTorch, eager."""
    import torch as package

    package.set_num_threads(case.threads)
    package.set_num_interop_threads(1)
    tensors = [package.from_numpy(array) for array in inputs(case)]
    if case.name == "flash_attention":
        attention = package.nn.functional.scaled_dot_product_attention
        query, key, value = (tensor[None] for tensor in tensors)
        return lambda: attention(query, key, value).numpy()[0]
    module = emitted_module(case, folder)

    def call() -> Any:
        with package.inference_mode():
            return module(*tensors).numpy()

    return call


def onnxruntime(case: Case, folder: Path) -> Call:
    """ONNX Runtime, all optimizations, on the ONNX export of the emitted torch module."""
    import onnxruntime as package

    options = package.SessionOptions()
    options.intra_op_num_threads = case.threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = package.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = package.InferenceSession(
        str(folder / f"{case.model.stem}.onnx"), options, providers=["CPUExecutionProvider"]
    )
    feed = dict(zip([each.name for each in session.get_inputs()], inputs(case), strict=True))
    return lambda: session.run(None, feed)[0]


def fma_peak(case: Case, folder: Path) -> Call:
    """The machine's limit as an engine: as many multiply-adds in registers as the case has operations."""
    from neuralc.emit.llvm.peak import fma_loop
    from neuralc.passes.target import Target

    run, flops = fma_loop(Target.host())
    repeats = max(1, round((case.flops or flops) / flops))

    def call() -> None:
        # As long as the case itself: what takes the processor away for a while hits both alike.
        for _ in range(repeats):
            run()

    return Scaled(call, (case.flops or flops) / (flops * repeats))


@dataclass(frozen=True)
class Scaled:
    """A call whose time counts `factor` times."""

    run: Callable[[], None]
    factor: float

    def __call__(self) -> None:
        self.run()


ENGINES: dict[str, Callable[[Case, Path], Call]] = {
    "neuralc": neuralc,
    "onnxruntime": onnxruntime,
    "torch": torch,
    "fma_peak": fma_peak,
}
