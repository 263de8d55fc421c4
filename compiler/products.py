"""What neuralc can make of a model: the table of `--emit`, and how each emitter is called."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from neuralc.grammar.diagnostics import error, suggest, usage_error

if TYPE_CHECKING:
    from neuralc.driver import Compilation
    from neuralc.emit.written_model import WrittenModel


@dataclass(frozen=True)
class Streamed:
    """Bytes in pieces, to be taken once: a library may be larger than what memory should hold."""

    pieces: Iterator[bytes | memoryview]


@dataclass(frozen=True)
class Code:
    """A text, and what stands beside it in files: by the end of their names, which follows the stem of the text's own.

    `model.py` with `.safetensors` stands beside `model.safetensors`, with `_train.py` beside `model_train.py`. A text
    that names what stands beside it is a function of that stem.
    """

    text: str | bytes | Callable[[str | None], str | bytes]
    """A function where it names what stands beside it: of the stem, which is None where nothing can."""
    beside: Mapping[str, str | bytes | Streamed | Callable[[str | None], str]] = field(default_factory=dict)
    """A function, too, of the stem of the text's own file, which a companion may name."""


Product = str | bytes | Streamed | Code | Mapping[str, str | bytes]
"""What an emitter gives: a text, bytes, a text with files beside it, or the files of a folder by name."""

Stage = Literal["model", "graph", "tensor", "kernel"]
"""Where an emitter takes the module: `model` is as the front end made it, the others are the end of their level."""


@dataclass(frozen=True)
class Emitter:
    """A kind of product."""

    stage: Stage
    suffix: str
    """Of the product that stands beside the model when no `-o` is given; a folder ends in `/`."""
    make: Callable[[Compilation, str], Product]
    """Called with the kind; imports the emitter, which no other command has to load."""
    targets: tuple[str, ...] = ("cpu", "cuda")
    binary: bool = False
    executable: bool = False


def _ir(compilation: Compilation, kind: str) -> Product:
    from neuralc.passes.printing import print_module

    return print_module(compilation.module)


def _llvm(compilation: Compilation, kind: str) -> Product:
    from neuralc.emit.llvm.products import emit

    return emit(compilation, kind)


def _triton(compilation: Compilation, kind: str) -> Product:
    from neuralc.emit.triton import emit

    return emit(compilation.module, compilation.target)


def _cuda(compilation: Compilation, kind: str) -> Product:
    from neuralc.emit.triton import files
    from neuralc.emit.triton.progress import progress_bar

    with progress_bar("compiling") as progress:
        return files(compilation.module, compilation.weights, compilation.target, progress)


def _torch(compilation: Compilation, kind: str) -> Product:
    product = _code(compilation, kind)
    if compilation.options.purpose != "training":
        return product
    from neuralc.emit.torch.training import training_script

    script = training_script(_written(compilation).in_blocks(), str(product.text))
    return Code(product.text, {"_train.py": script, **product.beside})


def _code(compilation: Compilation, kind: str) -> Code:
    """Code of a framework, and its weights in a file of their own; a program that starts untrained has none."""
    from neuralc.emit.code_forms import FORMS
    from neuralc.mapped_file import safetensors_pieces

    form = FORMS[kind]
    file = form.file_of(_written(compilation))
    if not compilation.trained or not compilation.weights:
        return Code(file.text())
    pieces = safetensors_pieces(file.weights.made_of(compilation.weights), form.format)
    return Code(file.text(), {".safetensors": Streamed(pieces)})


def _written(compilation: Compilation) -> WrittenModel:
    from neuralc.emit.written_model import WrittenModel

    return WrittenModel(
        compilation.module,
        compilation.weights,
        imported=compilation.imported,
        inference=compilation.options.purpose == "inference",
    )


def _nr(compilation: Compilation, kind: str) -> Product:
    from neuralc.emit.nr import emit
    from neuralc.emit.nr.weights import MovedWeights
    from neuralc.mapped_file import safetensors_pieces

    program = emit(_written(compilation).structured(views=False))
    if not compilation.trained or not program.weights:
        return Code(program.text())
    pieces = safetensors_pieces(MovedWeights(compilation.weights, program.weights))
    return Code(
        lambda stem: program.text() if stem is None else program.text(f"{stem}.safetensors"),
        {".safetensors": Streamed(pieces)},
    )


