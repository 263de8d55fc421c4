"""Networks of `keras.applications` as references for examples/models, with their layers in the order of ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from support.keras_reference import keras

Key: TypeAlias = Callable[[Any], tuple[int, ...]]


def _of_resnet(layer: Any) -> tuple[int, ...]:
    """By stage, block and place in it; `0` is the shortcut, which comes last."""
    found = re.match(r"conv(\d)_(?:block(\d)_(\d)_)?(conv|bn)", layer.name)
    if found is None:
        return (9,)
    stage, block, place, kind = found.groups()
    return int(stage), int(block or 0), int(place or 0) or 4, int(kind == "bn")


def _of_mobilenet(layer: Any) -> tuple[int, ...]:
    """As they are: a chain."""
    return ()


def _of_inception(layer: Any) -> tuple[int, ...]:
    """By the number in the name: the order in which the branches were written."""
    number = re.search(r"_(\d+)$", layer.name)
    return int(layer.name == "predictions"), int(number[1]) if number else 0, int("batch" in layer.name)


ORDERS: Mapping[str, Key] = {
    "ResNet50": _of_resnet,
    "MobileNetV2": _of_mobilenet,
    "InceptionV3": _of_inception,
}


def application(name: str, size: int) -> tuple[Any, list[Any]]:
    """A network of `keras.applications` without weights, and its layers that have weights, in our order."""
    model = getattr(keras.applications, name)(weights=None, input_shape=(size, size, 3))
    layers = sorted((layer for layer in model.layers if layer.weights), key=ORDERS[name])
    if name == "ResNet50":  # 1.001e-5 in Keras
        for layer in layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.epsilon = 1e-5
    return model, layers
