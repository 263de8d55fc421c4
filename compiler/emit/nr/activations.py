"""Activations as arguments of the layers whose results they are applied to: `Dense(64, "relu")`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from neuralc.emit.nr.plan import Item
from neuralc.emit.nr.text import Word, arguments, filled
from neuralc.emit.nr.values import Call, Value
from neuralc.grammar.signatures import find, snake_case

NAMES = {
    "ELU": "elu", "Exponential": "exponential", "HardSigmoid": "hard_sigmoid", "HardSwish": "hard_swish",
    "LogSoftmax": "log_softmax", "Mish": "mish", "ReLU": "relu", "ReLU6": "relu6", "SELU": "selu",
    "Sigmoid": "sigmoid", "SiLU": "silu", "Softmax": "softmax", "Softplus": "softplus", "Softsign": "softsign",
    "Tanh": "tanh", "GELU": "gelu",
}  # fmt: skip
"""Layers that are, with all arguments at their defaults, the function of this name."""


def fold_activations(items: Sequence[Item], results: Sequence[Value]) -> list[Item]:
    """Each activation behind a layer that takes one goes into it, where nothing else reads what is before it."""
    users: Counter[Value] = Counter(results)
    for item in items:
        users.update(item.uses)
    made = {result: index for index, item in enumerate(items) for result in item.results}
    folded: list[Item | None] = list(items)
    for index, item in enumerate(items):
        if len(item.inputs) != 1 or item.named or item.weights or item.inputs[0] not in made:
            continue
        place = made[item.inputs[0]]
        layer, text = folded[place], activation(item.call)
        if layer is None or text is None or users[item.inputs[0]] != 1 or not _takes(layer) or _apart(item):
            continue
        call = Call(layer.call.name, {**layer.call.arguments, "activation": text})
        folded[place] = None
        folded[index] = replace(layer, call=call, results=item.results)
        made[item.results[0]] = index
    return [item for item in folded if item is not None]


def activation(call: Call) -> str | None:
    """An activation layer as an argument: a name, or a call where it has arguments."""
    signature = find(call.name)
    if signature is None or (call.name not in NAMES and call.name != "LeakyReLU"):
        return None
    given = [filled(text) for text in arguments(signature, call.arguments)]
    if not given and call.name in NAMES:
        return NAMES[call.name]
    return Word(f"{call.name}({', '.join(given)})")


def _takes(layer: Item) -> bool:
    signature = find(layer.call.name)
    parameter = None if signature is None else signature.parameter("activation")
    return parameter is not None and parameter.default is None and "activation" not in layer.call.arguments


def _apart(item: Item) -> bool:
    """Whether the program that the model comes from had it as a layer of its own."""
    last = item.hint.rpartition(".")[2].rstrip("_0123456789")
    return last == snake_case(item.call.name) and item.call.name != "ReLU6" and last != item.call.name.lower()
