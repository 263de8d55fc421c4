"""What an emitted model looks like: names, functions, layouts, sizes, the operator set, and the file of its weights."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from support import regions
from support.compare import assert_close
from support.graph_modules import GraphModule, tensor
from support.nr_programs import random_store
from support.onnx_code import by_onnxruntime, emitted
from xdsl.dialects.builtin import i1
from xdsl.ir import SSAValue

from neuralc.cli import run
from neuralc.dialects import graph
from neuralc.dialects.interp import run_module
from neuralc.emit.onnx import emit, weights
from neuralc.frontends.nr.load import LoadedProgram, load
from neuralc.frontends.onnx.load import load as load_onnx
from neuralc.grammar.diagnostics import Source

BLOCKS = """
define Block(filters) { Conv2D(filters, 3, padding="same", use_bias=false) BatchNormalization() ReLU() }
network Small {
  input: { image: (8, 8, 3) }
  layers: Block(4) * 3 Conv2D(4, 1) MaxPooling2D(2) Flatten() Dense(5, "relu") Dropout(0.5) y = Dense(2)
  outputs: y
}
"""


def program(text: str) -> LoadedProgram:
    return load(Source("small.nr", text))


def model_of(text: str) -> onnx.ModelProto:
    loaded = program(text)
    return onnx.load_from_string(emitted(loaded.module, random_store(loaded)))


def layers(text: str, shape: str = "(8, 8, 3)") -> list[str]:
    """The operators of a network, constants left out."""
    graph = model_of(f"network M {{ input: {{ x: {shape} }} layers: {text} }}").graph
    return [node.op_type for node in graph.node if node.op_type != "Constant"]


def test_repeated_blocks_are_one_local_function() -> None:
    model = model_of(BLOCKS)
    assert [function.name for function in model.functions] == ["block", "block_1"]
    assert [(node.op_type, node.name) for node in model.graph.node if node.domain == "Small"] == [
        ("block", "block.0"),
        ("block_1", "block.1"),
        ("block_1", "block.2"),
    ]
    assert [node.op_type for node in model.functions[0].node] == ["Conv", "BatchNormalization", "Relu"]
    assert list(model.functions[0].input)[:2] == ["x", "conv2d.kernel"]


def test_inputs_outputs_and_weights_have_the_names_of_the_model() -> None:
    loaded, graph = program(BLOCKS), model_of(BLOCKS).graph
    assert [port.name for port in graph.input] == ["image"]
    assert [port.name for port in graph.output] == ["y"]
    assert {tensor.name for tensor in graph.initializer} == {weight.name for weight in loaded.weights}
    sizes = [dim.dim_param or dim.dim_value for dim in graph.input[0].type.tensor_type.shape.dim]
    assert sizes == ["batch", 8, 8, 3]


def test_the_layout_changes_at_the_ends_only() -> None:
    """A kernel is stored as ONNX reads it, and blocks hand on what they have."""
    model = model_of(BLOCKS)
    shapes = {tensor.name: list(tensor.dims) for tensor in model.graph.initializer}
    assert shapes["block.0.conv2d.kernel"] == [4, 3, 3, 3]
    assert [node.op_type for node in model.graph.node if node.op_type != "Constant"] == [
        "Transpose", "block", "block_1", "block_1", "Conv", "MaxPool", "Transpose", "Reshape", "Gemm", "Relu",
        "Dropout", "Gemm",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "shape", "operators"),
    [
        ("ReLU6()", "(4)", ["Clip"]),
        ("Dense(3, use_bias=false)", "(4)", ["MatMul"]),
        ("Dense(3)", "(6, 4)", ["MatMul", "Add"]),
        ('Dense(3, "gelu")', "(4)", ["Gemm", "Gelu"]),
        ("GlobalAveragePooling2D()", "(8, 8, 3)", ["ReduceMean"]),
        ("Reshape((2, 2))", "(4)", ["Reshape"]),
        ("GaussianNoise(0.1) Dense(2)", "(4)", ["Gemm"]),
        ("LayerNormalization()", "(4)", ["LayerNormalization"]),
        (
            "Conv2D(4, 3) LeakyReLU() GroupNormalization(2)",
            "(8, 8, 3)",
            ["Transpose", "Conv", "LeakyRelu", "GroupNormalization", "Transpose"],
        ),
    ],
)  # fmt: skip
def test_layers_are_the_operators_that_one_would_write(text: str, shape: str, operators: list[str]) -> None:
    assert layers(text, shape) == operators


@pytest.mark.parametrize(
    ("text", "version"), [("Dense(2)", 17), ("Mish()", 18), ("GELU()", 20), ("RMSNormalization()", 17)]
)
def test_the_operator_set_is_the_lowest_that_has_all_operators(text: str, version: int) -> None:
    model = model_of(f"network M {{ input: {{ x: (4) }} layers: {text} }}")
    assert model.opset_import[0].version == version


def test_a_node_says_the_line_of_its_layer() -> None:
    node = next(node for node in model_of(BLOCKS).graph.node if node.op_type == "Conv")
    assert (node.name, node.doc_string) == ("conv2d", "small.nr:5")


def test_the_same_model_gives_the_same_bytes() -> None:
    first, second = (program(BLOCKS) for _ in range(2))
    assert emit(first.module, random_store(first)).whole() == emit(second.module, random_store(second)).whole()


def test_large_weights_stand_in_a_file_beside_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "INSIDE", 100)
    source, path = tmp_path / "small.nr", tmp_path / "model.onnx"
    source.write_text(BLOCKS)
    assert run([str(source), "--emit=onnx", "-o", str(path)]) == 0
    onnx.checker.check_model(str(path), full_check=True)
    skeleton = onnx.load(str(path), load_external_data=False)
    entries = {entry.key: entry.value for entry in skeleton.graph.initializer[0].external_data}
    assert entries["location"] == "model.onnx.data"
    loaded = load_onnx(path)
    image = np.random.default_rng(0).standard_normal((2, 8, 8, 3))
    (expected,) = run_module(loaded.module, [image], loaded.store)
    (found,) = by_onnxruntime(onnx.load(str(path)).SerializeToString(), {"image": image.astype(np.float32)})
    assert_close(found, expected, 1e-5)


def test_a_state_is_an_input_and_an_output() -> None:
    loaded = program("network M { input: { x: (S, 4) } layers: LSTM(3, stateful=true) }")
    graph = onnx.load_from_string(emitted(loaded.module, random_store(loaded))).graph
    assert [port.name for port in graph.input] == ["x", "lstm.h", "lstm.c"]
    assert [port.name for port in graph.output][1:] == ["lstm.h_out", "lstm.c_out"]


def test_a_region_calls_functions() -> None:
    build = GraphModule()
    type_ = tensor("batch", 4)
    name = build.function("double", [type_], lambda x: graph.AddOp.of(x, x).result)

    def body(x: SSAValue, flag: SSAValue) -> SSAValue:
        return regions.choose(flag, lambda: [graph.CallOp(name, [x], [type_]).res[0]], lambda: [x])[0]

    module = build.model({"x": type_, "flag": tensor(element=i1)}, body)
    x = np.ones((2, 4), np.float32)
    for flag, expected in ((True, 2 * x), (False, x)):
        (found,) = by_onnxruntime(emitted(module, build.weights), {"x": x, "flag": np.array(flag)})
        np.testing.assert_array_equal(found, expected)


def test_without_the_package_the_message_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name == "onnx" or name.startswith(("onnx.", "neuralc.emit.onnx"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "onnx", None)
    source = tmp_path / "small.nr"
    source.write_text(BLOCKS)
    assert run([str(source), "--emit=onnx", "-o", str(tmp_path / "model.onnx")]) == 1
    assert "error[E0615]: writing ONNX models needs the package `onnx`" in capsys.readouterr().err


def test_weights_come_back_by_their_names_where_others_are_computed_from_them(tmp_path: Path) -> None:
    build, values = GraphModule(), np.arange(4, dtype=np.float32)

    def body(x: SSAValue) -> SSAValue:
        return graph.AddOp.of(
            x, graph.AddOp.of(build.weight("b_ih", values), build.weight("b_hh", -values)).result
        ).result

    module = build.model({"x": tensor("batch", 4)}, body)
    (tmp_path / "m.onnx").write_bytes(emitted(module, build.weights))
    again = load_onnx(tmp_path / "m.onnx").store
    assert {name: list(again[name]) for name in again} == {"b_ih": list(values), "b_hh": list(-values)}
