"""Binds the weights of a model: from a safetensors file, or reproducible initial ones where no file is named."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from xdsl.dialects.builtin import ModuleOp

from neuralc.code_weights import CodeOfModel, CodeWeights
from neuralc.dialects.bfloat16 import bfloat16
from neuralc.dialects.graph import SOURCE, WeightAttr, WeightOp
from neuralc.dialects.syntax import to_literal
from neuralc.dialects.types import element_of, numpy_dtype
from neuralc.dialects.weights import WeightStore
from neuralc.emit.placements import Neutral
from neuralc.frontends.nr.functions import WeightDeclaration
from neuralc.frontends.nr.load import LoadedProgram
from neuralc.grammar.configured import Configured
from neuralc.grammar.diagnostics import Diagnostic, Span, error, nearest, note
from neuralc.grammar.files_read import reads
from neuralc.initial_values import initial_value
from neuralc.mapped_file import safetensors_arrays
from neuralc.weight_conventions import Recipe, recognise

Shape: TypeAlias = tuple[int, ...]

DEFAULT_SEED = 0


@dataclass(frozen=True)
class BoundWeights:
    """Values for every declared weight, where they come from, and what to tell the user."""

    store: WeightStore
    path: Path | None
    messages: tuple[Diagnostic, ...] = ()


def bind_weights(program: LoadedProgram, weights: str | Path | None = None) -> BoundWeights:
    """Weights for a program: from `weights` (`--weights`), else its `weights:` clause, else initial ones.

    Raises NeuralcError when the file cannot be read or does not fit.
    """
    path = Path(weights) if weights is not None else program.weights_path
    if path is not None:
        span = program.weights_span if weights is None else None
        store, convention = read_weights(path, program.weights, span, CodeOfModel(program.module))
        return BoundWeights(store, path, _told(path, convention, span))
    seed = DEFAULT_SEED if program.seed is None else program.seed
    store = initial_weights(program.weights, seed)
    if not program.weights:
        return BoundWeights(store, None)
    message = f"`{program.name}` starts from untrained weights, made from seed {seed}"
    told = note("W0501", message, help="name trained ones by `--weights FILE` or a `weights:` clause")
    return BoundWeights(store, None, (told,))


def declared_weights(module: ModuleOp) -> tuple[WeightDeclaration, ...]:
    """The weights a module needs values for: every graph.weight that is not derived from others."""
    return tuple(
        WeightDeclaration(
            op.sym_name.data,
            op.type,
            _configured(op.init) or Configured("zeros"),
            bool(to_literal(op.attributes["trainable"])) if "trainable" in op.attributes else True,
            _configured(op.regularizer),
            _configured(op.constraint),
            source=str(to_literal(op.attributes[SOURCE])) if SOURCE in op.attributes else "",
        )
        for op in module.body.block.ops
        if isinstance(op, WeightOp) and op.body is None
    )


def _configured(attribute: WeightAttr | None) -> Configured | None:
    return None if attribute is None else Configured(attribute.called.data, attribute.plain_arguments)


# --- from a file -----------------------------------------------------------------------------------------------------
_DTYPES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64", "I32": "int32",
    "I16": "int16", "I8": "int8", "U64": "uint64", "U32": "uint32", "U16": "uint16", "U8": "uint8", "BOOL": "bool",
}  # fmt: skip


@dataclass(frozen=True)
class _Entry:
    """A tensor of the file, or one the model needs."""

    shape: Shape
    dtype: str

    @property
    def numpy_dtype(self) -> np.dtype[Any]:
        return bfloat16() if self.dtype == "bfloat16" else np.dtype(self.dtype)

    def __str__(self) -> str:
        return f"{self.dtype}{list(self.shape)}"


def _told(path: Path, convention: str | None, span: Span | None) -> tuple[Diagnostic, ...]:
    if convention is None:
        return ()
    message = f"the weights of `{path}` have the names of {convention}: they are read with its layouts"
    return (note("W0502", message, span),)


def read_weights(
    path: str | Path,
    declared: Sequence[WeightDeclaration],
    span: Span | None = None,
    code: CodeOfModel | None = None,
) -> tuple[WeightStore, str | None]:
    """The declared weights from a safetensors file, and whose names they have; `span` is where the model names it.

    Names of our own need no convention. Others are those of code that neuralc wrote for the model, or of a framework
    by itself (weight_conventions.py). Raises NeuralcError: one error lists every weight that is missing, unexpected,
    or of another shape or type.
    """
    path = Path(path)
    reads(path)
    if not path.exists():
        raise error("E0501", f"there is no weights file `{path}`", span, help="paths in a model start at its folder")
    if path.is_dir():
        raise error("E0501", f"`{path}` is a folder, not a weights file", span)
    try:
        with safe_open(path, framework="numpy") as file:
            found = {name: _entry(file.get_slice(name)) for name in file.keys()}  # noqa: SIM118 (not a mapping)
            written = (file.metadata() or {}).get("format")
        return _read(_File(path, found, span, written), declared, code)
    except SafetensorError as failure:
        raise error(
            "E0503",
            f"`{path}` is not a whole safetensors file",
            span,
            note=f"{failure} ({path.stat().st_size} bytes)",
            help="save the weights again, by `save_file` of the package safetensors; other formats are not read",
        ) from None
    except OSError as failure:
        raise error("E0501", f"cannot read `{path}`", span, note=failure.strerror or str(failure)) from None


@dataclass(frozen=True)
class _File:
    """A safetensors file that can be read."""

    path: Path
    found: Mapping[str, _Entry]
    span: Span | None
    written: str | None = None
    """The `format` of its metadata: by which framework it was written."""

    def arrays(self, names: Iterable[str]) -> dict[str, NDArray[Any]]:
        entries = [(name, self.found[name]) for name in names]
        return safetensors_arrays(self.path, [(name, entry.numpy_dtype, entry.shape) for name, entry in entries])


def _read(
    file: _File, declared: Sequence[WeightDeclaration], code: CodeOfModel | None
) -> tuple[WeightStore, str | None]:
    """By the names of our own, of code for the model, or of a framework."""
    own, names = {weight.name: _needed(weight) for weight in declared}, set(file.found)
    tried: list[CodeWeights] = []
    if names == set(own):
        other = _other_layouts(file, own, code)
        if other is not None:
            return other.store(file.arrays(names), declared, file.span), other.said
    else:
        for each in () if code is None else code.plans(names):
            if names == set(each.names(names)):
                _compare(file, file.found, _entries(each, file.found), f"it has the names of {each.said}")
                return each.store(file.arrays(names), declared, file.span), each.said
            tried.append(each)
        if (recognised := recognise(declared, list(names))) is not None:
            convention, recipes = recognised
            return _converted(file, declared, recipes), convention.name
    closest = max(tried, key=lambda each: len(names.intersection(each.plan.entries)), default=None)
    if closest is not None and len(names.intersection(closest.plan.entries)) > len(names.intersection(own)):
        _compare(file, file.found, _entries(closest, file.found), f"closest are the names of {closest.said}")
    _compare(file, file.found, own)
    return WeightStore(file.arrays(own)), None


def _other_layouts(file: _File, own: Mapping[str, _Entry], code: CodeOfModel | None) -> CodeWeights | None:
    """The code whose layouts a file has that has the model's own names; None where it has the model's own layouts.

    An ONNX model may call a matrix `fc.weight` as PyTorch does, and hold the transpose of it. Raises NeuralcError where
    a file may be either.
    """
    if code is None or not code.imported:
        return None  # no code has the names that a program gives its weights for other layouts
    readings: dict[str, CodeWeights | None] = {"np": None}
    for each in code.plans(file.found):
        if each.reorders and set(file.found) == set(each.names(file.found)):
            readings.setdefault(each.format, each)
    needed = {format: _entries(other, file.found) if other else own for format, other in readings.items()}
    fitting = [format for format in readings if needed[format] == file.found]
    if file.written in fitting:
        return readings[file.written]
    if len(fitting) < 2:
        return readings[fitting[0]] if fitting else None
    others = [other for format in fitting if (other := readings[format])]
    raise error(
        "E0502",
        f"the weights of `{file.path}` may have the layouts of the model or of its code",
        file.span,
        note=[f"{name} has other axes in {each.said}, and the same shape" for each in others for name in each.reorders],
        help="write the file with its format: "
        + ", ".join(f"metadata={{'format': '{each.format}'}} for those of {each.said}" for each in others)
        + ", 'np' for those of the model",
    )


def _entries(code: CodeWeights, found: Mapping[str, _Entry]) -> dict[str, _Entry]:
    """What a file with the names of code has to have; in what does not count it may have anything."""
    entries = [code.plan.entries[name] for name in code.names(found)]
    return {
        entry.name: found[entry.name]
        if isinstance(entry, Neutral) and not entry.counts
        else _Entry(entry.shape, entry.dtype.name)
        for entry in entries
    }


def _converted(file: _File, declared: Sequence[WeightDeclaration], recipes: Mapping[str, Recipe]) -> WeightStore:
    """Weights made of those that another framework has: once to be compared, and again where they are read."""
    arrays = file.arrays(sorted({source for recipe in recipes.values() for source in recipe.sources}))
    made: dict[str, _Entry] = {}
    store: dict[str, Callable[[], NDArray[Any]]] = {}
    for weight in declared:
        recipe = recipes[weight.name]
        make = partial(
            _make, recipe, [arrays[source] for source in recipe.sources], numpy_dtype(element_of(weight.type))
        )
        try:
            array = make()
        except ValueError as problem:
            shapes = ", ".join(f"{source} {file.found[source]}" for source in recipe.sources)
            raise error(
                "E0502",
                f"`{weight.name}` cannot be made of the weights of `{file.path}`",
                file.span,
                note=f"{shapes}: {problem}",
            ) from None
        made[weight.name] = _Entry(array.shape, array.dtype.name)
        store[weight.name] = make
    _compare(file, made, {weight.name: _needed(weight) for weight in declared})
    return WeightStore(store)


def _make(recipe: Recipe, arrays: Sequence[NDArray[Any]], dtype: np.dtype[Any]) -> NDArray[Any]:
    array: NDArray[Any] = np.ascontiguousarray(recipe.make(*arrays), dtype)
    return array


def _entry(tensor: Any) -> _Entry:
    dtype = str(tensor.get_dtype())
    return _Entry(tuple(tensor.get_shape()), _DTYPES.get(dtype, dtype))


def _needed(weight: WeightDeclaration) -> _Entry:
    return _Entry(weight.shape, numpy_dtype(element_of(weight.type)).name)


def _compare(file: _File, found: Mapping[str, _Entry], needed: Mapping[str, _Entry], whose: str = "") -> None:
    """`whose` says whose names the needed ones are, where they are not our own."""
    missing = [name for name in needed if name not in found]
    unexpected = [name for name in found if name not in needed]
    different = [name for name in needed if name in found and found[name] != needed[name]]
    if not (missing or unexpected or different):
        return
    counts = {"missing": missing, "unexpected": unexpected, "of another shape or type": different}
    summary = ", ".join(f"{len(names)} {what}" for what, names in counts.items() if names)
    lines = [whose] if whose else []
    lines += [f"missing: {name} {needed[name]}{_similar(name, unexpected)}" for name in missing]
    lines += [f"unexpected: {name} {found[name]}" for name in unexpected]
    lines += [f"different: {name} is {found[name]}, the model needs {needed[name]}" for name in different]
    raise error(
        "E0502",
        f"the weights of `{file.path}` do not fit the model: {summary}",
        file.span,
        note=lines,
        help="save the weights of this model, under these names and shapes",
    )


def _similar(name: str, unexpected: Iterable[str]) -> str:
    close = nearest(name, unexpected)
    return "" if close is None else f" (the file has {close})"


# --- untrained -------------------------------------------------------------------------------------------------------
def initial_weights(declared: Sequence[WeightDeclaration], seed: int = DEFAULT_SEED) -> WeightStore:
    """Weights by the initializers of the layers, each made where it is read.

    Reading one raises NeuralcError where all of them do not fit into memory.
    """
    size = sum(math.prod(w.shape) * numpy_dtype(element_of(w.type)).itemsize for w in declared)
    return WeightStore({weight.name: partial(_made, weight, seed, size) for weight in declared})


def _made(weight: WeightDeclaration, seed: int, size: int) -> NDArray[Any]:
    """The values of one weight of a model whose weights take `size` bytes."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if size > memory // 2:
        raise error(
            "E0505",
            f"the weights of the model take {size / 2**30:.1f} GiB, this machine has {memory / 2**30:.1f} GiB",
            help="check the sizes of the layers",
        )
    values = initial_value(weight.name, weight.shape, weight.initializer, seed)
    return values.astype(numpy_dtype(element_of(weight.type)))
