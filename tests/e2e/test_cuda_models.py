"""Whole models for a GPU: from `.nr` and graph IR to Triton, which runs in its interpreter and compiles for sm_80."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.compare import assert_close
from support.triton_interpreter import interpreter
from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects import kernel
from neuralc.dialects.graph import the_model
from neuralc.dialects.interp import materialize_all, run_module
from neuralc.dialects.weights import WeightStore
from neuralc.driver import Compilation, Options, compile_to, load
from neuralc.emit.triton import emit
from neuralc.emit.triton.compile import Cubin, compile_kernels, requests_of
from neuralc.emit.triton.source import emit_source
from neuralc.passes.base import PassContext
from neuralc.passes.parsing import parse_module
from neuralc.passes.target import Target

pytest.importorskip("triton")
pytest.importorskip("torch")

Array = NDArray[Any]
EXAMPLES = Path(__file__).parents[2] / "examples"
SM_80 = Target.cuda("sm_80")


def run_in_triton(compilation: Compilation, inputs: Mapping[str, Array]) -> list[Array]:
    """A module of the kernel level in Triton's interpreter, every access checked."""
    module = compilation.module
    names = dict.fromkeys(op.weight_name for op in module.walk() if isinstance(op, kernel.WeightOp))
    weights = materialize_all(module, compilation.weights, names)
    packed = {name: np.ascontiguousarray(array) for name, array in weights.items()}
    return interpreter().run(emit(module, SM_80), inputs, packed)


def the_input(module: ModuleOp) -> str:
    return the_model(module).inputs[0]


def test_digits_classifies_its_first_images() -> None:
    """Softmax within 1e-5 of the model as it was written, and so the same digits."""
    archive = np.load(EXAMPLES / "digits_test.npz")
    images = (archive["images"][:32] / 16).astype(np.float32)
    compilation = load(EXAMPLES / "digits.nr", Options(target="cuda", weights=EXAMPLES / "digits.safetensors"))
    label = the_input(compilation.module)
    (wanted,) = run_module(compilation.module, {label: images}, compilation.weights)
    compile_to(compilation, "kernel")
    (found,) = run_in_triton(compilation, {label: images})
    assert_close(found, wanted, 1e-5)
    assert (found.argmax(axis=1) == archive["labels"][:32]).mean() > 0.9


PERCEPTRON = """
network Perceptron {
  input: pixels: (100)
  layers:
    Dense(48, "relu")
    Output(units=10, activation="softmax")
}
"""


@pytest.mark.parametrize("batch", [1, 35])
def test_a_perceptron_for_few_and_for_many_rows(batch: int, tmp_path: Path) -> None:
    (tmp_path / "perceptron.nr").write_text(PERCEPTRON)
    compilation = load(tmp_path / "perceptron.nr", Options(target="cuda"))
    pixels = np.random.default_rng(batch).random((batch, 100), dtype=np.float32)
    (wanted,) = run_module(compilation.module, {"pixels": pixels}, compilation.weights)
    compile_to(compilation, "kernel")
    (found,) = run_in_triton(compilation, {"pixels": pixels})
    assert_close(found, wanted, 1e-5)


def dense(element: str) -> str:
    return f"""
    graph.model @m(%x: tensor<512x512x{element}>, %w: tensor<512x512x{element}>, %b: tensor<512x{element}>)
        -> (tensor<512x512x{element}>) inputs ["x", "w", "b"] outputs ["y"] {{
      %1 = graph.dense %x, %w, %b -> tensor<512x512x{element}>
      %2 = graph.relu %1 -> tensor<512x512x{element}>
      graph.return %2
    }}"""


def convolution(element: str, size: int, channels: int) -> str:
    image, pad = f"tensor<1x28x28x{channels}x{element}>", size // 2
    result = f"tensor<1x28x28x128x{element}>"
    return f"""
    graph.model @m(%x: {image}, %w: tensor<{size}x{size}x{channels}x128x{element}>, %b: tensor<128x{element}>)
        -> ({result}) inputs ["x", "w", "b"] outputs ["y"] {{
      %1 = graph.conv %x, %w, %b {{pads = [{pad}, {pad}, {pad}, {pad}]}} -> {result}
      %2 = graph.relu %1 -> {result}
      graph.return %2
    }}"""


def compiled(text: str) -> list[Cubin]:
    """The cubins of a model of the graph level."""
    module, context = parse_module(text, "test.mlir"), PassContext(target=SM_80, weights=WeightStore())
    compilation = Compilation("test", module, "graph", SM_80, context, Options(target="cuda"))
    compile_to(compilation, "kernel")
    source = emit_source(module, SM_80)
    return compile_kernels(source, requests_of(module, source), SM_80)


MODELS = {
    "gemm": dense,
    "conv3x3": lambda element: convolution(element, 3, 128),
    "conv1x1": lambda element: convolution(element, 1, 512),
}


@pytest.mark.parametrize("element", ["f32", "f16"])
@pytest.mark.parametrize("model", MODELS)
def test_the_schedule_for_sm_80_neither_spills_nor_lowers_precision(model: str, element: str) -> None:
    cubins = compiled(MODELS[model](element))
    assert [cubin.resources.stack_bytes for cubin in cubins] == [0] * len(cubins)
    instructions = "\n".join(cubin.ptx for cubin in cubins)
    assert "tf32" not in instructions
    tensor_cores = re.findall(r"mma\.sync\.aligned\.m16n8k16\.row\.col\.(\S+)", instructions)
    assert set(tensor_cores) == ({"f32.f16.f16.f32"} if element == "f16" else set())
