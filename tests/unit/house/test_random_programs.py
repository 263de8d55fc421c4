"""The random programs of tests: all ops and element types, small where they fail, printed so that they run again."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from support.layers.elementwise import FLOATS
from support.layers.integers import INTEGERS
from support.random_graph import RandomProgram, graph_programs, read_program
from xdsl.dialects.builtin import TensorType, i1
from xdsl.ir import Attribute

from neuralc.dialects import graph
from neuralc.dialects.interp import run_module
from neuralc.passes.printing import print_module
from neuralc.passes.verifier import verify_module

PROGRAMS = 2000
"""As many are looked at."""
LEAST = 3
"""Programs that an op stands in."""


@cache
def tables() -> tuple[dict[str, int], dict[str, int]]:
    """Of each op and of each element type, the number of programs that it stands in.

    No program has `graph.custom`: what a package adds has a meaning by its name alone.
    """
    ops: Counter[str] = Counter({op.name: 0 for op in graph.Graph.operations if op is not graph.CustomOp})
    types: Counter[str] = Counter({str(type_): 0 for type_ in (*FLOATS, *INTEGERS, i1)})

    @settings(max_examples=PROGRAMS, phases=[Phase.generate])
    @given(program=graph_programs())
    def count(program: RandomProgram) -> None:
        found = [op for op in program.module.walk() if op.name.startswith("graph.")]
        ops.update({op.name for op in found})
        types.update({str(element) for op in found for result in op.results for element in _element(result.type)})

    count()
    return ops, types


def _element(type_: Attribute) -> list[Attribute]:
    return [type_.element_type] if isinstance(type_, TensorType) else []


@pytest.mark.thorough
def test_every_op_stands_in_some() -> None:
    ops, _ = tables()
    assert {op: count for op, count in ops.items() if count < LEAST} == {}


@pytest.mark.thorough
def test_every_element_type_stands_in_many() -> None:
    _, types = tables()
    assert {element: count for element, count in types.items() if count < PROGRAMS // 20} == {}


@settings(max_examples=40)
@given(program=graph_programs())
def test_programs_are_valid_and_their_results_finite(program: RandomProgram) -> None:
    verify_module(program.module)
    for array in run_module(program.module, program.inputs, program.weights):
        assert np.isfinite(array).all()


@settings(max_examples=40)
@given(program=graph_programs())
@pytest.mark.thorough
def test_what_is_printed_is_the_program(program: RandomProgram) -> None:
    again = read_program(str(program))
    assert print_module(again.module) == print_module(program.module)
    expected = run_module(program.module, program.inputs, program.weights)
    for after, before in zip(run_module(again.module, again.inputs, again.weights), expected, strict=True):
        np.testing.assert_array_equal(after, before)


@pytest.mark.thorough
@pytest.mark.parametrize(("op", "ops"), [(graph.CumulateOp, 2), (graph.TopKOp, 1), (graph.CoshOp, 4)])
def test_a_program_that_fails_is_made_small(op: type[Any], ops: int) -> None:
    def fails(program: RandomProgram) -> bool:
        return any(isinstance(each, op) for each in program.module.walk())

    smallest = find(graph_programs(), fails, settings=settings(max_examples=5000))
    assert len(graph.the_model(smallest.module).block.ops) == ops + 1


@pytest.mark.thorough
def test_a_program_that_fails_is_printed() -> None:
    @settings(max_examples=50)
    @given(program=graph_programs(ops=3))
    def fails(program: RandomProgram) -> None:
        assert "graph.return" not in print_module(program.module)

    with pytest.raises(AssertionError) as failure:
        fails()
    _, _, printed = "\n".join(failure.value.__notes__).partition("program=")
    program = read_program(printed.rpartition("\n,")[0])
    assert len(run_module(program.module, program.inputs, program.weights)) == 1
