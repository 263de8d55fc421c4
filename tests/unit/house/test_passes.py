"""One pass, one file, one name, one lit file."""

import inspect
from importlib import import_module
from pathlib import Path

import pytest

from neuralc.passes.base import ModulePass
from neuralc.passes.pipelines import PIPELINE, describe, load, pipeline, slice_pipeline
from neuralc.passes.registry import NAMES, PASSES, describe_pass, format_pipeline, module_of, parse_pipeline

ROOT = Path(__file__).parents[3]
FILES = sorted(
    path
    for folder in ("graph", "tensor", "kernel", "lower")
    for path in (ROOT / "passes" / folder).glob("*.py")
    if path.stem != "__init__"
)


def lit_file(name: str) -> Path:
    folder, file = module_of(name).split(".")[-2:]
    return ROOT / "tests" / "lit" / "passes" / folder / f"{file}.mlir"


def test_a_pass_is_where_its_name_says() -> None:
    for name in NAMES:
        each = PASSES[name]()
        assert each.name == name
        assert each.__module__ == module_of(name)
        assert (inspect.getdoc(import_module(each.__module__)) or "").startswith(f"{name}: ")


def test_a_file_holds_one_registered_pass_or_none() -> None:
    for path in FILES:
        module = import_module(f"neuralc.passes.{path.parent.name}.{path.stem}")
        passes = [
            value
            for value in vars(module).values()
            if isinstance(value, type) and issubclass(value, ModulePass) and value.__module__ == module.__name__
        ]
        assert [each.name for each in passes] == [name for name in NAMES if module_of(name) == module.__name__]


def test_a_pass_has_a_lit_file() -> None:
    for name in NAMES:
        text = lit_file(name).read_text(encoding="utf-8")
        assert "RUN:" in text, name
        assert name in text


def test_a_pass_runs_with_its_defaults_and_says_what_its_options_are_for() -> None:
    for name in NAMES:
        PASSES[name]()()
        description = describe_pass(name)
        assert description.summary, name
        for option in description.options:
            assert option.text, f"{name}: option {option.name} has no docstring"


def test_names_are_sorted_and_unique() -> None:
    assert list(NAMES) == sorted(set(NAMES))


@pytest.mark.parametrize("target", ["cpu", "cuda"])
@pytest.mark.parametrize("opt", [0, 1, 2])
def test_a_printed_pipeline_can_be_fed_back(opt: int, target: str) -> None:
    entries = pipeline(opt, target)
    assert format_pipeline(parse_pipeline(describe(entries))) == format_pipeline(load(entries))


def test_every_line_of_the_pipeline_gives_a_reason() -> None:
    assert all(entry.reason for entry in PIPELINE)


def test_slices_of_the_pipeline_join_to_the_whole() -> None:
    whole = pipeline(2)
    graph = slice_pipeline(whole, "graph", "graph")
    tensor = slice_pipeline(whole, "graph", "tensor")[len(graph) :]
    kernel = slice_pipeline(whole, "graph", "kernel")[len(graph) + len(tensor) :]
    assert graph + tensor + kernel == whole
    assert tensor[0].spec == "graph-to-tensor"
    assert kernel[0].spec.startswith("tensor-to-kernel")
    assert slice_pipeline(whole, "tensor", "kernel") == tensor[1:] + kernel
    assert slice_pipeline(whole, "kernel", "kernel") == kernel[1:]
