"""Weights that are computed, or that several ops use: what layers hold, and what expressions read of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from support.compare import assert_close
from support.graph_modules import GraphModule, tensor
from support.torch_code import run_torch_code
from xdsl.dialects.builtin import ModuleOp, i64
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.interp.run import run_module
from neuralc.dialects.weights import WeightStore
from neuralc.emit.torch import emit

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 4)).astype(np.float32)


def made(body: Callable[[GraphModule, SSAValue], SSAValue]) -> tuple[ModuleOp, WeightStore]:
    build = GraphModule()
    return build.model({"x": tensor("batch", 4)}, lambda x: body(build, x)), build.weights


def square(build: GraphModule, name: str) -> SSAValue:
    return build.weight(name, RNG.normal(size=(4, 4)).astype(np.float32))


def computed_kernel(build: GraphModule, x: SSAValue) -> SSAValue:
    return graph.DenseOp.of(x, graph.NegOp.of(square(build, "dense.kernel")).result).result


def kernel_of_two_layers(build: GraphModule, x: SSAValue) -> SSAValue:
    kernel = square(build, "dense.kernel")
    bias = build.weight("dense_1.bias", np.arange(4, dtype=np.float32))
    return graph.DenseOp.of(graph.DenseOp.of(x, kernel).result, kernel, bias).result


def kernel_used_outside(build: GraphModule, x: SSAValue) -> SSAValue:
    kernel = square(build, "dense.kernel")
    row = graph.ReduceOp.of(kernel, kind="sum", axes=[0]).result
    return graph.AddOp.of(graph.DenseOp.of(x, kernel).result, row).result


def computed_norm(build: GraphModule, x: SSAValue) -> SSAValue:
    vectors = [build.weight(name, np.arange(1, 5, dtype=np.float32)) for name in ("gamma", "beta", "mean", "variance")]
    return graph.BatchNormOp.of(x, *(graph.AbsOp.of(vector).result for vector in vectors), axis=1).result


CASES = (computed_kernel, kernel_of_two_layers, kernel_used_outside, computed_norm)


@pytest.mark.parametrize("body", CASES, ids=lambda body: body.__name__)
def test_it_computes_what_the_interpreter_does(body: Callable[[GraphModule, SSAValue], SSAValue]) -> None:
    module, weights = made(body)
    (expected,) = run_module(module, {"x": X}, weights)
    (found,) = run_torch_code(module, {"x": X}, weights)
    assert_close(found, expected, 1e-5)


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (computed_kernel, "x @ "),
        (kernel_of_two_layers, "self.dense.weight"),
        (kernel_used_outside, "self.dense.weight"),
        (computed_norm, "F.batch_norm("),
    ],
)
def test_it_reads_as_one_writes_it(body: Callable[[GraphModule, SSAValue], SSAValue], line: str) -> None:
    assert line in emit(made(body)[0])


def test_a_tied_table_is_an_embedding_and_read_from_it() -> None:
    build = GraphModule()

    def body(ids: SSAValue) -> SSAValue:
        table = square(build, "embedding.embeddings")
        rows = graph.GatherOp.of(table, ids).result
        return graph.DenseOp.of(rows, graph.TransposeOp.of(table, perm=[1, 0]).result).result

    module = build.model({"ids": tensor("batch", 3, element=i64)}, body)
    code = emit(module)
    assert "self.embedding = nn.Embedding(4, 4)" in code
    assert code.count("nn.Parameter") == 0
    ids = np.array([[0, 3, 1]])
    (found,) = run_torch_code(module, {"ids": ids}, build.weights)
    (expected,) = run_module(module, {"ids": ids}, build.weights)
    assert_close(found, expected, 1e-5)
