"""From a model file to a product: front end, pipeline, emitter. Command line and Python API both stand on this."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from neuralc.cli_instruments import Watch
from neuralc.grammar.diagnostics import Diagnostic, NeuralcError, Source, error, usage_error
from neuralc.grammar.files_read import reads
from neuralc.products import Product, Stage, emitter
from neuralc.settings import make_target

if TYPE_CHECKING:
    from xdsl.dialects.builtin import ModuleOp
    from xdsl.ir import SSAValue

    from neuralc.dialects.weights import WeightStore
    from neuralc.emit.llvm.products import NativeCode
    from neuralc.imported import ImportedModel
    from neuralc.passes.base import ModulePass, PassContext
    from neuralc.passes.instruments import TimePasses
    from neuralc.passes.pipelines import Entry, Level, Winograd
    from neuralc.passes.target import Target


@dataclass(frozen=True)
class Options:
    """All settings of a compilation, by their names on the command line."""

    opt: int = 2
    target: str = "cpu"
    mcpu: str | None = None
    triple: str | None = None
    arch: str | None = None
    threads: int | None = None
    dims: Mapping[str, int] = field(default_factory=dict)
    set: Mapping[str, object] = field(default_factory=dict)
    """Values of searches and of the network's parameters, as Python values or in the words of the language."""
    weights: Path | None = None
    network: str | None = None
    purpose: Literal["training", "inference"] | None = None
    """What code of a framework is for: `training` has a script beside it, `inference` no layers that only train."""
    winograd: Winograd = "auto"
    """Which forms 3x3 convolutions may take on a CPU: `f4` allows one with a larger error."""
    compile_from: Level | None = None
    compile_to: Level | None = None
    pass_pipeline: str | None = None
    verify_each: bool = False
    watch: Watch = field(default_factory=Watch)

    def settings(self) -> dict[str, str]:
        """What a reproducer repeats."""
        found = {
            "target": self.target,
            "mcpu": self.mcpu,
            "triple": self.triple,
            "arch": self.arch,
            "threads": self.threads,
            "weights": self.weights,
        }
        return {name: str(value) for name, value in found.items() if value is not None}


@dataclass
class Compilation:
    """A module on its way, with all that goes with it."""

    name: str
    """Name of the model file without its suffix, for the names of products."""
    module: ModuleOp
    level: Level
    target: Target
    context: PassContext
    options: Options
    notices: tuple[Diagnostic, ...] = ()
    """Warnings and notes of the front end."""
    clock: TimePasses | None = None
    trained: bool = True
    """False for a program that starts from initial values."""
    values: Mapping[str, SSAValue] = field(default_factory=dict)
    """Values inside, by the names that the source of an imported model has for them."""
    imported: bool = False
    """True for a model of a framework, whose structure an emitter of code has to find."""
    native: NativeCode | None = None
    """The native code that was made of it."""

    @property
    def weights(self) -> WeightStore:
        """The bytes of the module's weights."""
        from neuralc.dialects.weights import WeightStore

        if self.context.weights is None:
            self.context.weights = WeightStore()
        return self.context.weights


def load(model: Path | Source | ImportedModel, options: Options) -> Compilation:
    """Read a model: a file that a front end reads, the text of a `.nr` program, or a model of a framework.

    Raises NeuralcError for what is wrong with it.
    """
    from neuralc.passes.base import PassContext
    from neuralc.passes.pipelines import level_of

    target = make_target(options.settings())
    context = PassContext(target=target, options=options.settings())
    clock = _clock(options)
    started = time.perf_counter()
    if isinstance(model, Source):
        name, read = model.name.strip("<>"), _read_nr(model, options)
    elif isinstance(model, Path):
        name, read = model.stem, _front_end(model, options)(model, options)
    else:
        name, read = model.name, _imported(model, options)
    context.weights = read.weights
    if clock is not None:
        clock.add("front end", time.perf_counter() - started)
    level = options.compile_from or level_of(read.module)
    return Compilation(
        name,
        read.module,
        level,
        target,
        context,
        options,
        tuple(read.notices),
        clock,
        read.trained,
        read.values,
        read.imported,
    )


