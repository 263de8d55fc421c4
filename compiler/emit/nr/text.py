"""The text of a program: layers with what is not at its default, values applied where the chain does not lead."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from neuralc.grammar.parameters import Borders, Kind, Optional, Several, Tuple
from neuralc.grammar.signatures import Signature


class Word(str):
    """What stands without quotes."""

    __slots__ = ()


def written(value: Any) -> str:
    """A value as the language writes it."""
    match value:
        case None:
            return "None"
        case bool():
            return "true" if value else "false"
        case Word():
            return str(value)
        case str():
            return f"'{value}'" if '"' in value else f'"{value}"'
        case float():
            return _real(value)
        case tuple() | list():
            return f"({', '.join(map(written, value))})"
        case _:
            return str(value)


def _real(value: float) -> str:
    text = repr(value)
    if "e" not in text:
        return text
    digits, _, exponent = text.partition("e")
    return f"{digits}e{int(exponent)}"


_SLOT = re.compile("\ue000(\\w+)\ue001(.*?)\ue002")
"""A value of an argument in a line that is not finished: two functions that differ in such values are one macro."""


def slot(name: str, text: str) -> str:
    return f"\ue000{name}\ue001{text}\ue002"


def slots(text: str) -> list[tuple[str, str]]:
    """The names and values of the slots of a text, in order."""
    return _SLOT.findall(text)


def filled(text: str, values: Iterable[str] | None = None) -> str:
    """A text with these values in its slots; with those that stand there where none are given."""
    if values is None:
        return _SLOT.sub(r"\2", text)
    given = iter(values)
    return _SLOT.sub(lambda _: next(given), text)


def arguments(signature: Signature, given: Mapping[str, Any]) -> Iterator[str]:
    """The arguments of a layer: what it needs by position, an activation behind it, others by name."""
    in_order = True
    for parameter in signature.all_parameters:
        if parameter.name not in given:
            in_order = False
            continue
        value = given[parameter.name]
        if not parameter.required and _equal(value, parameter.default):
            in_order = False
            continue
        shown = written(_short(value, parameter.kind))
        if parameter.name not in ("name", "function") and not isinstance(value, bool | None):
            shown = slot(parameter.name, shown)
        if in_order and (parameter.required or parameter.name in _BY_POSITION):
            yield shown
        else:
            in_order = False
            yield f"{parameter.name}={shown}"


_BY_POSITION = (
    "activation", "cropping", "ff_dim", "max_length", "num_heads", "padding", "pool_size", "rate", "size", "shape",
)  # fmt: skip
"""Parameters that may be left out, and are known without their names where they stand first or behind such."""


def call_arguments(given: Mapping[str, Any]) -> list[str]:
    """The arguments of a macro or a network."""
    named = {name: value for name, value in given.items() if name == "name"}
    values = [slot(name, written(value)) for name, value in given.items() if name != "name"]
    return [*values, *(f"{name}={written(value)}" for name, value in named.items())]


def _equal(value: Any, default: Any) -> bool:
    return (type(value) is type(default) and value == default) or (value == default and not isinstance(value, bool))


def _short(value: Any, kind: Kind) -> Any:
    """One number where all are equal, and one entry where a list of one is meant."""
    if isinstance(kind, Optional):
        return _short(value, kind.kind)
    if not isinstance(value, tuple):
        return value
    if isinstance(kind, Borders):
        return _borders(value)
    if isinstance(kind, Tuple) and len(set(value)) == 1:
        return value[0]
    if isinstance(kind, Several) and len(value) == 1:
        return value[0]
    return value


def _borders(value: tuple[Any, ...]) -> Any:
    """One amount for all, one for each axis, or a pair for each."""
    if all(low == high for low, high in value):
        amounts = tuple(low for low, _ in value)
        return amounts[0] if len(set(amounts)) == 1 else amounts
    return value[0] if len(value) == 1 else value


def block(text: Sequence[str], indent: str) -> str:
    return "\n".join(indent + line for line in text)


def is_word(text: str) -> bool:
    return re.fullmatch(r"[A-Za-z_]\w*", text, flags=re.ASCII) is not None
