"""From an LLVM module to machine code: object bytes, assembly text, or functions loaded into this process.

No pass pipeline runs: kernels arrive in the form LLVM's optimiser would give them (it made none faster), and its code
generator (instruction selection, strength reduction, scheduling) does the rest.
"""

from __future__ import annotations

import ctypes
import mmap
import weakref
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from llvmlite import binding

from neuralc.passes.target import Target


@lru_cache(maxsize=1)
def initialize() -> None:
    """Make LLVM's code generators known, once a process."""
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()


def target_machine(target: Target, opt_level: int = 2) -> Any:
    """LLVM's description of the target; code is position independent, so that objects may go into libraries."""
    initialize()
    return binding.Target.from_triple(target.triple).create_target_machine(
        cpu=target.cpu_name, features=target.feature_string, opt=opt_level, reloc="pic", codemodel="small"
    )


def loading_machine(target: Target, opt_level: int = 2) -> Any:
    """The description to compile by what is loaded into this process.

    Code of the small model reaches two gigabytes, and pieces of an object may come to lie further apart where other
    frameworks fill the process; LLVM ends it then. Code of the large model reaches everything.
    """
    if not is_crowded():
        return target_machine(target, opt_level)
    initialize()
    return binding.Target.from_triple(target.triple).create_target_machine(
        cpu=target.cpu_name, features=target.feature_string, opt=opt_level, reloc="static", codemodel="large"
    )


CROWDED = 3 << 29
"""Bytes of addresses in use from which pieces of an object are not sure to lie within two gigabytes."""


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


def parse(module: Any, machine: Any, context: Any = None) -> Any:
    """LLVM's module of an llvmlite module or of IR text, verified; in LLVM's global context where none is given."""
    parsed = binding.parse_assembly(str(module), context)
    parsed.data_layout = str(machine.target_data)
    parsed.verify()
    # Of garbage in a cycle, as an exception makes it, a context could end before its module: the finalizer keeps it.
    weakref.finalize(parsed, id, context).atexit = False
    return parsed


def emit_object(module: Any, target: Target, opt_level: int = 2) -> bytes:
    """A relocatable object file."""
    machine = target_machine(target, opt_level)
    return bytes(machine.emit_object(parse(module, machine)))


def emit_assembly(module: Any, target: Target, opt_level: int = 2) -> str:
    machine = target_machine(target, opt_level)
    return str(machine.emit_assembly(parse(module, machine)))


def load_object(code: bytes, target: Target) -> NativeLibrary:
    """Load an object that `emit_object` made for this machine; C library functions it calls are resolved."""
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), target_machine(target))
    engine.add_object_file(binding.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return NativeLibrary(engine)


def compile_module(module: Any, target: Target, opt_level: int = 2) -> NativeLibrary:
    """Machine code of a module, loaded."""
    machine = loading_machine(target, opt_level)
    return load_object(bytes(machine.emit_object(parse(module, machine))), target)
