"""From an LLVM module to machine code: object bytes, assembly text, or functions in this process.

No pass pipeline runs: kernels arrive in the form LLVM's optimiser would give them (it made none faster), and its code
generator (instruction selection, strength reduction, scheduling) does the rest.
"""

from __future__ import annotations

import weakref
from typing import Any

from llvmlite import binding

from neuralc.emit.llvm.loaded import NativeLibrary, initialize, is_crowded, load_objects
from neuralc.passes.target import Target


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


def compile_module(module: Any, target: Target, opt_level: int = 2) -> NativeLibrary:
    """Machine code of a module, loaded."""
    machine = loading_machine(target, opt_level)
    return load_objects([bytes(machine.emit_object(parse(module, machine)))])
