"""Loads a Keras model: a `.keras` file without Keras, or a live model, becomes a graph module and its weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from xdsl.ir import OpResult

from neuralc.dialects.types import element_of, numpy_dtype
from neuralc.frontends.keras.archive import Entry, read_config, read_weights
from neuralc.frontends.keras.model_config import LayerConfig, read_layer, read_model
from neuralc.frontends.keras.operations import arrays_in
from neuralc.frontends.keras.program import translate
from neuralc.frontends.keras.refusals import malformed
from neuralc.frontends.keras.stored import Groups
from neuralc.frontends.keras.training import with_clauses
from neuralc.frontends.keras.weights import Find, bind
from neuralc.frontends.nr.functions import WeightDeclaration
from neuralc.frontends.nr.lower import Lowering
from neuralc.grammar.diagnostics import error
from neuralc.grammar.recursion import deep_recursion
from neuralc.imported import ImportedModel


def load(path: str | Path, dims: Mapping[str, int] | None = None) -> ImportedModel:
    """The model of a `.keras` file; `dims` fixes symbolic sizes. Raises NeuralcError."""
    path = Path(path)
    config, metadata = read_config(path)
    _check_version(metadata)
    layer = _model(config)
    groups = Groups(read_model(layer), read_weights(path))
    return _imported(layer, config, path.name, groups.find, dims, name=None)


def from_keras(model: Any, *, name: str | None = None) -> ImportedModel:
    """A live Keras 3 model, on any of its backends: sequential, functional, or a class whose call applies layers.

    Arrays are shared with the model where they are in memory as numpy has them. Raises NeuralcError with all that is
    not compiled.
    """
    from neuralc.frontends.keras.live import Variables, configuration, graph_of_layers

    found = graph_of_layers(model)
    config = configuration(found)
    return _imported(_model(config), config, f"<{found.name}>", Variables(found).find, None, name)


def _imported(
    layer: LayerConfig, config: Any, source: str, find: Find, dims: Mapping[str, int] | None, name: str | None
) -> ImportedModel:
    with deep_recursion():
        translation = translate(layer, source)
        outputs = [use.name for use in translation.program.outputs or ()]
        program, told = with_clauses(translation.program, config.get("compile_config"), outputs)
        lowering = Lowering(program, dims)
        module, declared = lowering.run()
    store, shared = bind(declared, translation.layers, _with_constants(translation.layers, find))
    notices = (*program.messages, *lowering.messages, *told, *shared)
    inside = {key: value for key, value in lowering.values.items() if isinstance(value, OpResult)}
    return ImportedModel(name or program.name, module, store, notices, inside)


def _with_constants(layers: Mapping[str, LayerConfig], find: Find) -> Find:
    """The arrays of layers, and those that are written out among the arguments of an operation."""

    def found(path: str, declared: Sequence[WeightDeclaration]) -> Sequence[Entry]:
        if not layers[path].is_operation:
            return find(path, declared)
        arrays = [array for call in layers[path].calls for array in arrays_in(call)]
        dtypes = [numpy_dtype(element_of(weight.type)) for weight in declared]
        return [
            Entry(array.shape, dtype.name, partial(array.astype, dtype))
            for array, dtype in zip(arrays, dtypes, strict=False)
        ]

    return found


def _model(config: Any) -> LayerConfig:
    """Raises NeuralcError E0644 for a model that is saved without its layers."""
    layer = read_layer(config)
    if layer.is_model:
        return layer
    if "layers" in layer.config and "input_layers" in layer.config:
        return LayerConfig("Functional", "keras", layer.name, layer.config)
    raise error(
        "E0644",
        f"`{layer.class_name}` is a class of its own, whose code is not in the file",
        help="save it as a functional model: `x = keras.Input(shape)`, `keras.Model(x, model.call(x)).save(..)`",
    )


def _check_version(metadata: Any) -> None:
    version = str(metadata.get("keras_version", "3")) if isinstance(metadata, Mapping) else "3"
    if version.partition(".")[0] != "3":
        raise malformed(f"Keras {version} wrote it", "load it with Keras 3 and save it again")
