"""The parsers' tables, built from the grammars and kept between processes: 10 ms to read, 130 ms to build.

They lie in the user's cache folder under a name that holds a hash of the grammar and of the versions that made them.
A cache that cannot be read or written costs time and nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import sys
import tempfile
from functools import cache
from importlib.resources import files
from pathlib import Path

import lark
import platformdirs
from lark import Lark

_DIGEST = hashlib.sha256().digest_size


@cache
def lark_parser() -> Lark:
    """The parser of the language; its start rules are `file` and `value`."""
    return _parser("neural", ["file", "value"])


@cache
def expression_parser() -> Lark:
    """The parser of what a `Lambda` computes."""
    return _parser("expression", ["function"])


def _parser(name: str, start: list[str]) -> Lark:
    grammar = files("neuralc.grammar").joinpath(f"{name}.lark").read_text("utf-8")
    path = _path(name, grammar)
    return _read(path) or _build(grammar, start, path)


def _path(name: str, grammar: str) -> Path:
    made_by = f"{lark.__version__} {sys.version} {grammar}"
    folder = platformdirs.user_cache_path("neuralc") / "grammar"
    return folder / f"{name}-{hashlib.sha256(made_by.encode()).hexdigest()[:16]}.tables"


def _read(path: Path) -> Lark | None:
    """Whole tables that this user wrote; others are not trusted, since reading them runs what they say."""
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_uid != os.getuid():
                return None
            data = file.read()
    except OSError:
        return None
    tables = data[_DIGEST:]
    if hashlib.sha256(tables).digest() != data[:_DIGEST]:
        return None
    return Lark.load(io.BytesIO(tables))


def _build(grammar: str, start: list[str], path: Path) -> Lark:
    parser = Lark(grammar, parser="lalr", lexer="contextual", start=start, propagate_positions=True)
    with contextlib.suppress(OSError):
        _write(parser, path)
    return parser


def _write(parser: Lark, path: Path) -> None:
    """Replaces the tables in one step, and drops those of other versions."""
    buffer = io.BytesIO()
    parser.save(buffer)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        try:
            file.write(hashlib.sha256(buffer.getvalue()).digest() + buffer.getvalue())
        except OSError:
            Path(file.name).unlink()
            raise
    Path(file.name).replace(path)
    for other in path.parent.glob(f"{path.name.partition('-')[0]}-*.tables"):
        if other != path:
            other.unlink(missing_ok=True)
