"""The printed module: what a person reads. Whole texts, so that every change of style is seen."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest
from support import triton_kernels as kernels
from support.triton_kernels import BATCH
from xdsl.dialects.builtin import ModuleOp, f16

from neuralc.emit.triton import emit
from neuralc.passes.parsing import parse_module
from neuralc.passes.target import Target

SM_80 = Target.cuda("sm_80")


def function(module: ModuleOp, name: str) -> str:
    """The source of one function of the module."""
    text = emit(module, SM_80)
    tree = ast.parse(text)
    (found,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name)
    segment = ast.get_source_segment(text, found)
    assert segment is not None
    return segment


def test_matmul() -> None:
    assert (
        function(kernels.matmul(BATCH, 100, 84, (64, 64, 16)), "matmul")
        == '''\
def matmul(batch, x, w, b, y):
    """Grid: ceildiv(batch, 64) * 2 programs."""
    program = tl.program_id(0)
    m0 = program // 2 * 64
    offs_m = m0 + tl.arange(0, 64)
    n0 = program % 2 * 64
    offs_n = n0 + tl.arange(0, 64)
    acc = tl.full([64, 64], 0.0, tl.float32)
    for k in range(0, 84, 16):
        offs_k = k + tl.arange(0, 16)
        xt = tl.load(
            x + offs_m[:, None] * 84 + offs_k[None, :],
            mask=(offs_m[:, None] < batch) & (offs_k[None, :] < 84),
            other=0.0,
        )
        wt = tl.load(
            w + offs_k[:, None] * 100 + offs_n[None, :],
            mask=(offs_k[:, None] < 84) & (offs_n[None, :] < 100),
            other=0.0,
        )
        acc = tl.dot(xt, wt, acc, input_precision="ieee")
    bias = tl.load(b + offs_n, mask=offs_n < 100, other=0.0)
    out = tl.maximum(acc + bias[None, :], 0.0, propagate_nan=tl.PropagateNan.ALL)
    tl.store(
        y + offs_m[:, None] * 100 + offs_n[None, :],
        out,
        mask=(offs_m[:, None] < batch) & (offs_n[None, :] < 100),
    )'''
    )


def test_softmax() -> None:
    assert (
        function(kernels.softmax(1000, 1024), "softmax")
        == '''\
def softmax(batch, x, y):
    """Grid: batch programs."""
    offs = tl.arange(0, 1024)
    row = tl.program_id(0)
    scores = tl.load(x + row * 1000 + offs, mask=offs < 1000, other=float("-inf"))
    top = tl.reduce(scores, 0, maximum)
    powers = tl.exp(scores - top)
    total = tl.sum(powers, axis=0)
    tl.store(y + row * 1000 + offs, powers / total, mask=offs < 1000)'''
    )


def test_convolution_reads_pixels_through_an_index_tile() -> None:
    text = function(kernels.convolution(28, 28, 128, 64, (64, 64, 16)), "convolution")
    assert (
        """
    pixel = p0 + tl.arange(0, 64)
"""
        in text
    )
    assert (
        """
    for kh in range(3):
        for kw in range(3):
            ih = top + kh
            iw = left + kw
            for c in range(0, 128, 16):
                offs_c = c + tl.arange(0, 16)
                xt = tl.load(
                    image
                    + picture[:, None] * 100352
                    + ih[:, None] * 3584
                    + iw[:, None] * 128
                    + offs_c[None, :],
                    mask=(picture[:, None] < batch)
                    & (ih[:, None] >= 0)
                    & (ih[:, None] < 28)
                    & (iw[:, None] >= 0)
                    & (iw[:, None] < 28),
                    other=0.0,
                )
