"""Where each weight of the emitted model stands in a weights file: what does not follow from its path is listed.

The path of a weight in Keras, `encoder-0-attention/kernel`, is its name in the file, `encoder.0.attention.kernel`, with
other separators (layer_names.py). RENAMED has the paths of which that is not true, AXES the orders of axes that make
arrays of the file those of Keras, SHAPES the shapes in the file of what Keras has in another one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from neuralc.emit.keras.layer_names import LayerNames, layer_name
from neuralc.emit.keras.states import States
from neuralc.emit.python.expressions import Value, literal
from neuralc.emit.python.parts import PartsTable
from neuralc.emit.python.plan import Child, ClassPlan, FreeWeight, Layer, Row
from neuralc.emit.python.structure import Structure
from neuralc.emit.python.writer import Writer


def weight_rows(structure: Structure, functions: Collection[str]) -> list[Row]:
    """The rows of all weights. The model's own name is no part of the paths."""
    model = structure.model
    inputs = frozenset(getattr(model.function, "inputs", ())) if model.name in functions else frozenset[str]()
    return [found for row in _rows(model, functions, "", None, inputs) for found in structure.in_file(row)]


def _rows(
    plan: ClassPlan,
    functions: Collection[str],
    prefix: str,
    bound: Mapping[str, str] | None,
    reserved: frozenset[str] = frozenset(),
) -> Iterator[Row]:
    names = LayerNames(plan, reserved)
    for member in plan.members:
        match member:
            case Layer():
                for held in member.spec.parameters:
                    key = member.weights[held.name]
                    path = f"{prefix}{names.of(member.attribute)}/{held.name}"
                    stored = bound[key] if bound else key
                    yield Row(path, stored, held.axes, held.shape, held.gates, held.row)
            case FreeWeight():
                key = bound[member.weight] if bound else member.weight
                yield Row(prefix + names.of(member.attribute), key, tuple(range(len(member.shape))))
            case Child():
                inner = {name: bound[key] if bound else key for name, key in member.weights.items()}
                separator = "-" if member.plan.name in functions else "/"
                yield from _rows(member.plan, functions, f"{prefix}{names.of(member.path)}{separator}", inner)


def _as_key(path: str) -> str:
    """What a file calls a weight that has no other name there."""
    return re.sub("[-/]", ".", path)


def _layer(row: Row) -> str:
    """The path of the layer that holds a weight."""
    return row.parameter.rpartition("/")[0]


def _is_of_layer(row: Row) -> bool:
    """True where the last part of both names is that of the weight."""
    return bool(_layer(row)) and row.parameter.rpartition("/")[2] == row.key.rpartition(".")[2]


_BLOCKS = '''\
def blocks(*order, size):
    """The places of blocks along an axis, in another order."""
    return np.concatenate([np.arange(size) + block * size for block in order])
'''

_CONCATENATED = "np.concatenate(parts)"

_JOINED = '''\
def joined(key, stored):
    """A weight that is put together from parts of arrays in the file."""
    parts = [stored[key][places].transpose(axes) for key, places, axes in PARTS[key]]
    return {joined}
'''

_PUT = '''\
def put(key, value, stored):
    """Write such a weight into the arrays that it is parts of."""
    {split}
    for (key, places, axes), part in zip(PARTS[key], parts, strict=True):
        whole = stored.setdefault(key, np.zeros(SHAPES[key], value.dtype))
        shape = whole[places].transpose(axes).shape
        whole[places] = part.reshape(shape).transpose(np.argsort(axes))
'''

_SPLIT_OR_SUM = """\
if key in SUMS:
        parts = [value] + [np.zeros_like(value)] * (len(PARTS[key]) - 1)
    else:
        parts = np.split(value, len(PARTS[key]))"""


