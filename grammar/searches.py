"""Searches of a model: takes the value that `--set` gives, or the first one, and remembers what was searched.

    searches = Searches(search_names(network, definitions), {"dense.units": "64"})
    evaluate(value, scope, report, searches)     takes the values of all searches in a written value
    searches.parameter("width", 32)              the value of a parameter of the network
    searches.choose_layer(search, scope, report) which layer of `HPO(choice(Dense(8), Conv2D(8, 3)))` is built
    searches.check()                             UsageError for settings that fit nothing
    searches.met                                 what was searched, by name

A search has one name and one value wherever it is used; `grammar/search_names.py` gives the names.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, replace

from neuralc.grammar import tree as t
from neuralc.grammar.diagnostics import Diagnostic, NeuralcError, Source, Span, UsageError, listed, note, suggest
from neuralc.grammar.parser import parse_value
from neuralc.grammar.values import (
    Applied,
    Chosen,
    Evaluated,
    Report,
    Scope,
    Space,
    Word,
    describe,
    evaluate,
    identity,
    is_broken,
    plain,
    taken_by_default,
)


@dataclass(frozen=True)
class Searched:
    """A search that was met: where one can go, and the value that was taken."""

    space: Space
    value: Evaluated


class Searches:
    """The searches of one network; `settings` are values by name, written in the language or as Python values."""

    def __init__(self, names: Mapping[Span, str] | None = None, settings: Mapping[str, object] | None = None) -> None:
        self.names = names or {}
        self.met: dict[str, Searched] = {}
        self._settings = {name: _read(value) for name, value in (settings or {}).items()}
        self._used: set[str] = set()
        self._parameters: list[str] = []
        self._problems: dict[str, Diagnostic] = {}

    def choose(self, space: Space, report: Report) -> Evaluated:
        """The value of a search. One that was set is a plain value: nothing is left to search."""
        name = self.names.get(space.span)
        if name is None:  # an option of another search, which has the name
            return Chosen(plain(space.values[0]), space)
        if name in self._settings:
            self._used.add(name)
            found = [*_members(space, self._settings[name])]
            if found:
                self._meet(name, Searched(space, found[0]))
                return found[0]
            self._refuse(name, space)
        else:
            message = f"one value is needed here: {taken_by_default(space, f'the search `{name}`')}"
            report(note("W0302", message, space.span, help=f"`--set {name}=...` takes another one"))
        self._meet(name, Searched(space, plain(space.values[0])))
        return Chosen(plain(space.values[0]), space)

    def choose_layer(self, search: t.Hpo, scope: Scope, report: Report) -> t.Call | None:
        """The layer to build, as it is written, or None where an error was reported.

        `--set layer=Conv2D` names it, or repeats it as written where several have one name."""
        options = [*_layers(search)]
        for option in options:
            if not isinstance(option, t.Call | t.Name):
                report(Diagnostic("E0308", "a search among layers holds layers", option.span))
                return None
        taken = plain(evaluate(search, scope, report, self))
        for option in options:
            if isinstance(option, t.Call) and isinstance(taken, Applied) and option.span == taken.span:
                return option
            if isinstance(option, t.Name) and isinstance(taken, Word) and option.value == taken.text:
                return t.Call(option, (), None, option.span)
        return None

    def parameter(self, name: str, default: Evaluated) -> Evaluated:
        """The value of a parameter of the network: what was set, or its default."""
        self._parameters.append(name)
        if name in self._settings and name not in self._used:
            self._used.add(name)
            return self._settings[name]
        return default

    def check(self) -> None:
        """Raises UsageError with every setting that is no member of its search, or that no search has."""
        for name in self._settings:
            if name not in self._used:
                self._problems[name] = self._unknown(name)
        if self._problems:
            raise UsageError([self._problems[name] for name in self._settings if name in self._problems])

    def _meet(self, name: str, searched: Searched) -> None:
        """A search whose options depend on the arguments of a macro goes over all options it was met with."""
        before = self.met.get(name)
        if before is not None and searched.space != before.space:
            options = (*_options(before.space), *_options(searched.space))
            space = Space("choice", tuple(dict.fromkeys(options)), None, searched.space.span)
            searched = replace(before, space=space)
        self.met[name] = searched

    def _refuse(self, name: str, space: Space) -> None:
        shown = describe(self._settings[name])
        message = f"`--set {name}={shown.strip('`')}`: the search does not hold this value"
        self._problems[name] = Diagnostic("E0817", message, space.span, (f"it goes over {describe_space(space)}",))

    def _unknown(self, name: str) -> Diagnostic:
        known = [*self._parameters, *dict.fromkeys(self.names.values())]
        if name in known:
            notes = ("the search stands in a part that this model does not use",)
            return Diagnostic("E0816", f"`--set {name}=...` has no effect", None, notes)
        notes = (f"it has {listed(known)}" if known else "it has no searches",)
        what = "search or parameter" if self._parameters else "search"
        return Diagnostic("E0816", f"the model has no {what} `{name}`", None, notes, suggest(name, known))


def describe_space(space: Space) -> str:
    """A space as messages show it: `32, 64, 128`, `0.3 to 0.7 in steps of 0.1`."""
    if space.kind == "choice":
        return ", ".join(_describe_option(option) for option in space.values)
    low, high = space.values
    steps = "" if space.step is None else f" in steps of {space.step}"
    return f"{low} to {high}{steps}"


def _describe_option(option: Evaluated) -> str:
    match option:
        case Chosen(space=inner):
            return describe_space(inner)
        case Applied():
            return f"`{option.span.text}`"
        case _:
            return describe(option)


def _options(space: Space) -> tuple[Evaluated, ...]:
    return space.values if space.kind == "choice" else (Chosen(space.values[0], space),)


def _read(value: object) -> Evaluated:
    """A setting: a Python value, or a text in the language; what is no value there stands for itself."""
    match value:
        case None | bool() | int() | float():
            return value
        case list() | tuple():
            return tuple(map(_read, value))
        case str():
            return _parse(value)
        case _:
            raise UsageError([Diagnostic("E0813", f"`set`: {value!r} is no value of the language")])


def _parse(text: str) -> Evaluated:
    source = Source("--set", text)
    try:
        found = evaluate(parse_value(source, Span(source, 0, len(text)), text), {}, lambda diagnostic: None)
    except NeuralcError:
        return text
    return text if is_broken(found) or found != plain(found) else found


def _members(space: Space, value: Evaluated) -> Iterator[Evaluated]:
    """The members of the space that a setting stands for, as the model writes them."""
    if space.kind != "choice":
        yield from _numbers(space, value)
        return
    exact = [found for option in space.values for found in _member(option, value)]
    named = [option for option in space.values if isinstance(option, Applied) and _names(value, option)]
    yield from exact or (named if len(named) == 1 else ())


def _numbers(space: Space, value: Evaluated) -> Iterator[Evaluated]:
    low, high = space.values
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        return
    if space.step is not None:
        steps = (value - low) / space.step
        if not math.isclose(steps, round(steps), rel_tol=1e-9, abs_tol=1e-9):
            return
    yield value


def _member(option: Evaluated, value: Evaluated) -> Iterator[Evaluated]:
    match option, value:
        case Chosen(space=inner), _:
            yield from _members(inner, value)
        case tuple(), tuple() if len(option) == len(value):
            parts = [[*_member(part, given)] for part, given in zip(option, value, strict=True)]
            if all(parts):
                yield tuple(part[0] for part in parts)
        case _ if _same(option, value):
            yield option


def _same(option: Evaluated, value: Evaluated) -> bool:
    """Whether two values mean the same; names do not depend on case."""
    match option, value:
        case (Word() | str(), Word() | str()):
            return _text(option).casefold() == _text(value).casefold()
        case Applied(), Applied():
            return option.name.casefold() == value.name.casefold() and _arguments(option) == _arguments(value)
        case (bool() | None, _) | (_, bool() | None):
            return option is value
        case (int() | float(), int() | float()):
            return option == value
        case _:
            return False


def _names(value: Evaluated, option: Applied) -> bool:
    return isinstance(value, Word | str) and _text(value).casefold() == option.name.casefold()


def _text(value: Evaluated) -> str:
    return value.text if isinstance(value, Word) else str(value)


def _arguments(call: Applied) -> list[tuple[str | None, Hashable]]:
    return [(name, identity(plain(value))) for name, value, _ in call.arguments]


def _layers(search: t.Hpo) -> Iterator[t.Value]:
    """The options of a search among layers; a search as an option adds its own."""
    for option in search.values:
        if isinstance(option, t.Hpo):
            yield from _layers(option)
        else:
            yield option
