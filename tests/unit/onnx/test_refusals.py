"""What is not compiled is said at once, with all of it; what is wrong has a code and names the node."""

import numpy as np
import pytest
from onnx import TensorProto, helper
from support.onnx_graphs import code_of, error_of, load, model, node, ops_of, port


def test_one_message_lists_every_operator_with_count_node_and_reason() -> None:
    nodes = [
        node("StringNormalizer", ["x"], ["a"], name="first"),
        node("StringNormalizer", ["a"], ["b"], name="second"),
        node("Relu", ["b"], ["c"], name="fine"),
        node("NonMaxSuppression", ["c", "c"], ["d"], name="boxes"),
        node("Frobnicate", ["d"], ["y"], name="custom", domain="com.example"),
    ]
    opsets = [helper.make_opsetid("com.example", 1)]
    found = error_of(model(nodes, [port("x", [2])], ["y"], opsets=opsets))
    assert found.code == "E0620"
    assert found.notes == (
        "NonMaxSuppression, once, first `boxes`: not compiled yet",
        "StringNormalizer, 2 times, first `first`: not compiled yet",
        "com.example.Frobnicate, once, first `custom`: nothing is known about domain `com.example`",
    )


def test_nodes_that_no_output_needs_are_not_looked_at() -> None:
    nodes = [node("Relu", ["x"], ["y"]), node("StringNormalizer", ["x"], ["unused"])]
    assert ops_of(load(model(nodes, [port("x", [2])], ["y"]))) == ["relu"]


def test_an_attribute_without_effect_on_the_import_is_refused() -> None:
    proto = model([node("Gelu", ["x"], ["y"], approximate="quick", name="g")], [port("x", [2])], ["y"])
    assert error_of(proto).notes == ("Gelu, once, first `g`: with the approximation `quick`",)


@pytest.mark.parametrize(
    "element", [TensorProto.STRING, TensorProto.FLOAT8E5M2, TensorProto.INT4, TensorProto.COMPLEX64]
)
def test_inputs_of_other_element_types_are_refused(element: int) -> None:
    proto = model([node("Identity", ["x"], ["y"])], [helper.make_tensor_value_info("x", element, [2])], ["y"])
    assert code_of(proto) == "E0620"


def test_inputs_that_are_no_tensors_are_refused() -> None:
    sequence = helper.make_tensor_sequence_value_info("x", TensorProto.FLOAT, [2])
    found = error_of(model([node("Identity", ["x"], ["y"])], [sequence], ["y"]))
    assert found.notes == ("input, once, first `x`: a sequence, not a tensor",)


def test_inputs_of_any_rank_are_refused() -> None:
    assert code_of(model([node("Relu", ["x"], ["y"])], [port("x", None)], ["y"])) == "E0620"


@pytest.mark.parametrize("opset", [0, 29, 1 << 40])
def test_unknown_versions_of_the_operator_set(opset: int) -> None:
    assert code_of(model([node("Relu", ["x"], ["y"])], [port("x", [2])], ["y"], opset=opset)) == "E0611"


def test_an_operator_younger_than_the_model_is_refused() -> None:
    found = error_of(model([node("Gelu", ["x"], ["y"])], [port("x", [2])], ["y"], opset=13))
    assert "version 13 of the operator set has no such operator" in found.notes[0]


def test_an_operator_that_version_7_changed_is_refused_before() -> None:
    upsample = node("Upsample", ["x"], ["y"], width_scale=2.0, height_scale=2.0)
    found = error_of(model([upsample], [port("x", [1, 1, 2, 2])], ["y"], opset=6))
    assert found.code == "E0620"


def test_operands_that_do_not_fit_name_the_node() -> None:
    found = error_of(model([node("Add", ["a", "b"], ["y"], name="sum")], [port("a", [2]), port("b", [3])], ["y"]))
    assert (found.code, found.message) == (
        "E0612",
        "node `sum` (Add) does not fit: shapes (2,) and (3,) do not broadcast",
    )


@pytest.mark.parametrize(
    "nodes",
    [
        [node("Relu", ["missing"], ["y"])],
        [node("Relu", ["x"], ["y"]), node("Neg", ["x"], ["y"])],
        [node("Relu", ["b"], ["a"]), node("Relu", ["a"], ["b"]), node("Add", ["a", "b"], ["y"])],
        [node("Add", ["x"], ["y"])],
        [node("Relu", ["x", "x"], ["y"])],
        [node("Relu", [""], ["y"])],
        [node("Transpose", ["x"], ["y"], perm=[0, 0])],
        [node("Transpose", ["x"], ["y"], perm=1.5)],
        [node("Concat", ["x"], ["y"])],
        [node("Concat", ["x"], ["y"], axis=7)],
        [node("Flatten", ["x"], ["y"], axis=-9)],
        [node("Constant", [], ["y"])],
    ],
    ids=lambda nodes: f"{nodes[0].op_type}-{len(nodes)}",
)
def test_graphs_that_break_a_rule(nodes) -> None:  # type: ignore[no-untyped-def]
    assert code_of(model(nodes, [port("x", [2, 3])], ["y"])) == "E0612"


def test_nodes_out_of_order_are_put_in_order() -> None:
    nodes = [node("Add", ["a", "b"], ["y"]), node("Relu", ["x"], ["a"]), node("Neg", ["x"], ["b"])]
    assert ops_of(load(model(nodes, [port("x", [2])], ["y"]))) == ["relu", "neg", "add"]


def test_two_inputs_or_outputs_of_one_name() -> None:
    relu = node("Relu", ["x"], ["y"])
    assert code_of(model([relu], [port("x", [2]), port("x", [2])], ["y"])) == "E0612"
    assert code_of(model([relu], [port("x", [2])], ["y", "y"])) == "E0612"


def test_an_output_that_is_an_input_or_stands_twice_is_a_value_of_its_own() -> None:
    nodes = [node("Identity", ["x"], ["a"]), node("Relu", ["x"], ["b"]), node("Identity", ["b"], ["c"])]
    assert ops_of(load(model(nodes, [port("x", [2])], ["a", "b", "c"]))) == ["relu", "identity", "identity"]


def test_a_tensor_that_is_listed_as_an_input_is_a_weight() -> None:
    nodes = [node("Add", ["x", "w"], ["y"])]
    found = load(
        model(nodes, [port("x", [2]), port("w", [2])], ["y"], {"w": np.array([1, 2], np.float32)}, ir_version=3)
    )
    assert [op.name for op in found.module.body.block.ops] == ["graph.weight", "graph.model"]
    assert list(found.store) == ["w"]
