"""What an editor asks about a `.nr` text: messages, completion, explanations, definitions. `neuralc lsp` serves it.

Everything about layers comes from the signature table, as for the command line and the documents.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from neuralc.checked import check
from neuralc.grammar import tree as t
from neuralc.grammar.activation_kind import ActivationKind
from neuralc.grammar.diagnostics import Diagnostic, NeuralcError, Source, Span
from neuralc.grammar.entry_points import entry_point_names
from neuralc.grammar.initializers import AnEntry
from neuralc.grammar.parameters import Flag, Named, NotYet, OneOf, Optional, Parameter
from neuralc.grammar.parser import parse
from neuralc.grammar.plugins import LAYERS
from neuralc.grammar.signatures import SIGNATURES, Signature, find
from neuralc.layers import documentation

CLAUSES = (
    "input", "layers", "outputs", "loss", "optimizer", "metrics", "weights", "init", "train", "execution", "benchmark",
    "test",
)  # fmt: skip
"""What stands in a network, besides layers."""

_WORD = re.compile(r"\w*")


@dataclass(frozen=True)
class Completion:
    """Something that may be written here, what it is, and its documentation."""

    label: str
    kind: Literal["layer", "macro", "network", "parameter", "value", "clause"]
    detail: str = ""
    documentation: str = ""


# --- messages --------------------------------------------------------------------------------------------------------
def messages(source: Source) -> list[Diagnostic]:
    """Everything that is wrong with or told about the networks of a text, in the order of the text."""
    try:
        _, found = check(source)
    except NeuralcError as problem:
        found = problem.diagnostics
    return [message for message in found if message.span is not None and message.span.source.name == source.name]


# --- completion ------------------------------------------------------------------------------------------------------
def completions(source: Source, offset: int) -> list[Completion]:
    """What may be written at a place: parameters and their values between parentheses, layers and clauses elsewhere."""
    call = _open_call(source.text, offset)
    signature = None if call is None else find(call)
    if signature is None:
        return [*_layers(), *_definitions(source), *(Completion(name, "clause") for name in CLAUSES)]
    named = re.search(r"(\w+)\s*[=:]\s*\"?\w*$", source.text[:offset])
    parameter = None if named is None else signature.parameter(named[1])
    if parameter is not None:
        return [Completion(option, "value", parameter.name, parameter.doc) for option in _options(parameter)]
    return [
        Completion(each.name, "parameter", each.kind.description, each.doc)
        for each in signature.all_parameters
        if not isinstance(each.kind, NotYet)
    ]


def _open_call(text: str, offset: int) -> str | None:
    """The name before the parenthesis that is open at a place."""
    depth = 0
    for index in range(offset - 1, -1, -1):
        if text[index] in ")]}":
            depth += 1
        elif text[index] in "([{":
            if depth == 0:
                match = re.search(r"(\w+)\s*$", text[:index])
                return match[1] if text[index] == "(" and match else None
            depth -= 1
    return None


def _layers() -> Iterator[Completion]:
    for signature in SIGNATURES:
        yield Completion(signature.name, "layer", signature.doc, documentation(signature))
    yield from (Completion(name, "layer", "brought by an installed package") for name in entry_point_names(LAYERS))


def _definitions(source: Source) -> Iterator[Completion]:
    for kind, name, parameters in re.findall(r"\b(define|network)\s+(\w+)\s*(\([^)]*\))?", source.text):
        yield Completion(name, "macro" if kind == "define" else "network", f"{name}{parameters}")


def _options(parameter: Parameter) -> Sequence[str]:
    kind = parameter.kind.kind if isinstance(parameter.kind, Optional) else parameter.kind
    match kind:
        case OneOf(options=options) | Named(options=options) | ActivationKind(options=options):
            return options
        case AnEntry(table=table):
            return [entry.name for entry in table.entries]
        case Flag():
            return ("true", "false")
        case _:
            return ()


# --- explanations ----------------------------------------------------------------------------------------------------
def hover(source: Source, offset: int) -> str | None:
    """The word at a place, explained: a layer with its result's shape, a parameter, a macro or a network."""
    word = word_at(source, offset)
    if word is None:
        return None
    call = _open_call(source.text, offset)
    signature = None if call is None else find(call)
    parameter = None if signature is None else signature.parameter(word.text)
    if parameter is not None:
        return f"`{parameter.name}`: {parameter.kind.description}. {parameter.doc}"
    layer = find(word.text)
    if layer is not None:
        return _layer_text(source, word, layer)
    found = definition(source, offset)
    return None if found is None else f"```nr\n{_first_line(found)}\n```"


