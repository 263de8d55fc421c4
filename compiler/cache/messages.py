"""Messages of a compilation as plain data, so that what is found again tells what it told when it was compiled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from neuralc.grammar.diagnostics import Diagnostic, Source


def as_data(messages: Iterable[Diagnostic]) -> dict[str, Any]:
    """Messages, and the texts whose places they name, each once."""
    sources: dict[int, Source] = {}
    rows: list[dict[str, Any]] = []
    for each in messages:
        place = None
        if each.span is not None:
            sources.setdefault(id(each.span.source), each.span.source)
            place = [list(sources).index(id(each.span.source)), each.span.start, each.span.end]
        rows.append(
            {
                "code": each.code,
                "message": each.message,
                "place": place,
                "notes": list(each.notes),
                "help": each.help,
                "severity": each.severity,
            }
        )
    return {"sources": [[source.name, source.text] for source in sources.values()], "messages": rows}


def from_data(data: Mapping[str, Any]) -> Sequence[Diagnostic]:
    """What `as_data` was given."""
    sources = [Source(name, text) for name, text in data["sources"]]
    return [_message(row, sources) for row in data["messages"]]


def _message(row: Mapping[str, Any], sources: Sequence[Source]) -> Diagnostic:
    span = None
    if row["place"] is not None:
        number, start, end = row["place"]
        span = sources[number].span(start, end)
    return Diagnostic(row["code"], row["message"], span, tuple(row["notes"]), row["help"], row["severity"])
