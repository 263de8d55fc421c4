"""The `execution` clause of a program as defaults of the command line: its target and its threads."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from neuralc.grammar.diagnostics import NeuralcError

if TYPE_CHECKING:
    from neuralc.driver import Options

TARGETS = {"cuda": "cuda", "tpu": "tpu"}
"""What a program may ask for -> the target that is not the default one."""

_CLAUSE = re.compile(rb"\bexecut(?:ion|e)\s*:?\s*\{")
MAX_BYTES = 16 << 20
"""Of a program; see grammar/parser.py, which is loaded where there is a clause."""


def with_execution(model: Path | None, options: Options, *, target_given: bool) -> Options:
    """The options with what the program says where the command line says nothing."""
    if (
        model is None
        or model.suffix not in (".nr", ".neural", ".rnr")
        or (target_given and options.threads is not None)
    ):
        return options
    settings = execution(model, options.network)
    target, threads = settings.get("target"), settings.get("threads")
    if not target_given and isinstance(target, str) and target in TARGETS:
        options = replace(options, target=TARGETS[target])
    if options.threads is None and isinstance(threads, int):
        options = replace(options, threads=threads)
    return options


def execution(path: Path, network: str | None) -> dict[str, object]:
    """The entries of the clause. Nothing for a program that is wrong: whoever loads it tells."""
    if not _has_clause(path):
        return {}
    from neuralc.grammar import tree as t
    from neuralc.grammar.parser import parse, read_source
    from neuralc.grammar.resolve import choose

    try:
        source = read_source(path)
        chosen = choose(parse(source), network)
    except NeuralcError:
        return {}
    entries: dict[str, object] = {}
    for clause in chosen.clauses:
        if isinstance(clause, t.Section) and clause.name.value.startswith("execut"):
            for entry in clause.settings:
                (value, *_) = entry.values
                if isinstance(value, t.Text | t.Name | t.Number):
                    entries[entry.name.value] = value.value
    return entries


def _has_clause(path: Path) -> bool:
    """Whether a text may have the clause: most have none, and need no parser to say so."""
    try:
        if not path.is_file() or path.stat().st_size > MAX_BYTES:
            return False
        return _CLAUSE.search(path.read_bytes()) is not None
    except OSError:
        return False
