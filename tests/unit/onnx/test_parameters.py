"""Parameters of layers stay weights at any value: code for a model that is not trained has them all."""

from __future__ import annotations

import numpy as np
from onnx import NodeProto
from support.onnx_graphs import model, node, port

from neuralc.dialects import graph
from neuralc.frontends.onnx.load import load_bytes


def weights_of(weights: dict[str, np.ndarray]) -> list[str]:
    nodes = [
        node("MatMul", ["x", "kernel"], ["a"]),
        node("Add", ["bias", "a"], ["b"]),
        node("LayerNormalization", ["b", "scale", "offset"], ["c"]),
        node("Mul", ["c", "factor"], ["d"]),
        node("Div", ["d", "divisor"], ["y"]),
    ]
    loaded = load_bytes(model(nodes, [port("x", ["N", 3])], ["y"], weights).SerializeToString())
    return [op.sym_name.data for op in loaded.module.walk() if isinstance(op, graph.WeightOp)]


def test_biases_of_zeros_and_scales_of_ones_are_weights_and_other_numbers_are_numbers() -> None:
    ones, zeros = np.ones(4, np.float32), np.zeros(4, np.float32)
    several = {"kernel": np.zeros((3, 4), np.float32), "bias": zeros, "scale": ones, "offset": zeros}
    single = {"factor": np.ones(1, np.float32), "divisor": np.full(4, 2, np.float32)}
    assert weights_of(several | single) == list(several)


def test_zeros_that_several_layers_read_are_numbers() -> None:
    zeros = np.zeros(3, np.float32)
    nodes = [node("Add", ["x", "bias"], ["a"]), node("Relu", ["a"], ["b"]), node("Add", ["b", "bias"], ["y"])]
    loaded = load_bytes(model(nodes, [port("x", ["N", 3])], ["y"], {"bias": zeros}).SerializeToString())
    assert not [op for op in loaded.module.walk() if isinstance(op, graph.WeightOp)]


def held(nodes: list[NodeProto], weights: dict[str, np.ndarray], input_: str = "x") -> dict[str, np.ndarray]:
    loaded = load_bytes(model(nodes, [port(input_, ["N", 4])], ["y"], weights).SerializeToString())
    return {
        op.sym_name.data: loaded.store[op.sym_name.data]
        for op in loaded.module.walk()
        if isinstance(op, graph.WeightOp)
    }


def two_norms(*names: str) -> list[NodeProto]:
    first, second = names
    return [
        node("LayerNormalization", ["x", "a.norm1.weight", "a.norm1.bias"], ["c"], name=first),
        node("LayerNormalization", ["c", "a.norm1.weight", "a.norm1.bias"], ["y"], name=second),
    ]


STARTS = {"a.norm1.weight": np.ones(4, np.float32), "a.norm1.bias": np.zeros(4, np.float32)}


def test_equal_parameters_that_an_exporter_merged_are_those_of_the_modules_that_read_them() -> None:
    found = held(two_norms("/a/norm1/LayerNormalization", "/a/norm2/LayerNormalization"), STARTS)
    assert sorted(found) == ["a.norm1.bias", "a.norm1.weight", "a.norm2.bias", "a.norm2.weight"]
    np.testing.assert_array_equal(found["a.norm2.weight"], np.ones(4))


def test_a_layer_that_is_applied_twice_has_its_parameters_once() -> None:
    found = held(two_norms("/a/norm1/LayerNormalization", "/a/norm1/LayerNormalization_1"), STARTS)
    assert sorted(found) == sorted(STARTS)


def test_trained_parameters_that_are_shared_stay_so() -> None:
    trained = {name: np.arange(4, dtype=np.float32) for name in STARTS}
    found = held(two_norms("/a/norm1/LayerNormalization", "/a/norm2/LayerNormalization"), trained)
    assert sorted(found) == sorted(trained)


def test_identities_of_a_merged_parameter_are_parameters() -> None:
    nodes = [
        node("Identity", ["b.bias"], ["a.bias"]),
        node("Add", ["x", "a.bias"], ["c"]),
        node("Relu", ["c"], ["d"]),
        node("Add", ["d", "b.bias"], ["y"]),
    ]
    assert sorted(held(nodes, {"b.bias": np.zeros(4, np.float32)})) == ["a.bias", "b.bias"]


def test_weights_of_a_model_that_neuralc_wrote_keep_their_names() -> None:
    nodes = [node("MatMul", ["x", "135"], ["y"], name="/head/MatMul")]
    weights = {"135": np.arange(16, dtype=np.float32).reshape(4, 4)}
    written = model(nodes, [port("x", ["N", 4])], ["y"], weights)
    assert list(held(nodes, weights)) == ["head.kernel"]
    written.producer_name = "neuralc"
    assert list(load_bytes(written.SerializeToString()).store) == ["135"]
