"""What `neuralc explain` says comes from the tables, for every name of the language in any case."""

import pytest

from neuralc.explained import LISTS, TABLES, WIDTH, explained, listed, topics
from neuralc.grammar.codes import CODES
from neuralc.grammar.parameters import NotYet
from neuralc.grammar.signatures import SIGNATURES, Signature
from neuralc.grammar.training.sections import SECTIONS


@pytest.mark.parametrize("layer", SIGNATURES, ids=lambda layer: layer.name)
def test_a_layer_is_explained_by_any_of_its_names(layer: Signature) -> None:
    text = explained(layer.name)[0]
    assert text.startswith(f"{layer.name}: ")
    assert layer.source in " ".join(text.split())
    for parameter in layer.parameters:
        assert (f"\n  {parameter.name}" in text) != isinstance(parameter.kind, NotYet), parameter.name
    for name in (layer.name.upper(), layer.name.lower(), *layer.aliases):
        assert explained(name)[0] == text


@pytest.mark.parametrize("kind", TABLES)
def test_an_entry_of_a_table_is_explained_with_its_parameters(kind: str) -> None:
    for entry in TABLES[kind].entries:
        (text,) = [text for text in explained(entry.name) if f" {TABLES[kind].noun}: " in text]
        assert all(f"\n  {parameter.name}" in text for parameter in entry.parameters)
        assert entry.doc.split()[0] in text


def test_a_name_of_several_things_is_explained_as_each() -> None:
    assert [text.partition(":")[0] for text in explained("identity")] == ["Identity", "identity, an initializer"]


def test_codes_and_sections_are_explained() -> None:
    for name in (*CODES, *SECTIONS):
        (text,) = explained(name)
        assert text.startswith(name)


def test_lines_fit_the_width_but_for_examples() -> None:
    for layer in SIGNATURES:
        text = explained(layer.name)[0].partition("\nExample:\n")[0]
        assert max(map(len, text.splitlines())) <= WIDTH, layer.name


def test_what_nobody_knows_is_not_explained() -> None:
    assert explained("E0000") == []
    assert explained("nothing") == []


def test_every_kind_is_listed_with_all_its_names() -> None:
    listings = {kind: listed(kind) for kind in LISTS}
    assert all(layer.name in listings["layers"] for layer in SIGNATURES)
    assert all(code in listings["codes"] for code in CODES)
    assert all(entry.name in listings[kind] for kind, table in TABLES.items() for entry in table.entries)


def test_every_topic_that_is_suggested_is_explained() -> None:
    for topic in topics():
        assert explained(topic), topic
