"""The native products of a compilation: LLVM IR, assembly, object, shared library, and code loaded into this process.

IR and assembly come from one LLVM module: kernels, host program, description of the model, and the support code of
every artifact. Machine code is made in parts, at the same time, which are put together, linked or loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from llvmlite import binding

from neuralc.dialects.graph import declared_dims
from neuralc.emit.llvm import jit
from neuralc.emit.llvm.abi import Description, emit_model, support_text
from neuralc.emit.llvm.host import Layouts, emit_host, host_of
from neuralc.emit.llvm.host_states import StateLayout, emit_states
from neuralc.emit.llvm.host_weights import Bytes, WeightLayout, chunks, fill
from neuralc.emit.llvm.kernel import PREFIX, emit_kernels
from neuralc.emit.llvm.link import link_model
from neuralc.emit.llvm.link_object import embed
from neuralc.emit.llvm.loaded import is_crowded
from neuralc.emit.llvm.merge_objects import merge
from neuralc.emit.llvm.parts import Objects, PartCompiler
from neuralc.products import Streamed

if TYPE_CHECKING:
    from xdsl.dialects.builtin import ModuleOp

    from neuralc.dialects.kernel import HostOp
    from neuralc.dialects.weights import WeightStore
    from neuralc.driver import Compilation
    from neuralc.passes.target import Target

CODE_LEVELS = {0: 0, 1: 2, 2: 2}
"""-O level -> level of LLVM's code generator."""

_EXTERNAL = binding.Linkage.external


MachineOf = Callable[["Target", int], Any]
"""LLVM's target machine of a target and a level of the code generator."""


@dataclass(frozen=True)
class NativeCode:
    """A model as machine code, made on first use, not yet linked or loaded.

    What makes LLVM IR raises NeuralcError E0830 for a kernel that a CPU has no form for.
    """

    module: ModuleOp
    store: WeightStore
    host: HostOp
    layouts: Layouts
    description: Description
    target: Target
    level: int
    """Of LLVM's code generator."""

    @property
    def layout(self) -> WeightLayout:
        return self.layouts.weights

    @cached_property
    def weights(self) -> Bytes:
        """The block of all weights."""
        return fill(self.layout, self.module, self.store)

    # -- in one piece ------------------------------------------------------------------------------------------------

    @cached_property
    def llvm(self) -> Any:
        """LLVM's module."""
        kernels = emit_kernels(self.module, self.target)
        return self._read_last(self._text(self._finished(kernels)), self._machine)

    @property
    def llvm_text(self) -> str:
        return str(self.llvm)

    @property
    def assembly(self) -> str:
        return str(self._machine.emit_assembly(self.llvm))

    # -- in parts, which are compiled at the same time ---------------------------------------------------------------

    @cached_property
    def parts(self) -> PartCompiler:
        """Makes the objects of a library. Only the last one refers to the weights."""
        return self._in_parts(jit.target_machine)

    @cached_property
    def loadable(self) -> PartCompiler:
        """Makes objects that this process can load, whatever else is in it."""
        return self._in_parts(jit.loading_machine) if is_crowded() else self.parts

    @property
    def compiled(self) -> Objects:
        """What was compiled in parts last."""
        return (self.__dict__.get("loadable") or self.parts).finish()

    @cached_property
    def code(self) -> bytes:
        """An object that refers to its weights by `description.weights_symbol`."""
        return merge(self.parts.finish().objects)

    def object(self) -> Iterator[bytes | memoryview]:
        """A relocatable object with everything in it, in pieces."""
        return embed(self.code, self.description.weights_symbol, self.layout.size, self._weight_pieces())

    def library(self) -> Iterator[bytes]:
        """A shared library with the C interface of neuralc.h, in pieces."""
        return link_model(
            self.parts.finish().objects,
            self.description.weights_symbol,
            self.layout.size,
            self._weight_pieces(),
            self.target.triple,
        )

    def _in_parts(self, machine_of: MachineOf) -> PartCompiler:
        def machine() -> Any:
            return machine_of(self.target, self.level)

        with PartCompiler() as compiler:

            def close(part: Any) -> None:
                text = self._text(part)  # here, while LLVM compiles the parts before
                compiler.add(lambda: _with(machine(), partial(self._read, text)))

            last = self._text(self._finished(emit_kernels(self.module, self.target, close)))
            compiler.add(lambda: _with(machine(), partial(self._read_last, last)))
        return compiler

    # -- from kernels to LLVM's module -------------------------------------------------------------------------------

    @cached_property
    def _machine(self) -> Any:
        return jit.target_machine(self.target, self.level)

    def _weight_pieces(self) -> Iterator[memoryview]:
        # A block that is in memory for this process is not made again.
        made = "weights" in self.__dict__
        return iter([self.weights.data]) if made else chunks(self.layout, self.module, self.store)

    def _finished(self, kernels: Any) -> Any:
        """A module of kernels with the host program and the description of the model added."""
        program = emit_host(self.module, kernels, self.layouts)
        states = emit_states(kernels, self.layouts.states, self.layout, self.host.dims)
        emit_model(kernels, self.description, self.host, program, states)
        return kernels

    def _text(self, written: Any) -> str:
        return f'source_filename = "{self.description.identifier}"\n{written}'

    def _parsed(self, text: str, machine: Any, context: Any) -> Any:
        llvm = jit.parse(text, machine, context)
        llvm.name = self.description.identifier
        return llvm

    def _read(self, text: str, machine: Any) -> Any:
        """LLVM's module of a part: other parts see its kernels, nothing else does."""
        llvm = self._parsed(text, machine, binding.create_context())
        _hide(llvm, PREFIX)
        return llvm

    def _read_last(self, text: str, machine: Any) -> Any:
        """LLVM's module of what `_finished` gave, with the support code of every artifact."""
        # A context of its own: in the global one, named types get numbers that depend on what was compiled before.
        context = binding.create_context()
        llvm = self._parsed(text, machine, context)
        support = jit.parse(support_text(self.target), machine, context)
        support.triple = llvm.triple
        llvm.link_in(support)
        _hide(llvm)
        llvm.verify()
        return llvm