def _front_end(path: Path, options: Options) -> FrontEnd:
    """What reads a file, by its suffix. Raises NeuralcError for files that nothing reads."""
    read = FRONT_ENDS.get(path.suffix)
    if read is None:
        raise error(
            "E0601",
            f"neuralc does not read `{path.suffix or path.name}` files",
            help=f"it reads {', '.join(FRONT_ENDS)}",
        )
    if options.set and read is not _read_nr:
        raise usage_error(
            "E0814", f"`--set` does not go with {path.suffix} models", note="it decides the searches of a program"
        )
    return read


def compile_to(compilation: Compilation, stage: Stage) -> None:
    """Run the pipeline from where the module is to `stage`, in place."""
    from neuralc.passes.manager import run_pipeline
    from neuralc.passes.pipelines import level_of
    from neuralc.passes.verifier import verify_module

    options = compilation.options
    verify_module(compilation.module)
    if stage == "model" and options.pass_pipeline is None:
        return
    passes = pipeline_of(options, compilation.level, stage)
    try:
        run_pipeline(
            compilation.module,
            passes,
            compilation.context,
            instruments=options.watch.instruments(compilation.clock),
            verify_each=options.verify_each,
            reproducer=options.watch.reproducer,
        )
    finally:
        from neuralc.cli_instruments import print_remarks

        print_remarks(compilation.context.remarks, options.watch.remarks)
    compilation.level = level_of(compilation.module)


def emit(compilation: Compilation, kind: str) -> Product:
    """The product of a kind from a module that `compile_to` has brought to the emitter's stage."""
    found = emitter(kind, compilation.options.target)
    started = time.perf_counter()
    try:
        product = found.make(compilation, kind)
    except NeuralcError:
        raise
    except Exception as fault:  # a fault of the emitter: one message, and the IR that shows it
        from neuralc.passes.manager import internal_fault, with_reproducer
        from neuralc.passes.printing import print_module
        from neuralc.passes.reproducer import write_reproducer

        told = internal_fault(f"emitting {kind} failed", fault)
        text = print_module(compilation.module, locations=True)
        path = write_reproducer(text, (), compilation.context, told, compilation.options.watch.reproducer)
        command = f"neuralc {path} --emit={kind} --target={compilation.options.target} --pass-pipeline="
        raise with_reproducer(told, path, command) from fault
    if compilation.clock is not None:
        compilation.clock.add(f"emit {kind}", time.perf_counter() - started)
    return product


def compile_file(path: Path, kind: str, options: Options) -> tuple[Compilation, Product]:
    """Load, compile and emit in one call."""
    found = emitter(kind, options.target)
    compilation = load(path, options)
    compile_to(compilation, found.stage)
    return compilation, emit(compilation, kind)


def entries_of(options: Options, start: Level, stage: Stage) -> Sequence[Entry]:
    """The lines of the pipeline between a level and a stage."""
    from neuralc.passes.pipelines import pipeline, slice_pipeline, with_winograd

    if stage == "model":
        return ()
    entries = slice_pipeline(pipeline(options.opt, options.target), start, stage)
    return with_winograd(entries, options.winograd)


def pipeline_of(options: Options, start: Level, stage: Stage) -> tuple[ModulePass, ...]:
    """The passes to run: those asked for, or those of the optimization level."""
    from neuralc.passes.pipelines import LEVELS, load
    from neuralc.passes.registry import parse_pipeline

    if options.pass_pipeline is not None:
        return parse_pipeline(options.pass_pipeline)
    if stage != "model" and LEVELS.index(start) > LEVELS.index(stage):
        raise usage_error(
            "E0814",
            f"the module is on the {start} level already",
            note=f"what is asked for is made on the {stage} level",
        )
    return load(entries_of(options, start, stage))


def _clock(options: Options) -> TimePasses | None:
    if not options.watch.time_passes:
        return None
    from neuralc.passes.instruments import TimePasses

    return TimePasses()


