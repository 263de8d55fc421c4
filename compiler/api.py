"""The Python interface: `neuralc.compile` and `neuralc.load`.

model = neuralc.compile("m.nr", opt=2, threads=2)
y = model(x)
model.save("m.so")
model = neuralc.load("m.so")
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from neuralc.grammar.diagnostics import Source, error, suggest, usage_error
from neuralc.runtime import Model, ModelError
from neuralc.runtime import load as load_library

if TYPE_CHECKING:
    from neuralc.builder import Network
    from neuralc.driver import Compilation
    from neuralc.exported import ExportedModel
    from neuralc.imported import ImportedModel
    from neuralc.interpreted import InterpretedModel
    from neuralc.passes.pipelines import Winograd

__all__ = ["Model", "ModelError", "as_diagnostics", "compile", "convert", "finish", "load"]

TARGETS = ("cpu", "interp")
WINOGRAD = ("auto", "off", "f2", "f4")


def compile(
    model: str | PathLike[str] | Network | Source | ImportedModel,
    opt: int = 2,
    target: str = "cpu",
    threads: int | None = 1,
    dims: Mapping[str, int] | None = None,
    weights: str | PathLike[str] | None = None,
    precision: str | None = None,
    cache: bool = True,
    *,
    network: str | None = None,
    set: Mapping[str, object] | None = None,
    winograd: Winograd = "auto",
) -> Model | InterpretedModel:
    """Compile a model for this process: a file, a `Network`, or a model of a framework.

    Files are `.nr` programs, ONNX models, what frameworks save, and IR dumps of any level.

    `opt` is 0 to 2. `target` is "cpu", or "interp" for the reference interpreter. `threads` None takes all processors.
    `dims` fixes symbolic sizes. `weights` is a safetensors file. `network` chooses one of several in the file.
    `set` decides searches: `set={"dense.units": 64}`.
    `winograd` "auto" gives 3x3 convolutions a faster form with larger weights while they add a tenth at most, "f2"
    whatever they add; "f4" allows forms that are faster still with a larger error, "off" direct ones alone.
    `precision` None computes as the model says; there is no other precision yet.
    `cache` keeps native code of files and programs for the next time, and takes it from there (docs/cache.md).

    Raises NeuralcError for what is wrong with the model, UsageError for what is wrong with the arguments.
    """
    _check_arguments(opt, target, threads, precision, winograd)
    from neuralc import driver
    from neuralc.cache import native
    from neuralc.cli_errors import report

    options = driver.Options(
        opt=opt,
        threads=threads,
        dims=dict(dims or {}),
        weights=None if weights is None else Path(fspath(weights)),
        network=network,
        set=dict(set or {}),
        winograd=winograd,
    )
    if target == "cpu":
        return native.load_model(_given(model), options, report, use=cache)[0]
    compilation = driver.load(_given(model), options)
    report(compilation.notices)
    return finish(compilation, target)


def convert(
    model: str | PathLike[str] | Network | Source | ImportedModel,
    kind: str,
    path: str | PathLike[str] | None = None,
    *,
    target: str = "cpu",
    opt: int = 2,
    dims: Mapping[str, int] | None = None,
    weights: str | PathLike[str] | None = None,
    network: str | None = None,
    set: Mapping[str, object] | None = None,
    purpose: Literal["training", "inference"] | None = None,
) -> str | bytes | Path:
    """What `neuralc model --emit=KIND` makes: its text or bytes; with `path` the file, with what belongs beside it.

    Raises NeuralcError for what is wrong with the model or cannot be said, UsageError for what is wrong with the
    arguments; a product that is a folder needs `path`.
    """
    from neuralc import driver, products
    from neuralc.cli_errors import report
    from neuralc.cli_products import check_destination, write

    options = driver.Options(
        opt=opt,
        target=target,
        dims=dict(dims or {}),
        weights=None if weights is None else Path(fspath(weights)),
        network=network,
        set=dict(set or {}),
        purpose=purpose,
    )
    found = products.emitter(kind, target)
    products.check_purpose(kind, purpose)
    given = _given(model)
    if path is None and found.suffix.endswith("/"):
        raise usage_error("E0814", f"`{kind}` is a folder", help="give the `path` where it shall stand")
    destination = None if path is None else check_destination(fspath(path), Path("model"), found)
    compilation = driver.load(given, options)
    report(compilation.notices)
    driver.compile_to(compilation, found.stage)
    product = driver.emit(compilation, kind)
    if destination is not None:
        write(destination, product, found)
        return Path(destination)
    return products.content(product)


def _given(model: str | PathLike[str] | Network | Source | ImportedModel) -> Path | Source | ImportedModel:
    """The file of a model, the text of one that was made from Python, or a model of a framework."""
    if isinstance(model, str | PathLike):
        return Path(fspath(model))
    if isinstance(model, Source):
        return model
    from neuralc.imported import ImportedModel

    return model if isinstance(model, ImportedModel) else model.source()


def load(path: str | PathLike[str], *, threads: int | None = None) -> Model | ExportedModel:
    """The model in a shared library, or in the folder of `--target tpu`. `threads` None is as it was compiled.

    Raises ModelError: E0902 unreadable, E0903 truncated or not for this machine, E0905 not a model, E0906 of another
    version, E0907 for a processor with more features, E0913 without jax or a device for the folder.
    """
    folder = Path(fspath(path))
    if folder.suffix == ".tpu" and folder.is_dir():
        from neuralc.exported import ExportedModel

        return ExportedModel(folder)
    return load_library(path, threads=threads)


def finish(compilation: Compilation, target: str = "cpu") -> Model | InterpretedModel:
    """A module that was loaded, ready to run in this process; it goes through the passes in place."""
    return _interpreted(compilation) if target == "interp" else _native(compilation)


def _check_arguments(opt: int, target: str, threads: int | None, precision: str | None, winograd: str) -> None:
    if opt not in (0, 1, 2):
        raise usage_error("E0813", f"`opt` is {opt!r}", help="it is 0, 1 or 2")
    if target not in TARGETS:
        help = suggest(target, TARGETS) or "for a GPU, `neuralc model.nr --target cuda` writes a folder"
        raise usage_error("E0820", f"Python does not run target `{target}`", note="it runs cpu and interp", help=help)
    if threads is not None and not 1 <= threads <= 1024:
        raise usage_error("E0813", f"`threads` is {threads}", help="it is 1 to 1024, or None for all processors")
    if winograd not in WINOGRAD:
        raise usage_error("E0813", f"`winograd` is {winograd!r}", help=f"it is {', '.join(WINOGRAD)}")
    if precision is not None:
        raise error("E0703", f"`precision={precision!r}` has no meaning yet", help="the model's own precision is None")


def _native(compilation: Compilation) -> Model:
    from neuralc import driver
    from neuralc.emit.llvm.in_process import load_native
    from neuralc.emit.llvm.products import native_code

    driver.compile_to(compilation, "kernel")
    return load_native(native_code(compilation))


def _interpreted(compilation: Compilation) -> InterpretedModel:
    from neuralc.interpreted import InterpretedModel

    return InterpretedModel(compilation.module, compilation.weights)


@contextmanager
def as_diagnostics() -> Iterator[None]:
    """Turn errors of the runtime into diagnostics, for a command line that reports them with all others."""
    try:
        yield
    except ModelError as fault:
        raise error(fault.code, fault.message, help=fault.help) from None
