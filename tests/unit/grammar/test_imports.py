"""Imports between files: names, circles, missing files, and where an error of another file is shown."""

from pathlib import Path

import pytest

from neuralc.grammar.diagnostics import Diagnostic, NeuralcError
from neuralc.grammar.parser import parse, read_source
from neuralc.grammar.program import Program
from neuralc.grammar.resolve import resolve


def program_of(folder: Path, files: dict[str, str]) -> Program:
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return resolve(parse(read_source(folder / next(iter(files)))))


def errors_of(folder: Path, files: dict[str, str]) -> tuple[Diagnostic, ...]:
    with pytest.raises(NeuralcError) as caught:
        program_of(folder, files)
    return caught.value.diagnostics


MAIN = 'from "parts/blocks.nr" import Block, Inner network M { input: (8) layers: Block() Inner() }'


def test_macros_and_networks_are_imported_with_what_they_use(tmp_path: Path) -> None:
    blocks = (
        'from "base.nr" import Unit define Block(n=8) { Unit(n) ReLU() } network Inner { input: (8) layers: Unit(2) }'
    )
    base = "define Unit(n) { Dense(n) }"
    program = program_of(tmp_path, {"m.nr": MAIN, "parts/blocks.nr": blocks, "parts/base.nr": base})
    assert program.body.size == 3


def test_what_a_file_imports_is_not_seen_by_who_imports_it_unless_asked_for(tmp_path: Path) -> None:
    files = {
        "m.nr": 'from "a.nr" import A network M { input: (8) layers: A() B() }',
        "a.nr": 'from "b.nr" import B define A { B() }',
        "b.nr": "define B { Dense(3) }",
    }
    (found,) = errors_of(tmp_path, files)
    assert (found.code, found.span and found.span.text) == ("E0201", "B")
    files["m.nr"] = 'from "a.nr" import A, B network M { input: (8) layers: A() B() }'
    assert program_of(tmp_path, files).body.size == 2


def test_a_circle_is_an_error_with_the_chain(tmp_path: Path) -> None:
    files = {
        "m.nr": 'from "a.nr" import A network M { input: (8) layers: A() }',
        "a.nr": 'from "b.nr" import B define A { B() }',
        "b.nr": 'from "m.nr" import M define B { Dense(3) }',
    }
    found = errors_of(tmp_path, files)[0]
    assert found.code == "E0214"
    chain = " -> ".join(str(tmp_path / name) for name in ("m.nr", "a.nr", "b.nr", "m.nr"))
    assert found.notes[0] == f"the circle is {chain}"


def test_a_missing_file_is_an_error_with_the_chain(tmp_path: Path) -> None:
    files = {
        "m.nr": 'from "a.nr" import A network M { input: (8) layers: A() }',
        "a.nr": 'from "gone.nr" import B define A { B() Dense(3) }',
    }
    (found,) = errors_of(tmp_path, files)
    assert (found.code, found.span and found.span.text) == ("E0215", '"gone.nr"')
    assert found.notes[-1] == f"imported by {tmp_path / 'm.nr'} -> {tmp_path / 'a.nr'}"


def test_a_missing_name_is_suggested(tmp_path: Path) -> None:
    files = {
        "m.nr": 'from "a.nr" import Blok network M { input: (8) layers: Blok() Dense(3) }',
        "a.nr": "define Block { Dense(3) }",
    }
    (found,) = errors_of(tmp_path, files)
    assert (found.code, found.help, found.notes) == ("E0213", "did you mean `Block`?", ("it defines Block",))


def test_an_error_in_an_imported_file_is_shown_there(tmp_path: Path) -> None:
    files = {
        "m.nr": 'from "a.nr" import A\nnetwork M { input: (8) layers: A() }',
        "a.nr": "define A {\n Dense(-1) }",
    }
    (found,) = errors_of(tmp_path, files)
    assert found.span is not None
    assert (found.code, found.span.source.name, found.span.line) == ("E0306", str(tmp_path / "a.nr"), 2)
    files["a.nr"] = "define A { Dense(3"
    found = errors_of(tmp_path, files)[0]
    assert found.code == "E0103"
    assert found.notes[-1] == f"imported by {tmp_path / 'm.nr'}, line 1"


def test_two_definitions_of_one_name_are_an_error(tmp_path: Path) -> None:
    files = {
        "m.nr": 'from "a.nr" import A define A { Dense(4) } network M { input: (8) layers: A() }',
        "a.nr": "define A { Dense(3) }",
    }
    (found,) = errors_of(tmp_path, files)
    assert (found.code, found.message) == ("E0208", "`A` is defined twice")


def test_a_file_that_two_import_is_read_once(tmp_path: Path) -> None:
    files = {
        "m.nr": 'from "a.nr" import A from "b.nr" import B network M { input: (8) layers: A() B() }',
        "a.nr": 'from "c.nr" import C define A { C() }',
        "b.nr": 'from "c.nr" import C define B { C() }',
        "c.nr": "define C { Dense(3) }",
    }
    assert program_of(tmp_path, files).body.size == 2
