"""What holds for any text that is given to the front end: a model, or errors with a place; and a layout that lasts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from neuralc.frontends.nr import load
from neuralc.grammar.codes import CODES
from neuralc.grammar.diagnostics import Diagnostic, NeuralcError, Source, render
from neuralc.grammar.format import format_source
from neuralc.grammar.parser import decode, parse
from neuralc.passes.verifier import verify_module

Answer: TypeAlias = Literal["no text", "no program", "refused", "loaded"]
"""Not UTF-8; not of the grammar; with errors in what it means; at least one of its networks is a module."""

MOST_NETWORKS = 3
"""As many networks of a file are loaded, each for itself."""


def answer(data: bytes) -> Answer:
    """Gives a file to the whole front end: text, tree, layout, checked network, graph module. Raises what is wrong."""
    try:
        source = decode("m.nr", data)
    except NeuralcError as failure:
        _refused(failure)
        return "no text"
    try:
        file = parse(source)
    except NeuralcError as failure:
        _refused(failure, source)
        return "no program"
    _layout(source)
    names = [network.name.value for network in file.networks]
    loaded = [_loads(source, name) for name in (names[:MOST_NETWORKS] if len(names) > 1 else [None])]
    return "loaded" if any(loaded) else "refused"


def is_program(text: str) -> bool:
    try:
        parse(Source("m.nr", text))
    except NeuralcError:
        return False
    return True


def _loads(source: Source, network: str | None) -> bool:
    try:
        program = load(source, network=network)
    except NeuralcError as failure:
        _refused(failure, source)
        return False
    verify_module(program.module)
    _messages(program.warnings, source)
    return True


def _layout(source: Source) -> None:
    """Format checks itself that the meaning is kept; here that nothing is left to do the second time."""
    once = format_source(source)
    assert format_source(Source(source.name, once)) == once, "formatting what is formatted changes it"


def _refused(failure: NeuralcError, source: Source | None = None) -> None:
    assert failure.diagnostics, "an error without a message"
    _messages(failure.diagnostics, source)


def _messages(found: Sequence[Diagnostic], source: Source | None) -> None:
    """Each has a code that a user may meet, prints, and stands at a place of the text."""
    for each in found:
        assert each.code in CODES, each.code
        assert not each.code.startswith("E99"), each.message
        assert render(each)
        if each.span is not None and each.span.source is source:
            assert 0 <= each.span.start <= each.span.end <= len(each.span.source.text), each
