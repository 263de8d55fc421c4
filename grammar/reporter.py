"""Collects the messages of one run over a model."""

from __future__ import annotations

from dataclasses import replace

from neuralc.grammar.diagnostics import Diagnostic, Span
from neuralc.grammar.library import Definition


class Reporter:
    """Collects messages, each once; inside a macro they tell where the macro was used."""

    def __init__(self) -> None:
        self.errors: list[Diagnostic] = []
        self.messages: list[Diagnostic] = []
        self.expanding: list[tuple[Definition, Span]] = []
        self._seen: set[tuple[str, Span | None, str]] = set()

    def __call__(self, diagnostic: Diagnostic) -> None:
        key = (diagnostic.code, diagnostic.span, diagnostic.message)
        if key in self._seen:
            return
        self._seen.add(key)
        used = tuple(f"in `{each.name}`, used in line {span.line}" for each, span in reversed(self.expanding))
        kept = self.errors if diagnostic.severity == "error" else self.messages
        kept.append(replace(diagnostic, notes=diagnostic.notes + used) if used else diagnostic)
