"""The language corpus: texts of the Neural DSL with what a good compiler makes of them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from neuralc.frontends.nr import load
from neuralc.grammar.diagnostics import NeuralcError, Source
from neuralc.grammar.parser import parse

CORPUS = Path(__file__).parents[4] / "shared" / "corpus" / "neural_dsl"
WITHOUT_MEANING = {"E0701", "E0702", "E0703"}
NEEDS_A_PLUGIN = {"tests/test_parser_105.neural", "tests/test_parser_144.neural", "tests/test_parser_145.neural"}
"""Layers that the original registers in the test itself."""
NEEDS_LAYER_SEARCH = {"tests/test_hpo_parser_37.neural", "tests/test_hpo_parser_38.neural"}
"""A search over layers: it has no place in a network of its own."""
DECIDED_OTHERWISE = {
    "tests/test_layers_6.neural": "E0404",
    "tests/test_layers_19.neural": "E0404",
    "tests/test_parser_114.neural": "E0404",
    "tests/test_parser_113.neural": "E0401",
}
"""Syntax alone is meant there: a residual block that changes the shape, or a kernel beyond the image, is an error."""


def entries() -> Iterator[Any]:
    path = CORPUS / "corpus.json"
    if not path.exists():
        yield pytest.param({}, marks=pytest.mark.skip(reason="the language corpus is not beside this checkout"))
        return
    for entry in json.loads(path.read_text("utf-8"))["entries"]:
        if entry["start_rule"] not in ("fragment", "sketch"):
            yield pytest.param(entry, id=entry["file"])


def text_of(entry: dict[str, Any]) -> Source:
    text = (CORPUS / entry["file"]).read_text("utf-8")
    if entry["start_rule"] == "layer":
        text = f"network T {{ input: {entry.get('wrap_input', '(32,)')} layers: {text}\n}}"
    elif entry["start_rule"] == "hpo":
        text = f"network T {{ input: (32,) layers: Dense({text}\n) }}"
    return Source(entry["file"], text)


def codes_of(source: Source) -> set[str]:
    try:
        load(source)
    except NeuralcError as failure:
        return {found.code for found in failure.diagnostics}
    return set()


@pytest.mark.parametrize("entry", list(entries()))
def test_syntax(entry: dict[str, Any]) -> None:
    wanted = entry["recommend"]["syntax"]
    if wanted not in ("accept", "reject"):
        pytest.skip(f"not scored: {wanted}")
    try:
        parse(text_of(entry))
        got = "accept"
    except NeuralcError:
        got = "reject"
    assert got == wanted


@pytest.mark.parametrize("entry", list(entries()))
def test_meaning(entry: dict[str, Any]) -> None:
    wanted = entry["recommend"]["semantic"]
    if wanted not in ("accept", "warn", "reject") or entry["start_rule"] in ("define", "research"):
        pytest.skip("not scored, or not a network")
    if entry["file"] in NEEDS_A_PLUGIN | NEEDS_LAYER_SEARCH:
        pytest.skip("needs what the text alone does not say")
    codes = codes_of(text_of(entry))
    if wanted == "reject":
        assert codes
    elif codes & WITHOUT_MEANING:
        assert codes <= WITHOUT_MEANING
        pytest.skip(f"without meaning yet: {', '.join(sorted(codes))}")
    elif codes == {"E0207"}:
        pytest.skip("holds no network")
    else:
        assert codes == ({DECIDED_OTHERWISE[entry["file"]]} if entry["file"] in DECIDED_OTHERWISE else set())
