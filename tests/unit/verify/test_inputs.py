"""Inputs that `neuralc verify` makes: sizes, and arrays that a model makes sense of."""

import numpy as np
import pytest

pytest.importorskip("onnx")

from support.onnx_graphs import load, model, node, port

from neuralc.grammar.diagnostics import UsageError
from neuralc.passes.parsing import parse_module
from neuralc.verify.inputs import make_inputs, varied_sizes

EMBEDDING = model(
    [node("Gather", ["table", "ids"], ["rows"]), node("Mul", ["rows", "mask"], ["y"])],
    [port("ids", ["batch", "S"], np.int64), port("mask", ["batch", "S", 1])],
    ["y"],
    {"table": np.zeros((5, 4), np.float32)},
)


def test_sizes_differ_and_are_small() -> None:
    ports = [port("x", ["N", "S"]), port("y", ["N", "T"])]
    module = load(model([node("Concat", ["x", "y"], ["z"], axis=1)], ports, ["z"])).module
    sizes = varied_sizes(module, {})
    assert set(sizes) == {"N", "S", "T"}
    assert len(set(sizes.values())) == 3
    assert max(sizes.values()) <= 23


def test_sizes_of_images_are_those_that_strides_divide() -> None:
    module = load(model([node("Relu", ["x"], ["y"])], [port("x", ["N", 3, "H", "W"])], ["y"])).module
    assert varied_sizes(module, {}) == {"N": 2, "H": 64, "W": 96}


def test_given_sizes_are_taken_and_unknown_ones_refused() -> None:
    module = load(EMBEDDING).module
    assert varied_sizes(module, {"S": 7})["S"] == 7
    with pytest.raises(UsageError, match="E0813"):
        varied_sizes(module, {"T": 7})


def test_integers_index_what_the_model_reads_with_them() -> None:
    arrays = make_inputs(load(EMBEDDING).module, {"batch": 40, "S": 40}, 0, {})
    assert arrays["ids"].dtype == np.int64
    assert set(np.unique(arrays["ids"])) == {0, 1, 2, 3, 4}


def test_floats_that_index_after_a_cast_are_numbers_of_rows() -> None:
    rows, ids = "tensor<?x2xf32, #graph.dims<batch, 2>>", "tensor<?xf32, #graph.dims<batch>>"
    module = parse_module(f"""builtin.module {{
  graph.dim @batch from 1 origin "implied batch"
  graph.weight @table : tensor<11x2xf32>
  graph.model @m(%x: {ids}) -> ({rows}) inputs ["x"] outputs ["rows"] {{
    %0 = graph.get_weight @table -> tensor<11x2xf32>
    %1 = graph.cast %x -> tensor<?xi64, #graph.dims<batch>>
    %2 = graph.gather %0, %1 {{axis = 0}} -> {rows}
    graph.return %2
  }}
}}""")
    drawn = make_inputs(module, {"batch": 200}, 0, {})["x"]
    assert drawn.dtype == np.float32
    assert set(np.unique(drawn)) == set(range(11))


def test_masks_are_zeros_and_ones() -> None:
    mask = make_inputs(load(EMBEDDING).module, {"batch": 9, "S": 9}, 0, {})["mask"]
    assert mask.dtype == np.float32
    assert set(np.unique(mask)) <= {0.0, 1.0}
    assert mask.any()


def test_a_seed_gives_the_same_inputs_and_another_one_others() -> None:
    module = load(EMBEDDING).module
    sizes = {"batch": 3, "S": 8}
    first, again, other = (make_inputs(module, sizes, seed, {})["ids"] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_integers_index_tables_inside_of_functions_too() -> None:
    rows = "tensor<?x2xf32, #graph.dims<batch, 2>>"
    ids = "tensor<?xi64, #graph.dims<batch>>"
    module = parse_module(f"""builtin.module {{
  graph.dim @batch from 1 origin "implied batch"
  graph.weight @table : tensor<11x2xf32>
  graph.func @lookup(%table: tensor<11x2xf32>, %ids: {ids}) -> ({rows}) {{
    %0 = graph.gather %table, %ids {{axis = 0}} -> {rows}
    graph.return %0
  }}
  graph.model @m(%ids: {ids}) -> ({rows}) inputs ["ids"] outputs ["rows"] {{
    %0 = graph.get_weight @table -> tensor<11x2xf32>
    %1 = graph.call @lookup(%0, %ids) -> {rows}
    graph.return %1
  }}
}}""")
    found = make_inputs(module, {"batch": 200}, 0, {})["ids"]
    assert (found.min(), found.max()) == (0, 10)
