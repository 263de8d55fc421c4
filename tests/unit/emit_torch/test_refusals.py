"""What torch code is not written for is refused with E0850, everything at once, at its place in the model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from support.graph_modules import GraphModule, tensor
from xdsl.dialects.builtin import IntegerType, ModuleOp, Signedness, i32
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.emit.torch import emit
from neuralc.grammar.diagnostics import NeuralcError

ONES = np.ones(4, np.float32)


def refusals(module: ModuleOp) -> list[str]:
    with pytest.raises(NeuralcError) as caught:
        emit(module)
    assert {found.code for found in caught.value.diagnostics} == {"E0850"}
    return [found.message for found in caught.value.diagnostics]


def model(body: Callable[[GraphModule, SSAValue], SSAValue], *shape: int | str) -> ModuleOp:
    build = GraphModule()
    return build.model({"x": tensor(*(shape or ("batch", 4)))}, lambda x: body(build, x))


def test_a_derived_weight() -> None:
    def body(build: GraphModule, x: SSAValue) -> SSAValue:
        build.weight("w", ONES)
        return graph.AddOp.of(x, build.derived("w.relu", ["w"], lambda w: graph.ReluOp.of(w).result)).result

    assert refusals(model(body)) == ["graph.weight as PyTorch code: @w.relu is derived from other weights"]


def test_batch_norm_of_a_vector() -> None:
    def body(build: GraphModule, x: SSAValue) -> SSAValue:
        weights = [build.weight(f"norm.{name}", ONES) for name in ("gamma", "beta", "mean", "variance")]
        return graph.BatchNormOp.of(x, *weights, axis=0).result

    assert refusals(model(body, 4)) == [
        "graph.batch_norm as PyTorch code: torch has no batch norm for tensors of rank 1"
    ]


def test_a_weight_of_two_submodules() -> None:
    def block(x: SSAValue, kernel: SSAValue, bias: SSAValue) -> SSAValue:
        return graph.DenseOp.of(x, kernel, bias).result

    def body(build: GraphModule, x: SSAValue) -> SSAValue:
        kernel = build.weight("block.kernel", np.eye(4, dtype=np.float32))
        name = build.function("block", [x.type, kernel.type, tensor(4)], block)
        for index in range(2):
            bias = build.weight(f"block.{index}.bias", ONES)
            x = graph.CallOp(name, [x, kernel, bias], [x.type], path=f"block.{index}").res[0]
        return x

    assert "@block.kernel would be two parameters, `block.0." in refusals(model(body))[0]


def test_a_function_that_calls_itself() -> None:
    def body(build: GraphModule, x: SSAValue) -> SSAValue:
        build.function("f", [x.type], lambda y: graph.CallOp("f", [y], [y.type]).res[0])
        return graph.CallOp("f", [x], [x.type]).res[0]

    assert refusals(model(body)) == ["graph.call as PyTorch code: @f calls itself"]


def test_a_function_that_reads_a_weight_itself() -> None:
    def body(build: GraphModule, x: SSAValue) -> SSAValue:
        build.weight("w", ONES)

        def inner(y: SSAValue) -> SSAValue:
            return graph.AddOp.of(y, graph.GetWeightOp("w", tensor(4)).result).result

        name = build.function("f", [x.type], inner)
        return graph.CallOp(name, [x], [x.type]).res[0]

    assert refusals(model(body)) == ["graph.get_weight as PyTorch code: a function takes its weights as arguments"]


def test_everything_is_listed_at_once() -> None:
    def body(build: GraphModule, x: SSAValue) -> SSAValue:
        for _ in range(3):
            x = graph.BatchNormOp.of(x, *(build.weight(f"norm.{i}", ONES) for i in range(4)), axis=0).result
        return x

    assert len(refusals(model(body, 4))) == 3


def test_a_last_window_that_reaches_no_one_knows_how_far() -> None:
    def body(build: GraphModule, x: SSAValue) -> SSAValue:
        lists = {"window": (3,), "strides": (2,), "data_format": "NCW"}
        return graph.MaxPoolOp.of(x, **lists, pads=(2, 2), ceil_mode=True).result

    reason = "how far a last window reaches depends on a symbolic size"
    assert refusals(model(body, "batch", 4, "S")) == [f"graph.max_pool as PyTorch code: {reason}"]


def test_unsigned_numbers_that_torch_only_stores() -> None:
    module = GraphModule().model(
        {"x": tensor("batch", 4, element=IntegerType(32, Signedness.UNSIGNED))}, lambda x: graph.AddOp.of(x, x).result
    )
    reason = "torch has few functions of ui32, and none of these on every device"
    assert refusals(module) == [f"graph.add as PyTorch code: {reason}"]


def test_a_convolution_of_integers() -> None:
    build = GraphModule()

    def body(x: SSAValue) -> SSAValue:
        return graph.ConvOp.of(x, build.weight("kernel", np.ones((2, 3, 4), np.int32))).result

    assert refusals(build.model({"x": tensor("batch", 8, 3, element=i32)}, body)) == [
        "graph.conv as PyTorch code: torch has no convolution of i32"
    ]


def test_transposed_convolutions_that_torch_does_not_have() -> None:
    def body(build: GraphModule, x: SSAValue) -> SSAValue:
        kernel = build.weight("kernel", np.ones((3, 4, 4), np.float32))
        return graph.ConvTransposeOp.of(x, kernel, strides=(2,), output_padding=(2,)).result

    reason = "torch adds less than a stride or a dilation to the result"
    assert refusals(model(body, "batch", 9, 4)) == [f"graph.conv_transpose as PyTorch code: {reason}"]
