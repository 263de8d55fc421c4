"""Names that Keras gives, as names of the language: letters, digits and underscores."""

from __future__ import annotations

import re


def identifier(text: str) -> str:
    """`block1-conv.2` becomes `block1_conv_2`; what is a name already stays."""
    name = re.sub(r"\W", "_", text, flags=re.ASCII) or "_"
    return f"_{name}" if name[0].isdigit() else name


class Unique:
    """Names, each of them once."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, base: str) -> str:
        """The name itself where it is free, else one with a number behind it."""
        name, count = base, 0
        while name in self._taken:
            count += 1
            name = f"{base}_{count}"
        self._taken.add(name)
        return name
