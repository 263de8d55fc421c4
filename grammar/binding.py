"""Binds written arguments to the parameters of a layer, a macro, an optimizer: positions, names, kinds, defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from neuralc.grammar.diagnostics import Diagnostic, Span, listed, suggest, warning
from neuralc.grammar.parameters import Anything, NotYet, Parameter, Real, Unfit, Whole
from neuralc.grammar.values import Evaluated, Report, Word, alternatives, is_broken, parts_of

MAX_CHECKED = 20_000
"""Most values of an argument that are checked: all of them for each option of a search among them."""


@dataclass(frozen=True)
class Given:
    """One argument as written: its name if it has one, its value, and where the name and the whole argument stand."""

    name: str | None
    value: Evaluated
    span: Span
    name_span: Span | None = None


@dataclass(frozen=True)
class Bound:
    """The value of every parameter, and of the written ones the place and what was there, searches included."""

    values: Mapping[str, Any]
    spans: Mapping[str, Span] = field(default_factory=dict)
    written: Mapping[str, Evaluated] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def get(self, name: str) -> Any:
        """The value of a parameter, None where there is no such parameter."""
        return self.values.get(name)


def bind(
    what: str,
    positional: Sequence[Parameter],
    named_only: Sequence[Parameter],
    arguments: Sequence[Given],
    place: Span,
    report: Report,
) -> Bound | None:
    """Values for all parameters of `what`, or None when an error was reported (several may be)."""
    errors: list[Diagnostic] = []
    broken = False
    assigned: dict[str, Given] = {}
    parameters = [*positional, *named_only]
    by_name = {parameter.name: parameter for parameter in parameters}
    for index, argument in enumerate(arguments):
        if argument.name is None and index >= len(positional) and is_broken(argument.value):
            broken = True
            continue
        parameter = _parameter(what, positional, by_name, index, argument, errors)
        if parameter is None:
            continue
        if parameter.name in assigned:
            errors.append(Diagnostic("E0304", f"{what}: `{parameter.name}` is given twice", argument.span))
            continue
        assigned[parameter.name] = argument
    values: dict[str, Any] = {}
    for parameter in parameters:
        written = assigned.get(parameter.name)
        if written is not None and is_broken(written.value):
            broken = True
        elif written is not None:
            _convert(what, parameter, written, positional, values, errors, report)
        elif parameter.required:
            errors.append(_missing(what, parameter, place))
        else:
            values[parameter.name] = parameter.default
    for found in errors:
        report(found)
    if errors or broken:
        return None
    spans = {name: argument.span for name, argument in assigned.items()}
    return Bound(values, spans, {name: argument.value for name, argument in assigned.items()})


def _parameter(
    what: str,
    positional: Sequence[Parameter],
    by_name: Mapping[str, Parameter],
    index: int,
    argument: Given,
    errors: list[Diagnostic],
) -> Parameter | None:
    """The parameter an argument is for."""
    if argument.name is not None:
        found = by_name.get(argument.name)
        if found is None:
            shown = listed([f"`{name}`" for name, p in by_name.items() if not isinstance(p.kind, NotYet)], 40)
            errors.append(
                Diagnostic(
                    "E0302",
                    f"{what} has no parameter `{argument.name}`",
                    argument.name_span or argument.span,
                    (f"it takes {shown}" if shown else "it takes no arguments",),
                    suggest(argument.name, by_name),
                )
            )
        return found
    if index < len(positional):
        return positional[index]
    count = len(positional)
    takes = "no arguments" if count == 0 else f"at most {count} argument{'s' if count > 1 else ''}"
    errors.append(Diagnostic("E0303", f"{what} takes {takes}", argument.span, help=_removal(argument.value)))
    return None


def _removal(value: Evaluated) -> str:
    """What helps where a value is one too many; Keras has lists where the language has names."""
    if isinstance(value, tuple) and value and all(isinstance(part, Word) for part in value):
        names = ", ".join(part.text for part in value if isinstance(part, Word))
        return f"values stand without brackets: `({names})`"
    return "remove this one"


def _convert(
    what: str,
    parameter: Parameter,
    written: Given,
    positional: Sequence[Parameter],
    values: dict[str, Any],
    errors: list[Diagnostic],
    report: Report,
) -> None:
    parts, options = parts_of(written.value, MAX_CHECKED)
    if parts * options > MAX_CHECKED:
        message = f"{what}: `{parameter.name}` holds {options} options of searches among {parts} values"
        errors.append(Diagnostic("E0313", message, written.span))
        return
    try:
        converted = parameter.kind.convert(written.value)
        for other in alternatives(written.value):
            parameter.kind.convert(other)
    except Unfit as unfit:
        found = unfit.diagnostic(f"{what}: `{parameter.name}`", written.span)
        help = found.help or _other_parameter(parameter, written, positional)
        errors.append(replace(found, help=help))
        return
    if converted.warning is not None:
        report(warning("W0301", f"{what}: `{parameter.name}`: {converted.warning}", written.span))
    values[parameter.name] = converted.value


def _other_parameter(parameter: Parameter, written: Given, positional: Sequence[Parameter]) -> str | None:
    """For a value of the wrong kind in a position: the next parameter that would take it, to be named.

    A number in the place of a number is where it was meant to be."""
    is_number = isinstance(written.value, int | float)
    if written.name is not None or (is_number and isinstance(parameter.kind, Whole | Real)):
        return None
    for other in positional[list(positional).index(parameter) + 1 :]:
        if isinstance(other.kind, Anything):
            continue
        try:
            other.kind.convert(written.value)
        except Unfit:
            continue
        return f"the next parameter that takes such a value is `{other.name}`: write `{other.name}=...`"
    return None


def _missing(what: str, parameter: Parameter, place: Span) -> Diagnostic:
    about = f"`{parameter.name}`: {parameter.doc or parameter.kind.description}"
    return Diagnostic("E0301", f"{what} needs `{parameter.name}`", place, (about,), f"write `{parameter.name}=...`")
