"""The `research` blocks of a `.rnr` file: what a paper reached and where to read it. They are kept, nothing more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from neuralc.grammar import tree as t
from neuralc.grammar.diagnostics import Diagnostic, Span
from neuralc.grammar.values import Report


@dataclass(frozen=True)
class Research:
    """One block; `name` is that of the network it is about, where it was said."""

    name: str | None
    metrics: Mapping[str, int | float]
    references: Mapping[str, str]


def research_notes(blocks: Sequence[t.Research], report: Report) -> tuple[Research, ...]:
    """The blocks as data. A name that stands twice in one block is an error."""
    return tuple(
        Research(
            None if block.name is None else block.name.value,
            {name: value.value for name, value in _entries(block.metrics, report) if isinstance(value, t.Number)},
            {name: value.value for name, value in _entries(block.references, report) if isinstance(value, t.Text)},
        )
        for block in blocks
    )


def _entries(settings: Sequence[t.Setting], report: Report) -> list[tuple[str, t.Value]]:
    seen: dict[str, Span] = {}
    for setting in settings:
        first = seen.setdefault(setting.name.value, setting.name.span)
        if first is not setting.name.span:
            message = f"`{setting.name.value}` stands twice in this block"
            report(Diagnostic("E0304", message, setting.name.span, (f"the first one is in line {first.line}",)))
    return [(setting.name.value, setting.values[0]) for setting in settings]
