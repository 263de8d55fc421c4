"""Functions of keras.ops that were applied to values of a model, as graph ops."""

from __future__ import annotations

from neuralc.frontends.keras.model_config import Call, LayerConfig
from neuralc.frontends.nr.layers.shared import Lowering


def lowering_of_operation(layer: LayerConfig, call: Call) -> tuple[Lowering | None, str]:
    return None, "it is not compiled"
