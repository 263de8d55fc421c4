"""`neuralc inspect`: layers, costs and refusals without compiling."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper, save

from neuralc import cli
from neuralc.cli_errors import DONE, WRONG_COMMAND_LINE, WRONG_MODEL

MODEL = """network Tiny {
  input: (8, 8, 3)
  layers:
    Conv2D(4, 3, padding="same", activation="relu")
    Flatten()
    Output(10, "softmax")
}
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.nr"
    path.write_text(MODEL)
    return path


@pytest.fixture
def refused(tmp_path: Path) -> Path:
    """An ONNX model with an operator whose result's size depends on data, twice."""
    nodes = [helper.make_node("NonZero", ["x"], [f"y{i}"], name=f"find_{i}") for i in range(2)]
    ports = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3])]
    results = [helper.make_tensor_value_info(f"y{i}", TensorProto.INT64, [2, None]) for i in range(2)]
    path = tmp_path / "refused.onnx"
    save(helper.make_model(helper.make_graph(nodes, "g", ports, results)), path)
    return path


def inspect(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert cli.run(["inspect", *arguments, "--json"]) == DONE
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_costs_are_those_of_the_layers(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = inspect(capsys, str(tiny), "--sizes", "batch=2")
    conv = found["layers"][0]
    assert (conv["op"], conv["shape"], conv["parameters"]) == ("conv", ["batch", 8, 8, 4], 3 * 3 * 3 * 4 + 4)
    assert conv["flops"] == 2 * (2 * 8 * 8 * 4) * 27
    assert found["parameters"] == 112 + 256 * 10 + 10
    assert found["weight_bytes"] == 4 * found["parameters"]
    assert found["flops"] == sum(layer["flops"] for layer in found["layers"])
    assert found["operators"] == {"conv": 1, "relu": 1, "reshape": 1, "dense": 1, "softmax": 1}
    assert found["compiles"] is True


def test_memory_is_that_of_the_values_alive_at_one_time(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The input stays with the caller; at relu its operand and its result are there too. A reshape is a view."""
    found = inspect(capsys, str(tiny), "--sizes", "batch=1")
    assert found["peak_bytes"] == 4 * (8 * 8 * 3 + 2 * 8 * 8 * 4)


def test_ports_and_sizes_are_listed(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = inspect(capsys, str(tiny))
    assert found["inputs"] == [{"name": "input", "dtype": "float32", "shape": ["batch", 8, 8, 3]}]
    assert [size["name"] for size in found["sizes"]] == ["batch"]


def test_what_is_not_compiled_is_listed_with_its_reason(refused: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = inspect(capsys, str(refused))
    (entry,) = found["unsupported"]
    assert (entry["operator"], entry["count"], entry["first"]) == ("NonZero", 2, "find_0")
    assert found["compiles"] is False
    assert found["operators"] == {"NonZero": 2}
    assert found["inputs"] == [{"name": "x", "dtype": "float", "shape": ["batch", 3]}]


def test_the_terminal_shows_the_same(tiny: Path, refused: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["inspect", str(tiny)]) == DONE
    shown = capsys.readouterr().out
    assert "conv2d" in shown
    assert "parameters: 2,682 (10.5 KiB)" in shown
    assert cli.run(["inspect", str(refused)]) == DONE
    assert "NonZero" in capsys.readouterr().out


def test_weights_behind_a_transpose_belong_to_the_layer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """ONNX kernels are transposed at import: the compiler does that once, so it is no layer and costs nothing."""
    kernel = numpy_helper.from_array(np.random.default_rng(0).standard_normal((64, 64, 3, 3)).astype(np.float32), "w")
    node = helper.make_node("Conv", ["x", "w"], ["y"], name="first", kernel_shape=[3, 3])
    ports = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 64, 8, 8])]
    result = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    save(helper.make_model(helper.make_graph([node], "g", ports, result, [kernel])), tmp_path / "conv.onnx")
    found = inspect(capsys, str(tmp_path / "conv.onnx"))
    assert [(layer["name"], layer["op"], layer["parameters"]) for layer in found["layers"]] == [
        ("first", "conv", 64 * 64 * 9)
    ]


STATEFUL = """
graph.dim @batch from 1
graph.state @lstm.h : tensor<?x64xf16, #graph.dims<batch>>
graph.state @count : tensor<i64>
graph.model @m(%x: tensor<?x64xf16, #graph.dims<batch>>) -> (tensor<?x64xf16, #graph.dims<batch>>) inputs ["x"] outputs ["y"] {
  %h = graph.get_state @lstm.h -> tensor<?x64xf16, #graph.dims<batch>>
  %0 = graph.add %x, %h -> tensor<?x64xf16, #graph.dims<batch>>
  graph.set_state @lstm.h, %0
  %n = graph.get_state @count -> tensor<i64>
  graph.set_state @count, %n
  graph.return %0
}
"""  # noqa: E501  (IR has long lines)


def test_states_have_shapes_and_bytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "m.mlir"
    path.write_text(STATEFUL)
    found = inspect(capsys, str(path), "--sizes", "batch=8")
    assert found["states"] == [
        {"name": "lstm.h", "dtype": "float16", "shape": ["batch", 64], "bytes": 8 * 64 * 2},
        {"name": "count", "dtype": "int64", "shape": [], "bytes": 8},
    ]
    assert [layer["op"] for layer in found["layers"]] == ["add"]
    assert cli.run(["inspect", str(path), "--sizes", "batch=8"]) == DONE
    assert "lstm.h" in capsys.readouterr().out


def test_wrong_use_is_said(tiny: Path) -> None:
    assert cli.run(["inspect", str(tiny), "--sizes", "S=3"]) == WRONG_COMMAND_LINE
    assert cli.run(["inspect", str(tiny), "--sizes", "batch"]) == WRONG_COMMAND_LINE
    assert cli.run(["inspect", str(tiny.with_name("missing.nr"))]) == WRONG_MODEL
