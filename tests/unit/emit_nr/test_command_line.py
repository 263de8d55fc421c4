"""`neuralc model --emit=nr`: a program, and beside it the weights that it names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import neuralc
from neuralc.grammar.diagnostics import Source
from neuralc.grammar.format import format_source

pytestmark = pytest.mark.thorough


def convolutional(folder: Path) -> Path:
    """A small ONNX model with channels at axis 1."""
    rng = np.random.default_rng(3)
    weights = {
        "stem.conv.weight": rng.standard_normal((4, 3, 3, 3)),
        "stem.conv.bias": rng.standard_normal(4),
        "head.fc.weight": rng.standard_normal((5, 4)),
        "head.fc.bias": rng.standard_normal(5),
    }
    nodes = [
        helper.make_node("Conv", ["x", "stem.conv.weight", "stem.conv.bias"], ["a"], pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("MaxPool", ["b"], ["c"], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("GlobalAveragePool", ["c"], ["d"]),
        helper.make_node("Flatten", ["d"], ["e"]),
        helper.make_node("Gemm", ["e", "head.fc.weight", "head.fc.bias"], ["logits"], transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3, 12, 12])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 5])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()],
    )
    path = folder / "net.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def test_a_model_of_channels_first_is_a_program_of_channels_last(tmp_path: Path) -> None:
    model = convolutional(tmp_path)
    written = tmp_path / "other.nr"
    neuralc.convert(str(model), "nr", str(written))
    text = written.read_text()
    assert (
        text
        == """\
network net {
  input: x: (3, 12, 12)
  layers:
    Permute((2, 3, 1))
    ZeroPadding2D()
    Conv2D(4, 3, "relu", strides=2, name="stem.conv")
    ZeroPadding2D()
    MaxPooling2D(3, strides=2)
    GlobalAveragePooling2D()
    logits = Dense(5, name="head.fc")
  outputs: logits
  weights: "other.safetensors"
}
"""
    )
    assert format_source(Source("other.nr", text)) == text
    x = np.random.default_rng(0).standard_normal((2, 3, 12, 12)).astype(np.float32)
    np.testing.assert_allclose(neuralc.compile(str(written))(x), neuralc.compile(str(model))(x), atol=1e-5)


def test_a_program_without_trained_weights_has_no_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "m.nr").write_text('network M { input: (4) layers: Dense(3, "relu") }')
    neuralc.convert(str(tmp_path / "m.nr"), "nr", str(tmp_path / "again.nr"))
    assert not (tmp_path / "again.safetensors").exists()
    assert "weights:" not in (tmp_path / "again.nr").read_text()