class WeightsWriter:
    """Writes the tables, and `weights`, `load` and `save`."""

    def __init__(self, writer: Writer, structure: Structure, functions: Collection[str], states: States) -> None:
        self._states = states
        self._writer = writer
        every, model = weight_rows(structure, functions), structure.model
        named = [replace(row, parameter=_as_key(row.parameter)) for row in every]
        self._parts = PartsTable(named, lambda row: bool(row.places))
        rows = [row for row in every if _as_key(row.parameter) not in self._parts.parts]
        self._strip = model.name not in functions
        self._name = layer_name(model.function.sym_name.data)
        odd = [row for row in rows if _as_key(row.parameter) != row.key]
        layers = {row.parameter.rpartition("/")[0] for row in rows} - {
            _layer(row) for row in odd if not _is_of_layer(row)
        }
        self._layers = {_layer(row): row.key.rpartition(".")[0] for row in odd if _layer(row) in layers}
        self._renamed = {row.parameter: row.key for row in odd if _layer(row) not in layers}
        self._axes = {row.key: row.axes for row in rows if row.axes != tuple(range(len(row.axes)))}
        self._shapes = {row.key: row.shape for row in rows if row.shape}

    def write(self) -> None:
        writer = self._writer
        if self._parts.has_blocks:
            writer.lines(_BLOCKS.splitlines())
            writer.blank(2)
        if self._renamed:
            writer.line("# Weights that a file of the model has under another name than their path.")
            self._table("RENAMED", self._renamed)
        if self._layers:
            writer.line("# Layers that a file of the model has under another name than their path.")
            self._table("LAYERS", self._layers)
        if self._axes:
            writer.line("# The orders of axes that make arrays of the file those of Keras.")
            self._table("AXES", dict(self._axes))
        if self._shapes:
            writer.line("# The shapes that weights have in the file, where Keras has another one.")
            self._table("SPLIT", dict(self._shapes))
        if self._parts:
            self._parts.write(writer)
        if self._states.declared:
            writer.line("# What a call keeps for the next one, which is no part of a file.")
            self._write_paths("STATES", self._states.attributes)
        if self._renamed or self._layers or self._axes or self._shapes or self._parts or self._states.declared:
            writer.blank(2)
        self._write_weights()
        writer.blank(2)
        self._write_load()
        writer.blank(2)
        self._write_save()

    def _table(self, name: str, rows: Mapping[str, Value]) -> None:
        with self._writer.block(f"{name} = {{"):
            for key, value in rows.items():
                whole = f"{literal(key)}: {literal(value)},"
                if self._writer.fits(whole):
                    self._writer.line(whole)
                elif isinstance(value, tuple):
                    self._writer.broken(f"{literal(key)}: (", [literal(item) for item in value], "),")
                else:
                    self._writer.lines([f"{literal(key)}: {literal(value)},"])
        self._writer.line("}")

    def _write_paths(self, name: str, paths: Sequence[str]) -> None:
        """`NAME = {"a", "b"}`."""
        items = [literal(path) for path in paths]
        whole = f"{name} = {{{', '.join(items)}}}"
        if self._writer.fits(whole):
            self._writer.line(whole)
        else:
            self._writer.broken(f"{name} = {{", items, "}")

    def _write_weights(self) -> None:
        writer = self._writer
        with writer.block("def weights(model):"):
            writer.docstring("The weights of the model by their names in a weights file.")
            path = f"weight.path.removeprefix({literal(f'{self._name}/')})" if self._strip else "weight.path"
            if not self._renamed and not self._layers and not self._states.declared:
                self._write_named(f're.sub("[-/]", ".", {path})')
                return
            writer.line("named = {}")
            with writer.block("for weight in model.weights:"):
                writer.line(f"path = {path}")
                if self._states.declared:
                    with writer.block("if path in STATES:"):
                        writer.line("continue")
                key = 're.sub("[-/]", ".", path)'
                writer.line(f"key = RENAMED.get(path, {key})" if self._renamed else f"key = {key}")
                if self._layers:
                    writer.line('layer, _, name = path.rpartition("/")')
                    with writer.block("if layer in LAYERS:"):
                        writer.line('key = f"{LAYERS[layer]}.{name}"')
                writer.line("named[key] = weight")
            writer.line("return named")

    def _write_named(self, key: str) -> None:
        whole = f"return {{{key}: weight for weight in model.weights}}"
        if self._writer.fits(whole):
            self._writer.line(whole)
            return
        with self._writer.block("return {"):
            self._writer.lines([f"{key}: weight", "for weight in model.weights"])
        self._writer.line("}")

    def _write_load(self) -> None:
        writer = self._writer
        sizes = self._states.sizes
        with writer.block(f"def load({', '.join(['path', *self._states.parameters])}):"):
            writer.docstring("The model with the weights of a safetensors file.")
            writer.lines([f"model = build_model({', '.join(sizes)})", "stored = load_file(path)"])
            with writer.block("for key, weight in weights(model).items():"):
                if not (self._axes or self._shapes or self._parts):
                    writer.line("weight.assign(stored[key])")
                else:
                    self._write_value()
            writer.line("return model")
        if self._parts:
            joined = "sum(parts) if key in SUMS else np.concatenate(parts)" if self._parts.sums else _CONCATENATED
            writer.blank(2)
            writer.lines(_JOINED.format(joined=joined).splitlines())

    def _write_value(self) -> None:
        """What a weight is assigned."""
        writer = self._writer
        value = "joined(key, stored) if key in PARTS else stored[key]" if self._parts else "stored[key]"
        writer.line(f"value = {value}")
        if self._axes:
            with writer.block("if key in AXES:"):
                writer.line("value = value.transpose(AXES[key])")
        writer.line(f"weight.assign({'value.reshape(weight.shape)' if self._shapes or self._parts else 'value'})")

    def _write_save(self) -> None:
        writer = self._writer
        if self._parts:
            split = _SPLIT_OR_SUM if self._parts.sums else "parts = np.split(value, len(PARTS[key]))"
            writer.lines(_PUT.format(split=split).splitlines())
            writer.blank(2)
        with writer.block("def save(model, path):"):
            writer.docstring("Write the weights to a safetensors file that neuralc reads.")
            if not (self._axes or self._shapes or self._parts):
                writer.line("named = weights(model).items()")
                writer.line("stored = {key: ops.convert_to_numpy(weight) for key, weight in named}")
                writer.line("save_file(stored, path)")
                return
            writer.line("stored = {}")
            with writer.block("for key, weight in weights(model).items():"):
                writer.line("value = ops.convert_to_numpy(weight)")
                if self._parts:
                    with writer.block("if key in PARTS:"):
                        writer.line("put(key, value, stored)")
                        writer.line("continue")
                if self._shapes:
                    writer.line("value = value.reshape(SPLIT.get(key, value.shape))")
                if self._axes:
                    with writer.block("if key in AXES:"):
                        writer.line("value = value.transpose(np.argsort(AXES[key]))")
                writer.line("stored[key] = np.ascontiguousarray(value)")
            writer.line("save_file(stored, path)")
