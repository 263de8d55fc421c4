"""Finds the arrays of a layer in the groups of a `.keras` file.

Keras saves the layers of a model under the names of their classes with numbers, `layers/dense_1`, and the layers that
a layer is made of under the attributes that hold them, `bidirectional/forward_layer/cell`. A layer that stands in
several models is saved where it stands first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from neuralc.frontends.keras.archive import Entry, StoredWeights
from neuralc.frontends.keras.model_config import LayerConfig, ModelConfig, read_layer, read_model
from neuralc.frontends.keras.names import Unique, identifier
from neuralc.frontends.nr.functions import WeightDeclaration
from neuralc.grammar.signatures import snake_case

_HEADS = ("query_dense", "key_dense", "gate_dense", "value_dense", "output_dense")
PARTS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("MultiHeadAttention", "GroupQueryAttention", "GroupedQueryAttention"), _HEADS),
    **dict.fromkeys(("SimpleRNN", "LSTM", "GRU", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"), ("cell",)),
}
"""Layers that Keras makes of others: the attributes that hold those with weights, in the order of their weights."""

HELD: Mapping[str, Mapping[str, str]] = {
    "Bidirectional": {"forward_layer": "layer", "backward_layer": "backward_layer"},
    "TimeDistributed": {"layer": "layer"},
    "RNN": {"cell": "cell"},
}
"""Layers around others: the attributes that hold these, and the arguments that say what they are."""

READ: Mapping[str, int] = {"Normalization": 2}
"""Layers of which a run reads the first arrays alone: the others are about `adapt`."""


SAVED_AS: Mapping[str, str] = {"GroupQueryAttention": "GroupedQueryAttention"}
"""Layers whose class has another name than the one that Keras exports: groups are named after the class."""


class Groups:
    """The groups of the layers of a model, by the paths of the layers."""

    def __init__(self, model: ModelConfig, stored: StoredWeights) -> None:
        self._stored = stored
        self._found: dict[str, tuple[str, LayerConfig]] = {}
        self._first: dict[tuple[str, str], str] = {}
        self._walk(model, "", "")

    def find(self, path: str, declared: Sequence[WeightDeclaration]) -> Sequence[Entry]:
        """The arrays of a layer of the program."""
        group, layer = self._found[path]
        return list(self._arrays(group, layer))

    def _walk(self, model: ModelConfig, path: str, group: str) -> None:
        for layer, own in zip(*_named(model, group), strict=True):
            inner = f"{path}{identifier(layer.name)}"
            first = self._first.setdefault((layer.class_name, layer.name), own)
            if layer.shared is not None and not self._stored.has(own):
                own = first
            self._found[inner] = own, layer
            if layer.is_model:
                self._walk(read_model(layer), f"{inner}.", f"{own}/")

    def _arrays(self, group: str, layer: LayerConfig) -> Iterator[Entry]:
        if layer.is_model:
            for inner, own in zip(*_named(read_model(layer), f"{group}/"), strict=True):
                yield from self._arrays(own, inner)
            return
        yield from self._stored.of(group)[: READ.get(layer.class_name)]
        for part in PARTS.get(layer.class_name, ()):
            # Attributes without a public name are saved under the private one.
            yield from self._stored.of(f"{group}/{part}") or self._stored.of(f"{group}/_{part}")
        for attribute, argument in HELD.get(layer.class_name, {}).items():
            held = layer.config.get(argument) or layer.config.get("layer")
            yield from self._arrays(f"{group}/{attribute}", read_layer(held))
        if layer.class_name == "StackedRNNCells":
            names = Unique()
            for cell in map(read_layer, layer.config["cells"]):
                yield from self._arrays(f"{group}/cells/{names.take(_saved_as(cell))}", cell)


def _named(model: ModelConfig, group: str) -> tuple[Sequence[LayerConfig], Sequence[str]]:
    """The layers of a model and their groups; operations have none."""
    names = Unique()
    layers = [layer for layer in model.layers if not layer.is_operation]
    return layers, [f"{group}layers/{names.take(_saved_as(layer))}" for layer in layers]


def _saved_as(layer: LayerConfig) -> str:
    return snake_case(SAVED_AS.get(layer.class_name, layer.class_name))