def _onnx(compilation: Compilation, kind: str) -> Product:
    try:
        from neuralc.emit.onnx import emit
    except ImportError as problem:
        raise error(
            "E0615",
            "writing ONNX models needs the package `onnx`",
            note=str(problem),
            help="pip install 'neuralc[onnx]'",
        ) from None

    model, end = emit(_written(compilation).structured(views=False), compilation.weights), ".onnx.data"
    if not model.tensors.are_large:
        return model.whole()
    return Code(
        lambda stem: model.whole() if stem is None else model.beside(stem + end), {end: Streamed(model.pieces())}
    )


def _tpu(compilation: Compilation, kind: str) -> Product:
    from neuralc.emit.tpu import files

    return files(_written(compilation).in_blocks(views=False), compilation.weights)


ANYWHERE = ("cpu", "cuda", "tpu")
"""Code of a framework runs where the framework does."""

EMITTERS: dict[str, Emitter] = {
    "graph": Emitter("graph", ".graph.mlir", _ir),
    "tensor": Emitter("tensor", ".tensor.mlir", _ir),
    "kernel": Emitter("kernel", ".kernel.mlir", _ir),
    "llvm": Emitter("kernel", ".ll", _llvm, ("cpu",)),
    "asm": Emitter("kernel", ".s", _llvm, ("cpu",)),
    "obj": Emitter("kernel", ".o", _llvm, ("cpu",), binary=True),
    "so": Emitter("kernel", ".so", _llvm, ("cpu",), binary=True, executable=True),
    "triton": Emitter("kernel", ".triton.py", _triton, ("cuda",)),
    "cuda": Emitter("kernel", ".cuda/", _cuda, ("cuda",)),
    "onnx": Emitter("model", ".onnx", _onnx, ANYWHERE, binary=True),
    "keras": Emitter("model", "_keras.py", _code, ANYWHERE),
    "torch": Emitter("model", "_torch.py", _torch, ANYWHERE),
    "nr": Emitter("model", ".nr", _nr, ANYWHERE),
    "jax": Emitter("model", "_jax.py", _code, ANYWHERE),
    "tpu": Emitter("model", ".tpu/", _tpu, ("tpu",)),
}
DEFAULT_EMIT = {"cpu": "so", "cuda": "cuda", "tpu": "tpu"}


def emitter(kind: str, target: str) -> Emitter:
    """The emitter of a kind. Raises UsageError when there is none, or not for this target."""
    if kind not in EMITTERS:
        help = suggest(kind, EMITTERS) or f"the kinds are {', '.join(EMITTERS)}"
        raise usage_error("E0813", f"`--emit`: unknown kind `{kind}`", help=help)
    found = EMITTERS[kind]
    if target not in found.targets:
        known = " or ".join(f"`--target {name}`" for name in found.targets)
        raise usage_error("E0814", f"`--emit={kind}` is not for target {target}", help=f"it goes with {known}")
    return found


PURPOSES: Mapping[str, tuple[str, ...]] = {"training": ("torch",), "inference": ("jax", "keras", "torch")}
"""What code may be for, and the kinds that are written for it."""


def check_purpose(kind: str, purpose: str | None) -> None:
    """Raises UsageError E0814 for a kind that is not written for a purpose."""
    if purpose is not None and kind not in PURPOSES[purpose]:
        known = " or ".join(f"`--emit={name}`" for name in PURPOSES[purpose])
        raise usage_error("E0814", f"`--for={purpose}` is not for `--emit={kind}`", help=f"it goes with {known}")


def text_of(code: Code, stem: str | None) -> str | bytes:
    """A text whose file is called `stem` and a suffix; None where no file can stand beside it."""
    return code.text if isinstance(code.text, str | bytes) else code.text(stem)


def content(product: Product) -> str | bytes:
    """A product that is no folder, whole, without what stands beside it."""
    match product:
        case Code():
            return text_of(product, None)
        case Streamed():
            return b"".join(product.pieces)
        case str() | bytes():
            return product
        case _:
            raise ValueError("a folder is no text")
