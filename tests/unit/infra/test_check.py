"""`--check-each`: finds the pass and the op that changed the results, and only those."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from xdsl.dialects.builtin import ModuleOp
from xdsl.rewriter import Rewriter

from neuralc.dialects.graph import AddOp, IdentityOp, ReluOp
from neuralc.grammar.diagnostics import NeuralcError
from neuralc.passes.base import ModulePass, Numerics, PassContext
from neuralc.passes.check import CheckEach, compare, random_inputs, random_states
from neuralc.passes.manager import run_pipeline
from neuralc.passes.parsing import parse_module

TEXT = """builtin.module {
  graph.dim @batch from 1
  graph.weight @w : tensor<4x3xf32>
  graph.model @m(%x: tensor<?x4xf32, #graph.dims<batch>>) -> (tensor<?x3xf32, #graph.dims<batch>>) inputs ["x"] outputs ["y"] {
    %w = graph.get_weight @w -> tensor<4x3xf32>
    %dense = graph.dense %x, %w -> tensor<?x3xf32, #graph.dims<batch>>
    %relu = graph.relu %dense -> tensor<?x3xf32, #graph.dims<batch>>
    %sum = graph.add %relu, %dense -> tensor<?x3xf32, #graph.dims<batch>>
    graph.return %sum
  }
}
"""  # noqa: E501  (IR has long lines)


@dataclass(frozen=True)
class LoseRelu(ModulePass):
    """Wrong: drops what relu does."""

    name: ClassVar[str] = "test-lose-relu"

    def run(self, module: ModuleOp, context: PassContext) -> None:
        for op in list(module.walk()):
            if isinstance(op, ReluOp):
                new = IdentityOp.of(op.operands[0])
                new.location = op.location
                new.results[0].name_hint = op.results[0].name_hint
                Rewriter.replace_op(op, new)


@dataclass(frozen=True)
class SwapAdd(ModulePass):
    """Right: addition commutes."""

    name: ClassVar[str] = "test-swap-add"

    def run(self, module: ModuleOp, context: PassContext) -> None:
        for op in module.walk():
            if isinstance(op, AddOp):
                op.operands = list(reversed(op.operands))


@dataclass(frozen=True)
class LosePrecision(LoseRelu):
    name: ClassVar[str] = "test-lose-precision"
    numerics: ClassVar[Numerics] = "rounded"
    tolerance: ClassVar[float] = 1e9


def parse() -> ModuleOp:
    return parse_module(TEXT, "m.mlir")


def test_a_pass_that_preserves_values_goes_through() -> None:
    run_pipeline(parse(), [SwapAdd(), SwapAdd()], PassContext(), instruments=[CheckEach()])


def test_the_first_wrong_pass_and_op_are_named_with_the_difference() -> None:
    with pytest.raises(NeuralcError) as caught:
        run_pipeline(parse(), [SwapAdd(), LoseRelu(), SwapAdd()], PassContext(), instruments=[CheckEach()])
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "E9904"
    assert diagnostic.message == "pass `test-lose-relu` changed the results"
    assert str(diagnostic.span) == "m.mlir:7:5"
    assert diagnostic.notes[0].startswith("the first op that differs is `graph.identity` (%relu): it differs by ")
    assert diagnostic.notes[1].startswith("output 0 differs by ")
    assert diagnostic.help is not None
    assert "--run-reproducer" in diagnostic.help


def test_a_pass_that_changes_precision_is_held_to_the_bound_it_declares() -> None:
    run_pipeline(parse(), [LosePrecision()], PassContext(), instruments=[CheckEach()])


def test_inputs_are_the_same_every_time_and_have_the_sizes_of_the_model() -> None:
    first, second = random_inputs(parse(), 0), random_inputs(parse(), 0)
    assert first["x"].shape == (7, 4)
    np.testing.assert_array_equal(first["x"], second["x"])
    assert not np.array_equal(first["x"], random_inputs(parse(), 1)["x"])


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("expected", "found", "agree"),
    [
        ([1.0, 2.0], [1.0, 2.0 + 1e-10], True),
        ([1.0, 2.0], [1.0, 2.0 + 1e-8], False),
        ([1e6, 0.0], [1e6, 1e-4], True),  # relative to the largest value
        ([NAN, INF, -INF], [NAN, INF, -INF], True),
        ([NAN], [0.0], False),
        ([0.0], [NAN], False),
        ([INF], [-INF], False),
        ([INF], [1e300], False),
        ([], [], True),
    ],
)
def test_comparison(expected: list[float], found: list[float], agree: bool) -> None:
    assert (compare(np.array(expected), np.array(found), 1e-9) is None) == agree


def test_comparison_of_other_shapes_fails() -> None:
    assert compare(np.zeros((2, 3)), np.zeros((3, 2)), 1e-9) is not None


STATEFUL = """builtin.module {
  graph.state @h : tensor<4xf32>
  graph.state @count : tensor<i64> init 2
  graph.model @m(%x: tensor<4xf32>) -> (tensor<4xf32>) inputs ["x"] outputs ["y"] {
    %h = graph.get_state @h -> tensor<4xf32>
    %next = graph.add %x, %h -> tensor<4xf32>
    %relu = graph.relu %next -> tensor<4xf32>
    graph.set_state @h, %relu
    %count = graph.get_state @count -> tensor<i64>
    graph.set_state @count, %count
    graph.return %x
  }
}
"""


def test_what_is_left_in_a_state_is_compared() -> None:
    with pytest.raises(NeuralcError) as caught:
        run_pipeline(parse_module(STATEFUL), [LoseRelu()], PassContext(), instruments=[CheckEach()])
    assert caught.value.diagnostics[0].notes[1].startswith("state @h differs by ")


def test_states_of_floats_begin_with_random_values_and_others_as_declared() -> None:
    states = random_states(parse_module(STATEFUL), 0)
    assert set(states) == {"h"}
    assert states["h"].all()
