"""What neuralc says when a model or its use is wrong: sources, spans, diagnostics and how they are shown.

Every message carries a code of `neuralc.grammar.codes`, a place where there is one, the reason and a remedy.
This module is a leaf that all compile-time folders may import; it imports nothing but the table of codes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import islice
from typing import Literal

from neuralc.grammar.codes import CODES, Code

__all__ = [
    "CODES",
    "Code",
    "Diagnostic",
    "NeuralcError",
    "Severity",
    "Source",
    "Span",
    "UsageError",
    "as_dict",
    "error",
    "listed",
    "nearest",
    "note",
    "render",
    "render_all",
    "suggest",
    "usage_error",
    "warning",
]

Severity = Literal["error", "warning", "note"]

TAB_WIDTH = 4
MOST_SHOWN = 50
"""Messages that a person is shown at a time."""
LONGEST_TEXT = 2000
"""Characters of a message or a note that a person is shown."""
LONGEST_NAME = 64
"""Characters of a name that is compared with others: nobody mistypes a longer one."""
MOST_KNOWN = 2000
"""Names that are looked through for one that was meant."""
MOST_COMPARED = 100
"""Of these the names of about the right letters, which are compared letter by letter."""
_COLORS: dict[Severity, str] = {"error": "\x1b[1;31m", "warning": "\x1b[1;33m", "note": "\x1b[1;36m"}
_BOLD, _BLUE, _RESET = "\x1b[1m", "\x1b[1;34m", "\x1b[0m"


@dataclass(frozen=True, eq=False)
class Source:
    """A text with a name: a model file, a command line, a dump."""

    name: str
    text: str = field(repr=False)

    @cached_property
    def line_starts(self) -> list[int]:
        return [0, *(i + 1 for i, character in enumerate(self.text) if character == "\n")]

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both counted from 1."""
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of a line, counted from 1, without its line end."""
        start = self.line_starts[number - 1]
        end = self.line_starts[number] - 1 if number < len(self.line_starts) else len(self.text)
        return self.text[start:end].rstrip("\r")

    def span(self, start: int, end: int) -> Span:
        return Span(self, start, end)


@dataclass(frozen=True)
class Span:
    """The characters `start` to `end` (exclusive) of a source."""

    source: Source
    start: int
    end: int

    @property
    def line(self) -> int:
        return self.source.position(self.start)[0]

    @property
    def column(self) -> int:
        return self.source.position(self.start)[1]

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    def to(self, other: Span) -> Span:
        """From the first character of this span to the last one of the other."""
        return Span(self.source, min(self.start, other.start), max(self.end, other.end))

    def __str__(self) -> str:
        return f"{self.source.name}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Diagnostic:
    """One message. `notes` give reasons, `help` gives the fix; neither ends with a full stop."""

    code: str
    message: str
    span: Span | None = None
    notes: tuple[str, ...] = ()
    help: str | None = None
    severity: Severity = "error"

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise KeyError(f"diagnostic code {self.code} is not in neuralc/grammar/codes/")

    def __str__(self) -> str:
        return render(self)


class NeuralcError(Exception):
    """The model or its use is wrong (exit code 1). Holds every independent error found, in order of position."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics: tuple[Diagnostic, ...] = tuple(diagnostics)
        super().__init__(self.diagnostics)

    def __str__(self) -> str:
        return "\n\n".join(render_all(self.diagnostics))


class UsageError(NeuralcError):
    """The command line is wrong (exit code 2)."""


def _notes(note: str | Sequence[str] | None) -> tuple[str, ...]:
    if note is None:
        return ()
    return (note,) if isinstance(note, str) else tuple(note)


def error(
    code: str,
    message: str,
    span: Span | None = None,
    *,
    note: str | Sequence[str] | None = None,
    help: str | None = None,
) -> NeuralcError:
    """An exception with one error; raise it, or collect its diagnostics."""
    return NeuralcError([Diagnostic(code, message, span, _notes(note), help)])


def usage_error(
    code: str, message: str, *, note: str | Sequence[str] | None = None, help: str | None = None
) -> UsageError:
    """As `error`, for a wrong command line."""
    return UsageError([Diagnostic(code, message, None, _notes(note), help)])


def warning(
    code: str,
    message: str,
    span: Span | None = None,
    *,
    note: str | Sequence[str] | None = None,
    help: str | None = None,
) -> Diagnostic:
    """Something that compiles but is probably not meant."""
    return Diagnostic(code, message, span, _notes(note), help, "warning")


