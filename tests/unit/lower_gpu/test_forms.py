"""Each form of kernel computes what the graph says, for batches that blocks divide and do not, in any order."""

from __future__ import annotations

import pytest
from support.compare import assert_close
from support.gpu_models import MODELS, lower, make, random_input
from support.graph_modules import Array

from neuralc.dialects import kernel
from neuralc.dialects.interp import run_module
from neuralc.dialects.interp.kernel_host import run_host

EXACT = 1e-9
SMALL = [name for name in MODELS if "very long" not in name]


def check(name: str, opt: int, batches: tuple[int, ...], **how: int | bool) -> list[kernel.FuncOp]:
    module, weights = make(name)
    inputs = [random_input(module, batch) for batch in batches]
    expected: list[list[Array]] = [run_module(module, each, weights) for each in inputs]
    kernels = lower(module, weights, opt)
    for arrays, wanted in zip(inputs, expected, strict=True):
        for found, exact in zip(run_host(module, arrays, weights, **how), wanted, strict=True):
            assert_close(found, exact, EXACT)
    return kernels


@pytest.mark.parametrize("name", MODELS)
def test_fused_kernels_compute_the_model(name: str) -> None:
    check(name, 2, (1, 3, 7, 13), check_races=True)


@pytest.mark.parametrize("name", SMALL)
def test_unfused_kernels_compute_the_model(name: str) -> None:
    check(name, 0, (3, 13))


@pytest.mark.parametrize("name", SMALL)
def test_programs_run_in_any_order(name: str) -> None:
    check(name, 2, (3,), order=3)


def ops(name: str) -> list[str]:
    """The ops of a model's first kernel, without those of addresses."""
    kernels = lower(*make(name))
    wanted = (kernel.DotOp, kernel.MapOp, kernel.ReduceOp, kernel.LoopOp)
    return [
        str(op.literal("fn" if isinstance(op, kernel.MapOp) else "kind"))
        if isinstance(op, kernel.MapOp | kernel.ReduceOp)
        else op.name
        for op in kernels[0].body.walk()
        if isinstance(op, wanted) and not (isinstance(op, kernel.MapOp) and op.literal("fn") in ("div", "rem"))
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param(
            "dense", ["kernel.loop", "kernel.dot", "add", "maximum"], id="dense: the epilogue is in registers"
        ),
        pytest.param("conv", ["kernel.loop", "kernel.dot", "add", "maximum"], id="conv: one loop over all of k"),
        pytest.param("grouped conv", ["kernel.loop", "kernel.dot"], id="groups are a dim of the grid"),
        pytest.param("depthwise conv", ["kernel.loop", "kernel.loop", "fma"], id="depthwise: a loop a window dim"),
        pytest.param("one row", ["kernel.loop", "fma", "add", "add"], id="one row: products along k, added at the end"),
        pytest.param("max pool", ["maximum"] * 3, id="a 2x2 window is no loop"),
        pytest.param("global pool", ["add", "mul"], id="a long axis is reduced as a tile"),
        pytest.param("softmax", ["maximum", "sub", "exp", "lt", "select", "add"], id="softmax: a row is read once"),
    ],
)
def test_form(name: str, expected: list[str]) -> None:
    assert ops(name) == expected
