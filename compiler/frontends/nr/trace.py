"""Where values come from, so that a message about a shape tells the path: who gave what, who wanted what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from xdsl.ir import SSAValue

from neuralc.frontends.nr.site import Values, shown
from neuralc.grammar.diagnostics import Diagnostic, Span
from neuralc.grammar.reporter import used_in

LONGEST_PATH = 4
"""Layers that a message goes back."""


@dataclass(frozen=True)
class Origin:
    """What made a value: a layer and what it was applied to, or an input, which has no layer."""

    layer: str
    span: Span
    inputs: Values = ()
    is_input: bool = False


@dataclass(frozen=True)
class Used:
    """A macro, network or block that is being expanded."""

    name: str
    span: Span


class Trace:
    """The origins of values, the macros under expansion, and the messages so far."""

    def __init__(self) -> None:
        self.errors: list[Diagnostic] = []
        self.messages: list[Diagnostic] = []
        self.origins: dict[SSAValue, Origin] = {}
        self.uses: list[Used] = []
        self._told: dict[tuple[str, Span | None], Diagnostic] = {}
        self._codes: set[str] = set()

    def made(self, values: Values, origin: Origin) -> None:
        """Remembers what made values; an origin known earlier is nearer to them."""
        for value in values:
            self.origins.setdefault(value, origin)

    def is_input(self, value: SSAValue) -> bool:
        origin = self.origins.get(value)
        return origin is not None and origin.is_input

    def report(self, diagnostic: Diagnostic) -> None:
        """Keeps a message, one for each place and code; inside a macro it tells where the macro was used."""
        place = (diagnostic.code, diagnostic.span)
        if place in self._told:
            return
        kept = self.errors if diagnostic.severity == "error" else self.messages
        used = used_in([(use.name, use.span) for use in self.uses])
        kept.append(replace(diagnostic, notes=(*diagnostic.notes, *used)))
        self._told[place] = kept[-1]
        self._codes.add(diagnostic.code)

    def told(self, code: str) -> bool:
        """Whether a message of this code was kept."""
        return code in self._codes

    def path(self, values: Values) -> tuple[str, ...]:
        """Notes about values that do not fit: where each comes from, and what became of its shape on the way."""
        if len(values) == 1:
            return tuple(self._back(values[0]))
        return tuple(f"{shown(value)} {self._giver(value)}" for value in values)

    def _back(self, value: SSAValue) -> Iterator[str]:
        yield f"its input {shown(value)} {self._giver(value)}"
        for _ in range(LONGEST_PATH):
            origin = self.origins.get(value)
            if origin is None or len(origin.inputs) != 1:
                return
            before = origin.inputs[0]
            if shown(before) != shown(value):
                made = f"`{origin.layer}` in line {origin.span.line} made it of {shown(before)}"
                yield f"{made}, which {self._giver(before)}"
            window = self._told.get(("W0404", origin.span))
            if window is not None:
                yield f"there {window.message}"
            value = before

    def _giver(self, value: SSAValue) -> str:
        origin = self.origins.get(value)
        if origin is None:
            return "is what this block starts from"
        if origin.is_input:
            return f"is the input `{origin.layer}` in line {origin.span.line}"
        return f"comes from `{origin.layer}` in line {origin.span.line}"
