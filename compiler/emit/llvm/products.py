"""The native products of a compilation: LLVM IR, assembly, object, shared library, and code loaded into this process.

All come from one LLVM module: kernels, host program, description of the model, and the support code of every artifact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from llvmlite import binding

from neuralc.dialects.graph import declared_dims
from neuralc.emit.llvm import jit
from neuralc.emit.llvm.abi import Description, emit_model, support_text
from neuralc.emit.llvm.host import Layouts, emit_host, host_of
from neuralc.emit.llvm.host_states import StateLayout, emit_states
from neuralc.emit.llvm.host_weights import Bytes, WeightLayout, chunks, fill
from neuralc.emit.llvm.kernel import emit_kernels
from neuralc.emit.llvm.link import link_shared
from neuralc.emit.llvm.link_object import embed
from neuralc.products import Streamed

if TYPE_CHECKING:
    from xdsl.dialects.builtin import ModuleOp

    from neuralc.dialects.weights import WeightStore
    from neuralc.driver import Compilation
    from neuralc.passes.target import Target

CODE_LEVELS = {0: 0, 1: 2, 2: 2}
"""-O level -> level of LLVM's code generator."""


@dataclass(frozen=True)
class NativeCode:
    """A model as machine code, not yet linked or loaded."""

    llvm: Any
    """LLVM's module."""
    machine: Any
    description: Description
    target: Target
    layout: WeightLayout
    module: ModuleOp
    store: WeightStore
    level: int
    """Of LLVM's code generator."""

    @cached_property
    def weights(self) -> Bytes:
        """The block of all weights, made on first use."""
        return fill(self.layout, self.module, self.store)

    @cached_property
    def code(self) -> bytes:
        """An object that refers to its weights by `description.weights_symbol`."""
        return bytes(self.machine.emit_object(self.llvm))

    @property
    def loadable(self) -> tuple[Any, bytes]:
        """The machine and the object that this process can load, whatever else is in it."""
        if not jit.is_crowded():
            return self.machine, self.code
        machine = jit.loading_machine(self.target, self.level)
        return machine, bytes(machine.emit_object(self.llvm.clone()))

    @property
    def llvm_text(self) -> str:
        return str(self.llvm)

    @property
    def assembly(self) -> str:
        return str(self.machine.emit_assembly(self.llvm))

    def object(self) -> Iterator[bytes | memoryview]:
        """A relocatable object with everything in it, in pieces."""
        # A block that is in memory for this process is not made again.
        made = "weights" in self.__dict__
        data = iter([self.weights.data]) if made else chunks(self.layout, self.module, self.store)
        return embed(self.code, self.description.weights_symbol, self.layout.size, data)

    def library(self) -> Iterator[bytes]:
        """A shared library with the C interface of neuralc.h, in pieces."""
        return link_shared(self.object(), self.target)


def generate(module: ModuleOp, weights: WeightStore, target: Target, *, opt: int = 2, threads: int = 1) -> NativeCode:
    """Native code of a module of the kernel level, after kernel-plan-memory. `threads` 0 is one for each processor.

    Raises NeuralcError: E0840 for a module that is not ready, E0830 for a kernel that a CPU has no form for.
    """
    host = host_of(module)
    states = StateLayout.of(module, host)
    layout = WeightLayout.of(host, states.initial_weights(module))
    description = Description.of(host, declared_dims(module), states, target, version("neuralc"), threads)
    written = emit_kernels(module, target)
    program = emit_host(module, written, Layouts(layout, states))
    emit_model(written, description, host, program, emit_states(written, states, layout, host.dims))
    machine = jit.target_machine(target, CODE_LEVELS[opt])
    # A context of its own: in the global one, named types get numbers that depend on what was compiled before.
    context = binding.create_context()
    llvm = jit.parse(f'source_filename = "{description.identifier}"\n{written}', machine, context)
    llvm.name = description.identifier
    support = jit.parse(support_text(target), machine, context)
    support.triple = llvm.triple
    llvm.link_in(support)
    _hide(llvm)
    llvm.verify()
    return NativeCode(llvm, machine, description, target, layout, module, weights, CODE_LEVELS[opt])


def _hide(llvm: Any) -> None:
    """Only the functions of the C interface are seen from outside."""
    for value in (*llvm.functions, *llvm.global_variables):
        if not value.is_declaration and not value.name.startswith("nrc_") and value.linkage == binding.Linkage.external:
            value.linkage = binding.Linkage.internal


def emit(compilation: Compilation, kind: str) -> str | Streamed:
    """The product of a kind: `llvm`, `asm`, `obj` or `so`."""
    threads = compilation.options.threads
    native = generate(
        compilation.module,
        compilation.weights,
        compilation.target,
        opt=compilation.options.opt,
        threads=0 if threads is None else threads,
    )
    products: dict[str, Callable[[], str | Streamed]] = {
        "llvm": lambda: native.llvm_text,
        "asm": lambda: native.assembly,
        "obj": lambda: Streamed(native.object()),
        "so": lambda: Streamed(native.library()),
    }
    return products[kind]()
