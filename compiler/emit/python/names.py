"""Identifiers of emitted Python code: from names of a model to names a person would have chosen, each used once."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable


def identifier(name: str) -> str:
    """The Python identifier nearest to `name`: `encoder.0.kernel` becomes `encoder_0_kernel`."""
    cleaned = re.sub(r"\W", "_", name, flags=re.ASCII) or "_"
    if cleaned[0].isdigit():
        cleaned = f"_{cleaned}"
    return f"{cleaned}_" if keyword.iskeyword(cleaned) else cleaned


def class_name(name: str) -> str:
    """The CamelCase of `name`: `conv_block` becomes `ConvBlock`; capitals inside a word stay."""
    words = [word for word in re.split(r"[\W_]+", name, flags=re.ASCII) if word]
    joined = ""
    for word in words:
        # `block_3_4` must not run together into `Block34`.
        separator = "_" if joined[-1:].isdigit() and word[0].isdigit() else ""
        joined += separator + word[0].upper() + word[1:]
    return identifier(joined)


def function_name(name: str) -> str:
    """The snake_case of `name`: `ConvBlock` becomes `conv_block`."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return identifier(re.sub(r"\W+", "_", parted, flags=re.ASCII).strip("_").lower())


class Names:
    """The identifiers of one scope: each is given out once, and never one that is reserved."""

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        self._taken = set(reserved)

    def claim(self, wanted: str) -> str:
        """`wanted`, or `wanted_1`, `wanted_2` ... where it is taken."""
        name, number = wanted, 0
        while name in self._taken:
            number += 1
            name = f"{wanted}_{number}"
        self._taken.add(name)
        return name

    def __contains__(self, name: str) -> bool:
        return name in self._taken
