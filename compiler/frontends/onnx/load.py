"""Loads an ONNX model: a file, or a model in memory, becomes a graph module and the bytes of its weights."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import OpResult, Region, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import ShapeError, numpy_dtype, tensor_type
from neuralc.dialects.weights import WeightStore
from neuralc.frontends.builder import Builder, hint
from neuralc.frontends.onnx import functions, metadata, texts, wire
from neuralc.frontends.onnx.element_types import ELEMENTS, name_of
from neuralc.frontends.onnx.importer import Importer, Place
from neuralc.frontends.onnx.kept import keep
from neuralc.frontends.onnx.merged import take_apart
from neuralc.frontends.onnx.metadata import Metadata
from neuralc.frontends.onnx.scope import MISSING, Missing, Scope, invalid
from neuralc.frontends.onnx.tensors import TensorReader
from neuralc.frontends.refusals import shown
from neuralc.frontends.sizes import Size
from neuralc.frontends.symbols import UNNAMED, Symbols
from neuralc.frontends.values import Array, Value, from_ssa
from neuralc.grammar.diagnostics import error
from neuralc.mapped_file import map_file

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, TensorShapeProto, ValueInfoProto

OLDEST, NEWEST = 1, 28
"""Versions of the operator set ai.onnx that are read; those before 7 as far as they are the same."""

BATCH = "batch"
"""The name of a leading size that the model leaves open and does not name."""


@dataclass(frozen=True)
class LoadedModel:
    """A model on the graph level, with its weights: views of the file where they stand in it as they are."""

    name: str
    module: ModuleOp
    store: WeightStore
    values: Mapping[str, SSAValue] = field(default_factory=dict)
    """What the model computes in a run, by the names of the file. Values inside of its functions are not among them."""


@dataclass(frozen=True)
class Fixed:
    """What a user knows of a model beforehand: symbolic sizes by name, and inputs that have one value in every run."""

    sizes: Mapping[str, int] = field(default_factory=dict)
    inputs: Mapping[str, Array] = field(default_factory=dict)
    """They are no inputs of the module any more: sizes that depend on their values are then known."""


def load(path: str | Path, fixed: Fixed | None = None) -> LoadedModel:
    """The model of a file. Raises NeuralcError."""
    path = Path(path)
    return _model(_mapped(path), path.stem, path.parent, fixed or Fixed())


def load_bytes(data: bytes, fixed: Fixed | None = None, folder: Path | None = None) -> LoadedModel:
    """A model in memory (`ModelProto.SerializeToString`); external data is read from `folder` alone."""
    return _model(memoryview(data), "model", folder, fixed or Fixed())


def _mapped(path: Path) -> memoryview:
    try:
        if path.stat().st_size == 0:
            raise wire.malformed("the file is empty")
        return memoryview(map_file(path))
    except OSError as fault:
        raise error("E0901", f"cannot read {path}", note=(fault.strerror or str(fault)).lower()) from None


def _model(data: memoryview, name: str, folder: Path | None, fixed: Fixed) -> LoadedModel:
    try:
        from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
        from onnx import ModelProto
    except ImportError as problem:
        raise error(
            "E0615",
            "reading ONNX models needs the package `onnx`",
            note=str(problem),
            help="pip install 'neuralc[onnx]'",
        ) from None
    skeleton, pieces = wire.cut(data)
    try:
        model = ModelProto.FromString(skeleton)
        texts.check(model)
        symbols = Symbols(fixed.sizes)
        kept = metadata.read(model)
        builder = Builder(symbols, keeps_weights=kept is not None)
        importer = Importer(builder, TensorReader(pieces, folder), functions.of_model(model))
        if kept is None:
            take_apart(model.graph, importer.tensors)
        scope = Scope()
        own = name if kept is None else model.graph.name or name
        module = _Module(model, importer, fixed.inputs, kept or Metadata()).build(_identifier(own), scope)
    except (DecodeError, UnicodeError) as problem:
        raise wire.malformed(str(problem) or "protobuf cannot read it") from None
    except ShapeError as problem:
        raise invalid(str(problem)) from None
    except RecursionError:
        raise invalid("graphs or sizes within one another, deeper than neuralc follows") from None
    symbols.check_sizes()
    return LoadedModel(name, module, builder.store, _computed(scope))


def _computed(scope: Scope) -> dict[str, SSAValue]:
    """The results of ops by name. Symbols that became one have replaced results: an op and a number lead to them."""
    found = {name: value.ssa for name, value in scope.values.items() if isinstance(value, Value)}
    return {name: ssa.op.results[ssa.index] for name, ssa in found.items() if isinstance(ssa, OpResult)}


@dataclass(frozen=True)
class _Module:
    model: ModelProto
    importer: Importer
    fixed: Mapping[str, Array]
    kept: Metadata

    def build(self, name: str, scope: Scope) -> ModuleOp:
        graph_, importer = self.model.graph, self.importer
        self._declare(graph_)
        place = Place(scope, _opsets(self.model))
        inputs = self._inputs(graph_, place.scope)
        outputs = [port.name for port in graph_.output]
        self._check_names(inputs, outputs)
        importer.graph(graph_, place, outputs)
        found = [place.scope.get(output, "the list of outputs") for output in outputs]
        importer.refusals.check()
        values = self._outputs([value for value in found if isinstance(value, Value)])
        builder = importer.builder
        end = graph.ReturnOp([builder.ssa(value) for value in values])
        self._first_values(place.scope)
        builder.main.add_op(end)
        types = [value.type for value in end.operands]
        model = graph.ModelOp(name, inputs, outputs, types, Region(builder.main), self.kept.clauses)
        module = ModuleOp([*builder.symbols.declarations(), *builder.weights, model])
        keep(module, model, self.kept)
        return module

    def _first_values(self, scope: Scope) -> None:
        """The weights that states begin with: nothing else has to read them."""
        for text in self.kept.states.values():
            value = scope.get(text[1:], "a state") if text.startswith("@") else None
            read = self.importer.builder.ssa(value).owner if isinstance(value, Value) else None
            if isinstance(read, graph.GetWeightOp) and not read.results[0].uses:
                self.importer.builder.main.erase_op(read)

    def _declare(self, graph_: GraphProto) -> None:
        """The bounds of sizes that inputs name."""
        named = {dim.dim_param for port in graph_.input for dim in port.type.tensor_type.shape.dim}
        for symbol, (low, high) in self.kept.bounds.items():
            if symbol in named:
                self.importer.builder.symbols.declare(symbol, f"metadata of `{shown(symbol)}`", low, high)

    def _check_names(self, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        for what, names in (("input", inputs), ("output", outputs)):
            twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
            if twice is not None:
                raise invalid(f"the model has two {what}s `{shown(twice)}`")
        if not outputs:
            raise invalid("the model has no outputs")

    def _outputs(self, values: Sequence[Value]) -> list[Value]:
        """Each output a value of its own: no input, and not another output."""
        builder = self.importer.builder
        seen: set[SSAValue] = set(builder.main.args)
        out: list[Value] = []
        for value in values:
            ssa = builder.ssa(value)
            if ssa in seen:
                plain = from_ssa(value.name, ssa)
                value = builder.emit(graph.IdentityOp, plain, name=value.name)
                ssa = builder.ssa(value)
            seen.add(ssa)
            out.append(value)
        return out

    # --- inputs --------------------------------------------------------------------------------------------------
    def _inputs(self, graph_: GraphProto, scope: Scope) -> list[str]:
        """The arguments of the model. Tensors that are listed as inputs too (IR version 3) are weights."""
        weights = {tensor.name for tensor in graph_.initializer}
        weights |= {tensor.values.name for tensor in graph_.sparse_initializer}
        ports = [port for port in graph_.input if port.name not in weights]
        unknown = next((name for name in self.fixed if name not in [port.name for port in ports]), None)
        if unknown is not None:
            raise error("E0904", f"the model has no input `{unknown}`")
        for port in ports:
            value = self._input(port)
            scope.define(port.name, self._constant(port.name, value) if port.name in self.fixed else value)
        return [port.name for port in ports if port.name not in self.fixed]

    def _constant(self, name: str, value: Value | Missing) -> Value | Missing:
        """An input that the user gives a value. Raises NeuralcError E0904 where that does not fit."""
        if isinstance(value, Missing):
            return value
        array, symbols = self.fixed[name], self.importer.builder.symbols
        if array.dtype != numpy_dtype(value.element) or array.ndim != value.rank:
            raise error(
                "E0904", f"input `{name}` is {value.type}", note=f"its value is {array.dtype}{list(array.shape)}"
            )
        for declared, size in zip(value.shape, array.shape, strict=True):
            symbols.unify(declared, size)
        argument = self.importer.builder.main.args[-1]
        self.importer.builder.main.erase_arg(argument)
        return self.importer.builder.known(array, value.element, name)

    def _input(self, port: ValueInfoProto) -> Value | Missing:
        refusals = self.importer.refusals
        kind = port.type.WhichOneof("value")
        if kind != "tensor_type":
            refusals.add("input", f"a {(kind or 'value of no type').removesuffix('_type')}, not a tensor", port.name)
            return MISSING
        tensor = port.type.tensor_type
        if tensor.elem_type not in ELEMENTS:
            refusals.add("input", f"element type {name_of(tensor.elem_type)}", port.name)
            return MISSING
        if not tensor.HasField("shape"):
            refusals.add("input", "a tensor of any rank", port.name)
            return MISSING
        shape = [self._size(port.name, axis, dim) for axis, dim in enumerate(tensor.shape.dim)]
        block = self.importer.builder.main
        argument = block.insert_arg(tensor_type(shape, ELEMENTS[tensor.elem_type]), len(block.args))
        argument.name_hint = hint(port.name)
        return from_ssa(port.name, argument)

    def _size(self, name: str, axis: int, dim: TensorShapeProto.Dimension) -> Size:
        value = dim.dim_value
        if dim.HasField("dim_value") and value >= 0:
            return value
        symbols, origin = self.importer.builder.symbols, f"dim {axis} of input `{shown(name)}`"
        text = dim.dim_param.strip()
        if text not in UNNAMED:
            return symbols.named(text, origin)
        if axis == 0 and not symbols.has(BATCH):
            return symbols.named(BATCH, origin)
        return symbols.fresh(f"{name}_d{axis}", origin)


def _opsets(model: ModelProto) -> dict[str, int]:
    """The operator sets a model asks for. Raises NeuralcError E0611 for a version of ai.onnx that is not read."""
    found = {("" if each.domain == "ai.onnx" else each.domain): each.version for each in model.opset_import}
    if not found and not model.graph.node and not model.graph.output:
        raise wire.malformed("it has no graph")
    version = found.get("")
    if version is not None and not OLDEST <= version <= NEWEST:
        raise error(
            "E0611",
            f"the model is of version {version} of the ONNX operator set",
            note=f"neuralc reads versions {OLDEST} to {NEWEST}",
            help="export it for one of those, or convert it by `onnx.version_converter`",
        )
    return found


def _identifier(text: str) -> str:
    name = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_") or "model"
    return f"m{name}" if name[0].isdigit() else name
