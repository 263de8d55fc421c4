"""What a call of a Keras layer names: the values it is applied to, and arguments that other layers have beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from neuralc.frontends.keras.model_config import Call, LayerConfig, Tensor, read_model, tensors_in

_HEADS = ("query", "value", "key", "query_mask", "value_mask", "key_mask", "attention_mask")
_SEQUENCE = ("x", "initial_state", "mask")
_STEP = ("x", "states")

PARAMETERS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("MultiHeadAttention", "GroupQueryAttention"), _HEADS),
    **dict.fromkeys(
        ("SimpleRNN", "LSTM", "GRU", "RNN", "Bidirectional", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"), _SEQUENCE
    ),
    **dict.fromkeys(("SimpleRNNCell", "LSTMCell", "GRUCell", "StackedRNNCells"), _STEP),
}
"""The parameters of `call` in the order of Keras, under the names that the language has for these values."""

PLAIN = ("x", "mask")
"""Those of all other layers."""

WITHOUT_MASK = ("BatchNormalization",)
"""Layers whose call has a mask that only training reads."""

FIRST = ("inputs", "sequences", "sequence", "data", "x")
"""What Keras calls the first one."""

FLAGS = ("use_causal_mask", "return_attention_scores")
"""Arguments of a call that are arguments of the layer here."""


@dataclass(frozen=True)
class Applied:
    """What a layer is applied to: values in order and by name, arguments, and why the call is refused if it is."""

    positional: Sequence[Tensor] = ()
    named: Mapping[str, tuple[Tensor, ...]] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)
    problem: str | None = None


def applied(layer: LayerConfig, call: Call) -> Applied:
    """The values and arguments of a call."""
    order = PARAMETERS.get(layer.class_name, PLAIN)
    given = dict(zip(order, call.args, strict=False))
    if len(call.args) > len(order):
        return Applied(problem=f"a call has {len(call.args)} arguments")
    arguments: dict[str, Any] = {}
    for name, value in call.kwargs.items():
        if name == "training":
            if value:
                return Applied(problem="`training=True` drops values and counts statistics in every run")
        elif name in FLAGS:
            arguments[name] = bool(value)
        elif name in FIRST or name in order:
            given[order[0] if name in FIRST else name] = value
        elif value is not None:
            return Applied(problem=f"a call has the argument `{name}`")
    first = tuple(tensors_in(_in_order(layer, given.pop(order[0], ()))))
    named: dict[str, tuple[Tensor, ...]] = {}
    for name, value in given.items():
        found = tuple(tensors_in(value))
        if _numbers(value, found):
            return Applied(problem=f"`{name}` of a call holds what is no value of the model")
        if found:
            named[name] = found
    return Applied(first, named, arguments)


def _in_order(layer: LayerConfig, value: Any) -> Any:
    """The values of a model's inputs in their order, where a dictionary names them."""
    if not layer.is_model or not isinstance(value, Mapping):
        return value
    return [value[name] for name in (key or tensor.layer for key, tensor in read_model(layer).inputs) if name in value]


def _numbers(value: Any, found: Sequence[Tensor]) -> bool:
    """Whether an argument holds something beside values of the model; a list of masks may hold None."""
    parts = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else [value]
    flat = [part for part in parts if part is not None and not isinstance(part, list)]
    return any(not isinstance(part, Tensor) for part in flat) or (len(found) > 0 and None in parts)
