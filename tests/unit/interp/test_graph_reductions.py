"""Reductions, positions of extremes, running values and order agree with torch, ONNX's reference or numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.compare import assert_close
from support.graph_modules import GraphModule, single_op, tensor
from support.onnx_nodes import run_node
from xdsl.dialects.builtin import f64

from neuralc.dialects import graph
from neuralc.dialects.dims import Dim
from neuralc.dialects.interp import run_module
from neuralc.dialects.types import DimsAttr, element_type_of
from neuralc.dialects.weights import WeightStore

torch = pytest.importorskip("torch")
TOLERANCE = 1e-10


def evaluate(op: type[Any], *operands: Any, **properties: Any) -> Any:
    (found,) = run_module(single_op(op, *operands, **properties), operands, WeightStore())
    return found


def normal(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape) * 2.0


@pytest.mark.parametrize("axes", [(0,), (1, 2), (-1,)], ids=str)
def test_products(axes: tuple[int, ...]) -> None:
    x = normal(3, 4, 5)
    found = evaluate(graph.ReduceOp, x, kind="prod", axes=axes, keepdims=True)
    assert_close(found, run_node("ReduceProd", x, np.array(axes), keepdims=1), TOLERANCE)


@pytest.mark.parametrize("axis", [0, 1])
def test_all_and_any(axis: int) -> None:
    x = np.array([[True, True, False], [True, False, False]])
    np.testing.assert_array_equal(evaluate(graph.ReduceOp, x, kind="all", axes=(axis,)), x.all(axis))
    np.testing.assert_array_equal(evaluate(graph.ReduceOp, x, kind="any", axes=(axis,)), x.any(axis))


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64"])
@pytest.mark.parametrize(("kind", "reference"), [("sum", np.sum), ("prod", np.prod)])
def test_sums_and_products_of_integers_wrap(kind: str, reference: Any, dtype: str) -> None:
    x = np.arange(1, 31).reshape(3, 10).astype(dtype)
    found = evaluate(graph.ReduceOp, x, kind=kind, axes=(1,))
    assert found.dtype == x.dtype
    np.testing.assert_array_equal(found, reference(x, axis=1, dtype=dtype))


def test_of_nothing_is_what_changes_nothing() -> None:
    x, expected = np.zeros((2, 0)), {"sum": 0, "prod": 1, "maximum": -np.inf, "minimum": np.inf, "mean": np.nan}
    for kind, value in expected.items():
        np.testing.assert_array_equal(evaluate(graph.ReduceOp, x, kind=kind, axes=(1,)), [value] * 2)
    empty = np.zeros((2, 0), np.bool_)
    assert evaluate(graph.ReduceOp, empty, kind="all", axes=(1,)).all()
    assert not evaluate(graph.ReduceOp, empty, kind="any", axes=(1,)).any()
    np.testing.assert_array_equal(
        evaluate(graph.ReduceOp, np.zeros((2, 0), np.int8), kind="maximum", axes=(1,)), [-128, -128]
    )


# -- positions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("kind", ["max", "min"])
def test_positions_of_extremes_are_those_of_onnx(kind: str, axis: int, keepdims: bool, last: bool) -> None:
    x = np.round(normal(3, 4, 5))
    found = evaluate(graph.ArgReduceOp, x, kind=kind, axis=axis, keepdims=keepdims, last=last)
    flags = {"keepdims": int(keepdims), "select_last_index": int(last)}
    np.testing.assert_array_equal(found, run_node(f"Arg{kind.title()}", x, axis=axis, **flags))


@pytest.mark.parametrize("kind", ["max", "min"])
def test_nan_is_the_extreme_wherever_it_stands(kind: str) -> None:
    x = np.array([[1.0, np.nan, np.inf, np.nan, -np.inf]])
    assert evaluate(graph.ArgReduceOp, x, kind=kind, axis=1).tolist() == [1]
    assert evaluate(graph.ArgReduceOp, x, kind=kind, axis=1, last=True).tolist() == [3]


# -- running values ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_running_sums_are_those_of_onnx(axis: int, exclusive: bool, reverse: bool) -> None:
    x = normal(3, 4, 5)
    found = evaluate(graph.CumulateOp, x, kind="sum", axis=axis, exclusive=exclusive, reverse=reverse)
    flags = {"exclusive": int(exclusive), "reverse": int(reverse)}
    assert_close(found, run_node("CumSum", x, np.array(axis), **flags), TOLERANCE)


def test_running_products() -> None:
    x = normal(3, 4)
    assert_close(evaluate(graph.CumulateOp, x, kind="prod", axis=1), np.cumprod(x, axis=1), TOLERANCE)
    found = evaluate(graph.CumulateOp, np.array([2, 3, 4]), kind="prod", axis=0, exclusive=True, reverse=True)
    assert found.tolist() == [12, 4, 1]


# -- order -------------------------------------------------------------------------------------------------------------


def top_k(x: Any, k: int, axis: int, largest: bool) -> list[Any]:
    def body(value: Any) -> Any:
        return graph.TopKOp.of(value, k=DimsAttr((Dim.constant(k),)), axis=axis, largest=largest).results

    type_ = tensor(*x.shape, element=element_type_of(x.dtype))
    return run_module(GraphModule().model({"x": type_}, body), [x], WeightStore())


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize(("k", "axis"), [(2, 0), (3, 1), (5, -1), (1, 2)])
def test_the_first_k_are_those_of_torch(k: int, axis: int, largest: bool) -> None:
    x = normal(3, 4, 5)
    x[1, 2, 3] = np.nan
    values, positions = top_k(x, k, axis, largest)
    expected = torch.topk(torch.from_numpy(x), k, axis, largest)
    np.testing.assert_array_equal(values, expected.values.numpy())
    np.testing.assert_array_equal(positions, expected.indices.numpy())


@pytest.mark.parametrize(("largest", "expected"), [(True, [1, 3, 0]), (False, [2, 4, 0])])
def test_equal_values_keep_their_order(largest: bool, expected: list[int]) -> None:
    _, positions = top_k(np.array([5, 7, 1, 7, 1], np.uint8), 3, 0, largest)
    assert positions.tolist() == expected


def test_k_may_be_a_symbolic_size() -> None:
    size = Dim.symbol("S")
    module = GraphModule().model(
        {"x": tensor("S", element=f64)}, lambda x: graph.TopKOp.of(x, k=DimsAttr((size,))).results
    )
    values, positions = run_module(module, [np.array([2.0, 9.0, 4.0])], WeightStore())
    assert values.tolist() == [9.0, 4.0, 2.0]
    assert positions.tolist() == [1, 2, 0]
