"""Parameters of layers stay weights at any value: code for a model that is not trained has them all."""

from __future__ import annotations

import numpy as np
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
