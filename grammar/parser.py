"""Reads `.nr` text: bytes to a source, a source to a syntax tree, or one error that says where and why not."""

from __future__ import annotations

import re
import stat
from pathlib import Path

from lark import Token, UnexpectedInput

from neuralc.grammar.builder import TreeBuilder
from neuralc.grammar.diagnostics import NeuralcError, Source, Span, error
from neuralc.grammar.files_read import reads
from neuralc.grammar.syntax_errors import MAX_NESTING, explain, too_deep
from neuralc.grammar.tables import lark_parser
from neuralc.grammar.tree import File, Value

MAX_BYTES = 16 << 20
"""Largest model file. That is a thousand times a long one."""

_NOTHING = re.compile(r"(?:\s|(?:#|//)[^\n]*+)*+")
"""Blanks and comments. It gives nothing back: a comment of comments may be read in more ways than there is time for."""


def read_source(path: str | Path) -> Source:
    """The text of a model file. Raises NeuralcError for one that cannot be read, is too large, or is not UTF-8."""
    try:
        reads(path)
        mode = Path(path).stat().st_mode
        if stat.S_ISDIR(mode):
            raise error("E0901", f"`{path}` is a folder, not a model file")
        if not stat.S_ISREG(mode):  # reading a pipe or a device may never end
            raise error("E0901", f"`{path}` is no regular file", help="write the model to a file first")
        with Path(path).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise error("E0901", f"there is no file `{path}`", help="check the path and the name") from None
    except (OSError, ValueError) as failure:
        reason = failure.strerror if isinstance(failure, OSError) and failure.strerror else str(failure)
        raise error("E0901", f"cannot read `{path}`", note=reason) from None
    if len(data) > MAX_BYTES:
        message = f"`{path}` is larger than {MAX_BYTES >> 20} MB"
        raise error("E0901", message, help="a model is a text; its weights are a file of their own: `weights: ...`")
    return decode(str(path), data)


def decode(name: str, data: bytes) -> Source:
    """Text from bytes; a byte order mark is dropped."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        readable = Source(name, data[: failure.start].decode("utf-8-sig", "replace"))
        line, column = readable.position(len(readable.text))
        raise error(
            "E0107",
            f"`{name}` is not UTF-8 text",
            note=f"byte 0x{data[failure.start]:02X} in line {line}, column {column} ({failure.reason})",
            help="save the file as UTF-8; a compiled or zipped model is not a `.nr` text",
        ) from None
    return Source(name, text)


def parse(source: Source) -> File:
    """The syntax tree of a text. Raises NeuralcError with every syntax error that can be told."""
    if _NOTHING.fullmatch(source.text):
        raise _empty(source)
    deep = too_deep(source)
    if deep is not None:
        raise NeuralcError([deep])
    parser = lark_parser()
    try:
        parsed = parser.parse(source.text, start="file")
    except UnexpectedInput as failure:
        raise NeuralcError([explain(source, failure, parser)]) from None
    builder = TreeBuilder(source)
    file = builder.build(parsed)
    if builder.errors:
        raise NeuralcError(sorted(builder.errors, key=lambda found: found.span.start if found.span else 0))
    return file


def parse_value(source: Source, place: Span, text: str) -> Value:
    """The value written inside a string of a model, as in `optimizer: "Adam(learning_rate=0.01)"`.

    Spans point into the model. Raises NeuralcError.
    """
    if too_deep(Source(source.name, text)) is not None:
        raise error("E0106", f"brackets nest more than {MAX_NESTING} deep in this text", place)
    try:
        parsed = lark_parser().parse(text, start="value")
    except UnexpectedInput:
        raise error("E0101", f"`{text}` is not a value of the language", place) from None
    if isinstance(parsed, Token):
        raise error("E0101", f"`{text}` is not a value of the language", place)
    builder = TreeBuilder(source, place.start + (1 if place.text[:1] in "\"'" else 0))
    value = builder.build_value(parsed)
    if builder.errors:
        raise NeuralcError(builder.errors)
    return value


def _empty(source: Source) -> NeuralcError:
    return error(
        "E0105",
        f"`{source.name}` holds no network",
        Span(source, 0, 0) if source.text else None,
        help="a model looks like `network Name { input: (8) layers: Dense(4) }`",
    )