@dataclass(frozen=True)
class Read:
    """What a front end gives."""

    module: ModuleOp
    weights: WeightStore | None
    notices: Sequence[Diagnostic] = ()
    trained: bool = True
    values: Mapping[str, SSAValue] = field(default_factory=dict)
    imported: bool = False


FrontEnd = Callable[[Path, Options], Read]


def _imported(model: ImportedModel, options: Options) -> Read:
    """A model of a framework with its own weights, or those of a safetensors file."""
    from neuralc.pin_dims import pin_dims
    from neuralc.settings import load_weights

    module, store = model.copied()
    pin_dims(module, options.dims)
    if options.weights is not None:
        store = load_weights(options.weights, module, store, imported=True)
    return Read(module, store, model.notices, imported=True)


def _read_nr(path: Path | Source, options: Options) -> Read:
    from neuralc.frontends.nr.load import load as load_program
    from neuralc.weights_file import bind_weights

    program = load_program(path, network=options.network, dims=options.dims, settings=options.set)
    bound = bind_weights(program, options.weights)
    return Read(program.module, bound.store, (*program.warnings, *bound.messages), trained=bound.path is not None)


def _read_ir(path: Path, options: Options) -> Read:
    """A dump of any level. Its weights: `--weights`, else the folder that `--dump-ir` wrote beside it."""
    from neuralc.files import read_text
    from neuralc.frontends.stablehlo.texts import is_stablehlo
    from neuralc.passes.dump import WEIGHTS_INDEX
    from neuralc.passes.parsing import parse_module
    from neuralc.pin_dims import pin_dims
    from neuralc.settings import load_weights

    text = read_text(path)
    if is_stablehlo(text):
        return _read_stablehlo(path, options)
    module = parse_module(text, str(path))
    pin_dims(module, options.dims)
    beside = path.parent / "weights"
    reads(beside / WEIGHTS_INDEX)
    weights = options.weights or (beside if (beside / WEIGHTS_INDEX).exists() else None)
    return Read(module, load_weights(weights, module) if weights is not None else None)


def _read_onnx(path: Path, options: Options) -> Read:
    """An ONNX model with its own weights, or those of a safetensors file."""
    from neuralc.frontends.onnx.load import Fixed
    from neuralc.frontends.onnx.load import load as load_onnx
    from neuralc.settings import load_weights

    loaded = load_onnx(path, Fixed(options.dims))
    store = loaded.store
    if options.weights is not None:
        store = load_weights(options.weights, loaded.module, store, imported=True)
    return Read(loaded.module, store, values=loaded.values, imported=True)


def _read_stablehlo(path: Path, options: Options) -> Read:
    """StableHLO as a text, as a portable artifact, or as `jax.export` serializes it."""
    from neuralc.frontends.stablehlo.load import load as load_stablehlo

    return _imported(load_stablehlo(path), options)


def _read_torch(path: Path, options: Options) -> Read:
    """A program of torch.export with its own weights, or those of a safetensors file."""
    from neuralc.frontends.torch.saved import load_file
    from neuralc.settings import load_weights

    loaded = load_file(path, options.dims)
    store = loaded.weights
    if options.weights is not None:
        store = load_weights(options.weights, loaded.module, store, imported=True)
    return Read(loaded.module, store, loaded.notices, values=loaded.values, imported=True)


def _read_keras(path: Path, options: Options) -> Read:
    """A Keras model with its own weights, or those of a safetensors file."""
    from neuralc.frontends.keras.load import load as load_keras
    from neuralc.settings import load_weights

    loaded = load_keras(path, options.dims)
    store = loaded.weights
    if options.weights is not None:
        store = load_weights(options.weights, loaded.module, store)
    return Read(loaded.module, store, loaded.notices, values=loaded.values)


FRONT_ENDS: dict[str, FrontEnd] = {
    ".nr": _read_nr,
    ".neural": _read_nr,
    ".rnr": _read_nr,
    ".onnx": _read_onnx,
    ".keras": _read_keras,
    ".pt2": _read_torch,
    ".mlir": _read_ir,
    ".stablehlo": _read_stablehlo,
    ".mlirbc": _read_stablehlo,
    ".jax": _read_stablehlo,
}
"""Suffix of a model file -> what reads it."""
