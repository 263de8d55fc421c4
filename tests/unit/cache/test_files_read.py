"""Which files front ends say that they read."""

from pathlib import Path

import numpy as np
import onnx
from safetensors.numpy import save_file

import neuralc
from neuralc import driver
from neuralc.driver import Options
from neuralc.grammar.files_read import FileState, reads, recorded, state_of


def read_by(path: Path, options: Options | None = None) -> set[str]:
    files: dict[Path, FileState | None] = {}
    with recorded(files):
        driver.load(path, options or Options())
    assert all(state == state_of(file) for file, state in files.items())
    return {str(file.relative_to(path.parent)) for file in files}


def test_a_program_reads_its_imports_and_its_weights(tmp_path: Path) -> None:
    (tmp_path / "blocks.nr").write_text("define Wide() { Dense(3, use_bias=false) }")
    (tmp_path / "m.nr").write_text(
        'from "blocks.nr" import Wide\nnetwork M { input: (2) layers: Wide() weights: "w.safetensors" }'
    )
    save_file({"wide.dense.kernel": np.zeros((2, 3), np.float32)}, tmp_path / "w.safetensors")
    assert read_by(tmp_path / "m.nr") == {"m.nr", "blocks.nr", "w.safetensors"}


def test_an_onnx_model_reads_its_external_data(tmp_path: Path) -> None:
    x, y = (
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [2, size])
        for name, size in (("x", 8), ("y", 4))
    )
    kernel = onnx.numpy_helper.from_array(np.ones((8, 4), np.float32), "kernel")
    graph = onnx.helper.make_graph([onnx.helper.make_node("MatMul", ["x", "kernel"], ["y"])], "g", [x], [y], [kernel])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)], ir_version=10)
    onnx.save(model, tmp_path / "m.onnx", save_as_external_data=True, location="m.data", size_threshold=0)
    assert read_by(tmp_path / "m.onnx") == {"m.onnx", "m.data"}


def test_ir_looks_for_weights_beside_it(tmp_path: Path) -> None:
    (tmp_path / "p.nr").write_text("network P { input: (2) layers: ReLU() }")
    (tmp_path / "m.mlir").write_text(str(neuralc.convert(tmp_path / "p.nr", "graph")))
    assert read_by(tmp_path / "m.mlir") == {"m.mlir", "weights/index.json"}


def test_outside_of_a_record_nothing_is_kept(tmp_path: Path) -> None:
    reads(tmp_path / "a")
    with recorded(files := dict[Path, FileState | None]()):
        reads(tmp_path / "b")
    reads(tmp_path / "c")
    assert files == {tmp_path / "b": None}