def note(code: str, message: str, span: Span | None = None, *, help: str | None = None) -> Diagnostic:
    """A choice the compiler made and says so."""
    return Diagnostic(code, message, span, (), help, "note")


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate a person most likely meant, or None when nothing is near."""
    if len(name) > LONGEST_NAME:
        return None
    by_key: dict[str, str] = {}
    for candidate in islice(candidates, MOST_KNOWN):
        by_key.setdefault(_key(candidate), candidate)
    key = _key(name)
    if key in by_key:
        return by_key[key]
    letters, allowed = _letters(key), max(1, len(key) // 3)
    near = [each for each in by_key if abs(len(each) - len(key)) <= allowed >= _missing(letters, _letters(each))]
    distances = {each: edit_distance(key, each) for each in near[:MOST_COMPARED]}
    least = min(distances.values(), default=allowed + 1)
    if least > allowed:
        return None
    # Of those equally near, the one of the same letters: `ConvTranspose2D` is no layer of one dimension.
    equal = (each for each in distances if distances[each] == least)
    return by_key[min(equal, key=lambda each: _other_letters(key, each))]


def _missing(a: int, b: int) -> int:
    """Letters of one word that the other lacks: there are at least as many edits between the two."""
    return max((a & ~b).bit_count(), (b & ~a).bit_count())


@lru_cache(maxsize=10_000)
def _letters(word: str) -> int:
    """The set of the letters of a word."""
    found = 0
    for letter in word:
        found |= 1 << min(ord(letter), 127)
    return found


def _other_letters(a: str, b: str) -> int:
    """How many letters only one of two words has."""
    mine, other = Counter(a), Counter(b)
    return ((mine - other) + (other - mine)).total()


def edit_distance(a: str, b: str) -> int:
    """Insertions, deletions, replacements and swaps of neighbours between two words (optimal string alignment).

    A column of the table of distances is two whole numbers, whose bits say where it goes up and down by one (Hyyro
    2003, A bit-vector algorithm for computing Levenshtein and Damerau edit distances).
    """
    if not a:
        return len(b)
    everywhere, last = (1 << len(a)) - 1, 1 << (len(a) - 1)
    places: dict[str, int] = {}
    for index, letter in enumerate(a):
        places[letter] = places.get(letter, 0) | 1 << index
    distance, up, down, same, before = len(a), everywhere, 0, 0, 0
    for letter in b:
        here = places.get(letter, 0)
        swapped = ((~same & here) << 1) & before
        same = (((here & up) + up) ^ up) | here | down | swapped
        up_right, down_right = down | ~(same | up) & everywhere, same & up
        distance += bool(up_right & last) - bool(down_right & last)
        up_right, down_right = up_right << 1 | 1, down_right << 1
        up, down = (down_right | ~(same | up_right)) & everywhere, up_right & same & everywhere
        before = here
    return distance


def suggest(name: str, candidates: Iterable[str]) -> str | None:
    """The sentence ``did you mean `Conv2D`?``, or None."""
    found = nearest(name, candidates)
    return None if found is None else f"did you mean `{found}`?"


def listed(names: Collection[str], most: int = 20) -> str:
    """Names with commas; of many the first and how many more there are."""
    more = len(names) - most
    return ", ".join(islice(names, most)) + (f" and {more} more" if more > 0 else "")


@lru_cache(maxsize=10_000)
def _key(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def render_all(diagnostics: Sequence[Diagnostic], color: bool = False) -> Iterator[str]:
    """Messages as a person reads them: the first, and how many more there are."""
    for diagnostic in diagnostics[:MOST_SHOWN]:
        yield render(diagnostic, color)
    more = len(diagnostics) - MOST_SHOWN
    if more > 0:
        yield f"... and {more} more message{'s' if more > 1 else ''}"


def render(diagnostic: Diagnostic, color: bool = False) -> str:
    """The message as a person reads it, with the source line and a caret when the place is known."""

    def paint(text: str, style: str) -> str:
        return f"{style}{text}{_RESET}" if color else text

    head = paint(f"{diagnostic.severity}[{diagnostic.code}]", _COLORS[diagnostic.severity])
    lines = [head + paint(f": {_shown(diagnostic.message)}", _BOLD)]
    width = 2
    if diagnostic.span is not None:
        place = diagnostic.span
        number = f" {place.line}"
        width = len(number)
        bar = paint(f"{' ' * width} |", _BLUE)
        shown, before, marked = _marked_line(place)
        lines.append(f"{' ' * width}{paint('-->', _BLUE)} {place}")
        if shown.strip():
            lines.append(bar)
            lines.append(f"{paint(f'{number} |', _BLUE)} {shown}".rstrip())
            lines.append(f"{bar} {' ' * before}{paint('^' * marked, _COLORS[diagnostic.severity])}")
    tail = [("note", text) for text in diagnostic.notes]
    if diagnostic.help is not None:
        tail.append(("help", diagnostic.help))
    for label, text in tail:
        indent = " " * (width + len(label) + 5)
        body = _shown(text).replace("\n", "\n" + indent)
        lines.append(f"{' ' * width} {paint('=', _BLUE)} {paint(label, _BOLD)}: {body}")
    return "\n".join(lines)


def _shown(text: str) -> str:
    """A text of a message, which may quote the model: not too long, and nothing that a terminal would obey."""
    cut = text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 3] + "..."
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in cut)


def _marked_line(place: Span, limit: int = 120) -> tuple[str, int, int]:
    """The first line of a span as shown (tabs expanded, long lines cut), columns before the mark, columns marked."""
    text = place.source.line(place.line)
    start = min(place.column - 1, len(text))
    end = max(start + 1, min(start + place.end - place.start, len(text)))
    before, marked, after = (part.expandtabs(TAB_WIDTH) for part in (text[:start], text[start:end], text[end:]))
    if len(before) > limit - 20:
        before = "..." + before[-(limit // 2) :]
    if len(before) + len(marked) > limit:
        marked = marked[: limit - len(before)]
        after = "..."
    elif len(before) + len(marked) + len(after) > limit:
        after = after[: limit - len(before) - len(marked)] + "..."
    printable = "".join(c if c.isprintable() else "?" for c in before + marked + after)
    return printable, len(before), max(1, len(marked))


def as_dict(diagnostic: Diagnostic) -> dict[str, object]:
    """The message for editors (`--error-format=json`): lines and columns count from 1, the end is exclusive."""
    result: dict[str, object] = {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        "notes": list(diagnostic.notes),
        "help": diagnostic.help,
        "file": None,
    }
    if diagnostic.span is not None:
        line, column = diagnostic.span.source.position(diagnostic.span.start)
        end_line, end_column = diagnostic.span.source.position(diagnostic.span.end)
        result |= {
            "file": diagnostic.span.source.name,
            "line": line,
            "column": column,
            "end_line": end_line,
            "end_column": end_column,
        }
    return result
