"""Emitted Triton modules run in Triton's interpreter and give what the reference semantics give."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support import triton_kernels as kernels
from support.compare import assert_close
from support.triton_interpreter import InterpreterFault, interpreter
from support.triton_kernels import BATCH
from xdsl.dialects.builtin import ModuleOp, f16, f32

from neuralc.dialects.interp import run_module
from neuralc.dialects.scalar import FUNCTIONS
from neuralc.dialects.weights import WeightStore
from neuralc.emit.triton import emit
from neuralc.emit.triton.functions import SPELLINGS
from neuralc.passes.parsing import parse_module
from neuralc.passes.target import Target
from neuralc.passes.verifier import verify_module

pytest.importorskip("triton")
pytest.importorskip("torch")

Array = NDArray[Any]
SM_80 = Target.cuda("sm_80")
EXAMPLES = Path(__file__).parents[2] / "examples"
FP16_TOLERANCE = 2.0**-10
"""One rounding to fp16, and a second one where a value was rounded on the way."""


def normal(*shape: int, dtype: Any = np.float32) -> Array:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(dtype)


def assert_agrees(module: ModuleOp, inputs: Mapping[str, Array], tolerance: float = 1e-5) -> list[Array]:
    """The module in Triton's interpreter and in ours; gives the outputs."""
    verify_module(module)
    outputs = interpreter().run(emit(module, SM_80), inputs)
    for found, wanted in zip(outputs, run_module(module, inputs, WeightStore()), strict=True):
        assert_close(found, wanted, tolerance)
    return outputs


MATRICES = {"x": normal(37, 48), "w": normal(48, 40), "b": normal(40)}


@pytest.mark.parametrize("rows", [37, BATCH], ids=["static", "symbolic"])
def test_matmul_masks_what_blocks_do_not_divide(rows: Any) -> None:
    assert_agrees(kernels.matmul(rows, 40, 48, (32, 32, 32)), MATRICES)


def test_matmul_without_masks() -> None:
    inputs = {"x": normal(32, 32), "w": normal(32, 64), "b": normal(64)}
    assert_agrees(kernels.matmul(32, 64, 32, (32, 32, 16)), inputs)


def test_matmul_in_fp16_accumulates_in_fp32() -> None:
    inputs = {"x": normal(33, 64, dtype=np.float16), "w": normal(64, 32, dtype=np.float16)}
    inputs["b"] = normal(32, dtype=np.float16)
    assert_agrees(kernels.matmul(BATCH, 32, 64, (32, 32, 16), f16), inputs, FP16_TOLERANCE)


@pytest.mark.parametrize(("channels", "stride", "pad"), [(16, 1, 1), (3, 2, 1), (16, 2, 0)])
def test_convolution_reads_padding_as_zero(channels: int, stride: int, pad: int) -> None:
    inputs = {"image": normal(2, 7, 6, channels), "w": normal(3, 3, channels, 24)}
    assert_agrees(kernels.convolution(7, 6, channels, 24, (32, 32, 16), stride=stride, pad=pad), inputs)


@pytest.mark.parametrize("columns", [50, 64])
def test_softmax_of_a_row(columns: int) -> None:
    assert_agrees(kernels.softmax(columns, 64), {"x": normal(3, columns) * 10})


def test_softmax_of_short_rows() -> None:
    assert_agrees(kernels.softmax_rows(10, 8, 16), {"x": normal(13, 10)})


def test_softmax_of_nan_is_nan_in_its_row_alone() -> None:
    x = normal(3, 50)
    x[1, 7] = np.nan
    (y,) = assert_agrees(kernels.softmax(50, 64), {"x": x})
    np.testing.assert_array_equal(np.isnan(y).all(axis=1), [False, True, False])


@pytest.mark.parametrize("kind", ["maximum", "add"])
def test_pooling(kind: str) -> None:
    assert_agrees(kernels.pooling(7, 6, 5, 3, 2, kind, (16, 8)), {"image": normal(3, 7, 6, 5)})


SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 2.5, -2.5, 3.0, 1e-3, 80.0, -80.0, np.inf, -np.inf, np.nan]


@pytest.mark.parametrize("element", [f32, f16], ids=str)
@pytest.mark.parametrize("function", sorted(SPELLINGS))
def test_scalar_function(function: str, element: Any) -> None:
    """Special values in all combinations; a result is where the reference has it, and NaN where it is NaN."""
    dtype = np.float32 if element == f32 else np.float16
    arity = FUNCTIONS[function].arity
    values = np.array(SPECIAL if arity < 3 else SPECIAL[::3], dtype)
    if function == "ldexp":
        numbers, exponents = np.meshgrid(values, np.arange(-5, 6, dtype=dtype))
        operands = [numbers.ravel(), exponents.ravel()]
    else:
        operands = [grid.ravel() for grid in np.meshgrid(*[values] * arity)]
    inputs = {f"x{place}": operand for place, operand in enumerate(operands)}
    module = kernels.elementwise(function, arity, element=element)
    (found,) = interpreter().run(emit(module, SM_80), inputs)
    (exact,) = run_module(module, inputs, WeightStore())
    with np.errstate(over="ignore"):
        wanted = exact.astype(dtype)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(wanted))
    np.testing.assert_allclose(found, wanted, rtol=1e-5 if element == f32 else 2 * FP16_TOLERANCE, atol=1e-6)


