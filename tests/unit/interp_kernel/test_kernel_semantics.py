"""What kernels mean: ops, loops, masks and memory, each against a line of numpy."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.kernel_text import parse_kernel

from neuralc.dialects import kernel
from neuralc.dialects.interp.kernel import run_kernel
from neuralc.grammar.diagnostics import NeuralcError

Array = NDArray[Any]

X = np.linspace(-2, 2, 48).reshape(6, 8).astype(np.float32)
"""Some numbers: 6 rows of 8."""


def over_rows(body: str, result: str = "8xf32") -> kernel.FuncOp:
    """A kernel of one program per row of x: `body` makes %r of %t, and sees the row number %p."""
    columns, element = result.split("x")
    return parse_kernel(f"""
    kernel.func @f(%n: index, %x: !kernel.ref<[n, 8], f32>, %y: !kernel.ref<[n, {columns}], {element}>)
    dims [n] grid (n) {{
      %p = kernel.program_id
      %t = kernel.load %x[%p, 0 over 0] -> !kernel.tile<8xf32>
      {body}
      kernel.store %r, %y[%p, 0 over 0]
      kernel.return
    }}""")


def evaluate(func: kernel.FuncOp, columns: int = 8, dtype: Any = np.float32, **options: Any) -> Array:
    return run_kernel(func, {"n": 6}, [X, np.zeros((6, columns), dtype)], **options)[1]


# -- tiles -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("%r = kernel.map exp %t -> !kernel.tile<8xf32>", np.exp(X.astype(np.float64))),
        ("%r = kernel.map maximum %t, %t -> !kernel.tile<8xf32>", X),
        ("%r = kernel.splat 2.5 -> !kernel.tile<8xf32>", np.full((6, 8), 2.5)),
        ('%r = kernel.splat "-inf" -> !kernel.tile<8xf32>', np.full((6, 8), -np.inf)),
        (
            "%c = kernel.splat %p -> !kernel.tile<8xi32> %r = kernel.convert %c -> !kernel.tile<8xf32>",
            np.repeat(np.arange(6), 8).reshape(6, 8),
        ),
        (
            "%c = kernel.iota %p -> !kernel.tile<8xi32> %r = kernel.convert %c -> !kernel.tile<8xf32>",
            np.arange(6)[:, None] + np.arange(8),
        ),
        (
            """
            %a = kernel.reshape %t -> !kernel.tile<2x4xf32>
            %b = kernel.transpose %a {perm = [1, 0]} -> !kernel.tile<4x2xf32>
            %r = kernel.reshape %b -> !kernel.tile<8xf32>
            """,
            X.reshape(6, 2, 4).transpose(0, 2, 1).reshape(6, 8),
        ),
        (
            "%s = kernel.reduce add %t {axis = 0} -> !kernel.tile<f32>%r = kernel.broadcast %s -> !kernel.tile<8xf32>",
            np.repeat(X.astype(np.float64).sum(1), 8).reshape(6, 8),
        ),
        (
            """
            %z = kernel.splat 0.0 -> !kernel.tile<8xf32>
            %c = kernel.map lt %t, %z -> !kernel.tile<8xi1>
            %d = kernel.map not %c -> !kernel.tile<8xi1>
            %r = kernel.map select %d, %t, %z -> !kernel.tile<8xf32>
            """,
            np.where(X < 0, 0, X),
        ),
        (
            "%a = kernel.convert %t -> !kernel.tile<8xi8> %r = kernel.convert %a -> !kernel.tile<8xf32>",
            np.trunc(X),
        ),
    ],
)
def test_ops_on_tiles(body: str, expected: Array) -> None:
    np.testing.assert_allclose(evaluate(over_rows(body)), expected, rtol=1e-15)


def test_a_dot_adds_to_its_accumulator() -> None:
    func = parse_kernel("""
    kernel.func @f(%a: !kernel.ref<[6, 8], f32>, %b: !kernel.ref<[8, 4], f32>, %c: !kernel.ref<[6, 4], f32>)
    dims [] grid (1) {
      %x = kernel.load %a[0 over 0, 0 over 1] -> !kernel.tile<6x8xf32, v1>
      %y = kernel.load %b[0 over 0, 0 over 1] -> !kernel.tile<8x4xf32, v4>
      %z = kernel.load %c[0 over 0, 0 over 1] -> !kernel.tile<6x4xf32, v4>
      %d = kernel.dot %x, %y, %z {precision = "ieee"} -> !kernel.tile<6x4xf32, v4>
      kernel.store %d, %c[0 over 0, 0 over 1]
      kernel.return
    }""")
    b, c = X.reshape(-1)[:32].reshape(8, 4).astype(np.float64), np.ones((6, 4))
    np.testing.assert_allclose(run_kernel(func, {}, [X, b, c])[2], X.astype(np.float64) @ b + 1, rtol=1e-14)


def test_a_dot_of_bytes_accumulates_in_words() -> None:
    func = parse_kernel("""
    kernel.func @f(%a: !kernel.ref<[2, 64], i8>, %c: !kernel.ref<[2, 2], i32>) dims [] grid (1) {
      %x = kernel.load %a[0 over 0, 0 over 1] -> !kernel.tile<2x64xi8>
      %y = kernel.load %a[0 over 1, 0 over 0] -> !kernel.tile<64x2xi8>
      %z = kernel.splat 5 -> !kernel.tile<2x2xi32>
      %d = kernel.dot %x, %y, %z {precision = "ieee"} -> !kernel.tile<2x2xi32>
      kernel.store %d, %c[0 over 0, 0 over 1]
      kernel.return
    }""")
    a = np.full((2, 64), 127, np.int8)
    assert run_kernel(func, {}, [a, np.zeros((2, 2), np.int32)])[1].tolist() == [[127 * 127 * 64 + 5] * 2] * 2


def test_exact_keeps_float64_and_rounded_rounds_every_op() -> None:
    func = over_rows(
        "%third = kernel.splat 0.3333333333333333 -> !kernel.tile<8xf32>"
        "%r = kernel.map mul %t, %third -> !kernel.tile<8xf32>"
    )
    exact, rounded = evaluate(func), evaluate(func, numerics="rounded")
    assert (exact.dtype, rounded.dtype) == (np.float64, np.float32)
    np.testing.assert_array_equal(exact, X.astype(np.float64) * (1 / 3))
    np.testing.assert_array_equal(rounded, X * np.float32(1 / 3))


def test_float_to_integer_saturates_and_nan_is_zero() -> None:
    func = parse_kernel("""
    kernel.func @f(%x: !kernel.ref<[4], f32>, %y: !kernel.ref<[4], i8>) dims [] grid (1) {
      %t = kernel.load %x[0 over 0] -> !kernel.tile<4xf32>
      %r = kernel.convert %t -> !kernel.tile<4xi8>
      kernel.store %r, %y[0 over 0]
      kernel.return
    }""")
    found = run_kernel(func, {}, [np.array([1e9, -1e9, np.nan, -3.7]), np.zeros(4, np.int8)])[1]
    assert found.tolist() == [127, -128, 0, -3]


# -- index values and loops ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        ("addi", [3, 4, 5]),
        ("subi", [-3, -2, -1]),
        ("muli", [0, 3, 6]),
        ("divui", [0, 0, 0]),
        ("remui", [0, 1, 2]),
        ("minui", [0, 1, 2]),
        ("maxsi", [3, 3, 3]),
    ],
)
def test_index_arithmetic(op: str, expected: list[int]) -> None:
    func = parse_kernel(f"""
    kernel.func @f(%y: !kernel.ref<[3, 1], i64>) dims [] grid (3) {{
      %p = kernel.program_id
      %c3 = arith.constant 3 : index
      %v = arith.{op} %p, %c3 : index
      %t = kernel.splat %v -> !kernel.tile<1xi64>
      kernel.store %t, %y[%p, 0 over 0]
      kernel.return
    }}""")
    assert run_kernel(func, {}, [np.zeros((3, 1), np.int64)])[0].ravel().tolist() == expected


def test_unsigned_minimum_takes_a_negative_number_for_a_large_one() -> None:
    """`min(start, n - 6)` clamps the last block, and leaves the start alone where there is no whole block."""
    func = parse_kernel("""
    kernel.func @f(%n: index, %y: !kernel.ref<[1], i64>) dims [n] grid (1) {
      %c6 = arith.constant 6 : index
      %last = arith.subi %n, %c6 : index
      %v = arith.minui %n, %last : index
      %t = kernel.splat %v -> !kernel.tile<1xi64>
      kernel.store %t, %y[0 over 0]
      kernel.return
    }""")
    assert run_kernel(func, {"n": 20}, [np.zeros(1, np.int64)])[0].tolist() == [14]
    assert run_kernel(func, {"n": 2}, [np.zeros(1, np.int64)])[0].tolist() == [2]


LOOP = """
    kernel.func @f(%n: index, %x: !kernel.ref<[n, 8], f32>, %y: !kernel.ref<[n, 8], f32>) dims [n] grid (n) {{
      %p = kernel.program_id
      %zero = kernel.splat 0.0 -> !kernel.tile<8xf32>
      %s = kernel.loop %k = {lower} to {upper} step {step} iter(%a = %zero) {{
        %t = kernel.load %x[%k, 0 over 0] -> !kernel.tile<8xf32>
        %b = kernel.map add %a, %t -> !kernel.tile<8xf32>
        kernel.yield %b
      }}
      kernel.store %s, %y[%p, 0 over 0]
      kernel.return
    }}"""


@pytest.mark.parametrize(("lower", "upper", "step"), [(0, 6, 1), (1, 6, 2), (0, 5, 4), (3, 3, 1), (4, 2, 1)])
def test_loops_with_constant_bounds(lower: int, upper: int, step: int) -> None:
    found = evaluate(parse_kernel(LOOP.format(lower=lower, upper=upper, step=step)))
    np.testing.assert_allclose(found, np.tile(X[lower:upper:step].astype(np.float64).sum(0), (6, 1)), atol=1e-15)


@pytest.mark.parametrize("order", [None, 1])
@pytest.mark.parametrize(("lower", "upper", "step"), [("%p", "%n", 1), (0, "%p", 2), ("%p", 4, 3)])
def test_loops_with_bounds_that_differ_from_program_to_program(
    lower: str | int, upper: str | int, step: int, order: int | None
) -> None:
    found = evaluate(parse_kernel(LOOP.format(lower=lower, upper=upper, step=step)), order=order)
    for p in range(6):
        rows = range(*({"%p": p, "%n": 6}.get(bound, bound) for bound in (lower, upper)), step)
        np.testing.assert_allclose(found[p], sum((X[k].astype(np.float64) for k in rows), np.zeros(8)), atol=1e-15)


def test_a_program_that_is_done_with_its_loop_touches_no_memory() -> None:
    """The loop runs on for others with a counter that would be outside of x."""
    func = parse_kernel("""
    kernel.func @f(%x: !kernel.ref<[4, 8], f32>, %y: !kernel.ref<[4, 8], f32>) dims [] grid (4) {
      %p = kernel.program_id
      %c3 = arith.constant 3 : index
      %last = arith.subi %c3, %p : index
      kernel.loop %k = 0 to %last step 1 {
        %row = arith.addi %k, %p : index
        %t = kernel.load %x[%row, 0 over 0] -> !kernel.tile<8xf32>
        kernel.store %t, %y[%p, 0 over 0]
        kernel.yield
      }
      kernel.return
    }""")
    x = X[:4].astype(np.float64)
    found = run_kernel(func, {}, [x, np.zeros((4, 8))])[1]
    np.testing.assert_array_equal(found, np.stack([x[2], x[2], x[2], np.zeros(8)]))


def test_nested_loops_carry_values_through_both() -> None:
    func = parse_kernel("""
    kernel.func @f(%y: !kernel.ref<[5, 1], i64>) dims [] grid (5) {
      %p = kernel.program_id
      %one = kernel.splat 1 -> !kernel.tile<1xi64>
      %zero = kernel.splat 0 -> !kernel.tile<1xi64>
      %s = kernel.loop %i = 0 to %p step 1 iter(%a = %zero) {
        %t = kernel.loop %j = %i to %p step 1 iter(%b = %a) {
          %c = kernel.map add %b, %one -> !kernel.tile<1xi64>
          kernel.yield %c
        }
        kernel.yield %t
      }
      kernel.store %s, %y[%p, 0 over 0]
      kernel.return
    }""")
    assert run_kernel(func, {}, [np.zeros((5, 1), np.int64)])[0].ravel().tolist() == [0, 1, 3, 6, 10]


# -- memory ----------------------------------------------------------------------------------------------------------


def test_masked_places_read_other_and_are_not_written() -> None:
    func = parse_kernel("""
    kernel.func @f(%n: index, %x: !kernel.ref<[n], f32>, %y: !kernel.ref<[n], f32>) dims [n] grid (ceildiv(n, 4)) {
      %p = kernel.program_id
      %c4 = arith.constant 4 : index
      %i = arith.muli %p, %c4 : index
      %c1 = arith.constant 1 : index
      %before = arith.subi %i, %c1 : index
      %t = kernel.load %x[%before over 0 masked] other -9.0 -> !kernel.tile<4xf32>
      kernel.store %t, %y[%i over 0 masked]
      kernel.return
    }""")
    found = run_kernel(func, {"n": 6}, [np.arange(6.0), np.zeros(8)])[1]
    assert found.tolist() == [-9, 0, 1, 2, 3, 4, 0, 0]


def test_overlapping_strides_make_windows() -> None:
    func = parse_kernel("""
    kernel.func @f(%x: !kernel.ref<[4, 3], f32, [2, 1]>, %y: !kernel.ref<[4, 3], f32>) dims [] grid (1) {
      %t = kernel.load %x[0 over 0, 0 over 1] -> !kernel.tile<4x3xf32>
      kernel.store %t, %y[0 over 0, 0 over 1]
      kernel.return
    }""")
    found = run_kernel(func, {}, [np.arange(9.0), np.zeros((4, 3))])[1]
    assert found.tolist() == [[0, 1, 2], [2, 3, 4], [4, 5, 6], [6, 7, 8]]


def test_two_index_tiles_and_a_start_gather_rows_of_pixels() -> None:
    """A convolution of a GPU: the pixel number along tile dim 0 gives row and column of the image."""
    func = parse_kernel("""
    kernel.func @f(%x: !kernel.ref<[3, 4, 2], f32>, %y: !kernel.ref<[12, 2], f32>) dims [] grid (3) {
      %p = kernel.program_id
      %c4 = arith.constant 4 : index
      %first = arith.muli %p, %c4 : index
      %pixel = kernel.iota %first -> !kernel.tile<4xi32>
      %width = kernel.splat 4 -> !kernel.tile<4xi32>
      %row = kernel.map div %pixel, %width -> !kernel.tile<4xi32>
      %column = kernel.map rem %pixel, %width -> !kernel.tile<4xi32>
      %one = kernel.splat 1 -> !kernel.tile<4xi32>
      %left = kernel.map sub %column, %one -> !kernel.tile<4xi32>
      %t = kernel.load %x[%row over 0, %left over 0 masked, 0 over 1] -> !kernel.tile<4x2xf32>
      kernel.store %t, %y[%first over 0, 0 over 1]
      kernel.return
    }""")
    x = np.arange(24.0).reshape(3, 4, 2)
    shifted = np.concatenate([np.zeros((3, 1, 2)), x[:, :-1]], 1)
    np.testing.assert_array_equal(run_kernel(func, {}, [x, np.zeros((12, 2))])[1], shifted.reshape(12, 2))


def test_scratch_memory_belongs_to_one_program_and_starts_undefined() -> None:
    func = over_rows(
        "%s = kernel.local -> !kernel.ref<[2, 8], f32>"
        "kernel.store %t, %s[0, 0 over 0]"
        "%a = kernel.load %s[0 over 0, 0 over 1] -> !kernel.tile<2x8xf32>"
        "%b = kernel.reshape %a -> !kernel.tile<16xf32>"
        "%r = kernel.map neg %b -> !kernel.tile<16xf32>",
        "16xf32",
    )
    found = evaluate(func, columns=16)
    np.testing.assert_array_equal(found[:, :8], -X.astype(np.float64))
    assert np.isnan(found[:, 8:]).all()


def test_inputs_are_left_as_they_are() -> None:
    func = over_rows("%r = kernel.map neg %t -> !kernel.tile<8xf32>")
    y = np.zeros((6, 8), np.float32)
    run_kernel(func, {"n": 6}, [X, y])
    assert not y.any()


@pytest.mark.parametrize(
    ("access", "place"),
    [
        ("%x[%p over 0, 0 over 1] -> !kernel.tile<4x8xf32>", "program 3 is at 6 of dim 0, which has 6 places"),
        ("%x[0 over 0, %p over 1] -> !kernel.tile<4x8xf32>", "program 1 is at 8 of dim 1, which has 8 places"),
        ("%x[6, 0 over 0] -> !kernel.tile<8xf32>", "every program is at 6 of dim 0, which has 6 places"),
        ("%x[-1 masked, -1 over 0] -> !kernel.tile<8xf32>", "every program is at -1 of dim 1, which has 8 places"),
    ],
)
def test_an_access_outside_of_memory_says_op_dim_and_program(access: str, place: str) -> None:
    tile = access.partition("-> ")[2]
    body = f"%u = kernel.load {access} %v = kernel.map neg %u -> {tile}"
    func = over_rows(f"{body} %r = kernel.splat 0.0 -> !kernel.tile<8xf32>")
    with pytest.raises(NeuralcError) as caught:
        evaluate(func)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "E9901"
    assert diagnostic.message == f"`kernel.load` on %x in @f: {place} and no mask"


def test_a_reference_larger_than_its_memory_is_refused() -> None:
    func = over_rows("%r = kernel.map neg %t -> !kernel.tile<8xf32>")
    with pytest.raises(NeuralcError, match="a reference to elements 0 to 55 of %x, which has 48"):
        run_kernel(func, {"n": 7}, [X, np.zeros((7, 8))])
