"""`--dump-ir`: which files, what is in them, and that the weights come back."""

import json
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects.weights import WeightStore
from neuralc.grammar.diagnostics import NeuralcError
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.driver import rewrite
from neuralc.passes.dump import DumpIr, load_weights_folder, save_weights_folder
from neuralc.passes.manager import run_pipeline
from neuralc.passes.parsing import parse_module
from neuralc.passes.printing import print_module

TEXT = """builtin.module {
  %a = arith.constant 1 : i32
  %b = arith.addi %a, %a : i32
}
"""


class EraseDead(ModulePass):
    name = "test-erase-dead"

    def run(self, module: ModuleOp, context: PassContext) -> None:
        rewrite(module, [], context)


class Fail(ModulePass):
    name = "test-fail"

    def run(self, module: ModuleOp, context: PassContext) -> None:
        raise ValueError("no")


class Links(HTMLParser):
    """The targets of links and the ids of a page; raises on tags that do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: set[str] = set()
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        self.targets |= {found["href"]} if found.get("href") else set()
        self.ids |= {found["id"]} if found.get("id") else set()


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_one_file_for_each_pass_that_changed_something(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "dump"
    run_pipeline(
        parse_module(TEXT), [EraseDead(), EraseDead(), EraseDead()], PassContext(), instruments=[DumpIr(folder)]
    )
    assert files(folder) == ["000-input.mlir", "001-test-erase-dead.mlir", "index.html"]
    assert (folder / "000-input.mlir").read_text() == TEXT
    assert (folder / "001-test-erase-dead.mlir").read_text() == "builtin.module {\n}\n"


def test_what_is_dumped_parses_back(tmp_path: Path) -> None:
    run_pipeline(parse_module(TEXT), [EraseDead()], PassContext(), instruments=[DumpIr(tmp_path)])
    for path in tmp_path.glob("*.mlir"):
        assert print_module(parse_module(path.read_text())) == path.read_text()


def test_the_page_links_what_is_there(tmp_path: Path) -> None:
    run_pipeline(parse_module(TEXT), [EraseDead(), EraseDead()], PassContext(), instruments=[DumpIr(tmp_path)])
    page = Links((tmp_path / "index.html").read_text())
    for target in page.targets:
        assert target[1:] in page.ids if target.startswith("#") else (tmp_path / target).exists(), target
    assert "001-test-erase-dead.mlir" in page.targets


def test_a_pipeline_that_fails_leaves_what_it_came_to(tmp_path: Path) -> None:
    with pytest.raises(NeuralcError):
        run_pipeline(
            parse_module(TEXT),
            [EraseDead(), Fail()],
            PassContext(),
            instruments=[DumpIr(tmp_path / "dump")],
            reproducer=tmp_path / "r.mlir",
        )
    assert "001-test-erase-dead.mlir" in files(tmp_path / "dump")
    assert "test-erase-dead" in (tmp_path / "dump" / "index.html").read_text()


def test_files_of_an_earlier_run_go(tmp_path: Path) -> None:
    (tmp_path / "009-old-pass.mlir").write_text("old")
    (tmp_path / "mine.mlir").write_text("keep")
    run_pipeline(parse_module(TEXT), [EraseDead()], PassContext(), instruments=[DumpIr(tmp_path)])
    assert "009-old-pass.mlir" not in files(tmp_path)
    assert "mine.mlir" in files(tmp_path)


def test_weights_are_stored_by_content_and_come_back(tmp_path: Path) -> None:
    ones = np.ones((2, 3), np.float32)
    weights = WeightStore({"b": ones, "a": ones.copy(), "c": np.arange(4, dtype=np.int8)})
    save_weights_folder(weights, tmp_path)
    index = json.loads((tmp_path / "index.json").read_text())
    assert index["a"] == index["b"] != index["c"]
    assert len(files(tmp_path)) == 3
    loaded = load_weights_folder(tmp_path)
    assert sorted(loaded) == ["a", "b", "c"]
    for name in weights:
        assert loaded[name].dtype == weights[name].dtype
        np.testing.assert_array_equal(loaded[name], weights[name])


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NeuralcError, match="E0901"):
        load_weights_folder(tmp_path)
