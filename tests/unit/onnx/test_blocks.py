"""Functions of a model and modules of exporters: the blocks that code is written from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from onnx import FunctionProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper
from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects import graph
from neuralc.dialects.interp import run_module
from neuralc.emit.structure_of_imports import with_structure
from neuralc.frontends.onnx.load import LoadedModel, load_bytes

OPSETS = [helper.make_opsetid("", 20), helper.make_opsetid("own", 1)]


def block() -> FunctionProto:
    nodes = [
        helper.make_node("MatMul", ["x", "kernel"], ["y"]),
        helper.make_node("Relu", ["y"], ["z"]),
    ]
    return helper.make_function("own", "Block", ["x", "kernel"], ["z"], nodes, OPSETS[:1])


def model(nodes: Sequence[NodeProto], weights: Sequence[str], functions: Sequence[FunctionProto] = ()) -> ModelProto:
    rng = np.random.default_rng(0)
    tensors = [numpy_helper.from_array(rng.normal(size=(4, 4)).astype(np.float32), name) for name in weights]
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, 4]) for name in ("x", "y")]
    graph_ = helper.make_graph(nodes, "g", ports[:1], ports[1:], tensors)
    return helper.make_model(graph_, opset_imports=OPSETS, functions=functions)


def structured(proto: ModelProto) -> tuple[LoadedModel, ModuleOp]:
    """The model as it is read, and with its structure, which has to compute the same."""
    loaded = load_bytes(proto.SerializeToString())
    module = with_structure(loaded.module)
    x = {"x": np.linspace(-1, 1, 8, dtype=np.float32).reshape(2, 4)}
    before, after = run_module(loaded.module, x, loaded.store), run_module(module, x, loaded.store)
    np.testing.assert_allclose(after[0], before[0], rtol=1e-12)
    return loaded, module


def calls(module: ModuleOp, name: str = "") -> list[tuple[str, str]]:
    """Functions and paths of the calls in a function, or in the model."""
    function = graph.symbols(module)[name] if name else graph.the_model(module)
    found = [op for op in function.walk() if isinstance(op, graph.CallOp)]
    return [(op.callee.root_reference.data, op.path.data if op.path else "") for op in found]


def test_a_function_of_the_model_is_one_function_that_is_called() -> None:
    nodes = [
        helper.make_node("Block", ["x", "first.kernel"], ["a"], "first", domain="own"),
        helper.make_node("Block", ["a", "second.kernel"], ["y"], "second", domain="own"),
    ]
    _, module = structured(model(nodes, ["first.kernel", "second.kernel"], [block()]))
    assert calls(module) == [("Block", "first"), ("Block", "second")]
    function = graph.symbols(module)["Block"]
    assert isinstance(function, graph.FuncOp)
    assert [argument.name_hint for argument in function.arguments] == ["x", "kernel"]


def test_functions_within_functions_stay_so() -> None:
    inner = [
        helper.make_node("Block", ["x", "k0"], ["a"], "0", domain="own"),
        helper.make_node("Block", ["a", "k1"], ["b"], "1", domain="own"),
        helper.make_node("Add", ["b", "x"], ["z"]),
    ]
    outer = helper.make_function("own", "Pair", ["x", "k0", "k1"], ["z"], inner, OPSETS)
    nodes = [
        helper.make_node("Pair", ["x", "left.0.kernel", "left.1.kernel"], ["a"], "left", domain="own"),
        helper.make_node("Pair", ["a", "right.0.kernel", "right.1.kernel"], ["y"], "right", domain="own"),
    ]
    weights = [f"{side}.{index}.kernel" for side in ("left", "right") for index in range(2)]
    _, module = structured(model(nodes, weights, [block(), outer]))
    assert calls(module) == [("Pair", "left"), ("Pair", "right")]
    assert calls(module, "Pair") == [("Block", "layers.0"), ("Block", "layers.1")]


def test_a_function_that_is_an_operator_of_a_framework_is_no_block() -> None:
    function = block()
    function.domain = "pkg.onnxscript.torch_lib"
    function.name = "aten_block"
    node = helper.make_node("aten_block", ["x", "k"], ["y"], "n", domain="pkg.onnxscript.torch_lib")
    proto = model([node], ["k"], [function])
    proto.opset_import.append(helper.make_opsetid("pkg.onnxscript.torch_lib", 1))
    _, module = structured(proto)
    assert calls(module) == []


@pytest.mark.parametrize("name", ["onnx::MatMul_12", "val_7"])
def test_a_weight_without_a_name_gets_that_of_its_module(name: str) -> None:
    nodes = [
        helper.make_node("MatMul", ["x", name], ["/mlp/up/MatMul_output_0"], "/mlp/up/MatMul"),
        helper.make_node("Relu", ["/mlp/up/MatMul_output_0"], ["y"], "/mlp/Relu"),
    ]
    loaded, _ = structured(model(nodes, [name]))
    (weight,) = [op for op in loaded.module.body.block.ops if isinstance(op, graph.WeightOp)]
    assert weight.sym_name.data == "mlp.up.kernel"
    assert weight.attributes[graph.SOURCE].data == name
    assert "mlp.up.kernel" in loaded.store
    hints = [op.results[0].name_hint for op in graph.the_model(loaded.module).block.ops if op.results]
    assert hints == ["mlp.up.kernel", "mlp.up", "mlp.y"]
