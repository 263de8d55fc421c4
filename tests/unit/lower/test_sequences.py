"""Running sums, scatters and orders: one step after the other, and still the same at every level."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from support.compare import Array
from support.tables import few_of
from support.tensor_programs import check, compiled

from neuralc.runtime.errors import ModelError

DTYPES = {
    "f32": np.float32, "f16": np.float16, "f64": np.float64,
    "i8": np.int8, "i32": np.int32, "i64": np.int64, "ui8": np.uint8,
}  # fmt: skip
HALF = 2e-2
"""Sums in which each step is rounded to 11 bits."""


def values(shape: tuple[int, ...], element: str) -> Array:
    drawn = np.random.default_rng(sum(shape)).standard_normal(shape) * (3 if element[0] in "iu" else 1)
    return np.asarray(np.abs(drawn) if element[0] == "u" else drawn).astype(DTYPES.get(element, np.bool_))


def bound(element: str) -> float:
    return HALF if element == "f16" else 1e-5


@pytest.mark.parametrize("element", few_of(DTYPES))
@pytest.mark.parametrize("dim", few_of([0, 1, 2], 2))
@pytest.mark.parametrize("options", few_of(["exclusive = false, reverse = false", "exclusive = true, reverse = true"]))
def test_cumulate(element: str, dim: int, options: str) -> None:
    type_ = f"tensor<3x5x21x{element}>"
    kind = "add" if dim else "maximum"
    body = f"%y = tensor.cumulate {kind} %x0 {{dim = {dim}, {options}}} -> {type_}"
    check(body, [type_], type_, [values((3, 5, 21), element)], levels=(0, 2), tolerance=bound(element))


@pytest.mark.parametrize("dim", [0, 1])
def test_cumulate_over_symbolic_sizes(dim: int) -> None:
    type_ = "tensor<?x?xf32, #graph.dims<a, b>>"
    body = f"%y = tensor.cumulate add %x0 {{dim = {dim}, reverse = true}} -> {type_}"
    runs = [[values(shape, "f32")] for shape in ((3, 21), (1, 1), (0, 3), (3, 0))]
    check(body, [type_], type_, runs, symbols="ab")


@pytest.mark.parametrize("element", few_of(["f32", "i64", "f16", "i8"]))
@pytest.mark.parametrize("kind", few_of(["set", "add", "mul", "maximum", "minimum"]))
def test_scatter_of_rows_and_of_elements(kind: str, element: str) -> None:
    type_, rng = f"tensor<7x33x{element}>", np.random.default_rng(4)
    body = f"""%r = tensor.scatter {kind} %x0, %x1, %x2 {{checked = true}} -> {type_}
      %y = tensor.scatter {kind} %r, %x3, %x4 {{checked = false}} -> {type_}"""
    types = [type_, "tensor<2x3x1xi64>", f"tensor<2x3x33x{element}>", "tensor<9x2xi64>", f"tensor<9x{element}>"]
    rows, places = rng.integers(0, 7, (2, 3, 1)), rng.integers(0, 7, (9, 2))
    inputs = [values((7, 33), element), rows, values((2, 3, 33), element), places, values((9,), element)]
    check(body, types, type_, inputs, levels=(0, 2), tolerance=bound(element))


def test_scatter_over_symbolic_sizes() -> None:
    type_, rng = "tensor<?x?xf32, #graph.dims<a, b>>", np.random.default_rng(5)
    body = f"%y = tensor.scatter add %x0, %x1, %x2 {{checked = true}} -> {type_}"
    types = [type_, "tensor<?x1xi64, #graph.dims<n>>", "tensor<?x?xf32, #graph.dims<n, b>>"]
    runs = [
        [values((7, b), "f32"), rng.integers(0, 7, (n, 1)), values((n, b), "f32")]
        for n, b in ((9, 33), (0, 2000), (2, 0), (5, 2000))
    ]
    check(body, types, type_, runs, symbols="abn")


@pytest.mark.parametrize("level", [0, 2])
def test_a_place_outside_is_an_error_of_the_run_and_writes_nothing(level: int) -> None:
    type_ = "tensor<7x33xf32>"
    body = f"%y = tensor.scatter set %x0, %x1, %x2 {{checked = true}} -> {type_}"
    model = compiled(body, [type_, "tensor<2x1xi64>", "tensor<2x33xf32>"], type_, level)
    with pytest.raises(ModelError) as raised:
        model(x0=values((7, 33), "f32"), x1=np.array([[3], [7]]), x2=values((2, 33), "f32"))
    assert raised.value.code == "E0910"


@pytest.mark.parametrize("element", few_of([*DTYPES, "i1"]))
@pytest.mark.parametrize(("size", "k"), few_of([(5, 3), (37, 37), (100, 7), (100, 100), (1, 1)], 4))
@pytest.mark.parametrize(("dim", "largest"), few_of([(0, "true"), (1, "true"), (1, "false")]))
def test_top_k(element: str, size: int, k: int, dim: int, largest: str) -> None:
    shape, out = ((3, size), (3, k)) if dim else ((size, 3), (k, 3))
    x = values(shape, element)
    if element[0] == "f" and size > 3:
        x.flat[3], x.flat[7], x.flat[11], x.flat[2] = np.nan, np.inf, -np.inf, x.flat[1]
    source = f"tensor<{shape[0]}x{shape[1]}x{element}>"
    results = [f"tensor<{out[0]}x{out[1]}x{type_}>" for type_ in (element, "i64")]
    body = (
        f"%y0, %y1 = tensor.top_k %x0 {{k = #graph.dims<{k}>, dim = {dim}, largest = {largest}}} "
        f"-> {results[0]}, {results[1]}"
    )
    check(body, [source], results, [x], levels=(2,))


@pytest.mark.parametrize("sizes", few_of([[(3, 21), (1, 4), (0, 5)], [(2, 1000)]]), ids=["small", "large"])
@pytest.mark.parametrize("k", ["n", "n - 1", "4"])
def test_top_k_of_symbolic_sizes(k: str, sizes: Sequence[tuple[int, int]]) -> None:
    shape = "x4x{}, #graph.dims<a>" if k == "4" else f"x?x{{}}, #graph.dims<a, {k}>"
    results = [f"tensor<?{shape.format(element)}>" for element in ("f32", "i64")]
    body = f"%y0, %y1 = tensor.top_k %x0 {{k = #graph.dims<{k}>, dim = 1}} -> {results[0]}, {results[1]}"
    runs = [[values(each, "f32")] for each in sizes]
    check(body, ["tensor<?x?xf32, #graph.dims<a, n>>"], results, runs, symbols="an", levels=(0, 2))