def test_every_scalar_function_but_those_of_expansions_has_a_spelling() -> None:
    """`convert` is an op of its own; `logb` and `scale` are made by expanding log and exp on a CPU."""
    assert set(FUNCTIONS) - set(SPELLINGS) == {"convert", "logb", "scale"}


def run_text(text: str, inputs: Mapping[str, Array], tolerance: float = 1e-5) -> list[Array]:
    return assert_agrees(parse_module(text, "test.mlir"), inputs, tolerance)


def one_kernel(references: str, body: str, launch: str) -> str:
    """A module of one program."""
    return f"""
      kernel.func @test({references}) dims [] grid (1) {{ {body} kernel.return }}
      kernel.host @host({references}) dims [] inputs ["x"] outputs ["y"] {{
        kernel.launch @test[]({launch}) kernel.return }}
    """


def test_float_to_integer_saturates() -> None:
    x = np.array([np.nan, np.inf, -np.inf, 1e10, -1e10, 300.0, -2.7, 2.7], np.float32)
    for type_ in ("i8", "i32", "i64"):
        (y,) = run_text(
            one_kernel(
                f"%x: !kernel.ref<[8], f32>, %y: !kernel.ref<[8], {type_}>",
                f"""%t = kernel.load %x[0 over 0] -> !kernel.tile<8xf32>
                %c = kernel.convert %t -> !kernel.tile<8x{type_}>
                kernel.store %c, %y[0 over 0]""",
                "%x, %y",
            ),
            {"x": x},
        )
        limits = np.iinfo(f"int{type_[1:]}")
        assert y[:3].tolist() == [0, limits.max, limits.min]


def test_conditions_are_stored_as_booleans() -> None:
    (y,) = run_text(
        one_kernel(
            "%x: !kernel.ref<[8], f32>, %y: !kernel.ref<[8], i1>",
            """%t = kernel.load %x[0 over 0] -> !kernel.tile<8xf32>
            %zero = kernel.splat 0.0 -> !kernel.tile<8xf32>
            %c = kernel.map gt %t, %zero -> !kernel.tile<8xi1>
            kernel.store %c, %y[0 over 0]""",
            "%x, %y",
        ),
        {"x": np.array([1, -1, 0, np.nan, np.inf, -np.inf, 2, -2], np.float32)},
    )
    assert y.tolist() == [True, False, False, False, True, False, True, False]


def test_integers_divide_toward_zero() -> None:
    (y,) = run_text(
        one_kernel(
            "%x: !kernel.ref<[8], i32>, %y: !kernel.ref<[2, 8], i32>",
            """%t = kernel.load %x[0 over 0] -> !kernel.tile<8xi32>
            %three = kernel.splat 3 -> !kernel.tile<8xi32>
            %q = kernel.map div %t, %three -> !kernel.tile<8xi32>
            %r = kernel.map rem %t, %three -> !kernel.tile<8xi32>
            kernel.store %q, %y[0, 0 over 0]  kernel.store %r, %y[1, 0 over 0]""",
            "%x, %y",
        ),
        {"x": np.array([7, -7, 3, -3, 2, -2, 0, 1], np.int32)},
    )
    assert y.tolist() == [[2, -2, 1, -1, 0, 0, 0, 0], [1, -1, 0, 0, 2, -2, 0, 1]]


def test_fp64_keeps_its_digits() -> None:
    (y,) = run_text(
        one_kernel(
            "%x: !kernel.ref<[8], f64>, %y: !kernel.ref<[8], f64>",
            """%t = kernel.load %x[0 over 0] -> !kernel.tile<8xf64>
            %tenth = kernel.splat 0.1 -> !kernel.tile<8xf64>
            %s = kernel.map mul %t, %tenth -> !kernel.tile<8xf64>
            %e = kernel.map exp %s -> !kernel.tile<8xf64>
            kernel.store %e, %y[0 over 0]""",
            "%x, %y",
        ),
        {"x": normal(8, dtype=np.float64)},
        1e-14,
    )
    assert y.dtype == np.float64


