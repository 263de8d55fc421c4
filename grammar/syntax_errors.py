"""Says what is wrong with a text the grammar rejects: brackets first, then the table of known mistakes, then tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TypeAlias

from lark import Lark, Token, UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from neuralc.grammar.diagnostics import Diagnostic, Source, Span
from neuralc.grammar.mistakes import MISTAKES, Mistake

State: TypeAlias = int
MAX_NESTING = 1024
"""Deepest nesting of brackets. Far beyond any model; what walks over the tree recurses, so it needs a bound."""


READABLE = {
    "$END": "the end of the file",
    "NAME": "a name",
    "KEY": "a clause such as `loss:`",
    "TARGET": "`name =`",
    "TARGETS": "`a, b =`",
    "BRANCH": "`name: {`",
    "STRING": "a string",
    "INT": "a whole number",
    "FLOAT": "a number",
    "LPAR": "`(`",
    "RPAR": "`)`",
    "LBRACE": "`{`",
    "RBRACE": "`}`",
    "LSQB": "`[`",
    "RSQB": "`]`",
    "COMMA": "`,`",
    "COLON": "`:`",
    "SEMICOLON": "`;`",
    "EQUAL": "`=`",
    "STAR": "`*`",
    "SLASH": "`/`",
    "PLUS": "`+`",
    "MINUS": "`-`",
    "PERCENT": "`%`",
    "AT": "`@`",
    "INPUT": "`input:`",
    "LAYERS": "`layers:`",
    "SECTION": "`train {`",
    "HPO": "`HPO(`",
    "WHERE": "`where`",
    "DTYPE": "an element type",
    "COMPARISON": "a comparison",
}


def explain(source: Source, failure: UnexpectedInput, parser: Lark) -> Diagnostic:
    """The message for a text that Lark rejected."""
    brackets = unbalanced(source)
    if isinstance(failure, UnexpectedCharacters):
        return _character(source, failure.pos_in_stream or 0)
    if not isinstance(failure, UnexpectedToken):
        return brackets or Diagnostic("E0101", "the text ends too early", _end(source))
    token = failure.token
    if brackets is not None and (token.type in ("$END", "RPAR", "RBRACE", "RSQB") or _after_opening(brackets, token)):
        return brackets
    place = _end(source) if token.type == "$END" else _token_span(source, token)
    found = "the file ends here" if token.type == "$END" else f"found `{_shorten(token)}`"
    state = failure.state.position if failure.state is not None else -1
    mistake = known_mistakes(parser).get((state, token.type)) or known_mistakes(parser).get((state, None))
    if mistake is not None:
        return Diagnostic("E0101", f"{mistake.message}; {found}", place, (), mistake.help)
    expected = sorted({READABLE.get(name, f"`{name.lower()}`") for name in failure.accepts or failure.expected})
    return Diagnostic("E0101", f"expected {_either(expected)}; {found}", place)


def _after_opening(brackets: Diagnostic, token: Token) -> bool:
    """Whether parsing failed only because an earlier bracket swallowed what follows it."""
    return brackets.code == "E0103" and str(token) in ("network", "define") and token.type != "NAME"


@cache
def known_mistakes(parser: Lark) -> dict[tuple[State, str | None], Mistake]:
    """Mistakes by the parser state and token where their examples fail, and by the state alone."""
    table: dict[tuple[State, str | None], Mistake] = {}
    for mistake in MISTAKES:
        for example in mistake.examples:
            try:
                parser.parse(example, start="file")
            except UnexpectedToken as failure:
                if failure.state is None:
                    continue
                table.setdefault((failure.state.position, failure.token.type), mistake)
                table.setdefault((failure.state.position, None), mistake)
            except UnexpectedInput:
                continue
    return table


def _character(source: Source, position: int) -> Diagnostic:
    character = source.text[position]
    if character in "\"'":
        return Diagnostic(
            "E0102",
            "this string does not end on its line",
            Span(source, position, _line_end(source, position)),
            help=f"close it with {character}",
        )
    shown = character if character.isprintable() else f"U+{ord(character):04X}"
    return Diagnostic("E0104", f"the character `{shown}` has no place here", Span(source, position, position + 1))


_LEXEME = re.compile(r"""(?P<skip>(?:\#|//)[^\n]*|"[^"\n]*"|'[^'\n]*')|(?P<open>[({\[])|(?P<close>[)}\]])|"""
                     r"""^(?P<top>network|define|research|from)\b""", re.MULTILINE)  # fmt: skip
_CLOSING = {"(": ")", "[": "]", "{": "}"}


def _brackets(source: Source) -> Iterator[tuple[str, int]]:
    """Brackets and top-level keywords at the start of a line, with their offsets, outside strings and comments."""
    for match in _LEXEME.finditer(source.text):
        if match.lastgroup not in (None, "skip"):
            yield match.group(), match.start()


def unbalanced(source: Source) -> Diagnostic | None:
    """The bracket that is not closed, or closed by another kind."""
    opened: list[tuple[str, int]] = []
    suspect: tuple[str, int] | None = None
    for text, at in _brackets(source):
        if text in _CLOSING:
            opened.append((text, at))
        elif text in _CLOSING.values():
            if not opened:
                return Diagnostic("E0103", f"this `{text}` closes nothing", Span(source, at, at + 1))
            bracket, start = opened.pop()
            if _CLOSING[bracket] != text:
                line = source.position(start)[0]
                return Diagnostic(
                    "E0103",
                    f"`{text}` closes nothing: `{bracket}` of line {line} is still open",
                    Span(source, at, at + 1),
                    help=f"write `{_CLOSING[bracket]}` before it",
                )
        elif opened and suspect is None:
            suspect = opened[-1]  # a definition starts at the margin: what is open here should have been closed
    if not opened:
        return None
    bracket, start = suspect or opened[-1]
    return Diagnostic(
        "E0103", f"this `{bracket}` is never closed", Span(source, start, start + 1), help=f"add `{_CLOSING[bracket]}`"
    )


def too_deep(source: Source) -> Diagnostic | None:
    """The bracket that nests deeper than the language allows."""
    depth = 0
    for text, at in _brackets(source):
        depth += 1 if text in _CLOSING else -1 if text in _CLOSING.values() else 0
        if depth > MAX_NESTING:
            message = f"brackets nest more than {MAX_NESTING} deep"
            return Diagnostic("E0106", message, Span(source, at, at + 1), help="move inner parts into macros")
    return None


def _token_span(source: Source, token: Token) -> Span:
    start = token.start_pos or 0
    return Span(source, start, start + len(token))


def _end(source: Source) -> Span:
    end = len(source.text.rstrip())
    return Span(source, max(0, end - 1), end)


def _line_end(source: Source, position: int) -> int:
    found = source.text.find("\n", position)
    return len(source.text) if found < 0 else found


def _shorten(text: str) -> str:
    return text if len(text) <= 30 else text[:27] + "..."


def _either(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
