"""gather, scatter and reverse_sequence agree with onnx.reference, numpy and torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.graph_modules import single_op
from support.onnx_nodes import run_node

from neuralc.dialects import graph
from neuralc.dialects.interp import run_module
from neuralc.dialects.interp.numerics import Numerics
from neuralc.dialects.weights import WeightStore
from neuralc.grammar.diagnostics import NeuralcError

KINDS = {"set": "none", "add": "add", "mul": "mul", "maximum": "max", "minimum": "min"}
"""Our names of what a scatter does, and ONNX's."""
SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple)


def evaluate(op: type[Any], *operands: Any, **properties: Any) -> Any:
    module = single_op(op, *operands, **properties)
    module.verify()
    (found,) = run_module(module, operands, WeightStore(), numerics=Numerics.ROUNDED)
    return found


def numbers(shape: tuple[int, ...], dtype: str = "float64", seed: int = 0) -> Any:
    """Distinct integers in a random order, so that no two places look alike."""
    count = int(np.prod(shape, dtype=int))
    return np.random.default_rng(seed).permutation(count).reshape(shape).astype(dtype)


def draw_indices(data: st.DataObject, size: int, shape: tuple[int, ...], dtype: str = "int64") -> Any:
    count = int(np.prod(shape, dtype=int))
    drawn = data.draw(st.lists(st.integers(-size, size - 1), min_size=count, max_size=count))
    return np.array(drawn, dtype).reshape(shape)


@given(shape=SHAPES, indices_shape=st.lists(st.integers(1, 3), max_size=2).map(tuple), data=st.data())
def test_gather(shape: tuple[int, ...], indices_shape: tuple[int, ...], data: st.DataObject) -> None:
    x, axis = numbers(shape), data.draw(st.integers(-len(shape), len(shape) - 1))
    indices = draw_indices(data, shape[axis], indices_shape, data.draw(st.sampled_from(["int32", "int64"])))
    found = evaluate(graph.GatherOp, x, indices, axis=axis)
    np.testing.assert_array_equal(found, run_node("Gather", x, indices, axis=axis))
    np.testing.assert_array_equal(found, np.take(x, indices, axis=axis))


@given(shape=SHAPES, data=st.data())
def test_gather_elements(shape: tuple[int, ...], data: st.DataObject) -> None:
    x, axis = numbers(shape), data.draw(st.integers(-len(shape), len(shape) - 1))
    indices = draw_indices(data, shape[axis], tuple(data.draw(st.integers(1, size)) for size in shape))
    found = evaluate(graph.GatherElementsOp, x, indices, axis=axis)
    expected = np.take_along_axis(
        x[tuple(slice(None) if i == axis % x.ndim else slice(n) for i, n in enumerate(indices.shape))], indices, axis
    )
    np.testing.assert_array_equal(found, expected)


@given(shape=SHAPES, batch_dims=st.integers(0, 2), middle=SHAPES, data=st.data())
@pytest.mark.thorough
def test_gather_nd(shape: tuple[int, ...], batch_dims: int, middle: tuple[int, ...], data: st.DataObject) -> None:
    batch_dims = min(batch_dims, len(shape) - 1)
    length = data.draw(st.integers(1, len(shape) - batch_dims))
    outer = (*shape[:batch_dims], *middle)
    sizes = shape[batch_dims : batch_dims + length]
    indices = np.stack([draw_indices(data, size, outer) for size in sizes], axis=-1)
    x = numbers(shape)
    found = evaluate(graph.GatherNdOp, x, indices, batch_dims=batch_dims)
    np.testing.assert_array_equal(found, run_node("GatherND", x, indices, batch_dims=batch_dims))


def test_gather_nd_with_empty_vectors_takes_all_of_x() -> None:
    found = evaluate(graph.GatherNdOp, numbers((2, 3)), np.zeros((4, 0), np.int64))
    np.testing.assert_array_equal(found, np.stack([numbers((2, 3))] * 4))


@given(shape=SHAPES, kind=st.sampled_from(sorted(KINDS)), data=st.data())
@pytest.mark.thorough
def test_scatter_elements(shape: tuple[int, ...], kind: str, data: st.DataObject) -> None:
    x, axis = numbers(shape), data.draw(st.integers(-len(shape), len(shape) - 1))
    indices = draw_indices(data, shape[axis], tuple(data.draw(st.integers(1, size)) for size in shape))
    updates = numbers(indices.shape, seed=1) + 0.5
    found = evaluate(graph.ScatterElementsOp, x, indices, updates, axis=axis, kind=kind)
    expected = x.copy()
    for place in np.ndindex(indices.shape):  # the definition, place by place
        target = list(place)
        target[axis] = indices[place]
        expected[tuple(target)] = combine(kind, expected[tuple(target)], updates[place])
    np.testing.assert_array_equal(found, expected)
    onnx = run_node("ScatterElements", x, indices, updates, axis=axis, reduction=KINDS[kind])
    np.testing.assert_array_equal(found, onnx)