@pytest.mark.parametrize("kind", ["add", "mul", "maximum", "minimum"])
def test_reduction_along_each_axis(kind: str) -> None:
    x = normal(4, 8)
    x[1, 2] = np.nan
    run_text(
        one_kernel(
            "%x: !kernel.ref<[4, 8], f32>, %y: !kernel.ref<[12], f32>",
            f"""%t = kernel.load %x[0 over 0, 0 over 1] -> !kernel.tile<4x8xf32>
            %a = kernel.reduce {kind} %t {{axis = 0}} -> !kernel.tile<8xf32>
            %b = kernel.reduce {kind} %t {{axis = 1}} -> !kernel.tile<4xf32>
            kernel.store %a, %y[0 over 0]
            kernel.store %b, %y[8 over 0]""",
            "%x, %y",
        ),
        {"x": x},
    )


def test_layout_ops_move_the_same_values() -> None:
    run_text(
        one_kernel(
            "%x: !kernel.ref<[4, 8], f32>, %y: !kernel.ref<[2, 8, 2], f32>",
            """%t = kernel.load %x[0 over 0, 0 over 1] -> !kernel.tile<4x8xf32>
            %u = kernel.transpose %t {perm = [1, 0]} -> !kernel.tile<8x4xf32>
            %v = kernel.reshape %u -> !kernel.tile<8x2x2xf32>
            %w = kernel.transpose %v {perm = [2, 0, 1]} -> !kernel.tile<2x8x2xf32>
            kernel.store %w, %y[0 over 0, 0 over 1, 0 over 2]""",
            "%x, %y",
        ),
        {"x": normal(4, 8)},
    )


def test_overlapping_strides_read_windows() -> None:
    """A 1-D window view: [6 windows of 3] over 8 numbers; the window dim is padded to 4 and masked."""
    (y,) = run_text(
        """
        kernel.func @test(%x: !kernel.ref<[8, 3], f32, [1, 1]>, %y: !kernel.ref<[8], f32>) dims [] grid (1) {
          %t = kernel.load %x[0 over 0 masked, 0 over 1 masked] -> !kernel.tile<8x4xf32>
          %s = kernel.reduce add %t {axis = 1} -> !kernel.tile<8xf32>
          kernel.store %s, %y[0 over 0]
          kernel.return
        }
        kernel.host @host(%x: !kernel.ref<[10], f32>, %y: !kernel.ref<[8], f32>) dims [] inputs ["x"] outputs ["y"] {
          %v = kernel.view %x offset 0 -> !kernel.ref<[8, 3], f32, [1, 1]>
          kernel.launch @test[](%v, %y)
          kernel.return
        }
        """,
        {"x": np.arange(10, dtype=np.float32)},
    )
    assert y.tolist() == [3.0 * start + 3 for start in range(8)]


LOOPS = """
kernel.func @test(%x: !kernel.ref<[4], f32>, %y: !kernel.ref<[3, 4], f32>) dims [] grid (1) {{
  %a = kernel.load %x[0 over 0] -> !kernel.tile<4xf32>
  %one = kernel.splat 1.0 -> !kernel.tile<4xf32>
  {body}
  kernel.return
}}
kernel.host @host(%x: !kernel.ref<[4], f32>, %y: !kernel.ref<[3, 4], f32>) dims [] inputs ["x"] outputs ["y"] {{
  kernel.launch @test[](%x, %y)
  kernel.return
}}
"""


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(
            """%p, %q = kernel.loop %i = 0 to 3 step 1 iter(%u = %a, %v = %one) {
                 %s = kernel.map add %u, %v -> !kernel.tile<4xf32>
                 kernel.yield %s, %u }
               kernel.store %p, %y[0, 0 over 0]  kernel.store %q, %y[1, 0 over 0]  kernel.store %a, %y[2, 0 over 0]""",
            id="fibonacci: the old value is read after the new one is there",
        ),
        pytest.param(
            """%p, %q = kernel.loop %i = 0 to 3 step 1 iter(%u = %a, %v = %one) { kernel.yield %v, %u }
               kernel.store %p, %y[0, 0 over 0]  kernel.store %q, %y[1, 0 over 0]  kernel.store %a, %y[2, 0 over 0]""",
            id="a swap",
        ),
        pytest.param(
            """%p = kernel.loop %i = 0 to 2 step 1 iter(%u = %one) {
                 %r = kernel.loop %j = 0 to 2 step 1 iter(%w = %a) {
                   %t = kernel.map mul %w, %a -> !kernel.tile<4xf32>  kernel.yield %t }
                 %s = kernel.map add %u, %r -> !kernel.tile<4xf32>
                 kernel.yield %s }
               kernel.store %p, %y[0, 0 over 0]  kernel.store %p, %y[1, 0 over 0]  kernel.store %p, %y[2, 0 over 0]""",
            id="an inner loop starts anew from a value of outside",
        ),
        pytest.param(
            """%p = kernel.loop %i = 4 to 4 step 1 iter(%u = %a) {
                 %s = kernel.map add %u, %one -> !kernel.tile<4xf32>
                 kernel.yield %s }
               kernel.store %p, %y[0, 0 over 0]  kernel.store %p, %y[1, 0 over 0]  kernel.store %p, %y[2, 0 over 0]""",
            id="no round at all",
        ),
        pytest.param(
            """%p, %q = kernel.loop %i = 0 to 2 step 1 iter(%u = %a, %v = %one) {
                 %s = kernel.map add %u, %v -> !kernel.tile<4xf32>
                 kernel.yield %s, %s }
               kernel.store %p, %y[0, 0 over 0]  kernel.store %q, %y[1, 0 over 0]  kernel.store %a, %y[2, 0 over 0]""",
            id="one value for two",
        ),
    ],
)
def test_loop_carried_values(body: str) -> None:
    run_text(LOOPS.format(body=body), {"x": normal(4)})


