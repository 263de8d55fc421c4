"""`// expected-error {{...}}`: the errors that a test file expects, beside the lines that cause them.

    graph.return %0 : f32          // expected-error {{return type}}
    // expected-error@+1 {{rank}}
    // expected-error@below {{rank}}   (also @above, @+N, @-N; @unknown for an error without a place)

An expectation matches one error of its line whose message contains the text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from neuralc.grammar.diagnostics import Diagnostic, Source

_EXPECTATION = re.compile(
    r"//\s*expected-(?P<severity>error|warning|note)(?:@(?P<place>[+-]\d+|above|below|unknown))?\s*\{\{(?P<text>.*?)\}\}"
)
_WORDS = {"above": -1, "below": 1}


@dataclass(frozen=True)
class Expectation:
    severity: str
    line: int | None
    text: str
    written_at: int

    def matches(self, diagnostic: Diagnostic) -> bool:
        line = diagnostic.span.line if diagnostic.span is not None else None
        return diagnostic.severity == self.severity and line == self.line and self.text in diagnostic.message


def expectations(source: Source) -> list[Expectation]:
    """Every expectation of a file, in its order."""
    found = []
    for number, text in enumerate(source.text.splitlines(), start=1):
        for match in _EXPECTATION.finditer(text):
            place = match["place"]
            offset = _WORDS.get(place) if place in _WORDS else int(place) if place and place != "unknown" else 0
            line = None if place == "unknown" else number + (offset or 0)
            found.append(Expectation(match["severity"], line, match["text"], number))
    return found


def compare(source: Source, diagnostics: Sequence[Diagnostic]) -> list[str]:
    """What is wrong: errors nobody expected, and expectations without an error. Empty when all is as written."""
    missing = expectations(source)
    complaints = []
    for diagnostic in diagnostics:
        match = next((expectation for expectation in missing if expectation.matches(diagnostic)), None)
        if match is None:
            place = f"{diagnostic.span}: " if diagnostic.span is not None else ""
            complaints.append(f"{place}unexpected {diagnostic.severity}: {diagnostic.message}")
        else:
            missing.remove(match)
    complaints += [
        f"{source.name}:{expectation.written_at}: expected {expectation.severity} did not come: {expectation.text}"
        for expectation in missing
    ]
    return complaints
