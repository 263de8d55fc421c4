"""Collects the messages of one run over a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from neuralc.grammar.diagnostics import Diagnostic, Span
from neuralc.grammar.library import Definition

MOST_USES = 5
"""Macros in macros that a message tells, from the inside and from the outside."""


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
        used = used_in([(each.name, span) for each, span in self.expanding])
        kept = self.errors if diagnostic.severity == "error" else self.messages
        kept.append(replace(diagnostic, notes=diagnostic.notes + used) if used else diagnostic)


def used_in(uses: Sequence[tuple[str, Span]]) -> tuple[str, ...]:
    """Notes on the macros around a place and where each is used, the innermost first; of many those at the two ends."""
    inner, outer = (uses, ()) if len(uses) <= 2 * MOST_USES else (uses[-MOST_USES:], uses[:MOST_USES])
    inner_notes, outer_notes = ([_used(*use) for use in reversed(part)] for part in (inner, outer))
    between = [f"in {len(uses) - 2 * MOST_USES} more"] if outer else []
    return (*inner_notes, *between, *outer_notes)


def _used(name: str, span: Span) -> str:
    return f"in `{name}`, used in line {span.line}"
