"""States in the interpreters: what a run finds and leaves, on every level, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.graph_modules import Array, GraphModule, tensor
from xdsl.dialects.builtin import ModuleOp, i64
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.interp import run_module
from neuralc.dialects.interp.states import StateStore
from neuralc.dialects.weights import WeightStore
from neuralc.grammar.diagnostics import NeuralcError
from neuralc.passes.parsing import parse_module

ROW = tensor("batch", 3)


def running_sum(initial: float = 0) -> GraphModule:
    """`sum` holds the sum of all inputs so far; the model gives what it was before."""
    build = GraphModule()
    build.state("sum", ROW, initial)
    return build


def body(x: SSAValue) -> SSAValue:
    before = graph.GetStateOp("sum", ROW)
    graph.SetStateOp("sum", graph.AddOp.of(x, before.result).result)
    return graph.GetStateOp("sum", ROW).result


def summing(initial: float = 0) -> ModuleOp:
    return running_sum(initial).model({"x": ROW}, body)


def run(module: ModuleOp, x: Array, states: StateStore | None, **options: Any) -> Array:
    return run_module(module, [x], WeightStore(), states=states, **options)[0]


def rows(*numbers: float) -> Array:
    return np.array([[number] * 3 for number in numbers], np.float32)


def test_a_run_reads_what_it_found_and_leaves_what_it_set() -> None:
    states: dict[str, Array] = {}
    np.testing.assert_array_equal(run(summing(), rows(1, 2), states), rows(0, 0))
    np.testing.assert_array_equal(run(summing(), rows(1, 2), states), rows(1, 2))
    np.testing.assert_array_equal(states["sum"], rows(2, 4))


def test_without_a_store_every_run_is_the_first() -> None:
    for _ in range(2):
        np.testing.assert_array_equal(run(summing(0.5), rows(1), None), rows(0.5))


def test_a_state_begins_with_a_weight_along_its_leading_dims() -> None:
    build = GraphModule()

    def start(x: SSAValue) -> SSAValue:
        build.weight("start", np.array([1, 2, 3], np.float32))
        build.state("sum", ROW, "start")
        return body(x)

    module = build.model({"x": ROW}, start)
    (y,) = run_module(module, [rows(0, 0)], build.weights, states={})
    np.testing.assert_array_equal(y, [[1, 2, 3], [1, 2, 3]])


def test_states_are_rounded_to_their_type_only_where_results_are() -> None:
    exact: dict[str, Array] = {}
    rounded: dict[str, Array] = {}
    for _ in range(3):
        run(summing(), rows(0.1), exact)
        run(summing(), rows(0.1), rounded, numerics="rounded")
    assert exact["sum"].dtype == np.float64
    assert rounded["sum"].dtype == np.float32
    tenth = np.float32(0.1)
    assert rounded["sum"][0, 0] == tenth + tenth + tenth


def test_sizes_of_states_are_those_of_the_first_run() -> None:
    states: dict[str, Array] = {}
    run(summing(), rows(1, 2), states)
    with pytest.raises(NeuralcError, match=r"state `sum` is \(2, 3\), this run makes it \(1, 3\)") as caught:
        run(summing(), rows(1), states)
    assert caught.value.diagnostics[0].code == "E0912"
    np.testing.assert_array_equal(states["sum"], rows(1, 2))
    states.clear()
    np.testing.assert_array_equal(run(summing(), rows(1), states), rows(0))


def test_sizes_that_no_state_has_may_change() -> None:
    build = GraphModule()
    build.state("last", tensor("batch"))

    def last_column(x: SSAValue) -> SSAValue:
        before = graph.GetStateOp("last", tensor("batch")).result
        graph.SetStateOp("last", graph.ReduceOp.of(x, axes=(1,), kind="maximum").result)
        return before

    module = build.model({"x": tensor("batch", "S")}, last_column)
    states: dict[str, Array] = {}
    run(module, np.array([[1, 4, 2]], np.float32), states)
    np.testing.assert_array_equal(run(module, np.array([[0, 1]], np.float32), states), [4])


def test_a_size_that_no_input_has_is_refused() -> None:
    build = GraphModule()
    build.state("sum", tensor("N"))
    module = build.model({"x": ROW}, lambda x: [x, graph.GetStateOp("sum", tensor("N")).result])
    with pytest.raises(NeuralcError, match=r"the size of dim `N` cannot be told from the inputs: state `sum` has it"):
        run(module, rows(1), {})


def test_a_state_that_the_model_does_not_access_needs_nothing() -> None:
    build = GraphModule()
    build.state("unused", tensor("N"), "no_such_weight")
    states: dict[str, Array] = {}
    run(build.model({"x": ROW}, lambda x: x), rows(1), states)
    assert not states


def test_a_run_that_its_data_ends_resets_the_states() -> None:
    build = GraphModule()
    build.state("last", tensor(element=i64))

    def look_up(index: SSAValue) -> SSAValue:
        table = build.weight("table", np.arange(4, dtype=np.float32))
        before = graph.GetStateOp("last", index.type).result
        graph.SetStateOp("last", index)
        return graph.GatherOp.of(table, before, axis=0).result

    module = build.model({"index": tensor(element=i64)}, look_up)
    states: dict[str, Array] = {}

    def call(index: int) -> float:
        return float(run_module(module, [np.array(index)], build.weights, states=states)[0])

    assert [call(2), call(9)] == [0, 2]
    with pytest.raises(NeuralcError) as caught:
        call(1)
    assert caught.value.diagnostics[0].code == "E0910"
    assert not states
    assert call(3) == 0


HOST = """
graph.dim @batch from 1
graph.state @sum : tensor<?x3xf32, #graph.dims<batch>> init 2.0
graph.state @total : tensor<3xf32>
kernel.func @add(%n: index, %a: !kernel.ref<[n], f32>, %b: !kernel.ref<[n], f32>, %y: !kernel.ref<[n], f32>) dims [n] grid (n) {
  %p = kernel.program_id
  %0 = kernel.load %a[%p] -> !kernel.tile<f32>
  %1 = kernel.load %b[%p] -> !kernel.tile<f32>
  %2 = kernel.map add %0, %1 -> !kernel.tile<f32>
  kernel.store %2, %y[%p]
  kernel.return
}
kernel.func @count(%y: !kernel.ref<[3], f32>) dims [] grid (3) {
  %p = kernel.program_id
  %0 = kernel.load %y[%p] -> !kernel.tile<f32>
  %1 = kernel.map add %0, %0 -> !kernel.tile<f32>
  %one = kernel.splat 1.0 -> !kernel.tile<f32>
  %2 = kernel.map add %1, %one -> !kernel.tile<f32>
  kernel.store %2, %y[%p]
  kernel.return
}
kernel.host @m(%x: !kernel.ref<[batch, 3], f32>, %y: !kernel.ref<[batch, 3], f32>) dims [batch] inputs ["x"] outputs ["y"] {
  %now = kernel.state @sum -> !kernel.ref<[batch, 3], f32>
  %next = kernel.next_state @sum -> !kernel.ref<[batch, 3], f32>
  kernel.launch @add[batch * 3](%x, %now, %next)
  kernel.launch @add[batch * 3](%now, %now, %y)
  %total = kernel.state @total -> !kernel.ref<[3], f32>
  kernel.launch @count[](%total)
  kernel.return
}
"""  # noqa: E501  (IR has long lines)


def test_a_host_program_writes_other_memory_or_the_same() -> None:
    """`sum` has memory for the next run, which the reads behind the write do not see; `total` changes in place."""
    module, states = parse_module(HOST), dict[str, Array]()
    np.testing.assert_array_equal(run(module, rows(1, 2), states), rows(4, 4))
    np.testing.assert_array_equal(run(module, rows(1, 2), states), rows(6, 8))
    np.testing.assert_array_equal(states["sum"], rows(4, 6))
    np.testing.assert_array_equal(states["total"], [3, 3, 3])
