"""The language corpus: texts of the Neural DSL with what a good compiler makes of them.

Every text is scored twice: whether it parses, and what is said about its meaning. A table of all scores is printed with
`pytest -s`, and written when a score falls short.
"""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from neuralc.frontends.nr import load
from neuralc.grammar.diagnostics import NeuralcError, Source
from neuralc.grammar.parser import parse

CORPUS = Path(__file__).parents[4] / "shared" / "corpus" / "neural_dsl"
WRAPPED = {"layer": "{text}", "hpo": "Dense({text}\n)", "hpo over layers": "{text}"}


def entries() -> list[dict[str, Any]]:
    path = CORPUS / "corpus.json"
    if not path.exists():
        return []
    found: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))["entries"]
    return [entry for entry in found if entry["start_rule"] not in ("fragment", "sketch")]


def cases() -> Iterator[Any]:
    if not entries():
        yield pytest.param({}, marks=pytest.mark.skip(reason="the language corpus is not beside this checkout"))
    yield from (pytest.param(entry, id=entry["file"]) for entry in entries())


def text_of(entry: dict[str, Any]) -> Source:
    """A whole file of a text: a bare layer stands in a network of its own, a definition beside one."""
    text, rule = (CORPUS / entry["file"]).read_text("utf-8"), entry["start_rule"]
    if rule == "hpo" and "choice(Dense" in text:
        rule = "hpo over layers"
    if rule in WRAPPED:
        layers = WRAPPED[rule].format(text=text)
        text = f"network T {{ input: {entry.get('wrap_input', '(32,)')} layers: {layers}\n}}"
    elif rule in ("define", "research") or (rule == "file" and "network" not in text):
        text += "\nnetwork T { input: (32,) layers: Dense(4) }"
    return Source(entry["file"], text)


def syntax_of(entry: dict[str, Any]) -> str:
    try:
        parse(text_of(entry))
    except NeuralcError:
        return "reject"
    return "accept"


def meaning_of(entry: dict[str, Any]) -> str:
    """`reject` where there is an error, `warn` where there is a warning; `said` is what it says."""
    try:
        messages = load(text_of(entry)).warnings
    except NeuralcError:
        return "reject"
    return "warn" if any(message.severity == "warning" for message in messages) else "accept"


def is_right(wanted: str, got: str) -> bool:
    return wanted == got or (wanted == "accept" and got == "warn")


@pytest.mark.parametrize("entry", list(cases()))
def test_syntax(entry: dict[str, Any]) -> None:
    wanted = entry["recommend"]["syntax"]
    if wanted not in ("accept", "reject"):
        pytest.skip(f"not scored: {wanted}")
    assert syntax_of(entry) == wanted


@pytest.mark.parametrize("entry", list(cases()))
def test_meaning(entry: dict[str, Any]) -> None:
    wanted = entry["recommend"]["semantic"]
    if wanted not in ("accept", "warn", "reject"):
        pytest.skip(f"not scored: {wanted}")
    assert is_right(wanted, meaning_of(entry))


def test_the_table_of_scores() -> None:
    if not entries():
        pytest.skip("the language corpus is not beside this checkout")
    scores: Counter[tuple[str, str, str]] = Counter()
    for entry in entries():
        syntax, meaning = entry["recommend"]["syntax"], entry["recommend"]["semantic"]
        if syntax in ("accept", "reject"):
            scores["syntax", syntax, "right" if syntax_of(entry) == syntax else "wrong"] += 1
        if meaning in ("accept", "warn", "reject"):
            scores["meaning", meaning, "right" if is_right(meaning, meaning_of(entry)) else "wrong"] += 1
    print(f"\n{'':8} {'wanted':8} {'right':>6} {'wrong':>6}")
    for what, wanted in dict.fromkeys(key[:2] for key in sorted(scores)):
        print(f"{what:8} {wanted:8} {scores[what, wanted, 'right']:6} {scores[what, wanted, 'wrong']:6}")
    assert not [key for key in scores if key[2] == "wrong"]
