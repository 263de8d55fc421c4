"""Reductions and contractions of every form, type and kind of size: the same at every level, and natively."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from support.compare import Array
from support.tables import few_of
from support.tensor_programs import check, kernels

DTYPES = {
    "f32": np.float32, "f16": np.float16, "f64": np.float64,
    "i8": np.int8, "i32": np.int32, "i64": np.int64, "ui8": np.uint8,
}  # fmt: skip
HALF = 2e-2
"""Results that are rounded to 11 bits, of sums that cancel."""


def values(shape: tuple[int, ...], element: str) -> Array:
    drawn = np.random.default_rng(sum(shape)).standard_normal(shape) * (3 if element[0] in "iu" else 1)
    return np.asarray(np.abs(drawn) if element[0] == "u" else drawn).astype(DTYPES.get(element, np.bool_))


def tensor(sizes: Mapping[str, int | str], word: str, element: str) -> str:
    """The type of an operand: a size that is a text is symbolic."""
    found = [1 if letter == "1" else sizes[letter] for letter in word]
    names = [size for size in found if isinstance(size, str)]
    encoding = f", #graph.dims<{', '.join(names)}>" if names else ""
    return (
        "tensor<" + "".join("?x" if isinstance(size, str) else f"{size}x" for size in found) + element + encoding + ">"
    )


DIMS = [[0], [1], [3], [0, 2], [1, 3], [0, 1, 2, 3], [0, 3], [1, 2]]


@pytest.mark.parametrize("element", few_of(DTYPES))
@pytest.mark.parametrize("kind", few_of(["add", "mul", "maximum", "minimum"]))
def test_reductions_over_any_dims(kind: str, element: str) -> None:
    sizes = {"a": 3, "b": 5, "c": 7, "d": 4}
    x = (
        values((3, 5, 7, 4), element)
        if kind != "mul"
        else (1 + values((3, 5, 7, 4), "f32") / 8).astype(DTYPES[element])
    )
    for dims in DIMS:
        kept = "".join(letter for i, letter in enumerate("abcd") if i not in dims)
        result = tensor(sizes, kept, element)
        body = f"%y = tensor.reduce {kind} %x0 {{dims = {dims}}} -> {result}"
        tolerance = HALF if element == "f16" else 1e-5
        check(body, [tensor(sizes, "abcd", element)], result, [x], levels=(2,), tolerance=tolerance)


@pytest.mark.parametrize("kind", ["and", "or"])
@pytest.mark.thorough
def test_reductions_of_truth_values(kind: str) -> None:
    sizes = {"a": 3, "b": 5, "c": 70}
    for dims in ([0], [0, 1], [0, 1, 2], [2], [0, 2]):
        result = tensor(sizes, "".join(letter for i, letter in enumerate("abc") if i not in dims), "i1")
        body = f"%y = tensor.reduce {kind} %x0 {{dims = {dims}}} -> {result}"
        check(body, [tensor(sizes, "abc", "i1")], result, [values((3, 5, 70), "i1")], levels=(0, 2))


@pytest.mark.parametrize("dims", [[0], [1], [2], [0, 2], [0, 1, 2], [1, 2], [0, 1]])
def test_reductions_over_symbolic_dims(dims: list[int]) -> None:
    sizes = {"a": "a", "b": "b", "c": "c"}
    result = tensor(sizes, "".join(letter for i, letter in enumerate("abc") if i not in dims), "f32")
    body = f"%y = tensor.reduce add %x0 {{dims = {dims}}} -> {result}"
    runs = [[values(shape, "f32")] for shape in ((3, 4, 5), (2, 1, 100), (2, 0, 3), (0, 3, 4), (3, 4, 0))]
    check(body, [tensor(sizes, "abc", "f32")], result, runs, symbols="abc", levels=(0, 2))


SIZES = {"a": 2, "b": 3, "c": 4, "d": 5, "m": 17, "k": 6, "n": 33}
SPECS = [
    "mk,kn->mn", "mk,nk->mn", "km,kn->mn", "km,nk->mn", "mk,kn->nm", "abmk,abkn->abmn", "abmk,kn->abmn",
    "mk,abkn->abmn", "m,n->mn", "m,n->nm", "mn,n->mn", "mn,m->mn", "mk,k->m", "k,k->", "mk,kn->m", "mk,kn->",
    "mk,kn->n", "amk,akn->mn", "amk,akn->amn", "amk,ank->man", "am,an->amn", "a,b->", "mk,m->k", "m1k,kn->mn",
    "mk,mk->mk", "abk,abk->ab", "ak,bk->ab", "abk,akc->abc", "abk,akc->bca", ",->", "k,->k", ",k->k", "k,->",
]  # fmt: skip


def check_contraction(spec: str, symbols: str, element: str, levels: tuple[int, ...]) -> None:
    words, result = spec.split("->")
    lhs, rhs = words.split(",")
    sizes: dict[str, int | str] = {letter: letter if letter in symbols else size for letter, size in SIZES.items()}
    types = [tensor(sizes, word, element) for word in (lhs, rhs, result)]
    runs = []
    for change in (lambda n: n, lambda n: n + 7, lambda n: 1, lambda n: 0) if symbols else (lambda n: n,):
        actual = {letter: change(size) if letter in symbols else size for letter, size in SIZES.items()}
        runs.append([values(tuple(1 if c == "1" else actual[c] for c in word), element) for word in (lhs, rhs)])
    body = f'%y = tensor.contract "{spec}" %x0, %x1 {{precision = "ieee"}} -> {types[2]}'
    tolerance = HALF if element == "f16" else 1e-5
    check(body, types[:2], types[2], runs, symbols=symbols, levels=levels, tolerance=tolerance)


@pytest.mark.parametrize("spec", few_of(SPECS, 5))
def test_contractions_of_any_letters(spec: str) -> None:
    check_contraction(spec, "", "f32", (0, 2))


@pytest.mark.parametrize("spec", few_of(SPECS))
@pytest.mark.thorough
def test_contractions_of_symbolic_sizes(spec: str) -> None:
    letters = "".join(dict.fromkeys(letter for letter in spec if letter.isalpha()))
    check_contraction(spec, letters, "f32", (0, 2))
    for letter in letters:
        check_contraction(spec, letter, "f32", (2,))


@pytest.mark.thorough
@pytest.mark.parametrize("element", DTYPES)
def test_contractions_of_any_type(element: str) -> None:
    for spec in ("mk,kn->mn", "abmk,abkn->abmn", "mk,nk->mn", "k,k->", "m,n->mn", "mn,n->mn", "mk,k->m"):
        check_contraction(spec, "", element, (0, 2))


def test_batches_of_products_have_register_tiles() -> None:
    sizes: dict[str, int | str] = {"b": 2, "h": 3, "m": 12, "k": 16, "n": 64}
    types = [tensor(sizes, word, "f32") for word in ("bhmk", "bhkn", "bhmn")]
    text = kernels(f'%y = tensor.contract "bhmk,bhkn->bhmn" %x0, %x1 -> {types[2]}', types[:2], types[2])
    assert "kernel.dot" in text
    assert "x16xf32, v8" in text


def softmax(result: str, row: str, source: str = "%x0") -> str:
    return f"""%m = tensor.reduce maximum {source} {{dims = [1]}} -> {row}
      %e = tensor.map "ab,a->ab" {source}, %m -> {result} {{
      ^bb0(%v: f32, %w: f32):
        %d = tensor.scalar sub %v, %w -> f32
        %p = tensor.scalar exp %d -> f32
        tensor.yield %p
      }}
      %s = tensor.reduce add %e {{dims = [1]}} -> {row}
      %y = tensor.map "ab,a->ab" %e, %s -> {result} {{
      ^bb0(%v: f32, %w: f32):
        %q = tensor.scalar div %v, %w -> f32
        tensor.yield %q
      }}"""


ROWS = "tensor<?x?xf32, #graph.dims<b, s>>"
ROW = "tensor<?xf32, #graph.dims<b>>"


@pytest.mark.thorough
def test_rows_of_symbolic_length_are_one_kernel() -> None:
    runs = [[values(shape, "f32")] for shape in ((3, 4), (2, 100), (5, 1), (0, 4), (3, 257))]
    check(softmax(ROWS, ROW), [ROWS], ROWS, runs, symbols="bs")
    text = kernels(softmax(ROWS, ROW), [ROWS], ROWS, "bs")
    assert text.count("kernel.func") == 1
    assert "kernel.load %out" in text  # the exponentials wait in the row of the output


@pytest.mark.parametrize("length", [1, 7, 64, 1000, 20000])
@pytest.mark.thorough
def test_rows_of_any_length(length: int) -> None:
    rows = f"tensor<3x{length}xf32>"
    check(softmax(rows, "tensor<3xf32>"), [rows], rows, [values((3, length), "f32")], levels=(0, 2))


@pytest.mark.thorough
def test_a_row_may_depend_on_positions_and_on_what_is_broadcast() -> None:
    body = f"""%c = tensor.map "ab,b,->ab" %x0, %x1, %x2 -> {ROWS} {{
      ^bb0(%v: f32, %w: f32, %u: f32):
        %i = tensor.position "a" -> i64
        %j = tensor.position "b" -> i64
        %seen = tensor.scalar le %j, %i -> i1
        %low = tensor.number -1.0e30 -> f32
        %z = tensor.scalar fma %v, %u, %w -> f32
        %r = tensor.scalar select %seen, %z, %low -> f32
        tensor.yield %r
      }}
      """ + softmax(ROWS, ROW, "%c")
    types = [ROWS, "tensor<?xf32, #graph.dims<s>>", "tensor<f32>"]
    runs = [
        [values((b, s), "f32"), values((s,), "f32"), values((), "f32")] for b, s in ((3, 4), (100, 100), (5, 1), (0, 4))
    ]
    check(body, types, ROWS, runs, symbols="bs")
    assert kernels(body, types, ROWS, "bs").count("kernel.func") == 1


@pytest.mark.thorough
def test_reductions_of_two_values_meet_in_one_kernel() -> None:
    type_ = "tensor<4x?xf32, #graph.dims<s>>"
    body = f"""%m = tensor.reduce add %x0 {{dims = [1]}} -> tensor<4xf32>
      %n = tensor.reduce maximum %x1 {{dims = [1]}} -> tensor<4xf32>
      %y = tensor.map "ab,a,a->ab" %x0, %m, %n -> {type_} {{
      ^bb0(%v: f32, %w: f32, %u: f32):
        %d = tensor.scalar sub %v, %w -> f32
        %q = tensor.scalar mul %d, %u -> f32
        tensor.yield %q
      }}"""
    runs = [[values((4, s), "f32"), values((4, s), "f32") + 1] for s in (9, 200)]
    check(body, [type_, type_], type_, runs, symbols="s")
