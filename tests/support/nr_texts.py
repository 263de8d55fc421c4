"""Texts of the language to begin with, and changes to them that keep much of what makes them programs.

A text is cut into words; a change moves, drops, repeats or replaces words, or puts in a piece of another text, so that
most brackets still close and many results get past the parser. What bytes could do is left to others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from functools import cache
from random import Random

from support.documents import DOCUMENTS, ROOT, fences

from neuralc.grammar.codes import CODES, example_files
from neuralc.grammar.signatures import SIGNATURES

CORPUS = ROOT.parent / "shared" / "corpus" / "neural_dsl"
"""Texts of another project, where they are beside this checkout."""

Words = list[str]

_WORD = re.compile(r"""(?:#|//)[^\n]*|"[^"\n]*"|'[^'\n]*'|[A-Za-z_]\w*|[+-]?\d[\w.]*|\s+|.""", re.DOTALL)
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_NUMBERS = (
    *("0", "1", "2", "3", "-1", "7", "64", "0.5", "1e-3", "8.0", "-0.0", "1e999", "20001", "2147483648", "1e300"),
    *("9223372036854775807", "9223372036854775808", "99999999999999999999", "4294967296", "-9223372036854775808"),
)
PIECES = (
    *("(", ")", "[", "]", "{", "}", ",", ";", ":", "=", "*", "@", "%", "+", "-", "\n", " ", "\t", "\r\n", "\f", "\0"),
    *(
        "# a\n",
        "// b\n",
        '"',
        "'",
        "\ufeff",
        "é",
        "\u2028",
        "None",
        "true",
        " * 2",
        " * 0",
        ' @ "cpu"',
        "a = ",
        "a, b = ",
    ),
    *("HPO(choice(2, 3))", "HPO(range(1, 9, step=2))", "HPO(log_range(1e-3, 1))", "name=x", "()", "(a)", "{ }"),
    *("Residual { ReLU() }", "left: { ReLU() }", "where S <= 8, S % 2 == 0", "(S, 8)", "outputs: (a)", "init: seed(1)"),
    *('Lambda("x: x + x.shape[0]")', "TimeDistributed(Dense(3))", "Bidirectional(LSTM(4))", "weights: 'w.safetensors'"),
)


@cache
def texts() -> tuple[str, ...]:
    """Programs of the examples, the documents, the errors and the signatures; those of the corpus where it is."""
    found = [path.read_text("utf-8") for path in sorted((ROOT / "examples").rglob("*.nr"))]
    blocks = [fence for page in DOCUMENTS for fence in fences(page) if fence.language == "nr"]
    examples = [*(fence.text for fence in blocks), *(code.example for code in CODES.values())]
    found += [text for example in examples for text in example_files(example).values() if "{" in text]
    found += [f"network M {{ {signature.example} }}" for signature in SIGNATURES]
    return tuple(dict.fromkeys([*found, *_corpus()]))


def _corpus() -> list[str]:
    index = CORPUS / "corpus.json"
    if not index.exists():
        return []
    found = []
    for entry in json.loads(index.read_text("utf-8"))["entries"]:
        text = (CORPUS / entry["file"]).read_text("utf-8")
        layer = entry["start_rule"] == "layer"
        found.append(f"network T {{ input: {entry['wrap_input']} layers: {text}\n}}" if layer else text)
    return found


def words_of(text: str) -> Words:
    """The words of a text, with the blanks and comments between them."""
    return _WORD.findall(text)


@cache
def vocabulary() -> tuple[str, ...]:
    """Names, numbers and strings of all texts, each once."""
    return tuple(sorted({word for text in texts() for word in words_of(text) if _kind(word) in ("name", "string")}))


def _kind(word: str) -> str:
    if word[0].isalpha() or word[0] == "_":
        return "name"
    if word[0].isdigit() or word[1:2].isdigit():
        return "number"
    return "string" if word[0] in "\"'" else "blank" if word.isspace() else "sign"


# --- changes ---------------------------------------------------------------------------------------------------------
def _drop(words: Words, random: Random) -> None:
    start = random.randrange(len(words))
    del words[start : start + random.choice((1, 1, 2, 3, 5))]


def _repeat(words: Words, random: Random) -> None:
    start, end = _group(words, random)
    words[start:end] = words[start:end] * random.choice((2, 2, 3, 20))


def _swap(words: Words, random: Random) -> None:
    first, second = random.randrange(len(words)), random.randrange(len(words))
    words[first], words[second] = words[second], words[first]


def _replace(words: Words, random: Random) -> None:
    """A word by another one of its kind."""
    index = random.randrange(len(words))
    kind = _kind(words[index])
    if kind == "number":
        words[index] = random.choice(_NUMBERS)
    elif kind in ("name", "string"):
        words[index] = random.choice(vocabulary())
    else:
        words[index] = random.choice(PIECES)


def _put_in(words: Words, random: Random) -> None:
    words.insert(random.randrange(len(words) + 1), random.choice((*PIECES, *_NUMBERS)))


def _splice(words: Words, random: Random) -> None:
    """A bracketed piece, or any, by one of another text."""
    other = words_of(random.choice(texts()))
    start, end = _group(words, random)
    first, last = _group(other, random)
    words[start:end] = other[first:last]


def _nest(words: Words, random: Random) -> None:
    start, end = _group(words, random)
    before, after = random.choice((("Residual {", "}"), ("(", ")"), ("TimeDistributed(", ")"), ("HPO(choice(", "))")))
    times = random.choice((1, 1, 2, 30))
    words[start:end] = [before] * times + words[start:end] + [after] * times


_CHANGES: tuple[Callable[[Words, Random], None], ...] = (
    _drop,
    _repeat,
    _swap,
    _replace,
    _replace,
    _put_in,
    _splice,
    _nest,
)


def _group(words: Sequence[str], random: Random) -> tuple[int, int]:
    """From some word to the bracket that closes behind it, or a few words."""
    start = random.randrange(len(words))
    for opening in range(start, min(start + 12, len(words))):
        if words[opening] in _CLOSING:
            return (start if random.random() < 0.5 else opening), _closed(words, opening)
    return start, start + random.randrange(1, 6)


def _closed(words: Sequence[str], opening: int) -> int:
    """Behind the bracket that closes one."""
    depth = 0
    for index in range(opening, len(words)):
        depth += (words[index] in _CLOSING) - (words[index] in _CLOSING.values())
        if depth == 0:
            return index + 1
    return len(words)


def changed(text: str, random: Random, most: int = 4) -> str:
    """A text with one to `most` changes."""
    words = words_of(text)
    for _ in range(random.randint(1, most)):
        if not words:
            words = words_of(random.choice(texts()))
        random.choice(_CHANGES)(words, random)
    return "".join(words)
