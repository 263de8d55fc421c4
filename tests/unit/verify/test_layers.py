"""Which values of a model are its layers."""

from __future__ import annotations

import numpy as np
from support.graph_modules import GraphModule, tensor
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.verify.layers import expose


def test_what_is_made_of_weights_alone_is_no_layer() -> None:
    build = GraphModule()

    def body(x: SSAValue) -> SSAValue:
        kernel = graph.TransposeOp.of(build.weight("w", np.ones((3, 4), np.float32)), perm=(1, 0)).result
        return graph.ReluOp.of(graph.DenseOp.of(x, kernel).result).result

    module = build.model({"x": tensor("batch", 4)}, body)
    assert [layer.op for layer in expose(module, {})] == ["graph.dense", "graph.relu"]
    assert len(graph.the_model(module).outputs) == 2
