"""A file without a network: the macros it has for others, and what a paper reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuralc.grammar import tree as t
from neuralc.grammar.diagnostics import NeuralcError
from neuralc.grammar.library import Library
from neuralc.grammar.parser import parse, read_source
from neuralc.grammar.reporter import Reporter
from neuralc.grammar.research import Research, research_notes

PROGRAMS = (".nr", ".neural", ".rnr")


@dataclass(frozen=True)
class Definitions:
    """Macros as they are called, and research notes."""

    name: str
    macros: Sequence[str]
    research: Sequence[Research]

    def as_dict(self) -> Mapping[str, Any]:
        notes = [
            {"name": each.name, "metrics": dict(each.metrics), "references": dict(each.references)}
            for each in self.research
        ]
        return {"name": self.name, "macros": list(self.macros), "research": notes}

    def text(self) -> str:
        """For a terminal."""
        lines = [f"{self.name}, no network", *(f"macro     {macro}" for macro in self.macros)]
        for each in self.research:
            lines.append(f"research  {each.name or ''}".rstrip())
            lines += [f"          {name}: {value}" for name, value in (*each.metrics.items(), *each.references.items())]
        return "\n".join(lines) + "\n"


def definitions(path: Path) -> Definitions | None:
    """What a program without a network defines; None for all other files. Raises NeuralcError for what is wrong."""
    if path.suffix not in PROGRAMS:
        return None
    file = parse(read_source(path))
    if file.networks:
        return None
    report = Reporter()
    Library(report).unit(file.span.source, file)
    research = research_notes(file.research, report)
    if report.errors:
        raise NeuralcError(report.errors)
    return Definitions(path.name, [_header(macro) for macro in file.macros], research)


def _header(macro: t.Macro) -> str:
    parameters = [
        parameter.name.value if parameter.default is None else f"{parameter.name.value}={parameter.default.span.text}"
        for parameter in macro.parameters
    ]
    return f"{macro.name.value}({', '.join(parameters)})"
