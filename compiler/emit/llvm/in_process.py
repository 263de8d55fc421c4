"""Loads native code into this process, without a linker and without a copy of the weights."""

from __future__ import annotations

from llvmlite import binding

from neuralc.emit.llvm.jit import NativeLibrary
from neuralc.emit.llvm.products import NativeCode
from neuralc.runtime.interface import Interface
from neuralc.runtime.model import Model


def load_native(native: NativeCode) -> Model:
    """The model, ready to run. Raises ModelError E0907 on a processor it was not compiled for."""
    symbol = native.description.weights_symbol
    weights = native.weights
    declaration = binding.parse_assembly(f"@{symbol} = external global i8")
    machine, code = native.loadable
    engine = binding.create_mcjit_compiler(declaration, machine)
    engine.add_global_mapping(declaration.get_global_variable(symbol), weights.ctypes.data)
    engine.add_object_file(binding.ObjectFileRef.from_data(code))
    engine.finalize_object()
    library = NativeLibrary(engine)
    interface = Interface(library.address, (library, weights), library)
    return Model(interface, threads=None, library=native.library)
