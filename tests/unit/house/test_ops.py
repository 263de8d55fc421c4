"""Every op of the graph level has all its places, and docs/ops.md says what the code says."""

import json
from collections.abc import Callable, Set
from pathlib import Path

import pytest
from xdsl.ir import Operation

from neuralc import expressions_docs, layers_docs, tables_docs
from neuralc.dialects.graph import Graph, TrainingOp, derived
from neuralc.grammar.signatures import SIGNATURES
from neuralc.tables import aten, onnx_operators, places

ROOT = Path(__file__).parents[3]
NAMES = {op.name.removeprefix("graph.") for op in Graph.operations}
MAKERS = {
    *places.random_makers(ROOT / "tests" / "support" / "layers"),
    *places.random_makers(ROOT / "tests" / "support"),
}
GONE_BEFORE_LOWERING = {op.name for op in derived(TrainingOp)}
"""Removed on the graph level, by graph-specialize-inference."""
WITHOUT_MEANING = {"graph.custom"}
"""A layer of which only the name is known: whoever has to compute it says E0704 (tests/unit/passes_graph)."""


def without(place: Callable[[type[Operation]], object], excused: Set[str] = frozenset()) -> set[str]:
    """The ops that have nothing in a place where ops have something, and no excuse."""
    return {op.name for op in places.ops() if not place(op)} - excused


def test_an_op_says_what_it_computes() -> None:
    assert without(places.first_line) == set()


def test_an_op_has_a_meaning() -> None:
    assert without(places.has_meaning, WITHOUT_MEANING) == set()


def test_an_op_has_loops() -> None:
    assert without(places.has_loops, GONE_BEFORE_LOWERING | WITHOUT_MEANING) == set()


def test_an_op_has_a_cost() -> None:
    assert without(places.has_cost) == set()


def test_an_op_stands_in_random_programs() -> None:
    assert without(lambda op: op.__name__ in MAKERS, WITHOUT_MEANING) == set()


def test_the_page_is_up_to_date() -> None:
    assert (ROOT / "docs" / "ops.md").read_text(encoding="utf-8") == tables_docs.text(), "make docs"


def test_the_page_of_expressions_is_up_to_date() -> None:
    page = ROOT / "docs" / "language" / "expressions.md"
    assert page.read_text(encoding="utf-8") == expressions_docs.text(), "make docs"


def test_operators_become_ops_that_exist() -> None:
    for row in onnx_operators.rows():
        assert {name.removeprefix("graph.") for name in row.makes} <= NAMES, row.name


def test_reasons_are_those_of_operators_that_exist_and_have_no_handler() -> None:
    rows = {(row.domain, row.name): row for row in onnx_operators.rows()}
    for key in onnx_operators.REASONS:
        assert key in rows
        assert not rows[key].makes


def test_aten_ops_become_ops_that_exist() -> None:
    for name in (*aten.IMPORTED, *aten.others()):
        assert aten.makes(name), name
        assert {op.removeprefix("graph.") for op in aten.makes(name)} <= NAMES, name


def test_aten_ops_with_a_reason_have_no_handler() -> None:
    assert [name for name in aten.REASONS if aten.makes(name)] == []


@pytest.mark.thorough
def test_the_aten_table_is_that_of_torch() -> None:
    import torch

    core = set()
    for schema in torch._C._jit_get_all_schemas():
        space, _, name = schema.name.partition("::")
        if space == "aten" and hasattr(torch.ops.aten, name):
            overload = getattr(getattr(torch.ops.aten, name), schema.overload_name or "default", None)
            if overload is not None and torch.Tag.core in overload.tags:
                core.add(name)
    assert core == {*aten.IMPORTED, *aten.REASONS}


def test_every_layer_was_held_against_its_source() -> None:
    results = json.loads((ROOT / "docs" / "layer_results.json").read_text(encoding="utf-8"))
    assert {signature.name for signature in SIGNATURES} == set(results), "python -m benchmarks.layer_reference"
    for layer, found in results.items():
        assert found["reference"] <= 1e-10, layer
        assert found["native"] <= 1e-5, layer


def test_the_page_of_layers_is_up_to_date() -> None:
    assert (ROOT / "docs" / "layers.md").read_text(encoding="utf-8") == layers_docs.text(), "make docs"