def _with(machine: Any, read: Callable[[Any], Any]) -> tuple[Any, Any]:
    return read(machine), machine


def generate(module: ModuleOp, weights: WeightStore, target: Target, *, opt: int = 2, threads: int = 1) -> NativeCode:
    """Native code of a module of the kernel level, after kernel-plan-memory. `threads` 0 is one for each processor.

    Raises NeuralcError E0840 for a module that is not ready.
    """
    host = host_of(module)
    states = StateLayout.of(module, host)
    layouts = Layouts(WeightLayout.of(host, states.initial_weights(module)), states)
    description = Description.of(host, declared_dims(module), states, target, version("neuralc"), threads)
    return NativeCode(module, weights, host, layouts, description, target, CODE_LEVELS[opt])


def _hide(llvm: Any, shared: str = "nrc_") -> None:
    """Only functions of the C interface are seen from outside, and from other parts those whose names begin so."""
    for value in (*llvm.functions, *llvm.global_variables):
        if value.name.startswith(PREFIX) and (value.is_declaration or shared == PREFIX):
            value.visibility = binding.Visibility.hidden
        elif not value.is_declaration and not value.name.startswith(shared) and value.linkage == _EXTERNAL:
            value.linkage = binding.Linkage.internal


def native_code(compilation: Compilation) -> NativeCode:
    """Native code of a compilation that is on the kernel level. Raises NeuralcError E0840."""
    options = compilation.options
    compilation.native = generate(
        compilation.module,
        compilation.weights,
        compilation.target,
        opt=options.opt,
        threads=0 if options.threads is None else options.threads,
    )
    return compilation.native


def emit(compilation: Compilation, kind: str) -> str | Streamed:
    """The product of a kind: `llvm`, `asm`, `obj` or `so`."""
    native = native_code(compilation)
    products: dict[str, Callable[[], str | Streamed]] = {
        "llvm": lambda: native.llvm_text,
        "asm": lambda: native.assembly,
        "obj": lambda: Streamed(native.object()),
        "so": lambda: Streamed(native.library()),
    }
    return products[kind]()
