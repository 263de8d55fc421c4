"""Numbers as people read them: 4.09 G, 97.5 MiB, (batch, 8, 8, 16)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

UNKNOWN = "?"

SHORT = 12
"""Characters of a size that is shown as the expression it is."""


def number_text(number: int | None) -> str:
    """With three digits and a unit: 4.09 G."""
    if number is None:
        return UNKNOWN
    for unit, name in ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= unit:
            return f"{number / unit:.3g} {name}"
    return str(number)


def bytes_text(count: int | None) -> str:
    """97.5 MiB."""
    if count is None:
        return UNKNOWN
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count} byte{'' if count == 1 else 's'}"


def shape_text(shape: Sequence[int | str] | None) -> str:
    if shape is None:
        return UNKNOWN
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def short_shape(shape: Sequence[int | str] | None, at: Sequence[int] | None) -> Sequence[int | str] | None:
    """Long expressions as their number at some sizes, in braces."""
    if shape is None or at is None:
        return shape
    return [
        f"{{{number}}}" if len(str(size)) > SHORT and not str(size).isidentifier() else size
        for size, number in zip(shape, at, strict=True)
    ]


def share_text(part: int | None, whole: int | None) -> str:
    """Per cent, `12.5`; nothing where that would be 0.0."""
    return f"{100 * part / whole:.1f}" if part and whole and part / whole >= 0.0005 else ""


def shortened(text: str, width: int) -> str:
    """At most `width` characters, whole parts of a path where they fit: the end of a name tells more than its start."""
    if len(text) <= width:
        return text
    end = text[len(text) - width + 1 :]
    cut = min((end.find(separator) for separator in "/." if separator in end), default=width)
    return f"…{end[cut:] if cut < 3 * width // 4 else end}"


def known_sum(numbers: Iterable[int | None]) -> int | None:
    """The sum of those that are known; None where none is."""
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None


def printable(text: str) -> str:
    """A text of the model's on one line: names may hold anything, control characters too."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
