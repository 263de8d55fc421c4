"""Everything that is wrong with or told about the networks of a file, without compiling any."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from neuralc.grammar import tree as t
from neuralc.grammar.diagnostics import Diagnostic, NeuralcError, Source, Span
from neuralc.grammar.names import Mentioned
from neuralc.grammar.parser import parse

UNTRAINED = "W0501"
"""Weights are no business of a check."""


def check(
    source: Source,
    network: str | None = None,
    dims: Mapping[str, int] | None = None,
    settings: Mapping[str, object] | None = None,
) -> tuple[Sequence[str], Sequence[Diagnostic]]:
    """The networks that were checked, all unless one is named, and their messages in order of position, each once.

    A network that needs arguments is checked where others use it. Raises NeuralcError for a text that does not parse.
    """
    from neuralc.frontends.nr.load import load_parsed

    file = parse(source)
    names = list(_checked_alone(file)) if network is None else [network]
    found: dict[tuple[str, str, Span | None], Diagnostic] = {}
    for name in names:
        try:
            told: Sequence[Diagnostic] = load_parsed(file, network=name, dims=dims, settings=settings).warnings
        except NeuralcError as problem:
            told = problem.diagnostics
        for message in told:
            if message.code != UNTRAINED:
                found.setdefault((message.code, message.message, message.span), message)
    return names, sorted(found.values(), key=_position)


def _checked_alone(file: t.File) -> Iterator[str]:
    """The networks that need no arguments, or that nothing else gives any."""
    mentioned = Mentioned()
    layers = [clause for network in file.networks for clause in network.clauses if isinstance(clause, t.LayersClause)]
    bodies = [*(clause.items for clause in layers), *(macro.block.items for macro in file.macros)]
    used = {name for items in bodies for name in mentioned.by(items).called}
    for network in file.networks:
        if network.name.value not in used or all(parameter.default is not None for parameter in network.parameters):
            yield network.name.value


def _position(message: Diagnostic) -> tuple[str, int]:
    return ("", -1) if message.span is None else (message.span.source.name, message.span.start)