def test_flash_attention_written_by_hand() -> None:
    text = (EXAMPLES / "kernels" / "flash_attention_cuda.mlir").read_text()
    inputs = {label: normal(2, 80, 64, dtype=np.float16) * 2 for label in ("q", "k", "v")}
    (out,) = run_text(text, inputs, FP16_TOLERANCE)
    q, k, v = (array.astype(np.float64) for array in inputs.values())
    scores = np.exp(q @ k.transpose(0, 2, 1) / 8)
    assert_close(out, scores / scores.sum(axis=2, keepdims=True) @ v, FP16_TOLERANCE)


def test_a_forgotten_mask_is_found() -> None:
    text = one_kernel(
        "%x: !kernel.ref<[6], f32>, %y: !kernel.ref<[8], f32>",
        "%t = kernel.load %x[0 over 0] -> !kernel.tile<8xf32>  kernel.store %t, %y[0 over 0]",
        "%x, %y",
    )
    with pytest.raises(InterpreterFault, match="2 lanes out of bounds"):
        interpreter().run(emit(parse_module(text, "test.mlir"), SM_80), {"x": normal(6)})


def test_a_race_of_programs_is_found() -> None:
    text = one_kernel(
        "%x: !kernel.ref<[8], f32>, %y: !kernel.ref<[8], f32>",
        "%t = kernel.load %x[0 over 0] -> !kernel.tile<8xf32>  kernel.store %t, %y[0 over 0]",
        "%x, %y",
    ).replace("grid (1)", "grid (2)")
    with pytest.raises(InterpreterFault, match="race"):
        interpreter().run(emit(parse_module(text, "test.mlir"), SM_80), {"x": normal(8)})


@pytest.mark.parametrize(
    ("x", "found"),
    [(normal(5, 47), "x is torch.float32 (5, 47)"), (normal(5, 48, dtype=np.float64), "x is torch.float64 (5, 48)")],
)
def test_an_input_that_does_not_fit_is_refused(x: Array, found: str) -> None:
    source = emit(kernels.matmul(BATCH, 40, 48, (32, 32, 32)), SM_80)
    with pytest.raises(InterpreterFault, match=re.escape(f"{found}, not torch.float32 (batch, 48)")):
        interpreter().run(source, MATRICES | {"x": x})


LOOKUP = """
kernel.func @look(
    %table: !kernel.ref<[40], f32>, %ids: !kernel.ref<[8], i64>, %status: !kernel.ref<[1], i32>,
    %y: !kernel.ref<[8], f32>
) dims [] grid (1) {
  %t = kernel.load %ids[0 over 0] -> !kernel.tile<8xi64>
  %limit = kernel.splat 40 -> !kernel.tile<8xi64>
  %ok = kernel.map lt %t, %limit -> !kernel.tile<8xi1>
  kernel.check %ok, %status {code = 910}
  %v = kernel.gather %table, %t, %ok {other = 0.5} -> !kernel.tile<8xf32>
  kernel.store %v, %y[0 over 0]
  kernel.return
}
kernel.host @host(%table: !kernel.ref<[40], f32>, %ids: !kernel.ref<[8], i64>, %y: !kernel.ref<[8], f32>)
    dims [] inputs ["table", "ids"] outputs ["y"] {
  %s = kernel.status -> !kernel.ref<[1], i32>
  kernel.launch @look[](%table, %ids, %s, %y)
  kernel.return
}
"""


def test_data_is_gathered_and_checked() -> None:
    table, ids = normal(40), np.array([3, 0, 39, 3, 7, 20, 1, 2])
    (y,) = run_text(LOOKUP, {"table": table, "ids": ids})
    np.testing.assert_array_equal(y, table[ids])
    ids[5] = 40
    with pytest.raises(InterpreterFault, match="E0910"):
        interpreter().run(emit(parse_module(LOOKUP), SM_80), {"table": table, "ids": ids})
