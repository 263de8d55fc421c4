"""Slices, concatenations, paddings and outputs: what is a view, what is written in place, what is copied."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.compare import Array
from support.tensor_programs import check, kernels


def normal(*shape: int) -> Array:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32)


DOUBLE = """%d = tensor.map "ab->ab" %x0 -> tensor<7x20xf32> {
  ^bb0(%v: f32):
    %s = tensor.scalar add %v, %v -> f32
    tensor.yield %s
  }
"""


def test_a_slice_is_a_view() -> None:
    body = """%s = tensor.slice %x0 {starts = #graph.dims<1, 2>, strides = [2, 3]} -> tensor<3x4xf32>
      %y = tensor.map "ab->ab" %s -> tensor<3x4xf32> {
      ^bb0(%v: f32):
        %w = tensor.scalar neg %v -> f32
        tensor.yield %w
      }"""
    check(body, ["tensor<7x20xf32>"], "tensor<3x4xf32>", [normal(7, 20)])
    assert kernels(body, ["tensor<7x20xf32>"], "tensor<3x4xf32>").count("kernel.launch") == 1


def test_a_slice_may_begin_at_a_symbolic_place() -> None:
    body = "%y = tensor.slice %x0 {starts = #graph.dims<1, n - 2>, strides = [2, 1]} -> tensor<3x2xf32>"
    runs = [[normal(7, 20)], [normal(7, 2)]]
    check(body, ["tensor<7x?xf32, #graph.dims<n>>"], "tensor<3x2xf32>", runs, symbols=["n"])


def test_producers_write_into_their_part_of_a_concatenation() -> None:
    body = DOUBLE + "%y = tensor.concat %x1, %d {dim = 1} -> tensor<7x25xf32>"
    types = ["tensor<7x20xf32>", "tensor<7x5xf32>"]
    check(body, types, "tensor<7x25xf32>", [normal(7, 20), normal(7, 5)])
    text = kernels(body, types, "tensor<7x25xf32>")
    assert text.count("kernel.launch") == 2
    assert "arena (0)" in text


def test_a_value_stands_several_times_in_a_concatenation() -> None:
    body = DOUBLE + "%y = tensor.concat %d, %x1, %d, %x1 {dim = 1} -> tensor<7x50xf32>"
    check(body, ["tensor<7x20xf32>", "tensor<7x5xf32>"], "tensor<7x50xf32>", [normal(7, 20), normal(7, 5)])


def test_concatenations_and_paddings_nest() -> None:
    body = (
        DOUBLE
        + """%c = tensor.concat %d, %x1 {dim = 1} -> tensor<7x25xf32>
      %p = tensor.pad %c {low = [1, 2], high = [0, 1], value = 3.0} -> tensor<8x28xf32>
      %y = tensor.concat %p, %p {dim = 0} -> tensor<16x28xf32>"""
    )
    types = ["tensor<7x20xf32>", "tensor<7x5xf32>"]
    check(body, types, "tensor<16x28xf32>", [normal(7, 20), normal(7, 5)])


@pytest.mark.parametrize(
    ("element", "dtype"), [("f32", np.float32), ("i1", np.bool_), ("i8", np.int8), ("ui64", np.uint64)]
)
def test_symbolic_sizes_are_joined(element: str, dtype: Any) -> None:
    def type_(*sizes: str) -> str:
        return f"tensor<?x?x{element}, #graph.dims<{', '.join(sizes)}>>"

    body = f"%y = tensor.concat %x0, %x0, %x1 {{dim = 1}} -> {type_('a', 'b * 2 + c')}"
    runs = [[normal(a, b).astype(dtype), normal(a, c).astype(dtype)] for a, b, c in ((3, 5, 7), (1, 0, 1), (0, 0, 1))]
    check(body, [type_("a", "b"), type_("a", "c")], type_("a", "b * 2 + c"), runs, symbols="abc")


@pytest.mark.parametrize(
    ("low", "high"), [([0, 2, 1, 0], [1, 0, 3, 0]), ([0, 0, 1, 0], [0, 1, 3, 0]), ([0, 1, 1, 0], [0, 1, 1, 0])]
)
def test_symbolic_sizes_are_padded(low: list[int], high: list[int]) -> None:
    sizes = [f"{letter} + {a + b}" for letter, a, b in zip("abc", low, high, strict=False)]
    result = f"tensor<?x?x?x3xf32, #graph.dims<{', '.join(sizes)}>>"
    body = f"%y = tensor.pad %x0 {{low = {low}, high = {high}, value = 3.0}} -> {result}"
    runs = [[normal(*shape, 3)] for shape in ((2, 4, 5), (1, 1, 1), (2, 0, 3), (0, 1, 1), (1, 2, 0))]
    check(body, ["tensor<?x?x?x3xf32, #graph.dims<a, b, c>>"], result, runs, symbols="abc")


def test_outputs_may_be_views_inputs_and_the_same_value_twice() -> None:
    body = (
        DOUBLE
        + """%y0 = tensor.reshape %x0 -> tensor<20x7xf32>
      %y1 = tensor.transpose %x0 {perm = [1, 0]} -> tensor<20x7xf32>
      %y2 = tensor.slice %x0 {starts = #graph.dims<1, 2>, strides = [2, 3]} -> tensor<3x4xf32>
      %y3 = tensor.reshape %d -> tensor<140xf32>
      %y4 = tensor.reshape %d -> tensor<140xf32>"""
    )
    results = ["tensor<20x7xf32>", "tensor<20x7xf32>", "tensor<3x4xf32>", "tensor<140xf32>", "tensor<140xf32>"]
    check(body, ["tensor<7x20xf32>"], results, [normal(7, 20)])


def test_a_group_may_have_several_results() -> None:
    body = """%y0, %y1 = tensor.group "both"(%a = %x0) -> (tensor<7x20xf32>, tensor<7x20xf32>) {
        %s = tensor.map "ab->ab" %a -> tensor<7x20xf32> {
        ^bb0(%v: f32):
          %w = tensor.scalar add %v, %v -> f32
          tensor.yield %w
        }
        %n = tensor.map "ab->ab" %s -> tensor<7x20xf32> {
        ^bb0(%v: f32):
          %w = tensor.scalar neg %v -> f32
          tensor.yield %w
        }
        tensor.yield %s, %n
      }"""
    check(body, ["tensor<7x20xf32>"], ["tensor<7x20xf32>"] * 2, [normal(7, 20)])


@pytest.mark.parametrize("shape", ["0x5", "5x0"])
def test_nothing_is_copied_and_computed(shape: str) -> None:
    type_ = f"tensor<{shape}xf32>"
    body = f"""%d = tensor.map "ab->ab" %x0 -> {type_} {{
      ^bb0(%v: f32):
        %s = tensor.scalar add %v, %v -> f32
        tensor.yield %s
      }}
      %y = tensor.concat %d, %x0 {{dim = 0}} -> tensor<{int(shape[0]) * 2}x{shape[2]}xf32>"""
    sizes = tuple(int(size) for size in shape.split("x"))
    check(body, [type_], f"tensor<{sizes[0] * 2}x{sizes[1]}xf32>", [np.zeros(sizes, np.float32)])
