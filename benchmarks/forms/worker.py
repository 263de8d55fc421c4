"""Runs what was written in its framework, in a process of its own: as neuralc.verify.worker does, one folder a line.

Each model begins as in a new process. Of ONNX what onnxruntime has no code for is computed by ONNX's own reference
evaluator, in numpy; what that has none for either is answered with `NoKernel`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"  # most of the time else goes to making fast what runs once
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

from neuralc.verify import worker
from neuralc.verify.worker import Answer, Array

NO_KERNEL = {
    "onnx": ("NOT_IMPLEMENTED", "does not support double", "No corresponding Numpy type"),
    "keras": ("Could not find device for node", "is not in the list of allowed values: half, bfloat16, float"),
}
"""What onnxruntime and TensorFlow have no code for, in the words of their messages."""


class NoKernel(Exception):
    """What a framework does not compute for a type of numbers."""


def run_onnx(request: Mapping[str, Any], inputs: Sequence[Array]) -> Answer:
    """By onnxruntime, which is asked first."""
    try:
        return worker.run_onnxruntime(request, inputs)
    except Exception as problem:
        if not _is_lacking("onnx", problem):
            raise
        return run_evaluator(request, inputs)


def run_evaluator(request: Mapping[str, Any], inputs: Sequence[Array]) -> Answer:
    import numpy as np
    from onnx.reference import ReferenceEvaluator
    from onnx.reference.ops.op_erf import Erf

    Erf._run = _erf
    try:
        session = ReferenceEvaluator(request["model"])
        known = set(session.input_names)
        feeds = {name: array for name, array in zip(request["names"], inputs, strict=True) if name in known}
        found = [np.asarray(each) for each in session.run(None, feeds)]
    except Exception as problem:
        raise NoKernel(str(problem)) from problem
    return list(request["outputs"]), found, "onnx.reference"


def _erf(self: object, x: Array) -> tuple[Array]:
    """In the precision of x: the evaluator's own one is in single precision, also inside of Gelu."""
    import numpy as np

    return (np.vectorize(math.erf, otypes=[x.dtype])(x),)


def run_jax(request: Mapping[str, Any], inputs: Sequence[Array]) -> Answer:
    import jax

    jax.config.update("jax_enable_x64", False)  # a file that needs it asks for it
    return worker.run_jax(request, inputs)


def run_keras(request: Mapping[str, Any], inputs: Sequence[Array]) -> Answer:
    import keras

    keras.backend.clear_session()
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")
    try:
        return worker.run_keras(request, inputs)
    except Exception as problem:
        if not _is_lacking("keras", problem):
            raise
        raise NoKernel(str(problem)) from problem


def _is_lacking(framework: str, problem: Exception) -> bool:
    return any(words in str(problem) for words in NO_KERNEL[framework])


RUN: Mapping[str, Callable[[Mapping[str, Any], Sequence[Array]], Answer]] = {
    "onnx": run_onnx,
    "jax": run_jax,
    "keras": run_keras,
}

if __name__ == "__main__":
    worker.FRAMEWORKS.update(RUN)
    worker.serve()
