"""Calls written inside strings, which the language inherits: `optimizer: "SGD(learning_rate='StepLR(0.1, 30)')"`."""

from __future__ import annotations

from dataclasses import replace

from neuralc.grammar import tree as t
from neuralc.grammar.diagnostics import Diagnostic, NeuralcError, Span
from neuralc.grammar.parser import parse_value
from neuralc.grammar.training.table import Table, called_table
from neuralc.grammar.values import Report


def unquoted(value: t.Value, table: Table, report: Report) -> t.Value:
    """The value with calls in place of the strings that hold them, wherever entries of a table are meant.

    Spans point into the model. A string that is no value of the language stays one; one that looks like a call is
    reported."""
    match value:
        case t.Text():
            found = _parsed(value, report)
            return value if found is value else unquoted(found, table, report)
        case t.Call():
            return replace(value, arguments=_arguments(value, table, report))
        case t.Hpo():
            return replace(value, values=tuple(unquoted(option, table, report) for option in value.values))
        case t.Sequence():
            return replace(value, items=tuple(unquoted(item, table, report) for item in value.items))
        case _:
            return value


def _parsed(text: t.Text, report: Report) -> t.Value:
    problems: tuple[Diagnostic, ...] = ()
    try:
        found = parse_value(text.span.source, text.span, text.value)
        if isinstance(found, t.Call | t.Hpo | t.Number):
            return found
    except NeuralcError as failure:
        problems = failure.diagnostics
    if looks_like_a_call(text.value):
        # A text such as `Adam # (0.1)` is a word and a comment.
        for diagnostic in problems or (no_call(text.value, text.span),):
            report(diagnostic)
    return text


def no_call(text: str, place: Span) -> Diagnostic:
    """What is said about a string that looks like a call and is none, or came here as the value of a parameter."""
    return Diagnostic("E0101", f"`{text}` is not a value of the language", place, (), "write the call without quotes")


def looks_like_a_call(text: str) -> bool:
    return "(" in text


def _arguments(call: t.Call, table: Table, report: Report) -> tuple[t.Argument, ...]:
    entry = table.find(call.name.value)
    if entry is None:
        return call.arguments
    arguments = []
    for index, argument in enumerate(call.arguments):
        parameter = entry.parameter(None if argument.name is None else argument.name.value, index)
        inner = None if parameter is None else called_table(parameter.kind)
        value = argument.value if inner is None else unquoted(argument.value, inner, report)
        arguments.append(replace(argument, value=value))
    return tuple(arguments)
