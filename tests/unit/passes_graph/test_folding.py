"""Folding into weights: no norm is left, values agree, weights are rounded once and their bytes are never read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from support.compare import assert_pass_preserves
from support.graph_modules import GraphModule, random_array, tensor
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.interp import materialize_all
from neuralc.dialects.weights import WeightStore
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.registry import parse_pipeline

FOLD = parse_pipeline("graph-fold-batch-norm,graph-fold-constants,graph-cse,graph-dce")


def norm(build: GraphModule, rng: np.random.Generator, x: SSAValue, channels: int, **properties: Any) -> SSAValue:
    gamma, beta, mean = (build.weight(name, random_array(rng, channels)) for name in ("gamma", "beta", "mean"))
    variance = build.weight("variance", np.abs(random_array(rng, channels)))
    return graph.BatchNormOp.of(x, gamma, beta, mean, variance, **properties).result


@pytest.mark.parametrize("bias", [False, True], ids=["plain", "bias"])
@pytest.mark.parametrize("data_format", ["NHWC", "NCHW"])
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_a_norm_disappears_into_a_convolution(groups: int, data_format: str, bias: bool) -> None:
    rng, build = np.random.default_rng(groups), GraphModule()
    shape = ("batch", 6, 6, 4) if data_format == "NHWC" else ("batch", 4, 6, 6)

    def body(x: SSAValue) -> SSAValue:
        operands = [x, build.weight("kernel", random_array(rng, 3, 3, 4 // groups, 8))]
        if bias:
            operands.append(build.weight("bias", random_array(rng, 8)))
        y = graph.ConvOp.of(*operands, groups=groups, data_format=data_format).result
        return norm(build, rng, y, 8, axis=-1 if data_format == "NHWC" else 1, epsilon=1e-3)

    module = build.model({"x": tensor(*shape)}, body)
    sizes = (3 if size == "batch" else size for size in shape)
    assert_pass_preserves(FOLD, module, build.weights, {"x": random_array(rng, *sizes)})
    left = [type(op) for op in graph.the_model(module).block.ops]
    assert left == [graph.GetWeightOp, graph.GetWeightOp, graph.ConvOp, graph.ReturnOp]


@pytest.mark.parametrize("bias", [False, True], ids=["plain", "bias"])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize(("op", "rank"), [(graph.ConvOp, 1), (graph.ConvOp, 3), (graph.ConvTransposeOp, 1),
                                          (graph.ConvTransposeOp, 2)])  # fmt: skip
def test_a_norm_disappears_into_a_convolution_of_any_rank(op: type[Any], rank: int, groups: int, bias: bool) -> None:
    rng, build = np.random.default_rng(groups), GraphModule()
    shape = (2, *(5,) * rank, 4)

    def body(x: SSAValue) -> SSAValue:
        sizes = (4 // groups, 6) if op is graph.ConvOp else (4, 6 // groups)
        operands = [x, build.weight("kernel", random_array(rng, *(2,) * rank, *sizes))]
        if bias:
            operands.append(build.weight("bias", random_array(rng, 6)))
        return norm(build, rng, op.of(*operands, groups=groups).result, 6, axis=-1, epsilon=1e-3)

    module = build.model({"x": tensor(*shape)}, body)
    assert_pass_preserves(FOLD, module, build.weights, {"x": random_array(rng, *shape)})
    left = [type(each) for each in graph.the_model(module).block.ops]
    assert left == [graph.GetWeightOp, graph.GetWeightOp, op, graph.ReturnOp]


def test_folded_weights_are_the_float64_formula_rounded_once() -> None:
    rng, build = np.random.default_rng(0), GraphModule()

    def body(x: SSAValue) -> SSAValue:
        y = graph.DenseOp.of(
            x, build.weight("kernel", random_array(rng, 5, 7)), build.weight("bias", random_array(rng, 7))
        )
        return norm(build, rng, y.result, 7)

    module = build.model({"x": tensor("batch", 5)}, body)
    assert_pass_preserves(FOLD, module, build.weights, {"x": random_array(rng, 2, 5)})
    found = materialize_all(module, build.weights)
    wide = {name: array.astype(np.float64) for name, array in build.weights.items()}
    scale = wide["gamma"] / np.sqrt(wide["variance"] + 1e-3)
    kernel, bias = wide["kernel"] * scale, (wide["bias"] - wide["mean"]) * scale + wide["beta"]
    np.testing.assert_array_max_ulp(found["kernel.folded"], kernel.astype(np.float32), 1)
    np.testing.assert_array_max_ulp(found["bias.folded"], bias.astype(np.float32), 1)


def test_a_shared_layer_is_folded_once() -> None:
    rng, build = np.random.default_rng(0), GraphModule()

    def body(a: SSAValue, b: SSAValue) -> list[SSAValue]:
        kernel = build.weight("kernel", random_array(rng, 4, 4))
        statistics = [
            build.weight(name, np.abs(random_array(rng, 4))) for name in ("gamma", "beta", "mean", "variance")
        ]
        return [graph.BatchNormOp.of(graph.DenseOp.of(x, kernel).result, *statistics).result for x in (a, b)]

    module = build.model({"a": tensor("batch", 4), "b": tensor("batch", 4)}, body)
    inputs = {"a": random_array(rng, 2, 4), "b": random_array(rng, 2, 4)}
    assert_pass_preserves(FOLD, module, build.weights, inputs)
    derived = [op.sym_name.data for op in module.body.block.ops if isinstance(op, graph.WeightOp) and op.body]
    assert sorted(derived) == ["beta.folded", "kernel.folded"]


def test_folding_needs_no_bytes() -> None:
    rng, build = np.random.default_rng(0), GraphModule()
    module = build.model({"x": tensor("batch", 4)}, lambda x: norm(build, rng, x, 4))
    for each in FOLD:
        each.run_in(module, PassContext(weights=WeightStore()))
    assert not [op for op in module.walk() if isinstance(op, graph.BatchNormOp)]


@dataclass(frozen=True)
class WrongPass(ModulePass):
    """Takes relu for the identity."""

    name = "test-wrong"

    def run(self, module: ModuleOp, context: PassContext) -> None:
        for op in [op for op in module.walk() if isinstance(op, graph.ReluOp)]:
            op.result.replace_all_uses_with(op.x)


def test_the_check_finds_a_pass_that_changes_results() -> None:
    module = GraphModule().model({"x": tensor(3)}, lambda x: graph.ReluOp.of(x).result)
    with pytest.raises(AssertionError, match="differs by 1"):
        assert_pass_preserves(WrongPass(), module, WeightStore(), {"x": np.array([-1.0, 0.0, 1.0], np.float32)})
