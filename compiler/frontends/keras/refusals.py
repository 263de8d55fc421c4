"""What of a Keras model neuralc does not compile, collected over the whole model and said in one message."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from neuralc.grammar.diagnostics import Diagnostic, NeuralcError, error

LISTED = 50
"""Lines of the message; more than that nobody reads."""


def malformed(reason: str, help: str | None = None) -> NeuralcError:
    """The error for what is no model that Keras 3 wrote."""
    return error("E0641", f"this is no model of Keras 3: {reason}", help=help)


@dataclass
class Refusals:
    """Layers, operations and arguments that are not compiled: each with its reason and the layers that have it."""

    found: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def add(self, what: str, reason: str, layer: str) -> None:
        self.found.setdefault((what, reason), []).append(layer)

    def __bool__(self) -> bool:
        return bool(self.found)

    def diagnostic(self) -> Diagnostic:
        lines = list(self._lines())
        if len(lines) > LISTED:
            lines = [*lines[:LISTED], f"and {len(lines) - LISTED} more"]
        things = sorted({what for what, _ in self.found})
        named = f"`{things[0]}`" if len(things) == 1 else f"{len(things)} things"
        help = "docs/layers.md lists the layers that are compiled"
        return Diagnostic("E0643", f"the model uses {named} that neuralc does not compile", None, tuple(lines), help)

    def _lines(self) -> Iterator[str]:
        for (what, reason), layers in sorted(self.found.items()):
            times = {1: "once", 2: "twice"}.get(len(layers), f"{len(layers)} times")
            yield f"{what}, {times}, first `{layers[0]}`: {reason}"
