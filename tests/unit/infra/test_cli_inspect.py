"""`neuralc inspect`: layers, costs and refusals without compiling, in all formats."""

import json
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper, save
from support.pages import Page

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
    """An ONNX model with an operator whose result's size depends on data, twice, behind a layer with weights."""
    nodes = [
        helper.make_node("MatMul", ["x", "kernel"], ["h"], name="body/dense"),
        *(helper.make_node("NonZero", ["h"], [f"y{i}"], name=f"find_{i}") for i in range(2)),
    ]
    ports = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3])]
    results = [helper.make_tensor_value_info(f"y{i}", TensorProto.INT64, [2, None]) for i in range(2)]
    kernel = numpy_helper.from_array(np.ones((3, 5), np.float16).astype(np.float32), "kernel")
    path = tmp_path / "refused.onnx"
    save(helper.make_model(helper.make_graph(nodes, "g", ports, results, [kernel])), path)
    return path


def inspect(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert cli.run(["inspect", *arguments, "--format=json"]) == DONE
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
    assert found["inputs"] == [{"name": "input", "dtype": "float32", "shape": ["batch", 8, 8, 3], "value": 0}]
    assert [size["name"] for size in found["sizes"]] == ["batch"]


def test_values_lead_from_layer_to_layer(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Inputs are the first values, then come the results in the order of the layers."""
    found = inspect(capsys, str(tiny), "--sizes", "batch=2")
    assert [(layer["operands"], layer["results"]) for layer in found["layers"]] == [([i], [i + 1]) for i in range(5)]
    assert found["outputs"][0]["value"] == 5
    assert found["values"][1] == {"dtype": "float32", "shape": ["batch", 8, 8, 4], "at": [2, 8, 8, 4], "bytes": 2048}


def test_memory_is_told_of_each_layer_and_the_largest_is_named(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A reshape makes nothing new; the input is there to the end, for the caller has it."""
    found = inspect(capsys, str(tiny))
    image, conv, row = 4 * 8 * 8 * 3, 4 * 8 * 8 * 4, 4 * 10
    assert [layer["bytes"] for layer in found["layers"]] == [conv, conv, 0, row, row]
    assert [layer["live_bytes"] for layer in found["layers"]] == [
        image + conv, image + 2 * conv, image + conv, image + conv + row, image + 2 * row
    ]  # fmt: skip
    assert found["layers"][found["peak_layer"]]["op"] == "relu"


def test_arithmetic_is_told_for_all_sizes(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = inspect(capsys, str(tiny), "--sizes", "batch=3")
    assert found["layers"][1]["flops_formula"] == "batch * 256"
    assert found["flops_formula"] == f"batch * {found['flops'] // 3}"


def test_layers_have_their_line_and_column(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = inspect(capsys, str(tiny))
    assert [layer["place"] for layer in found["layers"]] == [f"tiny.nr:{line}:5" for line in (4, 4, 5, 6, 6)]


def test_what_is_not_compiled_is_listed_with_its_reason(refused: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = inspect(capsys, str(refused))
    (entry,) = found["unsupported"]
    assert (entry["operator"], entry["count"], entry["first"]) == ("NonZero", 2, "find_0")
    assert found["compiles"] is False
    assert found["operators"] == {"NonZero": 2, "MatMul": 1}
    assert found["inputs"] == [{"name": "x", "dtype": "float32", "shape": ["batch", 3], "value": 0}]


def test_of_a_refused_model_everything_is_told_that_its_file_says(
    refused: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = inspect(capsys, str(refused))
    dense, *finds = found["layers"]
    assert (dense["name"], dense["path"], dense["op"]) == ("body/dense", ["body", "dense"], "MatMul")
    assert (dense["shape"], dense["parameters"], dense["flops"]) == (["batch", 5], 15, None)
    assert dense["refused"] == ""
    assert all("depends on values" in layer["refused"] for layer in finds)
    assert [layer["operands"] for layer in finds] == [dense["results"]] * 2
    assert (found["parameters"], found["weight_bytes"], found["flops"]) == (15, 60, None)
    assert found["peak_bytes"] is None


def test_the_terminal_shows_the_same(tiny: Path, refused: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["inspect", str(tiny)]) == DONE
    shown = capsys.readouterr().out
    assert "conv2d" in shown
    assert "parameters: 2,682 (10.5 KiB)" in shown
    assert "flops: 19.2 k at batch = 1; for all sizes batch * 19250" in shown
    assert "activations: at most 2.8 KiB at a time, first at conv2d.relu (tiny.nr:4:5); without fusion" in shown
    assert cli.run(["inspect", str(refused)]) == DONE
    shown = capsys.readouterr().out
    assert "NonZero       2      find_0      the size of its result depends on values" in shown
    assert "body/dense  MatMul   float32  (batch, 5)" in shown


def test_the_page_has_the_numbers_of_the_json(tiny: Path, refused: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for model in (tiny, refused):
        found = inspect(capsys, str(model))
        assert cli.run(["inspect", str(model), "--format=html"]) == DONE
        page = Page(capsys.readouterr().out)
        for index, layer in enumerate(found["layers"]):
            numbers = [layer["parameters"], layer["flops"], layer["bytes"], layer["live_bytes"]]
            assert page.numbers[f"layer-{index}"] == [str(number or 0) for number in numbers]
            assert page.rows[f"layer-{index}"][1:3] == [layer["name"], layer["op"]]
            assert page.rows[f"layer-{index}"][-1] == layer["place"]


def test_a_picture_goes_to_a_file(tiny: Path, refused: Path, tmp_path: Path) -> None:
    for model in (tiny, refused):
        assert cli.run(["inspect", str(model), "--format=svg", "-o", str(tmp_path / "out.svg")]) == DONE
        texts = [element.text for element in ElementTree.parse(tmp_path / "out.svg").iter()]
        assert "(batch, 5)" in texts or "(batch, 8, 8, 4)" in texts


def test_from_a_terminal_a_page_goes_beside_the_model(
    tiny: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert cli.run(["inspect", str(tiny), "--format=html"]) == DONE
    assert capsys.readouterr().out == f"wrote {tiny.with_suffix('.html')}\n"
    assert "<!doctype html>" in tiny.with_suffix(".html").read_text()
    assert cli.run(["inspect", str(tiny), "--format=svg", "-o", "-"]) == DONE
    assert capsys.readouterr().out.startswith("<svg")


def test_text_goes_to_a_file_as_wide_as_it_gets(tiny: Path, tmp_path: Path) -> None:
    assert cli.run(["inspect", str(tiny), "-o", str(tmp_path / "out.txt")]) == DONE
    assert "conv2d          conv     float32  (batch, 8, 8, 4)" in (tmp_path / "out.txt").read_text()


def test_graph_ir_is_inspected_too(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = inspect(capsys, str(tiny))
    assert cli.run([str(tiny), "--emit=graph", "--pass-pipeline=", "-o", str(tmp_path / "tiny.mlir")]) == DONE
    after = inspect(capsys, str(tmp_path / "tiny.mlir"))
    assert [layer["name"] for layer in after["layers"]] == [layer["name"] for layer in before["layers"]]
    assert (after["flops"], after["parameters"]) == (before["flops"], before["parameters"])


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
        {"name": "lstm.h", "dtype": "float16", "shape": ["batch", 64], "bytes": 8 * 64 * 2, "reads": [1], "write": 2},
        {"name": "count", "dtype": "int64", "shape": [], "bytes": 8, "reads": [3], "write": 3},
    ]
    assert [layer["op"] for layer in found["layers"]] == ["add"]
    assert cli.run(["inspect", str(path), "--sizes", "batch=8"]) == DONE
    assert "state   lstm.h  float16  (batch, 64), 1.0 KiB" in capsys.readouterr().out
    assert cli.run(["inspect", str(path), "--format=svg"]) == DONE
    texts = [element.text for element in ElementTree.fromstring(capsys.readouterr().out).iter()]
    assert {"state  float16", "next state  float16"} <= set(texts)


def test_wrong_use_is_said(tiny: Path) -> None:
    assert cli.run(["inspect", str(tiny), "--sizes", "S=3"]) == WRONG_COMMAND_LINE
    assert cli.run(["inspect", str(tiny), "--sizes", "batch"]) == WRONG_COMMAND_LINE
    assert cli.run(["inspect", str(tiny), "--format=dot"]) == WRONG_COMMAND_LINE
    assert cli.run(["inspect", str(tiny), "--depth=0"]) == WRONG_COMMAND_LINE
    assert cli.run(["inspect", str(tiny.with_name("missing.nr"))]) == WRONG_MODEL
    tiny.with_name("empty.mlir").write_text("builtin.module {\n}\n")
    assert cli.run(["inspect", str(tiny.with_name("empty.mlir"))]) == WRONG_COMMAND_LINE