def combine(kind: str, old: Any, new: Any) -> Any:
    return {"set": new, "add": old + new, "mul": old * new, "maximum": max(old, new), "minimum": min(old, new)}[kind]


@given(shape=SHAPES, middle=SHAPES, kind=st.sampled_from(sorted(KINDS)), data=st.data())
def test_scatter_nd(shape: tuple[int, ...], middle: tuple[int, ...], kind: str, data: st.DataObject) -> None:
    length = data.draw(st.integers(1, len(shape)))
    indices = np.stack([draw_indices(data, size, middle) for size in shape[:length]], axis=-1)
    x, updates = numbers(shape), numbers((*middle, *shape[length:]), seed=1) + 0.5
    found = evaluate(graph.ScatterNdOp, x, indices, updates, kind=kind)
    onnx = run_node("ScatterND", x, indices, updates, reduction=KINDS[kind])
    np.testing.assert_array_equal(found, onnx)


def test_scatter_nd_with_empty_vectors_writes_all_of_x() -> None:
    updates = np.stack([np.full((2,), 3.0), np.full((2,), 4.0)])
    found = evaluate(graph.ScatterNdOp, np.ones(2), np.zeros((2, 0), np.int64), updates, kind="add")
    np.testing.assert_array_equal(found, [8.0, 8.0])


@pytest.mark.parametrize("dtype", ["float16", "float32", "bool", "int8", "uint8", "int32", "uint64"])
def test_every_element_type_is_gathered_and_scattered(dtype: str) -> None:
    x, indices = numbers((4,)).astype(dtype), np.array([3, -4, 1])
    np.testing.assert_array_equal(evaluate(graph.GatherOp, x, indices), x[indices])
    updates = np.array([1, 0, 1]).astype(dtype)
    found = evaluate(graph.ScatterElementsOp, x, indices, updates)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found[indices], updates)


def test_a_sum_of_small_integers_wraps_around() -> None:
    x, indices = np.array([100], np.int8), np.zeros(1, np.int64)
    found = evaluate(graph.ScatterElementsOp, x, indices, np.array([100], np.int8), kind="add")
    assert found == [-56]


CASES: list[tuple[type[Any], tuple[Any, ...]]] = [
    (graph.GatherOp, (np.zeros((3, 2)), np.array([3]))),
    (graph.GatherOp, (np.zeros((3, 2)), np.array([-4]))),
    (graph.GatherElementsOp, (np.zeros((3, 2)), np.array([[0, 5]]))),
    (graph.GatherNdOp, (np.zeros((3, 2)), np.array([[0, 2]]))),
    (graph.ScatterElementsOp, (np.zeros((3, 2)), np.array([[3]]), np.zeros((1, 1)))),
    (graph.ScatterNdOp, (np.zeros((3, 2)), np.array([[-4]]), np.zeros((1, 2)))),
    (graph.ReverseSequenceOp, (np.zeros((3, 2)), np.array([3, 4]))),
    (graph.ReverseSequenceOp, (np.zeros((3, 2)), np.array([-1, 0]))),
]


@pytest.mark.parametrize(("op", "operands"), CASES, ids=lambda case: getattr(case, "name", ""))
def test_an_index_outside_is_an_error_of_the_run(op: type[Any], operands: tuple[Any, ...]) -> None:
    with pytest.raises(NeuralcError, match="E0910"):
        evaluate(op, *operands)


@given(shape=st.lists(st.integers(1, 4), min_size=2, max_size=3).map(tuple), time_first=st.booleans(), data=st.data())
def test_reverse_sequence(shape: tuple[int, ...], time_first: bool, data: st.DataObject) -> None:
    time, batch = (0, 1) if time_first else (1, 0)
    lengths = np.array([data.draw(st.integers(1, shape[time])) for _ in range(shape[batch])])
    x = numbers(shape)
    found = evaluate(graph.ReverseSequenceOp, x, lengths, time_axis=time, batch_axis=batch)
    np.testing.assert_array_equal(found, run_node("ReverseSequence", x, lengths, time_axis=time, batch_axis=batch))


def test_reverse_sequence_of_nothing_and_of_other_axes() -> None:
    x = numbers((2, 3, 4))
    found = evaluate(graph.ReverseSequenceOp, x, np.array([0, 2, 3, 1]), time_axis=1, batch_axis=-1)
    for entry, length in enumerate([0, 2, 3, 1]):
        order = [*reversed(range(length)), *range(length, 3)]
        np.testing.assert_array_equal(found[:, :, entry], x[:, order, entry])
