"""Values of a Keras configuration in the terms of the language: numbers, names, calls; code is refused.

{"module": "keras.regularizers", "class_name": "L2", "config": {"l2": 0.01}}   ->   L2(l2=0.01)
{"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}}   ->   "float32"
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neuralc.grammar.diagnostics import Span
from neuralc.grammar.values import Applied, Evaluated


class Unsaid(Exception):
    """A value that the language has no words for; the message is the reason."""


def evaluated(value: Any, span: Span) -> Evaluated:
    """A value as the language evaluates what is written. Raises Unsaid."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case list() | tuple():
            return tuple(evaluated(part, span) for part in value)
        case {"class_name": "__tuple__", "config": {"items": list() as items}}:
            return tuple(evaluated(part, span) for part in items)
        case {"class_name": "__numpy__" | "__tensor__", "config": {"value": found}}:
            return evaluated(found, span)
        case {"class_name": "__lambda__"}:
            raise Unsaid("it is code of Python, which a file may not bring: use a layer or functions of keras.ops")
        case {"class_name": "function", "config": name}:
            # Keras writes activations of its own as strings: a function by its name may be anybody's.
            raise Unsaid(f"it is the function `{name}`, of which the file holds nothing but the name")
        case {"class_name": str(), "config": Mapping(), **rest} if isinstance(rest.get("module"), str | None):
            return _object(value, span)
    raise Unsaid("neuralc does not know this form of a value")


def _object(value: Mapping[str, Any], span: Span) -> Evaluated:
    name, module = value["class_name"], value.get("module") or ""
    if module.partition(".")[0] != "keras":
        raise Unsaid(f"`{name}` is a class of your own, whose code is not in the file")
    if name == "DTypePolicy":
        return policy(value)
    hidden = ("name", "trainable", "dtype") if module.startswith("keras.layers") else ("name",)
    arguments = tuple((key, evaluated(part, span), span) for key, part in value["config"].items() if key not in hidden)
    return Applied(name, arguments, span)


def policy(value: Any) -> str | None:
    """The name of a dtype policy; None where the file says nothing. Raises Unsaid for those of quantized layers."""
    match value:
        case None | str():
            return value
        case {"class_name": "DTypePolicy", "config": {"name": str() as name}}:
            return name
    name = value.get("class_name", value) if isinstance(value, Mapping) else value
    raise Unsaid(f"the dtype policy `{name}` is of quantized layers, which neuralc does not compile")
