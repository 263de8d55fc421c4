"""Every pass of the graph level, and their pipeline, leaves random programs valid and their results as they were."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from support.compare import assert_pass_preserves
from support.random_graph import RandomProgram, graph_programs
from support.tables import few_of

from neuralc.dialects import graph
from neuralc.dialects.weights import WeightStore
from neuralc.passes.base import PassContext
from neuralc.passes.printing import print_module
from neuralc.passes.registry import NAMES, parse_pipeline

GRAPH_PASSES = [name for name in NAMES if name.startswith("graph-") and "-to-" not in name]
PIPELINE = ",".join(
    f"graph-{name}"
    for name in (
        "inline",
        "specialize-inference",
        "canonicalize",
        "fold-batch-norm",
        "fold-constants",
        "cse",
        "dce",
    )
)
GONE = (graph.CallOp, graph.FuncOp, graph.DropoutOp, graph.IdentityOp, graph.BatchNormOp)

few = settings(max_examples=60)
many = settings(max_examples=2000)
each_pass = pytest.mark.parametrize("name", few_of(GRAPH_PASSES))


def assert_preserved(program: RandomProgram, passes: str) -> None:
    assert_pass_preserves(parse_pipeline(passes), program.module.clone(), WeightStore(program.weights), program.inputs)


@each_pass
@few
@given(program=graph_programs())
def test_a_pass_preserves_results(program: RandomProgram, name: str) -> None:
    assert_preserved(program, name)


@pytest.mark.slow
@each_pass
@many
@given(program=graph_programs(ops=16))
def test_a_pass_preserves_results_of_many_programs(program: RandomProgram, name: str) -> None:
    assert_preserved(program, name)


@few
@given(program=graph_programs())
def test_the_pipeline_preserves_results(program: RandomProgram) -> None:
    assert_preserved(program, PIPELINE)


@pytest.mark.slow
@many
@given(program=graph_programs(ops=16))
def test_the_pipeline_preserves_results_of_many_programs(program: RandomProgram) -> None:
    assert_preserved(program, PIPELINE)


@few
@given(program=graph_programs())
@pytest.mark.thorough
def test_the_pipeline_leaves_no_layer_that_only_training_needs(program: RandomProgram) -> None:
    text = text_after(PIPELINE, program)
    assert not [op.name for op in GONE if f"{op.name} " in text]


@each_pass
@few
@given(program=graph_programs())
@pytest.mark.thorough
def test_a_pass_has_nothing_to_do_on_its_own_result(program: RandomProgram, name: str) -> None:
    assert text_after(f"{name},{name}", program) == text_after(name, program)


@settings(max_examples=10)
@given(program=graph_programs(ops=16))
def test_passes_are_deterministic(program: RandomProgram) -> None:
    assert text_after(PIPELINE, program) == text_after(PIPELINE, program)


def text_after(passes: str, program: RandomProgram) -> str:
    module, weights = program.module.clone(), WeightStore(program.weights)
    for each in parse_pipeline(passes):
        each.run_in(module, PassContext(weights=weights))
    return print_module(module)
