"""What an op gives for the operands it had: how `neuralc verify` tells the op that is wrong from those behind it."""

import numpy as np
from support.graph_modules import GraphModule, tensor
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.verify.blame import recompute


def test_a_state_is_what_it_is_at_first() -> None:
    build, type_ = GraphModule(), tensor("batch", 2)

    def body(x: SSAValue) -> SSAValue:
        build.weight("start", np.array([1, 2], np.float32))
        build.state("h", type_, "start")
        result = graph.AddOp.of(x, graph.GetStateOp("h", type_).result).result
        graph.SetStateOp("h", result)
        return result

    module = build.model({"x": type_}, body)
    wrong = np.zeros((3, 2), np.float32)
    found = recompute(module, build.weights, {"x": np.ones((3, 2), np.float32)}, {"y0": wrong}, "y0")
    np.testing.assert_array_equal(found, [[2, 3]] * 3)
