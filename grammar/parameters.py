"""What an argument may be: kinds of parameters, each with a description, a conversion and its checks.

A kind turns what was written into the value the compiler uses, or says why it cannot: `Unfit` names the code.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from neuralc.grammar.diagnostics import Diagnostic, Span, suggest
from neuralc.grammar.values import Chosen, Evaluated, LayerArgument, Word, describe


class Unfit(Exception):
    """A value that a parameter does not take; the caller adds the place.

    `message` completes "`units` ...", or is a sentence of its own when `whole` is set. `span` is the part of the value
    that is meant, where it is not all of it."""

    def __init__(
        self,
        code: str,
        message: str,
        help: str | None = None,
        *,
        whole: bool = False,
        notes: tuple[str, ...] = (),
        span: Span | None = None,
    ) -> None:
        self.code, self.message, self.help, self.whole, self.notes = code, message, help, whole, notes
        self.span = span
        super().__init__(message)

    @classmethod
    def of(cls, error: Diagnostic) -> Unfit:
        """An error about an argument of a call that is the value."""
        return cls(error.code, error.message, error.help, whole=True, notes=error.notes, span=error.span)

    def diagnostic(self, about: str, span: Span) -> Diagnostic:
        """The error for `about`, such as "`Dense`: `units`"."""
        message = self.message if self.whole else f"{about} {self.message}"
        return Diagnostic(self.code, message, self.span or span, self.notes, self.help)


@dataclass(frozen=True)
class Converted:
    """A value fit for use, and what to warn about."""

    value: Any
    warning: str | None = None


class Kind(Protocol):
    """One kind of parameter."""

    @property
    def description(self) -> str:
        """Completes the sentence "`units` is ..."."""
        ...

    def convert(self, value: Evaluated) -> Converted:
        """Raises Unfit."""
        ...


def _plain(value: Evaluated) -> Evaluated:
    return value.value if isinstance(value, Chosen) else value


def _text(value: Evaluated) -> str | None:
    """A string, or a bare word standing for one."""
    value = _plain(value)
    if isinstance(value, Word):
        return value.text
    return value if isinstance(value, str) else None


@dataclass(frozen=True)
class Whole:
    """A whole number. `256.0` is taken with a warning; the end of a search range is rounded up to one."""

    minimum: int | None = None
    maximum: int = 2**31 - 1

    @property
    def description(self) -> str:
        return "a whole number" + ("" if self.minimum is None else f" of at least {self.minimum}")

    def convert(self, value: Evaluated) -> Converted:
        searched, number = isinstance(value, Chosen) and value.of_range, _plain(value)
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise Unfit("E0305", f"is {self.description}, not {describe(value)}")
        warning = None
        if isinstance(number, float):
            if not math.isfinite(number):
                raise Unfit("E0306", f"is {self.description}, not {number}")
            if searched and number != int(number):
                warning = f"the low end {number} is rounded up to {math.ceil(number)}"
                number = math.ceil(number)
            elif number != int(number):
                raise Unfit("E0305", f"is {self.description}, not {number}")
            elif not searched:
                warning = f"{number} is taken as {int(number)}"
            number = int(number)
        if self.minimum is not None and number < self.minimum:
            raise Unfit("E0306", f"is {self.description}, not {number}")
        if number > self.maximum:
            raise Unfit("E0306", f"is at most {self.maximum}, not {number}")
        return Converted(number, warning)


@dataclass(frozen=True)
class Size:
    """A size of a shape: a whole number, or the one that follows from all others."""

    description: str = "a size of at least 1, or -1 for the one that is left"

    def convert(self, value: Evaluated) -> Converted:
        if _plain(value) in (None, -1):
            return Converted(-1)
        try:
            return Whole(1).convert(value)
        except Unfit as unfit:
            raise Unfit(unfit.code, f"is {self.description}, not {describe(value)}") from None


@dataclass(frozen=True)
class Real:
    """A number; the bounds are inclusive unless said."""

    minimum: float = -math.inf
    maximum: float = math.inf
    open_low: bool = False
    open_high: bool = False

    @property
    def description(self) -> str:
        low = "" if self.minimum == -math.inf else f"{'above' if self.open_low else 'from'} {self.minimum:g}"
        high = "" if self.maximum == math.inf else f"{'below' if self.open_high else 'up to'} {self.maximum:g}"
        return " ".join(part for part in ("a number", low, high) if part)

    def convert(self, value: Evaluated) -> Converted:
        number = _plain(value)
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise Unfit("E0305", f"is {self.description}, not {describe(value)}")
        low = number > self.minimum if self.open_low else number >= self.minimum
        high = number < self.maximum if self.open_high else number <= self.maximum
        if not (low and high and math.isfinite(number)):
            raise Unfit("E0306", f"is {self.description}, not {number:g}")
        return Converted(float(number))


@dataclass(frozen=True)
class Numbers:
    """A number, or a list of numbers, or of such lists of one length: a table."""

    description: str = "a number, or a list of numbers"

    def convert(self, value: Evaluated) -> Converted:
        plain = _plain(value)
        if not isinstance(plain, tuple):
            return Converted(Real().convert(value).value)
        parts = tuple(self.convert(part).value for part in plain)
        if not parts or len({_lengths(part) for part in parts}) != 1:
            raise Unfit("E0305", f"is {self.description}, lists of one length, not {describe(value)}")
        return Converted(parts)


def _lengths(numbers: Any) -> tuple[int, ...]:
    return (len(numbers), *_lengths(numbers[0])) if isinstance(numbers, tuple) else ()


@dataclass(frozen=True)
class Flag:
    """`true` or `false`."""

    description: str = "true or false"

    def convert(self, value: Evaluated) -> Converted:
        flag = _plain(value)
        if isinstance(flag, bool):
            return Converted(flag)
        raise Unfit("E0305", f"is true or false, not {describe(value)}")


@dataclass(frozen=True)
class OneOf:
    """One of a few words, in any case."""

    options: tuple[str, ...]

    @property
    def description(self) -> str:
        return " or ".join(f'"{option}"' for option in self.options)

    def convert(self, value: Evaluated) -> Converted:
        text = _text(value)
        if text is None:
            raise Unfit("E0305", f"is {self.description}, not {describe(value)}")
        known = {option.lower(): option for option in self.options}
        found = known.get(text.lower())
        if found is None:
            raise Unfit("E0307", f'is {self.description}, not "{text}"', suggest(text, self.options))
        return Converted(found)


@dataclass(frozen=True)
class Named:
    """One of a family of names: an activation, a loss. `aliases` are further spellings, in lower case."""

    noun: str
    code: str
    options: tuple[str, ...]
    aliases: Mapping[str, str] = field(default_factory=dict)

    @property
    def description(self) -> str:
        return f"the name of an {self.noun}" if self.noun[0] in "aeiou" else f"the name of a {self.noun}"

    def convert(self, value: Evaluated) -> Converted:
        text = _text(value)
        if text is None:
            raise Unfit("E0305", f"is {self.description}, not {describe(value)}")
        known = {option.lower(): option for option in self.options} | dict(self.aliases)
        if text.lower() in known:
            return Converted(known[text.lower()])
        listed = f"known are {', '.join(self.options)}"
        message = f"unknown {self.noun} `{text}`"
        raise Unfit(self.code, message, suggest(text, known), whole=True, notes=(listed,))


_COUNTS = {1: "one", 2: "two", 3: "three", 6: "six"}


@dataclass(frozen=True)
class Tuple:
    """So many whole numbers, one for each axis; a single one stands for all."""

    count: int
    minimum: int = 1

    @property
    def description(self) -> str:
        one = f"a whole number of at least {self.minimum}"
        return one if self.count == 1 else f"{one}, or {_COUNTS[self.count]} of them"

    def convert(self, value: Evaluated) -> Converted:
        plain = _plain(value)
        parts = plain if isinstance(plain, tuple) else (value,) * self.count
        if len(parts) != self.count:
            raise Unfit("E0305", f"is {self.description}, not {describe(value)}")
        try:
            each = [Whole(self.minimum).convert(part) for part in parts]
        except Unfit as unfit:
            raise Unfit(unfit.code, f"is {self.description}, not {describe(value)}") from None
        return Converted(tuple(part.value for part in each), next((p.warning for p in each if p.warning), None))


@dataclass(frozen=True)
class Borders:
    """How much lies before and behind each axis: one number for all, one for each axis, or a pair for each axis.

    Of a single axis, two numbers are such a pair. The value is a pair for each axis.
    """

    count: int

    @property
    def description(self) -> str:
        whole = "a whole number of at least 0"
        if self.count == 1:
            return f"{whole}, or two of them: before and behind"
        return f"{whole}, or {_COUNTS[self.count]} of them, or {_COUNTS[self.count]} pairs: before and behind"

    def convert(self, value: Evaluated) -> Converted:
        plain = _plain(value)
        parts = plain if isinstance(plain, tuple) and self.count > 1 else (value,) * self.count
        if len(parts) != self.count:
            raise Unfit("E0305", f"is {self.description}, not {describe(value)}")
        try:
            each = [Tuple(2, 0).convert(part) for part in parts]
        except Unfit as unfit:
            raise Unfit(unfit.code, f"is {self.description}, not {describe(value)}") from None
        return Converted(tuple(part.value for part in each), next((p.warning for p in each if p.warning), None))


@dataclass(frozen=True)
class Optional:
    """What another kind takes, or `None`."""

    kind: Kind

    @property
    def description(self) -> str:
        return f"{self.kind.description}, or None"

    def convert(self, value: Evaluated) -> Converted:
        return Converted(None) if _plain(value) is None else self.kind.convert(value)


@dataclass(frozen=True)
class Several:
    """A list of what another kind takes; a single one is a list of one."""

    kind: Kind

    @property
    def description(self) -> str:
        return f"a list, each {self.kind.description}"

    def convert(self, value: Evaluated) -> Converted:
        plain = _plain(value)
        parts = plain if isinstance(plain, tuple) else (value,)
        return Converted(tuple(self.kind.convert(part).value for part in parts))


@dataclass(frozen=True)
class Identifier:
    """A name of a layer: it becomes part of the names of weights."""

    description: str = "a name of letters, digits and underscores"

    def convert(self, value: Evaluated) -> Converted:
        text = _text(value)
        if text is None or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text):
            raise Unfit("E0305", f"is {self.description}, not {describe(value)}")
        return Converted(text)


@dataclass(frozen=True)
class LayerPath:
    """What a layer is called: the front of the names of its weights. Models of other frameworks have long ones."""

    description: str = "a name of letters, digits and underscores, or several with dots between"

    def convert(self, value: Evaluated) -> Converted:
        text = _text(value)
        if text is None or not re.fullmatch(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*", text):
            raise Unfit("E0305", f"is {self.description}, not {describe(value)}")
        return Converted(text)


@dataclass(frozen=True)
class Formula:
    """What a `Lambda` computes, as a string; `grammar.expression` reads it where it is needed."""

    description: str = 'an expression in a string, such as `"x: x * 2"`'

    def convert(self, value: Evaluated) -> Converted:
        plain = _plain(value)
        if isinstance(plain, str):
            return Converted(plain)
        raise Unfit("E0305", f"is {self.description}, not {describe(value)}")


@dataclass(frozen=True)
class ALayer:
    """A layer: the value is its node of `grammar.program`. `names` are those it may be; all, where there are none."""

    names: tuple[str, ...] = ()

    @property
    def description(self) -> str:
        return "a layer" if not self.names else f"a layer: {', '.join(self.names)}"

    def convert(self, value: Evaluated) -> Converted:
        layer = _plain(value)
        if not isinstance(layer, LayerArgument):
            raise Unfit("E0305", f"is {self.description}, not {describe(value)}", "write it with its arguments")
        if self.names and layer.name not in self.names:
            raise Unfit("E0305", f"is {self.description}, not `{layer.name}`", suggest(layer.name, self.names))
        return Converted(layer.node)


@dataclass(frozen=True)
class Plain:
    """A value that is kept as it is: bare words are strings."""

    description: str = "a number, a string, true, false, None, or a list of these"

    def convert(self, value: Evaluated) -> Converted:
        value = _plain(value)
        if isinstance(value, Word):
            return Converted(value.text)
        if isinstance(value, tuple):
            return Converted(tuple(self.convert(part).value for part in value))
        if value is None or isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value)):
            return Converted(value)
        raise Unfit("E0305", f"is {self.description}, not {describe(value)}")


@dataclass(frozen=True)
class Anything:
    """Any value: kept, or checked by whoever asked for it."""

    description: str = "any value"

    def convert(self, value: Evaluated) -> Converted:
        return Converted(value)


@dataclass(frozen=True)
class NotYet:
    """A parameter the language knows and this version gives no meaning to; only its neutral value is accepted."""

    neutral: Any = None
    description: str = "not supported yet"

    def convert(self, value: Evaluated) -> Converted:
        if _plain(value) == self.neutral:
            return Converted(self.neutral)
        raise Unfit("E0702", "has no meaning in this version of neuralc yet", "leave it out")


class _Required:
    """The default of a parameter that has none."""

    def __repr__(self) -> str:
        return "required"


REQUIRED = _Required()


@dataclass(frozen=True)
class Parameter:
    """One parameter of a layer, an optimizer or a schedule."""

    name: str
    kind: Kind
    default: Any = REQUIRED
    doc: str = ""

    @property
    def required(self) -> bool:
        return self.default is REQUIRED


Parameters: TypeAlias = tuple[Parameter, ...]


def names(parameters: Iterable[Parameter]) -> list[str]:
    return [parameter.name for parameter in parameters]
