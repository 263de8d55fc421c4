"""The kernels as Triton: its interpreter finds the same values, its compiler no spills, and fp32 stays fp32."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from support.compare import assert_close
from support.gpu_models import HALF, MODELS, SM_80, Layers, lower, make, random_input
from support.graph_modules import GraphModule, tensor
from support.triton_interpreter import interpreter
from xdsl.dialects.builtin import ModuleOp, f16, f32
from xdsl.ir import Attribute

from neuralc.dialects import graph
from neuralc.dialects.interp import run_module
from neuralc.emit.triton import emit
from neuralc.emit.triton.compile import Cubin, compile_kernels, requests_of
from neuralc.emit.triton.source import emit_source
from neuralc.passes.lower.gpu import contract
from neuralc.passes.lower.gpu.blocks import HALF_SHAPES, SHAPES, Blocks

pytestmark = pytest.mark.thorough

pytest.importorskip("triton")
pytest.importorskip("torch")

FAST = ("padded conv", "padded conv of an input", "dense", "depthwise conv", "max pool", "softmax", "transpose")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in FAST else pytest.mark.slow) for name in MODELS]
)
def test_the_interpreter_of_triton_agrees(name: str) -> None:
    module, weights = make(name)
    inputs = random_input(module, 5)
    expected = run_module(module, inputs, weights)
    lower(module, weights)
    assert_close(interpreter().run(emit(module, SM_80), inputs, weights)[0], expected[0], 1e-5)


def compile_module(module: ModuleOp) -> list[Cubin]:
    source = emit_source(module, SM_80)
    return compile_kernels(source, requests_of(module, source), SM_80)


def convolution(element: Attribute) -> tuple[ModuleOp, GraphModule]:
    build = GraphModule()
    layers = Layers(build, element)
    shape = tensor("batch", 30, 30, 64, element=element)
    return build.model({"x": shape}, lambda x: layers.conv(x, (3, 3, 64, 128), bias=True)), build


def test_an_fp32_convolution_is_plain_arithmetic() -> None:
    module, build = convolution(f32)
    lower(module, build.weights)
    for cubin in compile_module(module):
        assert cubin.resources.stack_bytes == 0
        assert "fma.rn.f32" in cubin.ptx
        assert "tf32" not in cubin.ptx
        assert "mma.sync" not in cubin.ptx
        assert "cp.async" in cubin.ptx


def test_an_fp16_convolution_uses_tensor_cores() -> None:
    module, build = convolution(f16)
    lower(module, build.weights)
    for cubin in compile_module(module):
        assert cubin.resources.stack_bytes == 0
        assert "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32" in cubin.ptx


def shapes() -> Iterator[tuple[Attribute, Blocks]]:
    for element, table, stages in ((f32, SHAPES, 2), (f16, HALF_SHAPES, 3)):
        for rows, columns, warps, depth in table:
            yield element, Blocks(rows, columns, depth, warps, stages)


@pytest.mark.slow
@pytest.mark.parametrize(("element", "blocks"), list(shapes()), ids=str)
def test_no_shape_of_a_block_spills(element: Attribute, blocks: Blocks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contract, "choose_blocks", lambda problem: (blocks, None))
    module, build = convolution(element)
    lower(module, build.weights)
    assert [cubin.resources.stack_bytes for cubin in compile_module(module)] == [0]


@pytest.mark.slow
@pytest.mark.parametrize("element", [f32, HALF], ids=str)
@pytest.mark.parametrize("name", MODELS)
def test_no_kernel_spills(name: str, element: Attribute) -> None:
    module, weights = make(name, element)
    lower(module, weights)
    assert all(cubin.resources.stack_bytes == 0 for cubin in compile_module(module))


@pytest.mark.slow
@pytest.mark.parametrize("length", [1024, 4000, 16384, 100_000])
def test_rows_of_any_length_fit(length: int) -> None:
    build = GraphModule()
    module = build.model({"x": tensor("batch", length)}, lambda x: graph.SoftmaxOp.of(x).result)
    lower(module, build.weights)
    (cubin,) = compile_module(module)
    assert cubin.resources.stack_bytes == 0
    x = np.random.default_rng(0).standard_normal((2, length)).astype(np.float32)
    (found,) = interpreter().run(emit(module, SM_80), {"x": x})
    exact = np.exp(x - x.max(axis=1, keepdims=True), dtype=np.float64)
    assert_close(found, exact / exact.sum(axis=1, keepdims=True), 1e-6)
