"""Machine code loaded into this process: objects and their weights become a model. Needs LLVM, not the compiler.

A start that finds its code in the cache imports this and no xDSL.
"""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from llvmlite import binding
from numpy.typing import NDArray

from neuralc.runtime.interface import Interface
from neuralc.runtime.model import Model

CROWDED = 3 << 29
"""Bytes of addresses in use from which pieces of an object are not sure to lie within two gigabytes."""


@lru_cache(maxsize=1)
def initialize() -> None:
    """Make LLVM's code generators known, once a process."""
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()


def is_crowded() -> bool:
    """Whether this process has so many addresses in use; False where the system does not tell (proc(5), statm)."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * mmap.PAGESIZE >= CROWDED
    except OSError:
        return False


class NativeLibrary:
    """Machine code loaded into this process. Addresses stay valid as long as the object lives."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine

    def address(self, name: str) -> int:
        """Where a function is. Raises KeyError for a name that the code does not define."""
        address = self._engine.get_function_address(name)
        if not address:
            raise KeyError(name)
        return int(address)

    def function(self, name: str, *parameters: Any) -> Callable[..., None]:
        """A function without result as Python calls it, from the ctypes of its parameters. It keeps the code alive."""
        function = ctypes.CFUNCTYPE(None, *parameters)(self.address(name))
        vars(function)["library"] = self
        return function


def load_objects(objects: Iterable[bytes], symbol: str = "", address: int = 0) -> NativeLibrary:
    """Load objects for this machine, which may call one another and the C library; `symbol` stands for an address."""
    initialize()
    declared = binding.parse_assembly(f"@{symbol} = external global i8" if symbol else "")
    machine = binding.Target.from_triple(binding.get_process_triple()).create_target_machine()
    engine = binding.create_mcjit_compiler(declared, machine)
    if symbol:
        engine.add_global_mapping(declared.get_global_variable(symbol), address)
    for each in objects:
        engine.add_object_file(binding.ObjectFileRef.from_data(each))
    engine.finalize_object()
    return NativeLibrary(engine)


def load_model(
    objects: Sequence[bytes],
    symbol: str,
    weights: NDArray[np.uint8],
    library: Callable[[], Iterable[bytes | memoryview]],
) -> Model:
    """The model, ready to run. `symbol` is what its code calls the weights, `library` makes a shared library of it.

    Raises ModelError E0907 on a processor it was not compiled for.
    """
    from neuralc.emit.llvm.direct_call import direct_calls, is_possible

    code = load_objects(objects, symbol, weights.ctypes.data)
    interface = Interface(code.address, (code, weights), code)
    return Model(interface, threads=None, library=library, direct=direct_calls if is_possible() else None)
