"""The blocks of a contraction: large where there is work for the whole GPU, small where there is not."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from support.compare import assert_close
from support.gpu_models import Layers, lower
from support.graph_modules import GraphModule, tensor

from neuralc.dialects import kernel
from neuralc.dialects.dims import Dim
from neuralc.dialects.interp import run_module
from neuralc.passes.lower.gpu.blocks import HALF_SHAPES, SHAPES, Blocks, Problem, choose_blocks

BATCH = Dim.symbol("batch")
REGISTERS = 255


def blocks_of(rows: int | Dim, columns: int | Dim, depth: int | Dim, element_bytes: int = 4) -> Blocks:
    return choose_blocks(Problem(rows, columns, depth, 1, element_bytes))[0]


def test_a_large_product_has_large_blocks() -> None:
    found = blocks_of(8192, 4096, 1024)
    assert (found.rows, found.columns, found.depth, found.warps) == (128, 128, 16, 8)


def test_a_small_product_is_cut_so_that_many_programs_work_on_it() -> None:
    found = blocks_of(49, 512, 4608)  # the last stage of a ResNet, one picture
    assert -(-49 // found.rows) * -(-512 // found.columns) > 32


def test_narrow_outputs_have_narrow_blocks() -> None:
    assert blocks_of(100_000, 10, 64).columns == 16


def test_short_sums_have_shallow_steps_that_a_dot_takes() -> None:
    assert blocks_of(1000, 64, 9).depth == 16
    assert blocks_of(1000, 64, 9, element_bytes=1).depth == 32


def test_fp64_has_no_block_that_its_registers_do_not_hold() -> None:
    assert blocks_of(8192, 4096, 1024, element_bytes=8).rows == 64


@pytest.mark.parametrize("shapes", [SHAPES, HALF_SHAPES], ids=["fp32", "fp16"])
def test_accumulators_of_every_shape_fit_the_registers(shapes: tuple[tuple[int, int, int, int], ...]) -> None:
    for rows, columns, warps, depth in shapes:
        assert rows * columns // (32 * warps) <= REGISTERS // 2
        assert all(size & (size - 1) == 0 for size in (rows, columns, warps, depth))


@pytest.mark.parametrize(
    ("rows", "columns", "depth"), list(product((BATCH, BATCH * 49, 1, 49, 5000), (1, 33, 1000), (3, 512, BATCH)))
)
def test_few_rows_get_smaller_blocks(rows: int | Dim, columns: int, depth: int | Dim) -> None:
    many, fewer = choose_blocks(Problem(rows, columns, depth, 1, 4))
    if fewer is not None:
        below, few = fewer
        assert isinstance(rows, Dim)
        assert few.rows * few.columns < many.rows * many.columns
        assert below > rows.evaluate({"batch": 1})


def test_only_one_kernel_for_little_work() -> None:
    assert choose_blocks(Problem(BATCH, 10, 64, 1, 4))[1] is None


def test_the_host_takes_the_kernel_that_fits_the_batch() -> None:
    """A product with few and with many rows: both kernels compute it, and the bound is where the host changes over."""
    build = GraphModule()
    module = build.model({"x": tensor("batch", 300)}, lambda x: Layers(build).dense(x, 200))
    rng = np.random.default_rng(0)
    inputs = [{"x": rng.standard_normal((batch, 300))} for batch in (5, 70)]
    expected = [run_module(module, each, build.weights) for each in inputs]
    many, few = lower(module, build.weights)
    choice = next(op for op in module.walk() if isinstance(op, kernel.IfOp))
    launched = {
        holds: next(op.callee_name for op in body.block.ops if isinstance(op, kernel.LaunchOp))
        for holds, body in ((True, choice.then_body), (False, choice.else_body))
    }
    assert launched == {True: many.sym_name.data, False: few.sym_name.data}
    bound = choice.rhs.data.value
    assert not choice.holds({"batch": bound - 1})
    choice.properties["rhs"] = type(choice.rhs)(Dim.constant(64))  # so that a small batch reaches the large blocks
    assert [choice.holds({"batch": batch}) for batch in (5, 70)] == [False, True]
    for arrays, wanted in zip(inputs, expected, strict=True):
        assert_close(run_module(module, arrays, build.weights)[0], wanted[0], 1e-9)
