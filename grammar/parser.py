"""Reads `.nr` text: bytes to a source, a source to a syntax tree, or one error that says where and why not."""

from __future__ import annotations

import re
from pathlib import Path

from lark import Token, UnexpectedInput

from neuralc.grammar.builder import TreeBuilder
from neuralc.grammar.diagnostics import NeuralcError, Source, Span, error
from neuralc.grammar.syntax_errors import explain, too_deep
from neuralc.grammar.tables import lark_parser
from neuralc.grammar.tree import File, Value

_NOTHING = re.compile(r"(?:\s|(?:#|//)[^\n]*)*")
"""Blanks and comments."""


def read_source(path: str | Path) -> Source:
    """The text of a model file. Raises NeuralcError for a file that cannot be read or is not UTF-8."""
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise error("E0901", f"there is no file `{path}`", help="check the path and the name") from None
    except IsADirectoryError:
        raise error("E0901", f"`{path}` is a folder, not a model file") from None
    except (OSError, ValueError) as failure:
        reason = failure.strerror if isinstance(failure, OSError) and failure.strerror else str(failure)
        raise error("E0901", f"cannot read `{path}`", note=reason) from None
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

    The text is padded to its place, so spans point into the model. Raises NeuralcError.
    """
    padding = " " * (place.start + (1 if place.text[:1] in "\"'" else 0))
    parser = lark_parser()
    try:
        parsed = parser.parse(padding + text, start="value")
    except UnexpectedInput:
        raise error("E0101", f"`{text}` is not a value of the language", place) from None
    if isinstance(parsed, Token):
        raise error("E0101", f"`{text}` is not a value of the language", place)
    builder = TreeBuilder(source)
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
