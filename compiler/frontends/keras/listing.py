"""A Keras model as a text, one line a call, so that messages and the IR have a place to point at.

conv2d = Conv2D(filters=32, kernel_size=[3, 3], activation="relu")(image)
add = keras.ops.add(conv2d, 2.0)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from neuralc.frontends.keras.model_config import Call, LayerConfig, ModelConfig, Tensor, read_model
from neuralc.frontends.keras.names import identifier
from neuralc.grammar.diagnostics import Source, Span
from neuralc.grammar.signatures import find

_SHOWN = (str, int, float, bool)
LONGEST_LINE = 160


class Listing:
    """The text of a model and of the models in it, and where each call stands; its first line is the model's name."""

    def __init__(self, name: str, model: ModelConfig) -> None:
        self._lines: list[str] = [f"{model.name}:"]
        self._places: dict[tuple[str, str, int], int] = {}
        self._write(model, "")
        self.source = Source(name, "\n".join(self._lines))

    def span(self, path: str, layer: str, call: int = 0) -> Span:
        """The line of a call of a layer of the model at `path`; that of the layer's first line for an unknown one."""
        number = self._places.get((path, layer, call), self._places.get((path, layer, 0), 0))
        start = self.source.line_starts[number]
        return self.source.span(start, start + len(self._lines[number]))

    @property
    def whole(self) -> Span:
        return self.source.span(0, len(self._lines[0]))

    def _write(self, model: ModelConfig, path: str) -> None:
        for layer in model.layers:
            if layer.is_model:
                self._write(read_model(layer), f"{path}{identifier(layer.name)}.")
            for index, call in enumerate(layer.calls or (Call(),)):
                self._places[path, layer.name, index] = len(self._lines)
                text = f"{path}{_name(layer, index)} = {_called(layer)}{_applied(call)}"
                self._lines.append(text if len(text) <= LONGEST_LINE else f"{text[: LONGEST_LINE - 3]}...")


def _name(layer: LayerConfig, call: int) -> str:
    return layer.name if call == 0 else f"{layer.name}_{call}"


def _called(layer: LayerConfig) -> str:
    if layer.is_operation:
        return f"{layer.module.removesuffix('.' + layer.class_name)}.{layer.class_name}({_arguments(layer)})"
    return f"{layer.class_name}({_arguments(layer)})"


def _arguments(layer: LayerConfig) -> str:
    """Arguments that are plain values and not the defaults of the language."""
    signature = find(layer.class_name)
    defaults = {p.name: p.default for p in signature.all_parameters} if signature is not None else {}
    hidden = {"name", "dtype", "trainable", "layers", "input_layers", "output_layers", "build_input_shape"}
    return ", ".join(
        f"{name}={_text(value)}"
        for name, value in layer.config.items()
        if name not in hidden and _is_plain(value) and _text(defaults.get(name)) != _text(value) and value != "linear"
    )


def _is_plain(value: Any) -> bool:
    return isinstance(value, _SHOWN) or (isinstance(value, list) and all(map(_is_plain, value)))


def _applied(call: Call) -> str:
    parts = [*map(_text, call.args), *(f"{k}={_text(v)}" for k, v in call.kwargs.items() if v is not None)]
    return f"({', '.join(parts)})" if parts else ""


def _text(value: Any) -> str:
    match value:
        case Tensor():
            return value.layer if value.index == 0 else f"{value.layer}[{value.index}]"
        case str():
            return f'"{value}"'
        case list() | tuple():
            return f"[{', '.join(_items(value))}]"
        case Mapping():
            return str(value.get("class_name", "{..}"))
        case _:
            return str(value)


def _items(values: Sequence[Any]) -> Iterator[str]:
    yield from map(_text, values[:8])
    if len(values) > 8:
        yield ".."
