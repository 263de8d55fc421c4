"""From the configuration of a Keras layer to the arguments of the layer of the language that has its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from neuralc.frontends.keras.model_config import LayerConfig, read_layer
from neuralc.frontends.keras.names import identifier
from neuralc.frontends.keras.objects import Unsaid, evaluated, policy
from neuralc.frontends.keras.operations import REASONS as OPERATION_REASONS
from neuralc.frontends.keras.refusals import Refusals
from neuralc.grammar.binding import Given, bind
from neuralc.grammar.diagnostics import Span
from neuralc.grammar.parameters import ALayer, NotYet, Optional, Parameter, Several
from neuralc.grammar.program import RUNNING, CallNode, LayerNode, layers_in
from neuralc.grammar.reporter import Reporter
from neuralc.grammar.signatures import COMMON, Signature, find
from neuralc.grammar.values import Evaluated, LayerArgument

NOT_READ = ("name", "trainable", "dtype")
"""Arguments of every layer, which are read by themselves."""

WITHOUT_MEANING: Mapping[str, tuple[Any, ...]] = {"autocast": (True,), "sparse": (False, None), "ragged": (False,)}
"""Arguments that are no parameters of the language, and the values with which they change nothing."""

ONE_TYPE = ("Bidirectional", "RNN", "StackedRNNCells")
"""Layers around others that compute in the type of the outer one."""

REASONS: Mapping[str, str] = {
    "Lambda": "it is code of Python, which a file may not bring: use a layer or functions of keras.ops",
    "EinsumDense": "write it as `keras.ops.einsum` of a Dense layer, or as MultiHeadAttention",
    "TextVectorization": "strings are no values of a model here: vectorize them before",
    "StringLookup": "strings are no values of a model here: look them up before",
    "TFSMLayer": "it is a graph of TensorFlow",
    "TorchModuleWrapper": "it is a module of PyTorch: import it by `neuralc.from_torch`",
    "JaxLayer": "it is a function of JAX: import it by `neuralc.from_jax`",
    "FlaxLayer": "it is a module of Flax: import it by `neuralc.from_jax`",
}
"""Why a layer of Keras is none of the language."""


class Arguments:
    """Makes nodes of the checked program of layers; what does not fit goes to `report` and `refusals`."""

    def __init__(self, report: Reporter, refusals: Refusals) -> None:
        self.report, self.refusals = report, refusals

    def signature(self, layer: LayerConfig, path: str) -> Signature | None:
        """The layer of the language by the same name; None where there is none, which is refused."""
        found = find(layer.class_name)
        if not layer.is_own:
            reason = "it is a class of your own, whose code is not in the file: build it of layers of Keras"
        elif layer.class_name in REASONS:
            reason = REASONS[layer.class_name]
        elif found is None or not found.source.startswith(("Keras 3", "keras.")):
            reason = "the language has no such layer"
        else:
            return found
        self.refusals.add(layer.class_name, reason, path)
        return None

    def node(self, layer: LayerConfig, path: str, span: Span, more: Mapping[str, Any]) -> LayerNode | None:
        """The layer with its arguments, applied to nothing yet; `more` are arguments of its call."""
        signature = self.signature(layer, path)
        if signature is None:
            return None
        given = [Given(name, value, span, span) for name, value in self._common(layer, path).items()]
        right = True
        for name, value in {**layer.config, **more}.items():
            parameter = signature.parameter(name)
            if name in NOT_READ:
                continue
            if parameter is None or (isinstance(parameter.kind, NotYet) and value != parameter.kind.neutral):
                right &= self._has_no_meaning(layer, name, value, path)
                continue
            try:
                given.append(Given(name, self._value(layer, parameter, value, path, span), span, span))
            except Unsaid as problem:
                self.refusals.add(f"{layer.class_name}({name}=..)", str(problem), path)
                right = False
        if not right:
            return None
        bound = bind(f"`{layer.class_name}`", signature.parameters, COMMON, given, span, self.report)
        if bound is None:
            return None
        size = 1 + sum(inner.size for inner in layers_in(bound))
        return LayerNode(signature, bound, RUNNING, None, (), span, span, size)

    def _common(self, layer: LayerConfig, path: str) -> dict[str, Evaluated]:
        """What all layers take: names as they are, as far as they are names of the language."""
        found: dict[str, Evaluated] = {
            "name": identifier(layer.name),
            "trainable": bool(layer.config.get("trainable", True)),
        }
        try:
            found["dtype"] = policy(layer.config.get("dtype")) if layer.typed else None
        except Unsaid as problem:
            self.refusals.add(f"{layer.class_name}(dtype=..)", str(problem), path)
        return found

    def _has_no_meaning(self, layer: LayerConfig, name: str, value: Any, path: str) -> bool:
        """Whether an argument that is no parameter of the language changes nothing; refused where it does."""
        if value is None or value in WITHOUT_MEANING.get(name, ()):
            return True
        self.refusals.add(f"{layer.class_name}({name}=..)", f"the language has no such parameter: {value!r:.60}", path)
        return False

    def _value(self, layer: LayerConfig, parameter: Parameter, value: Any, path: str, span: Span) -> Evaluated:
        kind = parameter.kind.kind if isinstance(parameter.kind, Optional) else parameter.kind
        if isinstance(kind, ALayer) and value is not None:
            return self._layer(layer, value, path, span)
        if isinstance(kind, Several) and isinstance(kind.kind, ALayer):
            parts = value if isinstance(value, list) else [value]
            return tuple(self._layer(layer, part, path, span) for part in parts)
        if value == "sparsemax":
            raise Unsaid(OPERATION_REASONS["Sparsemax"])
        return evaluated(value, span)

    def _layer(self, around: LayerConfig, value: Any, path: str, span: Span) -> Evaluated:
        """A layer that is the argument of another one. Raises Unsaid where it is refused itself."""
        layer = _within(around, read_layer(value))
        node = self.inner(layer, f"{path}.{layer.name}", span)
        if node is None:
            raise Unsaid(f"its `{layer.class_name}` is not compiled")
        return LayerArgument(layer.class_name, node)

    def inner(self, layer: LayerConfig, path: str, span: Span) -> LayerNode | CallNode | None:
        """The node of a layer within another one; models are those of the program that asks."""
        return self.node(layer, path, span, {})


def _within(around: LayerConfig, layer: LayerConfig) -> LayerConfig:
    """A layer as the one around it takes it.

    Raises Unsaid where a recurrent layer has another type than the one around it, which says the type of both."""
    if around.class_name not in ONE_TYPE:
        return layer
    dtype = around.config.get("dtype")
    # Keras gives the cells that stand on each other a type too, which nothing computes in.
    if layer.class_name != "StackedRNNCells" and policy(layer.config.get("dtype")) != policy(dtype):
        raise Unsaid(f"its `{layer.class_name}` has a type of its own")
    # Bidirectional gives its layers these names, and so does the language.
    ways = layer.name.removeprefix("forward_").removeprefix("backward_")
    name = ways if around.class_name == "Bidirectional" else layer.name
    return replace(layer, name=name, config={**layer.config, "dtype": dtype}, typed=False)
