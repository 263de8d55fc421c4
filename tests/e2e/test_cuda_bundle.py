"""`--target cuda`: the folder holds what a runtime needs, and the launches its manifest lists compute the model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load, save_file
from support.compare import assert_close
from support.gpu_models import SM_80, lower
from support.triton_interpreter import interpreter

from neuralc.cli import run as command_line
from neuralc.dialects.interp import run_module
from neuralc.dialects.weights import WeightStore
from neuralc.emit.triton import files
from neuralc.emit.triton.cubin import read_cubin
from neuralc.frontends.nr import load as load_program
from neuralc.grammar.diagnostics import Source
from neuralc.passes.parsing import parse_module
from neuralc.passes.target import Target

pytest.importorskip("triton")
pytest.importorskip("torch")

Array = NDArray[Any]

TWO_LAYERS = """
graph.dim @batch from 1 to 4096
graph.weight @stored : tensor<16x8xf32>
graph.weight @kernel : tensor<8x16xf32> from (@stored) {
^bb0(%0: tensor<16x8xf32>):
  %1 = graph.transpose %0 {perm = [1, 0]} -> tensor<8x16xf32>
  graph.return %1
}
kernel.func @dense(
    %rows: index,
    %x: !kernel.ref<[rows, 8], f32>, %w: !kernel.ref<[8, 16], f32>, %y: !kernel.ref<[rows, 16], f32>
) dims [rows] grid (ceildiv(rows, 16)) attributes {num_warps = 2 : i64} {
  %p = kernel.program_id
  %c16 = arith.constant 16 : index
  %m0 = arith.muli %p, %c16 : index
  %xt = kernel.load %x[%m0 over 0 masked, 0 over 1 masked] -> !kernel.tile<16x16xf32>
  %wt = kernel.load %w[0 over 0 masked, 0 over 1] -> !kernel.tile<16x16xf32>
  %zero = kernel.splat 0.0 -> !kernel.tile<16x16xf32>
  %acc = kernel.dot %xt, %wt, %zero {precision = "ieee"} -> !kernel.tile<16x16xf32>
  kernel.store %acc, %y[%m0 over 0 masked, 0 over 1]
  kernel.return
}
kernel.func @double(
    %count: index, %x: !kernel.ref<[count], f32>, %y: !kernel.ref<[count], f32>
) dims [count] grid (ceildiv(count, 64)) {
  %p = kernel.program_id
  %c64 = arith.constant 64 : index
  %i0 = arith.muli %p, %c64 : index
  %xt = kernel.load %x[%i0 over 0 masked] -> !kernel.tile<64xf32>
  %twice = kernel.map add %xt, %xt -> !kernel.tile<64xf32>
  kernel.store %twice, %y[%i0 over 0 masked]
  kernel.return
}
kernel.host @net(
    %image: !kernel.ref<[batch, 8], f32>, %scores: !kernel.ref<[batch, 16], f32>, %tail: !kernel.ref<[8], f32>
) dims [batch] inputs ["image"] outputs ["scores", "tail"] arena (batch * 64) {
  %w = kernel.weight @kernel -> !kernel.ref<[8, 16], f32>
  %hidden = kernel.arena 0 -> !kernel.ref<[batch, 16], f32>
  kernel.launch @dense[batch](%image, %w, %hidden) {parallel}
  %flat = kernel.view %hidden offset 0 -> !kernel.ref<[batch * 16], f32>
  %out = kernel.view %scores offset 0 -> !kernel.ref<[batch * 16], f32>
  kernel.if batch >= 4 {
    kernel.launch @double[batch * 16](%flat, %out)
  } else {
    kernel.launch @double[batch * 8](%flat, %out)
  }
  %part = kernel.view %hidden offset 8 -> !kernel.ref<[8], f32>
  kernel.launch @double[8](%part, %tail)
  kernel.return
}
"""


def stored() -> WeightStore:
    return WeightStore({"stored": np.random.default_rng(0).standard_normal((16, 8)).astype(np.float32)})


@pytest.fixture(scope="module")
def bundle() -> Mapping[str, str | bytes]:
    return files(parse_module(TWO_LAYERS, "net.mlir"), stored(), Target.cuda("sm_80"))


@pytest.fixture(scope="module")
def manifest(bundle: Mapping[str, str | bytes]) -> Any:
    return json.loads(bundle["manifest.json"])


def test_files(bundle: Mapping[str, str | bytes]) -> None:
    kernels = [f"kernels/{name}.{kind}" for name in ("dense", "double") for kind in ("cubin", "ptx")]
    assert list(bundle) == ["model.py", "manifest.json", "weights.safetensors", *kernels]


def test_weights_are_those_that_kernels_read(bundle: Mapping[str, str | bytes]) -> None:
    content = bundle["weights.safetensors"]
    assert isinstance(content, bytes)
    found = load(content)
    assert list(found) == ["kernel"]
    np.testing.assert_array_equal(found["kernel"], stored()["stored"].T)


def test_a_kernel_says_how_it_is_launched(manifest: Any, bundle: Mapping[str, str | bytes]) -> None:
    dense = manifest["kernels"]["dense"]
    assert dense["grid"] == "ceildiv(rows, 16)"
    assert [(argument["name"], argument["type"]) for argument in dense["arguments"]] == [
        ("rows", "i32"), ("x", "*fp32"), ("w", "*fp32"), ("y", "*fp32"),
    ]  # fmt: skip
    assert [argument.get("written") for argument in dense["arguments"]] == [None, False, False, True]
    assert dense["threads"] == 64
    cubin = bundle[dense["cubin"]]
    assert isinstance(cubin, bytes)
    parameters = read_cubin(cubin)[dense["symbol"]].parameters
    assert len(parameters) == len(dense["arguments"]) + dense["scratch_arguments"]


def test_only_aligned_arguments_are_called_aligned(manifest: Any) -> None:
    """`double` is launched on a view 32 bytes into the arena, which is a multiple of 16."""
    assert [argument.get("alignment") for argument in manifest["kernels"]["double"]["arguments"]] == [None, 16, 16]


def test_sizes_are_expressions_over_the_inputs(manifest: Any) -> None:
    assert manifest["dims"] == [{"name": "batch", "input": "image", "axis": 0, "min": 1, "max": 4096}]
    assert manifest["outputs"] == [
        {"name": "scores", "dtype": "float32", "shape": ["batch", 16]},
        {"name": "tail", "dtype": "float32", "shape": [8]},
    ]
    assert manifest["arena_bytes"] == "batch * 64"


def test_the_program_is_in_launch_order(manifest: Any) -> None:
    launch, choice, last = manifest["program"]
    assert (launch["launch"], last["launch"]) == ("dense", "double")
    assert choice["if"] == ["batch", ">=", "4"]
    assert choice["then"][0]["dims"] == ["batch * 16"]
    assert choice["else"][0]["dims"] == ["batch * 8"]


@pytest.mark.parametrize("batch", [2, 19])
@pytest.mark.parametrize("through", ["run", "manifest"])
def test_results_are_those_of_the_reference(
    through: str, batch: int, bundle: Mapping[str, str | bytes], manifest: Any
) -> None:
    image = np.random.default_rng(batch).standard_normal((batch, 8)).astype(np.float32)
    wanted = run_module(parse_module(TWO_LAYERS, "net.mlir"), {"image": image}, stored())
    weights = {"kernel": stored()["stored"].T.copy()}
    found = interpreter().run(
        str(bundle["model.py"]), {"image": image}, weights, manifest if through == "manifest" else None
    )
    rows = batch if batch >= 4 else batch // 2  # the smaller launch writes half of the scores
    assert_close(found[0][:rows], wanted[0][:rows], 1e-5)
    assert_close(found[1], wanted[1], 1e-5)


@pytest.mark.parametrize("through", ["run", "manifest"])
def test_a_size_is_found_where_an_input_has_a_multiple_of_it(through: str) -> None:
    program = load_program(Source("m.nr", "network M { input: x: (S, 8) where S % 4 == 0 layers: MaxPooling1D(4) }"))
    x = np.random.default_rng(0).standard_normal((2, 12, 8)).astype(np.float32)
    wanted = run_module(program.module, [x], WeightStore())
    lower(program.module, WeightStore())
    made = files(program.module, WeightStore(), SM_80)
    manifest = json.loads(made["manifest.json"])
    assert {"name": "S_by_4", "input": "x", "axis": 1, "factor": 4, "offset": 0}.items() <= manifest["dims"][0].items()
    found = interpreter().run(str(made["model.py"]), {"x": x}, {}, manifest if through == "manifest" else None)
    assert_close(found[0], wanted[0], 1e-5)


def test_the_command_line_writes_the_folder(tmp_path: Path) -> None:
    (tmp_path / "net.mlir").write_text(TWO_LAYERS)
    save_file(dict(stored()), tmp_path / "net.safetensors")
    source, weights = str(tmp_path / "net.mlir"), str(tmp_path / "net.safetensors")
    assert command_line([source, "--target", "cuda", "--weights", weights]) == 0
    folder = tmp_path / "net.cuda"
    assert sorted(path.name for path in folder.iterdir()) == [
        "kernels",
        "manifest.json",
        "model.py",
        "weights.safetensors",
    ]
    assert (folder / "kernels" / "dense.cubin").read_bytes()[:4] == b"\x7fELF"


def test_a_kernel_that_is_refused_leaves_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "net.mlir").write_text(TWO_LAYERS.replace("tile<64xf32>", "tile<48xf32>"))
    assert command_line([str(tmp_path / "net.mlir"), "--target", "cuda"]) == 1
    assert "E0830" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["net.mlir"]
