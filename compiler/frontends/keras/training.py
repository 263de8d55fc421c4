"""What `model.compile` said, as the clauses of the language: loss, optimizer, metrics."""

from __future__ import annotations

from typing import Any

from neuralc.grammar.diagnostics import Diagnostic
from neuralc.grammar.program import Program


def clauses(program: Program, compiled: Any) -> tuple[Program, tuple[Diagnostic, ...]]:
    return program, ()
