"""Names of layers by parts: from calls, from weights, from the nodes of an ONNX model."""

from pathlib import Path

import pytest
from onnx import NodeProto, TensorProto, helper, numpy_helper, save

from neuralc import driver
from neuralc.dialects.graph import the_model
from neuralc.driver import Options
from neuralc.frontends.onnx.names import NAME_SCOPES, module_of
from neuralc.inspection.graph_level import HIDDEN
from neuralc.inspection.names import keep_paths, names_of, split
from neuralc.passes.graph.inline import InlinePass

PROGRAM = """
define ConvBlock(filters) { Conv2D(filters, 3, padding="same") ReLU() }
define Stage(filters) { ConvBlock(filters) ResidualConnection { ConvBlock(filters) } }
network Net {
  input: (8, 8, 4)
  layers:
    Stage(4) * 2
    ReLU()
    ReLU()
    Conv2D(4, 3)
    Conv2D(4, 3)
    Flatten()
    Dense(8, "relu") * 2
    Output(3)
}
"""


def names(path: Path) -> list[tuple[str, tuple[str, ...]]]:
    """Of the ops of a model that are layers."""
    compilation = driver.load(path, Options())
    keep_paths(compilation.module)
    InlinePass().run(compilation.module, compilation.context)
    return names_of([op for op in the_model(compilation.module).block.ops if op.name not in HIDDEN])


def test_a_name_begins_with_the_blocks_that_a_layer_is_in(tmp_path: Path) -> None:
    (tmp_path / "net.nr").write_text(PROGRAM)
    found = names(tmp_path / "net.nr")
    assert [name for name, _ in found] == [
        "stage.0.conv_block.conv2d",
        "stage.0.conv_block.re_lu",
        "stage.0.residual_connection.conv_block.conv2d",
        "stage.0.residual_connection.conv_block.re_lu",
        "stage.0.residual_connection",
        "stage.1.conv_block.conv2d",
        "stage.1.conv_block.re_lu",
        "stage.1.residual_connection.conv_block.conv2d",
        "stage.1.residual_connection.conv_block.re_lu",
        "stage.1.residual_connection",
        "re_lu",
        "re_lu_1",
        "conv2d",
        "conv2d_1",
        "flatten",
        "dense.0",
        "dense.0.relu",
        "dense.1",
        "dense.1.relu",
        "output",
    ]
    assert found[2][1] == ("stage.0", "residual_connection", "conv_block", "conv2d")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("encoder.3.attention.query", ("encoder.3", "attention", "query")),
        ("/encoder/layer.0/MatMul", ("encoder", "layer.0", "MatMul")),
        ("/encoder/0/1/Conv", ("encoder.0.1", "Conv")),
        ("0.weight", ("0", "weight")),
        ("Conv_5", ("Conv_5",)),
        ("/", ("/",)),
    ],
)
def test_a_number_counts_its_block(name: str, parts: tuple[str, ...]) -> None:
    assert split(name) == parts


def exported(name: str, operator: str, result: str, scopes: list[str]) -> NodeProto:
    """A node as PyTorch's exporter writes it."""
    node = helper.make_node(operator, ["x"], [result], name=name)
    entry = node.metadata_props.add()
    entry.key, entry.value = NAME_SCOPES, str(scopes)
    return node


def test_a_node_is_in_the_module_that_its_exporter_names(tmp_path: Path) -> None:
    nodes = [
        exported("node_relu", "Relu", "y", ["", "layer1", "layer1.0", "relu"]),
        exported("node_tanh", "Tanh", "z", ["", "tanh"]),
    ]
    assert [module_of(node) for node in nodes] == ["layer1.0", ""]
    ports = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [4])]
    results = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [4]) for name in ("y", "z")]
    save(helper.make_model(helper.make_graph(nodes, "g", ports, results)), tmp_path / "m.onnx")
    assert names(tmp_path / "m.onnx") == [
        ("node_relu", ("layer1.0", "node_relu")),
        ("node_tanh", ("node_tanh",)),
    ]


def test_a_layer_that_became_several_ops_is_a_block_of_them(tmp_path: Path) -> None:
    """The other one, of the same name but for its number, is another layer; an op that ends a layer has its name."""
    (tmp_path / "net.nr").write_text("network Net { input: (5, 3) layers: LSTM(4, return_sequences=True) LSTM(4) }")
    found = [parts for _, parts in names(tmp_path / "net.nr")]
    assert {parts[0] for parts in found} == {"lstm", "lstm_1"}
    assert {parts[1:] for parts in found if parts[0] == "lstm"} == {("steps",), ("lstm",), ("transpose",)}
    assert {parts[1:] for parts in found if parts[0] == "lstm_1"} == {("steps",), ()}


def test_a_node_that_became_several_ops_is_a_block_of_them(tmp_path: Path) -> None:
    weights = [
        numpy_helper.from_array(numpy_helper.to_array(helper.make_tensor(name, TensorProto.FLOAT, shape, values)), name)
        for name, shape, values in (("w", [1, 8, 3], [0.1] * 24), ("r", [1, 8, 2], [0.1] * 16))
    ]
    node = helper.make_node("LSTM", ["x", "w", "r"], ["y"], name="/rnn/LSTM", hidden_size=2)
    ports = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [5, 1, 3])]
    results = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    save(helper.make_model(helper.make_graph([node], "g", ports, results, weights)), tmp_path / "m.onnx")
    found = names(tmp_path / "m.onnx")
    assert len(found) > 1
    assert {name for name, _ in found} == {"/rnn/LSTM"}
    assert all(parts[:2] == ("rnn", "LSTM") for _, parts in found)
    assert len({parts for _, parts in found}) == len(found)
