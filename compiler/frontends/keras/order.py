"""The order in which the calls of a model's layers can stand: each behind those that give its values."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from neuralc.frontends.keras.model_config import LayerConfig, ModelConfig, Tensor
from neuralc.frontends.keras.refusals import malformed

Place: TypeAlias = tuple[int, int]
"""The number of a layer and that of its call."""


def in_order(model: ModelConfig) -> Iterator[tuple[LayerConfig, int]]:
    """The calls of all layers, in the order of the layers as far as that goes. Raises NeuralcError for a circle."""
    places = {layer.name: place for place, layer in enumerate(model.layers)}
    waiting: dict[Place, set[Place]] = {}
    users: dict[Place, list[Place]] = {}
    for place, layer in enumerate(model.layers):
        for index, call in enumerate(layer.calls):
            needs = {need for tensor in call.tensors for need in _given_by(model, places, tensor)}
            waiting[place, index] = needs
            for need in needs:
                users.setdefault(need, []).append((place, index))
    ready = [call for call, needs in waiting.items() if not needs]
    heapq.heapify(ready)
    done = 0
    while ready:
        here = heapq.heappop(ready)
        done += 1
        yield model.layers[here[0]], here[1]
        for user in users.get(here, ()):
            waiting[user].discard(here)
            if not waiting[user]:
                heapq.heappush(ready, user)
    if done < len(waiting):
        raise malformed("a layer is applied to what follows from its own result, or to what no layer gives")


def _given_by(model: ModelConfig, places: Mapping[str, int], tensor: Tensor) -> Iterator[Place]:
    """The call that gives a value; none for an input."""
    if tensor.layer not in places:
        raise malformed(f"nothing defines the layer `{tensor.layer}`")
    giver = model.layers[places[tensor.layer]]
    if giver.class_name != "InputLayer":
        yield places[tensor.layer], tensor.call
