"""ONNX models on the command line and in Python, as `.nr` programs are."""

import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from support.onnx_graphs import model, node, port
from xdsl.dialects.builtin import NameLoc

import neuralc
from neuralc import cli
from neuralc.frontends.onnx.load import load
from neuralc.grammar.diagnostics import NeuralcError, UsageError
from neuralc.passes.locations import describe_location
from neuralc.passes.parsing import parse_module
from neuralc.passes.printing import print_module

X = np.array([[-2, -1, 0], [1, 2, 3]], np.float32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    nodes = [node("Gemm", ["x", "w"], ["h"], name="fc"), node("Relu", ["h"], ["y"], name="/block/act")]
    proto = model(nodes, [port("x", ["N", 3])], ["y"], {"w": np.eye(3, dtype=np.float32)})
    file = tmp_path / "m.onnx"
    file.write_bytes(proto.SerializeToString())
    return file


@pytest.mark.parametrize("target", ["cpu", "interp"])
def test_python_compiles_a_model_file(path: Path, target: str) -> None:
    compiled = neuralc.compile(path, target=target)
    assert [(each.name, each.shape) for each in compiled.inputs] == [("x", ("N", 3))]
    np.testing.assert_array_equal(compiled(X), np.maximum(X, 0))


def test_run_reads_a_model_file(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(path.parent / "x.npy", X)
    assert cli.run(["run", str(path), "--input", str(path.parent / "x.npy"), "-o", str(path.parent / "y.npy")]) == 0
    np.testing.assert_array_equal(np.load(path.parent / "y.npy"), np.maximum(X, 0))


def test_dim_fixes_a_size(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([str(path), "--emit=graph", "-o", "-", "--dim", "N=2"]) == 0
    assert "%x: tensor<2x3xf32>" in capsys.readouterr().out
    assert cli.run([str(path), "--emit=graph", "-o", "-", "--dim", "M=2"]) == 2
    assert "did you mean `N`" in capsys.readouterr().err


def test_a_damaged_file_is_one_message(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_bytes(path.read_bytes()[:-30])
    assert cli.run([str(path)]) == 1
    assert capsys.readouterr().err.startswith("error[E0610]: this is not a whole ONNX model")


def test_names_of_nodes_are_locations(path: Path) -> None:
    found = [op.location for op in load(path).module.walk() if op.name == "graph.relu"]
    assert isinstance(found[0], NameLoc)
    assert describe_location(found[0]) == "/block/act"


def test_without_the_package_the_way_to_get_it_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(NeuralcError, match=r"pip install 'neuralc\[onnx\]'") as refused:
        load(path)
    assert refused.value.diagnostics[0].code == "E0615"


def test_weights_may_come_from_a_safetensors_file(path: Path, tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"w": 2 * np.eye(3, dtype=np.float32)}, tmp_path / "w.safetensors")
    np.testing.assert_array_equal(neuralc.compile(path, weights=tmp_path / "w.safetensors")(X), np.maximum(2 * X, 0))


def test_a_size_that_no_input_has(path: Path) -> None:
    with pytest.raises(UsageError, match="the model has no size `batch`"):
        neuralc.compile(path, dims={"batch": 1})


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(NeuralcError, match="cannot read"):
        load(tmp_path / "none.onnx")


def test_names_of_nodes_survive_a_dump(path: Path) -> None:
    module = parse_module(print_module(load(path).module, locations=True), "dump.mlir")
    assert [describe_location(op.location) for op in module.walk() if op.name == "graph.relu"] == ["/block/act"]


def test_an_onnx_model_is_written_with_its_blocks_as_functions(tmp_path: Path) -> None:
    nodes, weights = [], {}
    for index, (below, above) in enumerate((("x", "a"), ("a", "b"), ("b", "y"))):
        parts = [f"{index}.{name}" for name in ("h", "g", "d")]
        nodes += [
            node("MatMul", [below, f"{index}.up"], [parts[0]], name=f"/layers.{index}/up/MatMul"),
            node("Relu", [parts[0]], [parts[1]], name=f"/layers.{index}/act/Relu"),
            node("MatMul", [parts[1], f"{index}.down"], [parts[2]], name=f"/layers.{index}/down/MatMul"),
            node("Add", [below, parts[2]], [above], name=f"/layers.{index}/Add"),
        ]
        weights |= {f"{index}.up": np.eye(3, 4, dtype=np.float32) + 1, f"{index}.down": np.eye(4, 3, dtype=np.float32)}
    (tmp_path / "m.onnx").write_bytes(model(nodes, [port("x", ["N", 3])], ["y"], weights).SerializeToString())

    assert cli.run([str(tmp_path / "m.onnx"), "--emit=onnx", "-o", str(tmp_path / "blocks.onnx")]) == 0
    written = onnx.load(tmp_path / "blocks.onnx")
    onnx.checker.check_model(written, full_check=True)
    (block,) = written.functions
    assert [each.op_type for each in written.graph.node] == [block.name] * 3
    before, after = (neuralc.compile(tmp_path / name, target="interp")(X) for name in ("m.onnx", "blocks.onnx"))
    np.testing.assert_array_equal(before, after)
