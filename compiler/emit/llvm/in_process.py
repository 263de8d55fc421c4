"""Loads what was just compiled into this process, without a linker and without a copy of the weights."""

from __future__ import annotations

from neuralc.emit.llvm.loaded import load_model
from neuralc.emit.llvm.products import NativeCode
from neuralc.runtime.model import Model


def load_native(native: NativeCode) -> Model:
    """The model, ready to run. Raises ModelError E0907 on a processor it was not compiled for."""
    compiling, weights = native.loadable, native.weights  # packed while LLVM works
    return load_model(compiling.finish().objects, native.description.weights_symbol, weights, native.library)
