"""Kernels as Triton: source that a person would have written, cubins made ahead of time, and the folder of both.

    emit(module, target) -> str                        the Python module: kernels, and a `run` function for torch
    files(module, weights, target) -> {path: content}  what the folder of `--target cuda` holds

Imports are lazy: the process that compiles a kernel (`worker.py`) comes through here and needs none of the compiler.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xdsl.dialects.builtin import ModuleOp

    from neuralc.dialects.weights import WeightStore
    from neuralc.emit.triton.progress import Progress
    from neuralc.passes.target import Target


def emit(module: ModuleOp, target: Target) -> str:
    """The Triton module of a kernel-level module. Raises NeuralcError with all that cannot be said (E0830, E0860)."""
    from neuralc.emit.triton.source import emit_source

    return emit_source(module, target).text


def files(
    module: ModuleOp, weights: WeightStore, target: Target, progress: Progress | None = None
) -> Mapping[str, str | bytes]:
    """The files of `model.cuda/` by path: the Triton module, a cubin and its PTX per kernel, manifest and weights.

    Compiles every kernel ahead of time; no GPU is needed. `progress` is told about each. Raises NeuralcError E0830 and
    E0860 for what Triton cannot say, E0861 where it is not installed, E0862 where it refuses a kernel, E0863 for one
    that needs more shared memory than the target has, E0504 for a weight without values.
    """
    from neuralc.emit.triton.product import make_files

    return make_files(module, weights, target, progress)