"""
        in text
    )


def test_the_host_program_is_a_function_on_tensors() -> None:
    assert (
        function(kernels.matmul(BATCH, 128, 784, (64, 64, 32), f16, warps=8, stages=3), "run")
        == '''\
def run(x, w, b, weights):
    """Run test on tensors of one GPU.

    Takes x: float16 (batch, 784)
    Takes w: float16 (784, 128)
    Takes b: float16 (128,)
    Gives y: float16 (batch, 128)

    `weights` maps names, as in weights.safetensors, to tensors of that GPU.
    """
    batch = x.shape[0]
    if x.shape != (batch, 784) or x.dtype != torch.float16:
        raise ValueError(
            f"x is {x.dtype} {tuple(x.shape)}, not torch.float16 (batch, 784)"
        )
    x = x.contiguous()
    if w.shape != (784, 128) or w.dtype != torch.float16:
        raise ValueError(
            f"w is {w.dtype} {tuple(w.shape)}, not torch.float16 (784, 128)"
        )
    w = w.contiguous()
    if b.shape != (128,) or b.dtype != torch.float16:
        raise ValueError(f"b is {b.dtype} {tuple(b.shape)}, not torch.float16 (128,)")
    b = b.contiguous()
    if batch * 784 >= 2**31:
        raise ValueError("too large: kernels index with 32 bits")
    device = x.device
    y = torch.empty((batch, 128), dtype=torch.float16, device=device)
    matmul[(triton.cdiv(batch, 64) * 2,)](batch, x, w, b, y, num_warps=8, num_stages=3)
    return y'''
    )


def test_the_header_lists_the_kernels() -> None:
    module = kernels.together(first=kernels.softmax(10, 16), second=kernels.matmul(64, 64, 64, (64, 64, 16), warps=8))
    assert (
        emit(module, SM_80).partition("import")[0]
        == '''\
"""Triton kernels, for sm_80.

Written by neuralc; do not edit.

    kernel  programs  warps  stages
    first   batch     4      2
    second  1         8      2
"""

'''
    )


def test_helpers_are_defined_where_they_are_used() -> None:
    assert "def maximum(a, b):" in emit(kernels.softmax(10, 16), SM_80)
    assert "def maximum(a, b):" not in emit(kernels.elementwise("exp", 1), SM_80)


def test_the_module_without_a_host_program_needs_no_torch() -> None:
    assert "torch" not in emit(kernels.together(first=kernels.softmax(10, 16)), SM_80)


def test_the_same_module_gives_the_same_text() -> None:
    first, second = (emit(kernels.convolution(8, 8, 16, 16, (16, 16, 16)), SM_80) for _ in range(2))
    assert first == second


def test_names_do_not_shadow_what_the_code_calls() -> None:
    text = """
      kernel.func @run(%range: !kernel.ref<[4], f32>, %tl: !kernel.ref<[4], f32>) dims [] grid (1) {
        %class = kernel.load %range[0 over 0] -> !kernel.tile<4xf32>
        %tanh = kernel.map tanh %class -> !kernel.tile<4xf32>
        kernel.store %tanh, %tl[0 over 0]
        kernel.return
      }
    """
    assert (
        function(parse_module(text, "test.mlir"), "run_1")
        == '''\
def run_1(range_1, tl_1):
    """Grid: 1 program."""
    offs = tl.arange(0, 4)
    class_ = tl.load(range_1 + offs)
    tanh_1 = tanh(class_)
    tl.store(tl_1 + offs, tanh_1)'''
    )


@pytest.mark.parametrize(
    ("function_name", "written"),
    [
        ("maximum", "tl.maximum(x0t, x1t, propagate_nan=tl.PropagateNan.ALL)"),
        ("maxnum", "tl.maximum(x0t, x1t)"),
        ("fma", "x0t * x1t + x2t"),
        ("exp", "tl.exp(x0t)"),
        ("erf", "tl.erf(x0t)"),
        ("sqrt", "tl.sqrt_rn(x0t)"),
        ("neg", "-x0t"),
    ],
)
def test_spelling(function_name: str, written: str) -> None:
    module = kernels.elementwise(function_name, written.count("x0t") + written.count("x1t") + written.count("x2t"))
    assert f"\n    out = {written}\n" in emit(module, SM_80)


def test_fp16_takes_the_functions_of_fp32() -> None:
    text = emit(kernels.elementwise("exp", 1, element=f16), SM_80)
    assert "out = tl.exp(x0t.to(tl.float32)).to(tl.float16)" in text
    text = emit(kernels.elementwise("div", 2, element=f16), SM_80)
    assert "out = (x0t / x1t).to(tl.float16)" in text


@pytest.mark.parametrize(
    "module",
    [
        kernels.matmul(BATCH, 100, 84, (64, 64, 16)),
        kernels.convolution(28, 28, 128, 64, (64, 64, 16)),
        kernels.softmax(1000, 1024),
        kernels.pooling(28, 28, 32, 2, 2, "maximum", (64, 32)),
        kernels.every_function(),
    ],
    ids=["matmul", "convolution", "softmax", "pooling", "every_function"],
)
def test_the_text_is_as_ruff_would_format_it(module: ModuleOp) -> None:
    for command in (["check"], ["format", "--diff"]):
        arguments = [sys.executable, "-m", "ruff", *command, "--isolated", "--line-length", "88", "-"]
        done = subprocess.run(arguments, input=emit(module, SM_80), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
