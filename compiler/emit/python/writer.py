"""Source text of emitted Python code, laid out as `ruff format` does: 88 columns, calls broken between arguments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from neuralc.emit.python.expressions import Expression
from neuralc.emit.python.layout import laid_out

WIDTH = 88


class Writer:
    """Collects lines. Indentation follows the blocks that are open."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._indent = 0

    @property
    def text(self) -> str:
        return "\n".join(self._lines) + "\n"

    def line(self, text: str = "", *, comment: str = "") -> None:
        """One line; the comment is left out where it would make the line too long."""
        padding = "    " * self._indent if text else ""
        commented = f"{padding}{text}  # {comment}"
        self._lines.append(commented if comment and len(commented) <= WIDTH else padding + text)

    def lines(self, texts: Sequence[str]) -> None:
        for text in texts:
            self.line(text)

    def blank(self, count: int = 1) -> None:
        self._lines += [""] * count

    @contextmanager
    def block(self, header: str) -> Iterator[None]:
        """A compound statement: `header` with what is written inside indented under it."""
        self.line(header)
        with self.indented():
            yield

    @contextmanager
    def indented(self) -> Iterator[None]:
        self._indent += 1
        yield
        self._indent -= 1

    def fits(self, text: str) -> bool:
        return 4 * self._indent + len(text) <= WIDTH

    def statement(self, before: str, value: Expression, *, comment: str = "") -> None:
        """`before` followed by an expression: an assignment (`x = `), a return, or an expression on its own."""
        if self.fits(before + value.text):
            self.line(before + value.text, comment=comment)
        elif before == "raise " and value.arguments is not None:
            self.broken(f"raise {value.head}(", value.arguments, ")")
        else:
            self.code(before + value.text)

    def code(self, *statements: str) -> None:
        """Statements that are broken where they are too long; they may be indented themselves."""
        for text in statements:
            padding = " " * (len(text) - len(text.lstrip()))
            room = WIDTH - 4 * self._indent - len(padding)
            self.lines([padding + line for line in laid_out(text.lstrip(), room)])

    def broken(self, opening: str, items: Sequence[str], closing: str) -> None:
        """A bracket that does not fit on one line: its items on the next line together, else one a line."""
        self.line(opening)
        with self.indented():
            together = ", ".join(items)
            if self.fits(together):
                self.line(together)
            else:
                self.lines([f"{item}," for item in items])
        self.line(closing)

    def definition(self, head: str, parameters: Sequence[str], returns: str) -> None:
        """`def head(parameters) -> returns:` on one line or broken; the body is the caller's."""
        whole = f"def {head}({', '.join(parameters)}) -> {returns}:"
        if self.fits(whole):
            self.line(whole)
        else:
            self.broken(f"def {head}(", parameters, f") -> {returns}:")

    def docstring(self, *paragraphs: str) -> None:
        """A docstring of short paragraphs, each of which may hold several lines."""
        text = [line.replace("\\", "\\\\").replace('"""', "'''") for line in "\n\n".join(paragraphs).split("\n")]
        one_line = f'"""{text[0]}"""'
        if len(text) == 1 and self.fits(one_line):
            self.line(one_line)
            return
        self.line(f'"""{text[0]}')
        self.lines(text[1:])
        self.line('"""')