def _layer_text(source: Source, word: Span, layer: Signature) -> str:
    shape = result_shape(source, word)
    result = "" if shape is None else f"\n\nGives {shape} here."
    return f"**{layer.name}**{result}\n\n```\n{documentation(layer)}\n```"


def result_shape(source: Source, word: Span) -> str | None:
    """The shape of what the layer at a place gives, in the first network that uses it."""
    from neuralc.dialects.types import format_shape, shape_of
    from neuralc.frontends.nr.load import load

    try:
        for network in parse(source).networks:
            origins = load(source, network=network.name.value).origins
            found = [(value, origin.span) for value, origin in origins.items() if _holds(origin.span, word)]
            if found:
                value, _ = min(found, key=lambda pair: len(pair[1].text))
                return format_shape(shape_of(value.type))
    except NeuralcError:
        return None
    return None


def _holds(span: Span, word: Span) -> bool:
    return span.source.name == word.source.name and span.start <= word.start < span.end


# --- places ----------------------------------------------------------------------------------------------------------
def word_at(source: Source, offset: int) -> Span | None:
    """The word that a place is in or behind."""
    start = offset
    while start > 0 and (source.text[start - 1].isalnum() or source.text[start - 1] == "_"):
        start -= 1
    match = _WORD.match(source.text, start)
    end = start if match is None else match.end()
    return Span(source, start, end) if end > start else None


def definition(source: Source, offset: int) -> Span | None:
    """Where the macro, network or value of the word at a place is defined."""
    word = word_at(source, offset)
    if word is None:
        return None
    try:
        tree = parse(source)
    except NeuralcError:
        return None
    named = [(macro.name, macro.span) for macro in tree.macros]
    for name, span in (*named, *((network.name, network.span) for network in tree.networks)):
        if name.value == word.text:
            return span
    targets = [name for name in _targets(tree) if name.value == word.text and name.span.start <= offset]
    return targets[-1].span if targets else None


def _targets(tree: t.File) -> Iterator[t.Name]:
    """Names that assignments and inputs give, in their order."""
    waiting: list[t.Item] = []
    for network in tree.networks:
        for clause in network.clauses:
            if isinstance(clause, t.InputClause):
                yield from (port.name for port in clause.inputs if port.name is not None)
            if isinstance(clause, t.LayersClause):
                waiting += clause.items
    waiting += [item for macro in tree.macros for item in macro.block.items]
    found: list[t.Name] = []
    while waiting:
        item = waiting.pop()
        if isinstance(item, t.Branch):
            found.append(item.name)
            waiting += item.block.items
        else:
            found += item.targets
            waiting += item.block.items if item.block is not None else ()
    yield from sorted(found, key=lambda name: name.span.start)


def symbols(source: Source) -> list[tuple[str, str, Span]]:
    """Name, kind and place of every network and macro."""
    try:
        tree = parse(source)
    except NeuralcError:
        return []
    found = [(macro.name.value, "macro", macro.span) for macro in tree.macros]
    return found + [(network.name.value, "network", network.span) for network in tree.networks]


def _first_line(span: Span) -> str:
    return span.text.partition("\n")[0]
