"""Pairs the weights of a program with the arrays of a Keras model, layer by layer in the order that Keras has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeAlias

import numpy as np

from neuralc.dialects.types import element_of, numpy_dtype
from neuralc.dialects.weights import Array, Maker, WeightStore
from neuralc.frontends.keras.archive import Entry
from neuralc.frontends.keras.model_config import LayerConfig
from neuralc.frontends.nr.functions import WeightDeclaration
from neuralc.grammar.diagnostics import Diagnostic, error, warning

Find: TypeAlias = Callable[[str, Sequence[WeightDeclaration]], Sequence[Entry]]
"""The arrays of the layer at a path, in the order of its weights."""

NOT_SAVED = "lora_"
"""Weights that are 0 in a file: Keras adds the product that they make to the weight that they adapt."""

LISTED = 50
"""Lines of the message; more than that nobody reads."""


def bind(
    declared: Sequence[WeightDeclaration], layers: Mapping[str, LayerConfig], find: Find
) -> tuple[WeightStore, tuple[Diagnostic, ...]]:
    """Arrays for all weights, and warnings about those of several. Raises NeuralcError E0642 for what does not fit."""
    store: dict[str, Array | Maker] = {}
    problems: list[str] = []
    places: dict[object, list[str]] = {}
    for path, own in _by_layer(declared, layers):
        found = list(find(path, own))
        found += [_zeros(weight) for weight in own[len(found) :] if NOT_SAVED in weight.name]
        if len(found) != len(own):
            names = ", ".join(weight.name for weight in own)
            problems.append(f"{path} has {len(found)} arrays, its weights are {names}")
            continue
        for weight, entry in zip(own, found, strict=True):
            wanted = numpy_dtype(element_of(weight.type)).name
            if (entry.shape, entry.dtype) != (weight.shape, wanted):
                shown = f"{entry.dtype}{list(entry.shape)}"
                problems.append(f"{weight.name} is {wanted}{list(weight.shape)}, the model has {shown}")
            store[weight.name] = entry.make
            if entry.place is not None:
                places.setdefault(entry.place, []).append(weight.name)
    if problems:
        raise error(
            "E0642",
            "the arrays of the model do not fit its layers",
            note=problems[:LISTED],
            help='save the model again, as a whole: `model.save("model.keras")`',
        )
    return WeightStore(store), tuple(map(_shared, (names for names in places.values() if len(names) > 1)))


def _shared(names: Sequence[str]) -> Diagnostic:
    message = f"{' and '.join(f'`{name}`' for name in names)} are one array in Keras, and train apart here"
    return warning("W0602", message, help="call one model, or one layer, wherever the array is used")


def _by_layer(
    declared: Sequence[WeightDeclaration], layers: Mapping[str, LayerConfig]
) -> Iterator[tuple[str, Sequence[WeightDeclaration]]]:
    """The weights of each layer: of layers within one another those of the outer one that is no model."""
    found: dict[str, list[WeightDeclaration]] = {}
    for weight in declared:
        parts = weight.name.split(".")
        paths = (".".join(parts[:count]) for count in range(1, len(parts)))
        path = next(path for path in paths if path in layers and not layers[path].is_model)
        found.setdefault(path, []).append(weight)
    yield from found.items()


def _zeros(weight: WeightDeclaration) -> Entry:
    dtype = numpy_dtype(element_of(weight.type))
    return Entry(weight.shape, dtype.name, partial(np.zeros, weight.shape, dtype))
